//! Approximate functions of f64.
//!
//! `rcp.approx.ftz.f64` and `rsqrt.approx.ftz.f64` are functions of the upper word of an f64, which has 20 bits of the fraction. The PTX ISA gives no bound of
//! their errors. They are rounded to the nearest upper word here, and never moved by a seed. Whether an operand is a NaN is told by its upper word alone.
//!
//! `rsqrt.approx.f64` has no bound there either; CUDA's `rsqrt`, which is compiled to it, may be wrong by a unit in the last place. It is nearer than that here,
//! and never moved.
//!
//! # Source
//! PTX ISA 9.0, sections 9.7.3.14, 9.7.3.17 and 9.7.3.18; CUDA C++ Programming Guide 13.0, mathematical functions.

/// The low word, which operands do not have and results have as zeros.
const LOW: u64 = 0xFFFF_FFFF;
const NAN: u64 = 0x7FFF_FFFF_0000_0000;

pub(super) fn unary(of_root: bool, a: u64) -> u64 {
    let x = flushed(f64::from_bits(a & !LOW));
    let exact = if of_root { 1.0 / if x == 0.0 { x } else { x.sqrt() } } else { 1.0 / x };
    if exact.is_nan() {
        return NAN;
    }
    let bits = flushed(exact).to_bits();
    // To nearest, ties to even; a carry goes into the exponent.
    (bits + (LOW >> 1) + (bits >> 32 & 1)) & !LOW
}

fn flushed(value: f64) -> f64 {
    if value.is_subnormal() { 0.0f64.copysign(value) } else { value }
}

/// `rsqrt.approx.f64`.
pub(super) fn reciprocal_root(a: u64) -> u64 {
    let x = f64::from_bits(a);
    if x.is_nan() {
        return a | 1 << 51;
    }
    if x < 0.0 {
        return 0xFFF8_0000_0000_0000;
    }
    if x == 0.0 || x.is_infinite() {
        return (1.0 / x).to_bits();
    }
    // One step of Newton's, with the error of the product that it starts from.
    let first = 1.0 / x.sqrt();
    let product = x * first;
    let lost = x.mul_add(first, -product);
    let rest = (-product).mul_add(first, 1.0) - lost * first;
    (0.5 * first).mul_add(rest, first).to_bits()
}
