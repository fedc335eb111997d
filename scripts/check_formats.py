"""Our checkpoint files read by the Python packages of their formats, and theirs by us.

    check_formats.py read DIR     reads what `exchange write DIR` wrote, and compares with DIR/expected.safetensors
    check_formats.py write DIR    writes a file a format, and DIR/expected.safetensors, for `exchange read DIR`

GGUF by the package gguf. compressed-tensors and AutoAWQ need torch only as a container of numbers, so their own functions run here on a stand-in made of numpy
(COMPRESSED_TENSORS and AUTOAWQ are the files with these functions). AutoGPTQ does not install without torch; its packing is a few lines, written down here again after
qlinear_cuda_old.py of 9f7d370.
"""

import importlib.util
import os
import sys
import types
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file, save_file

SHAPE = N, K = 16, 512
GROUP = 128


class Tensor(np.ndarray):
    """What those functions use of torch.Tensor."""

    device = types.SimpleNamespace(type="cpu")

    def to(self, dtype):
        return self.astype(dtype)

    def long(self):
        return self.astype(np.int64)

    def transpose(self, first, second):
        return np.swapaxes(self, first, second)

    def unsqueeze(self, dim):
        return np.expand_dims(self, dim)

    def expand(self, *shape):
        return np.broadcast_to(self, [old if new == -1 else new for old, new in zip(self.shape, shape)], subok=True)

    def contiguous(self):
        return np.ascontiguousarray(self).view(Tensor)

    def view(self, *what):
        if len(what) == 1 and isinstance(what[0], (type, np.dtype)):
            return np.ndarray.view(self, what[0])
        return self.reshape(*what)

    def sum(self, dim=None, **rest):
        # numpy's own functions say axis.
        return np.ndarray.sum(self, axis=rest.pop("axis", dim), **rest)

    def repeat_interleave(self, count, dim):
        return np.repeat(self, count, axis=dim)

    def scatter_add_(self, dim, index, source):
        assert dim == 1
        np.add.at(self, (np.arange(len(self))[:, None], index), source)


def tensor(values):
    return np.ascontiguousarray(values).view(Tensor)


def stand_in():
    torch = types.ModuleType("torch")
    torch.Tensor, torch.Size = Tensor, tuple
    for name in ["int8", "uint8", "int32", "int64", "float16"]:
        setattr(torch, name, np.dtype(name))
    torch.zeros = lambda *shape, dtype, device=None: np.zeros(shape, dtype).view(Tensor)
    torch.arange = lambda *bounds, dtype=np.int64, device=None: np.arange(*bounds, dtype=dtype).view(Tensor)
    torch.stack = lambda parts, dim=0: np.stack(parts, axis=dim).view(Tensor)
    torch.bitwise_right_shift, torch.bitwise_left_shift = np.right_shift, np.left_shift
    torch.bitwise_and = np.bitwise_and
    pad = lambda value, widths: np.pad(value, [(0, 0), widths]).view(Tensor)
    torch.nn = types.SimpleNamespace(functional=types.SimpleNamespace(pad=pad))
    return torch


def module(variable):
    """The module in the file that an environment variable names."""
    sys.modules["torch"] = stand_in()
    spec = importlib.util.spec_from_file_location(variable.lower(), os.environ[variable])
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def nibbles(words, axis):
    """Words taken apart along an axis, the lowest nibble first."""
    parts = [words.view(np.uint32) >> np.uint32(4 * place) & np.uint32(15) for place in range(8)]
    stacked = np.stack(parts, axis=axis + 1).astype(np.int32)
    shape = list(words.shape)
    shape[axis] *= 8
    return stacked.reshape(shape)


def together(values, axis, order=range(8)):
    """The inverse: nibble i is value order[i] of its eight."""
    shape = list(values.shape)
    shape[axis : axis + 1] = [shape[axis] // 8, 8]
    split = np.moveaxis(values.astype(np.uint32).reshape(shape), axis + 1, 0)
    return np.bitwise_or.reduce([split[value] << np.uint32(4 * place) for place, value in enumerate(order)]).view(np.int32)


def read_gptq(part, adds_one):
    q, scales, group = nibbles(part("qweight"), 0), part("scales").astype(np.float32), part("g_idx")
    zeros = nibbles(part("qzeros"), 1)
    zeros = (zeros + 1) & 15 if adds_one else zeros
    return (scales[group] * (q - zeros[group])).T


def read_awq(part):
    awq = module("AUTOAWQ")
    groups = part("scales").shape[0]
    words = [tensor(part("qweight")), tensor(part("qzeros"))]
    # In f32, so that products are exact as ours are.
    return awq.dequantize_gemm(*words, tensor(part("scales").astype(np.float32)), 4, words[0].shape[0] // groups).T


def read_awq_gemv(part, group=64):
    q = nibbles(part("qweight"), 1)
    groups = q.shape[1] // group
    scales, zeros = part("scales").astype(np.float32)[:, :groups], nibbles(part("qzeros"), 1)[:, :groups]
    return np.repeat(scales, group, 1) * (q - np.repeat(zeros, group, 1))


def read_compressed(part):
    helpers = module("COMPRESSED_TENSORS")
    n, k = (int(size) for size in part("weight_shape"))
    scales = part("weight_scale").astype(np.float32)
    q = helpers.unpack_from_int32(tensor(part("weight_packed")), 4, (n, k)).astype(np.int32)
    zeros = np.zeros(scales.shape, np.int32)
    if part("weight_zero_point") is not None:
        zeros = helpers.unpack_from_int32(tensor(part("weight_zero_point")), 4, scales.shape, packed_dim=0).astype(np.int32)
    group = part("weight_g_idx")
    group = np.arange(k) // (k // scales.shape[1]) if group is None else group
    return scales[:, group] * (q - zeros[:, group])


def same(name, found, wanted):
    if found.shape != wanted.shape or not np.array_equal(found, wanted):
        raise SystemExit(f"{name}: read by its package it differs from what was written")
    print(f"read  {name}")


def read(folder):
    expected = load_file(folder / "expected.safetensors")
    readers = {
        "gptq": lambda part: read_gptq(part, True),
        "gptq_v2": lambda part: read_gptq(part, False),
        "awq": read_awq,
        "awq_gemv": read_awq_gemv,
        "compressed": read_compressed,
    }
    for name, wanted in expected.items():
        form, case = name.split(".")
        if form != "gguf":
            tensors = load_file(folder / f"{form}.safetensors")
            same(name, np.asarray(readers[form](lambda part: tensors.get(f"{case}.{part}"))), wanted)
    found = {f"gguf.{tensor.name}": tensor for tensor in gguf.GGUFReader(folder / "model.gguf").tensors}
    for name in [name for name in expected if name.startswith("gguf.")]:
        tensor_found = found[name]
        values = gguf.dequantize(tensor_found.data, tensor_found.tensor_type)
        same(name, values.reshape(tuple(reversed(tensor_found.shape))).astype(np.float32), expected[name])


def quantized(random, symmetric):
    """q, zero points and scales of a weight, [K, N] and [groups, N]; zero points as AutoGPTQ v1 can hold them."""
    weights = random.standard_normal((K, N)).astype(np.float32).reshape(K // GROUP, GROUP, N)
    low, high = np.minimum(weights.min(1), 0), np.maximum(weights.max(1), 0)
    if symmetric:
        high = np.maximum(high, -low)
        low = -high
    scales = ((high - low) / 15).astype(np.float16)
    steps = scales.astype(np.float32)
    zeros = np.full(scales.shape, 8) if symmetric else np.clip(np.round(-low / steps), 1, 15)
    q = np.clip(np.round(weights / steps[:, None]) + zeros[:, None], 0, 15)
    return q.reshape(K, N).astype(np.int32), zeros.astype(np.int32), scales


def write(folder):
    helpers = module("COMPRESSED_TENSORS")
    random, expected = np.random.default_rng(7), {}
    files = {form: {} for form in ["gptq", "gptq_v2", "awq", "awq_gemv", "compressed"]}
    for case in ["symmetric", "affine"]:
        q, zeros, scales = quantized(random, case == "symmetric")
        group = (np.arange(K) // GROUP).astype(np.int32)
        weight = np.ascontiguousarray((scales[group].astype(np.float32) * (q - zeros[group])).T.astype(np.float32))
        common = {"scales": scales, "g_idx": group}
        order = [0, 2, 4, 6, 1, 3, 5, 7]
        # AutoGPTQ packs along K and along N; v1 takes one off the zero points first.
        layers = {
            "gptq": common | {"qweight": together(q, 0), "qzeros": together(zeros - 1, 1)},
            "gptq_v2": common | {"qweight": together(q, 0), "qzeros": together(zeros, 1)},
            "awq": {"qweight": together(q, 1, order), "qzeros": together(zeros, 1, order), "scales": scales},
            "awq_gemv": {
                "qweight": together(np.ascontiguousarray(q.T), 1),
                # One word has room for eight groups; there are four.
                "qzeros": together(np.pad(zeros.T, [(0, 0), (0, 4)]), 1),
                "scales": np.pad(scales.T, [(0, 0), (0, 4)]),
            },
            "compressed": {
                "weight_packed": helpers.pack_to_int32(tensor((q.T - 8).astype(np.int8)), 4),
                "weight_scale": np.ascontiguousarray(scales.T),
                "weight_shape": np.array(SHAPE, np.int64),
            },
        }
        if case == "affine":
            signed = tensor((zeros.T - 8).astype(np.int8))
            layers["compressed"]["weight_zero_point"] = helpers.pack_to_int32(signed, 4, packed_dim=0)
        for form, tensors in layers.items():
            files[form] |= {f"{case}.{part}": np.ascontiguousarray(values) for part, values in tensors.items()}
            expected[f"{form}.{case}"] = weight
    for form, tensors in files.items():
        save_file({name: np.asarray(values) for name, values in tensors.items()}, folder / f"{form}.safetensors")

    writer = gguf.GGUFWriter(folder / "model.gguf", "llama")
    writer.add_array("tokenizer.ggml.tokens", ["a", "bc", ""])
    weight = random.standard_normal((N, K)).astype(np.float32)
    kinds = gguf.GGMLQuantizationType
    for kind in [kinds.F32, kinds.F16, kinds.BF16, kinds.Q4_0, kinds.Q4_1, kinds.Q8_0]:
        data = gguf.quantize(weight, kind)
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        expected[f"gguf.{kind.name}"] = gguf.dequantize(data, kind).astype(np.float32).reshape(N, K)
    # The package does not quantize to Q4_K: blocks of any bytes, with finite scales.
    blocks = random.integers(0, 256, (N, K // 256, 144), np.uint8)
    blocks[..., :4] = np.array([0.25, 0.125], np.float16).view(np.uint8)
    blocks = blocks.reshape(N, -1)
    writer.add_tensor("Q4_K", blocks, raw_dtype=kinds.Q4_K)
    expected["gguf.Q4_K"] = gguf.dequantize(blocks, kinds.Q4_K).astype(np.float32).reshape(N, K)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(expected, folder / "expected.safetensors")


if __name__ == "__main__":
    {"read": read, "write": write}[sys.argv[1]](Path(sys.argv[2]))
