"""Peers of the products and projections, at the shapes of showcase/src/bench/cases/{matmul_f16,matmul_int8,matmul_int4,qkv}.rs."""

import copy
import functools

import torch

import checks
from timing import sets_of

LAYERS = ((6144, 4096), (8192, 8192), (4096, 4096))
ROWS = (1, 8, 16, 64, 512, 2048, 4096)
SQUARES = (2048, 4096, 8192)
GROUP = 128
QKV_K = 4096
QKV_COLUMNS = ((4096, 4096), (4096, 1024))
QKV_ROWS = (1, 16, 64, 512, 2048, 4096)
# The fewest rows that torch._int_mm takes on a GPU are 17.
INT_MM_ROWS = 32


def uniform(*shape, dtype=torch.float16):
    """Random numbers from -1 to 1."""
    return (torch.rand(*shape, device="cuda") * 2 - 1).to(dtype)


def integers(bits, *shape):
    """Random integers of so many bits, signed."""
    return torch.randint(-(1 << bits - 1), 1 << bits - 1, shape, device="cuda", dtype=torch.int8)


def copies(tensor, size):
    """The tensor as often as exceeds four times the L2, where one is `size` bytes."""
    return [tensor] + [tensor.clone() for _ in range(1, sets_of(size))]


def matmul_f16(record):
    """cuBLAS through torch."""

    def layer(n, k, rows):
        w = uniform(n, k)
        weights = copies(w, 2 * n * k)
        for m in rows:
            x, y = uniform(m, k), torch.empty(m, n, device="cuda", dtype=torch.float16)
            calls = [functools.partial(torch.mm, x, w.t(), out=y) for w in weights]
            check = checks.product(lambda r: x[r], lambda c: w[c], torch.float16)
            record.case("matmul-f16", "f16", f"{m} x {n} x {k}", "cuBLAS (torch.mm)", lambda: (calls, check))

    for n, k in LAYERS:
        layer(n, k, ROWS)
    for side in SQUARES:
        if (side, side) not in LAYERS or side not in ROWS:
            layer(side, side, (side,))


def matmul_int8(record):
    """W8A8: torch._int_mm, raw and with scales; humming with the scales in its kernel."""
    for n, k in LAYERS:
        w = integers(8, n, k)
        weights, w_scale = copies(w, n * k), torch.rand(n, device="cuda")
        layers = functools.cache(lambda: humming(record, w, (w_scale * 1e-2)[:, None].half(), 8, inputs="int8"))
        for m in ROWS:
            shape = f"{m} x {n} x {k}"
            int_mm(record, "scales, f16", shape, integers(8, max(m, INT_MM_ROWS), k), weights, m, w_scale)

            def fused(m=m):
                from_f16 = record.module("humming", "humming.forward").may_process_input
                x, groups, tokens = from_f16(layers()[0][0].humming_config, uniform(m, k), m_major_scale=False)
                scale = groups if groups is not None else tokens
                calls = [functools.partial(layer, inputs=x, input_scale=scale) for layer in layers()[0]]
                scaled = x.double() * scale.double().reshape(m, 1)
                return calls, checks.product(lambda r: scaled[r], layers()[1], torch.float16)

            record.case("matmul-int8", "scales, f16", shape, "humming", fused, "W8A8, scales in the kernel")
        del weights, layers
        torch.cuda.empty_cache()
    for side in SQUARES:
        w = integers(8, side, side)
        int_mm(record, "i32 sums", f"{side} x {side} x {side}", integers(8, side, side), copies(w, side * side), side, None)


def int_mm(record, variant, shape, x, weights, m, w_scale):
    """torch._int_mm: the sums alone, and where scales are wanted with them, as torch and as its compiler do it."""
    note = f"x padded to {x.shape[0]} rows" if x.shape[0] != m else ""
    sums = [functools.partial(torch._int_mm, x, w.t()) for w in weights]
    exact = checks.product(lambda r: x[r], lambda c: weights[0][c], torch.int32)
    record.case("matmul-int8", variant, shape, "cuBLAS (torch._int_mm)", lambda: (sums, exact), note, w_scale is None)
    if w_scale is None:
        return
    x_scale = torch.rand(x.shape[0], 1, device="cuda") * 1e-3

    def scaled(w):
        return (torch._int_mm(x, w.t()) * x_scale * w_scale).half()

    check = checks.product(lambda r: x[r] * x_scale[r], lambda c: weights[0][c] * w_scale[c, None], torch.float16)
    eager = [functools.partial(scaled, w) for w in weights]
    record.case("matmul-int8", variant, shape, "torch (_int_mm, then scales)", lambda: (eager, check), note)

    def compiled():
        torch._dynamo.reset()
        call = torch.compile(scaled, dynamic=False)
        return [functools.partial(call, w) for w in weights], check

    record.case("matmul-int8", variant, shape, "torch.compile", compiled, "; ".join(filter(None, ("of _int_mm and scales", note))))


def matmul_w8a16(record):
    """Eight bits, a scale a row."""
    for n, k in LAYERS:
        weight_only(record, "matmul-w8a16", "a scale a row", n, k, {m: f"{m} x {n} x {k}" for m in ROWS}, 8)


def matmul_int4(record):
    """Four bits, a scale for 128 of k."""
    for n, k in LAYERS:
        weight_only(record, "matmul-int4", f"group {GROUP}", n, k, {m: f"{m} x {n} x {k}" for m in ROWS}, 4)


def qkv(record, operation, bits):
    """The three projections as one product; peers have no other form. It stands beside every schedule of ours."""
    for n_q, n_kv in QKV_COLUMNS:
        shapes = {m: f"{m} x ({n_q} + 2 · {n_kv}) x {QKV_K}" for m in QKV_ROWS}
        weight_only(record, operation, None, n_q + 2 * n_kv, QKV_K, shapes, bits)


def weight_only(record, operation, variant, n, k, shapes, bits):
    """Peers of f16 times quantized weights, for each m of `shapes`."""
    w = integers(bits, n, k)
    scale = ((torch.rand(n, 1 if bits == 8 else k // GROUP, device="cuda") + 1e-2) * 1e-2).half()
    builders = {"humming": humming}
    if bits == 4:
        builders |= {"gemlite": gemlite, "tinygemm": tinygemm}
    built = {peer: functools.cache(functools.partial(build, record, w, scale, bits)) for peer, build in builders.items()}
    for m, shape in shapes.items():
        for peer, layers in built.items():
            dtype = torch.bfloat16 if peer == "tinygemm" else torch.float16

            def make(layers=layers, dtype=dtype, m=m):
                x = uniform(m, k, dtype=dtype)
                calls = [functools.partial(layer, x) for layer in layers()[0]]
                return calls, checks.product(lambda r: x[r], layers()[1], dtype)

            record.case(operation, variant, shape, peer, make, "bf16" if dtype == torch.bfloat16 else "")
    built.clear()
    torch.cuda.empty_cache()


def dequantized(w, scale):
    """Rows of the weight as they count."""

    def rows(chosen):
        values = w[chosen].double().unflatten(1, (scale.shape[1], -1))
        return (values * scale[chosen].double()[:, :, None]).flatten(1)

    return rows


def humming(record, w, scale, bits, inputs=None):
    """humming's layer: integers offset to be positive, packed in words along k."""
    layers, ops = (record.module("humming", name) for name in ("humming.layer", "humming.ops"))
    (n, k), groups = w.shape, scale.shape[1]
    weight = {"dtype": f"int{bits}"} | ({"group_size": k // groups} if groups > 1 else {})
    layer = layers.HummingLayer(
        shape_n=n, shape_k=k, weight_config=weight, input_config={"dtype": inputs} if inputs else None, torch_dtype=torch.float16
    ).cuda()
    codes = w.to(torch.int32) + (1 << bits - 1)
    layer.load_from_tensors({"weight": ops.pack_weight(codes, bits), "weight_scale": scale})
    layer.transform()
    sets = sets_of(w.numel() * bits // 8 + 2 * scale.numel())
    return [layer] + [copy.deepcopy(layer) for _ in range(1, sets)], dequantized(w, scale)


def gemlite(record, w, scale, bits):
    """gemlite's layer (Triton)."""
    module = record.module("gemlite", "gemlite")
    (n, k), layers = w.shape, []
    for _ in range(sets_of(w.numel() * bits // 8 + 2 * scale.numel())):
        half = module.DType.FP16
        layer = module.GemLiteLinear(
            bits, group_size=k // scale.shape[1], in_features=k, out_features=n, input_dtype=half, output_dtype=half
        )
        zero = 1 << bits - 1
        layer.pack((w.to(torch.int32) + zero).to(torch.uint8), scale.reshape(-1, 1).clone(), zero, None)
        layers.append(layer)
    return layers, dequantized(w, scale)


def tinygemm(record, w, scale, bits):
    """What torch itself has for int4: bf16, scale and zero of each group beside each other."""
    codes = (w + 8).to(torch.uint8)
    packed = torch._convert_weight_to_int4pack(codes[:, ::2] << 4 | codes[:, 1::2], 8)
    narrow = scale.bfloat16()
    scale_and_zero = torch.stack((narrow, torch.zeros_like(narrow)), 2).transpose(0, 1).contiguous()
    sets = copies(packed, w.numel() * bits // 8 + 2 * scale.numel())
    calls = [lambda x, packed=packed: torch._weight_int4pack_mm(x, packed, GROUP, scale_and_zero) for packed in sets]
    return calls, dequantized(w, narrow)


OPERATIONS = {
    "matmul-f16": matmul_f16,
    "matmul-int8": matmul_int8,
    "matmul-w8a16": matmul_w8a16,
    "matmul-int4": matmul_int4,
    "qkv-int8": functools.partial(qkv, operation="qkv-int8", bits=8),
    "qkv-int4": functools.partial(qkv, operation="qkv-int4", bits=4),
}
