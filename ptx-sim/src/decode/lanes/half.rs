//! f16 among f32, without branches, so that a compiler makes vectors of it.
//!
//! An f16 is an exact f32, so is the product of two, and a sum of two rounded to f32 and again to f16 is rounded as if once: f32 has more than twice the
//! bits, and two. A product and a third number need more, and are rounded to odd first.

/// What every NaN of f16 looks like.
const NAN: u32 = 0x7FFF;

/// The f32 that the low 16 bits stand for.
#[inline]
pub(super) fn to_single(bits: u32) -> f32 {
    let magnitude = bits & 0x7FFF;
    let sign = (bits & 0x8000) << 16;
    // The fields moved into place, and the difference of the biases made up for: exact for subnormals too.
    let finite = f32::from_bits(magnitude << 13) * f32::from_bits((127 + 112) << 23);
    let special = 0x7F80_0000 | magnitude << 13;
    let value = if magnitude >= 0x7C00 { special } else { finite.to_bits() };
    f32::from_bits(value | sign)
}

/// The nearest f16.
#[inline]
pub(super) const fn from_single(value: f32) -> u32 {
    let bits = value.to_bits();
    let (magnitude, sign) = (bits & 0x7FFF_FFFF, bits >> 16 & 0x8000);
    // Half the value of an f16's last bit above this float is the last bit of the float.
    const SUBNORMAL: f32 = 0.5;
    let subnormal = (f32::from_bits(magnitude) + SUBNORMAL).to_bits().wrapping_sub(SUBNORMAL.to_bits());
    let odd = magnitude >> 13 & 1;
    let normal = magnitude.wrapping_sub(112 << 23).wrapping_add(0xFFF + odd) >> 13;
    let finite = if magnitude < 0x3880_0000 { subnormal } else { normal };
    let rounded = if magnitude >= 0x4780_0000 { 0x7C00 } else { finite };
    if magnitude > 0x7F80_0000 { NAN } else { rounded | sign }
}

/// a·b + c of f16, rounded once.
#[inline]
pub(super) fn multiply_add(a: u32, b: u32, c: u32) -> u32 {
    let (product, c) = (to_single(a) * to_single(b), to_single(c));
    let sum = product + c;
    // What the rounding of the sum lost, exactly.
    let part = sum - product;
    let lost = (product - (sum - part)) + (c - part);
    let bits = sum.to_bits();
    // To odd: the two f32 around the exact sum differ in the last bit, and the odd one rounds as the exact sum would.
    let is_short = (lost > 0.0) == (sum > 0.0);
    let odd = if is_short { bits | 1 } else { (bits.wrapping_sub(1)) | 1 };
    let is_inexact = lost != 0.0 && bits & 1 == 0 && bits & 0x7F80_0000 != 0x7F80_0000;
    from_single(f32::from_bits(if is_inexact { odd } else { bits }))
}

/// Both halves of a register.
#[inline]
pub(super) fn both(a: u32, b: u32, f: impl Fn(f32, f32) -> f32) -> u32 {
    let half = |shift: u32| from_single(f(to_single(a >> shift & 0xFFFF), to_single(b >> shift & 0xFFFF)));
    half(0) | half(16) << 16
}

/// Two f32 as the halves of a register.
#[inline]
pub(super) const fn pair(high: u32, low: u32) -> u32 {
    from_single(f32::from_bits(high)) << 16 | from_single(f32::from_bits(low))
}
