"""Peers of softmax, norms and reductions, at the shapes of showcase/src/bench/cases/rows.rs."""

import functools

import torch
import torch.nn.functional as F

import checks
from timing import sets_of

SHAPES = ((64, 4096), (32768, 1024), (16384, 4096), (4096, 16384), (1024, 65536))
EPSILON = 1e-5


def uniform(*shape, dtype):
    return (torch.rand(*shape, device="cuda") * 2 - 1).to(dtype)


def per_row(record, operation, dtypes, outputs):
    """All peers of an operation on rows; `outputs` columns are written for each column read."""
    for rows, columns in SHAPES:
        for dtype in dtypes:
            shape, variant = f"{rows} x {columns}", {torch.float16: "f16", torch.float32: "f32"}[dtype]
            x, weight = uniform(rows, columns, dtype=dtype), uniform(columns, dtype=dtype)
            size = x.nbytes * (1 + outputs)
            function, exact, magnitude = FUNCTIONS[operation](columns, weight)
            check = checks.rows(x, exact, magnitude)
            sets = functools.cache(lambda x=x, size=size: [x] + [x.clone() for _ in range(1, sets_of(size))])

            def eager(sets=sets, function=function, check=check):
                return [functools.partial(function, x) for x in sets()], check

            def compiled(sets=sets, function=function, check=check):
                # Each shape on its own: no limit on recompilations, no dynamic shapes.
                torch._dynamo.reset()
                call = torch.compile(function, dynamic=False)
                return [functools.partial(call, x) for x in sets()], check

            def liger(sets=sets, weight=weight, check=check):
                norm = record.module("Liger", "liger_kernel.ops.rms_norm").LigerRMSNormFunction
                return [functools.partial(norm.apply, x, weight, EPSILON, 0.0, "llama", False) for x in sets()], check

            record.case(operation, variant, shape, "torch", eager)
            record.case(operation, variant, shape, "torch.compile", compiled)
            if operation == "rms-norm":
                record.case(operation, variant, shape, "Liger", liger)
            sets.cache_clear()
            torch.cuda.empty_cache()


def softmax(columns, weight):
    def exact(x):
        return x.softmax(-1)

    return lambda x: F.softmax(x, -1), exact, exact


def rms_norm(columns, weight):
    wide = weight.double()

    def exact(x):
        return x * (x.square().mean(-1, keepdim=True) + EPSILON).rsqrt() * wide

    return lambda x: F.rms_norm(x, (columns,), weight, EPSILON), exact, lambda x: exact(x).abs()


def layer_norm(columns, weight):
    wide = weight.double()

    def exact(x):
        return F.layer_norm(x, (columns,), wide, wide, EPSILON)

    def magnitude(x):
        deviation = (x.var(-1, correction=0, keepdim=True) + EPSILON).sqrt()
        return ((x.abs() + x.abs().mean(-1, keepdim=True)) / deviation + 1) * wide.abs()

    return lambda x: F.layer_norm(x, (columns,), weight, weight, EPSILON), exact, magnitude


def reduction(function, magnitude):
    return lambda columns, weight: (function, function, magnitude)


FUNCTIONS = {
    "softmax": softmax,
    "rms-norm": rms_norm,
    "layer-norm": layer_norm,
    "reduce-sum": reduction(lambda x: x.sum(-1), lambda x: x.abs().sum(-1)),
    "reduce-max": reduction(lambda x: x.amax(-1), lambda x: x.amax(-1).abs()),
    "reduce-min": reduction(lambda x: x.amin(-1), lambda x: x.amin(-1).abs()),
}
MATRICES = ("softmax", "rms-norm", "layer-norm")
OPERATIONS = {
    name: functools.partial(per_row, operation=name, dtypes=(torch.float16, torch.float32), outputs=1)
    if name in MATRICES
    else functools.partial(per_row, operation=name, dtypes=(torch.float32,), outputs=0)
    for name in FUNCTIONS
}
