"""Peers of attention, at the shapes of showcase/src/bench/cases/attention.rs."""

import functools

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

import checks
from timing import sets_of

TOKENS = 16384
WIDTH = 2048
LENGTHS = (512, 1024, 2048, 4096, 8192, 16384)


def attention(record):
    """Whole sequences, then one query over many keys, with as many and with fewer heads of keys."""
    for dim in (64, 128):
        for causal in (False, True):
            for length in LENGTHS:
                heads = WIDTH // dim
                case(record, (TOKENS // length, heads, heads, length, length, dim), causal)
    case(record, (8, 32, 32, 1, 8192, 128), False)
    case(record, (8, 32, 4, 1, 8192, 128), False)


def case(record, shape, causal):
    batch, heads_q, heads_kv, len_q, len_kv, dim = shape
    text = f"{batch} x {heads_q}:{heads_kv} x {len_q}:{len_kv} x {dim}"
    sizes = ((batch, heads_q, len_q, dim), (batch, heads_kv, len_kv, dim), (batch, heads_kv, len_kv, dim))
    size = 4 * batch * dim * (heads_q * len_q + heads_kv * len_kv)

    def sets(dtype):
        first = [(torch.rand(size, device="cuda") * 2 - 1).to(dtype) for size in sizes]
        return [first] + [[tensor.clone() for tensor in first] for _ in range(1, sets_of(size))]

    def add(peer, call, dtype=torch.float16, transposed=False):
        def make():
            given = sets(dtype)
            check = checks.attention(*given[0], causal)
            if not transposed:
                return [functools.partial(call, *tensors) for tensors in given], check
            # The peer's own layout: heads after positions.
            given = [[tensor.transpose(1, 2).contiguous() for tensor in tensors] for tensors in given]
            return [functools.partial(call, *tensors) for tensors in given], lambda o: check(o.transpose(1, 2))

        note = "bf16" if dtype == torch.bfloat16 else ""
        record.case("attention", "causal" if causal else "full", text, peer, make, note)
        torch.cuda.empty_cache()

    def sdpa(backend, q, k, v):
        with sdpa_kernel(backend):
            return F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=heads_q != heads_kv)

    def fa3(q, k, v):
        module = record.module("FlashAttention 3 (fa3-fwd)", "fa3_fwd_interface")
        return module.flash_attn_func(q, k, v, causal=causal)

    add("cuDNN (SDPA)", functools.partial(sdpa, SDPBackend.CUDNN_ATTENTION))
    add("FlashAttention 2 (SDPA)", functools.partial(sdpa, SDPBackend.FLASH_ATTENTION))
    # Its wheel has bf16 alone.
    add("FlashAttention 3 (fa3-fwd)", fa3, torch.bfloat16, transposed=True)


OPERATIONS = {"attention": attention}
