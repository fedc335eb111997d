"""Small Triton kernels, and what Triton prints of them for sm_80: `python kernels.py` beside an installed Triton writes one .ptx each. Needs no GPU."""

import os
import re

import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource


@triton.jit
def softmax(x, y, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    column = tl.arange(0, BLOCK)
    inside = column < columns
    values = tl.load(x + row * columns + column, mask=inside, other=-float("inf"))
    powers = tl.exp(values - tl.max(values, 0))
    tl.store(y + row * columns + column, powers / tl.sum(powers, 0), mask=inside)


@triton.jit
def histogram(x, counts, BLOCK: tl.constexpr, BINS: tl.constexpr):
    values = tl.load(x + tl.program_id(0) * BLOCK + tl.arange(0, BLOCK))
    tl.atomic_add(counts + tl.arange(0, BINS), tl.histogram(values, BINS))


@triton.jit
def product(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(1) * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    sums = tl.zeros((BM, BN), dtype=tl.float32)
    for start in range(0, K, BK):
        left = tl.load(a + m[:, None] * K + (start + k)[None, :], mask=(m[:, None] < M) & ((start + k)[None, :] < K), other=0.0)
        right = tl.load(b + (start + k)[:, None] * N + n[None, :], mask=((start + k)[:, None] < K) & (n[None, :] < N), other=0.0)
        sums = tl.dot(left, right, sums)
    tl.store(c + m[:, None] * N + n[None, :], sums, mask=(m[:, None] < M) & (n[None, :] < N))


@triton.jit
def largest(x, place, BLOCK: tl.constexpr):
    values = tl.load(x + tl.program_id(0) * BLOCK + tl.arange(0, BLOCK))
    tl.store(place + tl.program_id(0), tl.argmax(values, 0))


@triton.jit
def plus(a, b):
    return a + b


@triton.jit
def running_sums(x, y, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + at, tl.associative_scan(tl.load(x + at), 0, plus))


@triton.jit
def narrow_floats(x, y, z, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    narrow = tl.load(x + at).to(tl.float8e5)
    tl.store(y + at, narrow)
    tl.store(z + at, narrow.to(tl.float32))


F32, F16, F8, I32 = "*fp32", "*fp16", "*fp8e5", "*i32"
KERNELS = [
    (softmax, {"x": F32, "y": F32, "columns": "i32"}, {"BLOCK": 1024}),
    (histogram, {"x": I32, "counts": I32}, {"BLOCK": 1024, "BINS": 64}),
    (product, {"a": F16, "b": F16, "c": F32, "M": "i32", "N": "i32", "K": "i32"}, {"BM": 64, "BN": 32, "BK": 32}),
    (largest, {"x": F32, "place": I32}, {"BLOCK": 256}),
    (running_sums, {"x": I32, "y": I32}, {"BLOCK": 512}),
    (narrow_floats, {"x": F32, "y": F8, "z": F32}, {"BLOCK": 256}),
]

if __name__ == "__main__":
    folder = os.path.dirname(os.path.abspath(__file__))
    for kernel, types, constants in KERNELS:
        signature = types | {name: "constexpr" for name in constants}
        values = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
        # Every pointer is aligned to 16 bytes, as torch's are.
        aligned = {(kernel.arg_names.index(name),): [["tt.divisibility", 16]] for name, kind in types.items() if kind[0] == "*"}
        source = ASTSource(fn=kernel, signature=signature, constexprs=values, attrs=aligned)
        compiled = triton.compile(source, target=GPUTarget("cuda", 80, 32), options={"num_warps": 4, "num_stages": 3})
        name, shared = compiled.metadata.name, compiled.metadata.shared
        head = f"// Printed by Triton {triton.__version__} for sm_80; 128 threads, {shared} bytes of dynamic shared memory.\n"
        # Paths of the machine are nobody's business.
        text = re.sub(r'(\.file\s+\d+\s+")[^"]*/', r"\1", compiled.asm["ptx"])
        text = re.sub(r"\.section\s+\.debug_abbrev.*", "", text, flags=re.S)
        with open(os.path.join(folder, f"{name}.ptx"), "w") as file:
            file.write(head + text.rstrip() + "\n")
