"""Whether a peer's result is right: the largest error over the sum of magnitudes that it is made of, beside a bound of roundings.

A sample is compared with f64: rows and columns chosen at random, and the outermost.
"""

import torch

# Unit roundoff of the types.
UNIT = {torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8, torch.float32: 2.0**-24}
# Half the spacing of the smallest numbers: below it rounding is absolute. That of the other types is too small to matter.
FLOOR = {torch.float16: 2.0**-25}
# Roundings to the narrow type on the way to a result: a weight, its scale, their product, the result.
ROUNDINGS = 4


def few(length, count):
    """A few indices, the outermost among them."""
    inner = torch.randint(0, length, (count,), device="cuda")
    return torch.cat((inner, torch.tensor([0, length - 1], device="cuda"))).unique()


def share(result, value, magnitude):
    """The largest error as a share of the magnitude; NaN if there is one."""
    error = ((result.double() - value).abs() - FLOOR.get(result.dtype, 0.0)).clamp_min(0)
    return (error / magnitude.clamp_min(1e-30)).max().item()


def product(x, w, dtype):
    """The check of y = x · wᵀ for f64 functions of rows: x(rows) and w(columns); sums in f32 over k."""

    def check(y):
        rows, columns = few(y.shape[0], 6), few(y.shape[1], 24)
        left, right = x(rows).double(), w(columns).double()
        sampled = y[rows][:, columns]
        exact = not dtype.is_floating_point
        bound = 0.0 if exact else ROUNDINGS * UNIT[dtype] + left.shape[1] * UNIT[torch.float32]
        return share(sampled, left @ right.T, left.abs() @ right.abs().T), bound

    return check


def attention(q, k, v, causal):
    """The check of attention, all tensors [batch, heads, length, dimension]."""

    def check(o):
        batch, heads, length, dim = q.shape
        worst = 0.0
        for index in few(batch * heads * length, 6).tolist():
            b, h, i = index // (heads * length), index // length % heads, index % length
            seen = i + 1 if causal else k.shape[2]
            keys, values = (t[b, h * k.shape[1] // heads, :seen].double() for t in (k, v))
            weights = (keys @ q[b, h, i].double() / dim**0.5).softmax(0)
            error = share(o[b, h, i], weights @ values, weights @ values.abs())
            worst = error if not error <= worst else worst
        # Scores are f32 sums of dim products of at most 1, over the root of dim; their error becomes a relative error of the weights, and of
        # the weights' sum.
        return worst, ROUNDINGS * UNIT[q.dtype] + 2 * dim**1.5 * UNIT[torch.float32]

    return check


def rows(x, exact, magnitude):
    """The check of an operation on rows: `exact` and `magnitude` of f64 rows. Sums are made of at least 256 partial sums."""

    def check(y):
        chosen = few(x.shape[0], 6)
        part = x[chosen].double()
        bound = 2 * UNIT[y.dtype] + (x.shape[1] / 256 + 32) * UNIT[torch.float32]
        return share(y[chosen], exact(part), magnitude(part)), bound

    return check
