//! The formats of operands and answers, as values of f64, which holds all of them.

/// A binary format in the low bits of a `u32`.
pub(super) trait Format {
    /// Bits of its exponent.
    const EXPONENT_BITS: u32;
    /// Bits of its fraction.
    const FRACTION_BITS: u32;

    const SIGN: u32 = 1 << (Self::EXPONENT_BITS + Self::FRACTION_BITS);
    const INFINITY: u32 = Self::SIGN - (1 << Self::FRACTION_BITS);
    /// What instructions answer for "not a number".
    const NAN: u32 = Self::SIGN - 1;
    /// Exponent of the smallest normal number.
    const LEAST_EXPONENT: i32 = 2 - (1 << (Self::EXPONENT_BITS - 1));
    /// The smallest normal number.
    const SMALLEST_NORMAL: f64 = power_of_two(Self::LEAST_EXPONENT);
    /// The smallest subnormal number: what a unit in the last place is at least.
    const SMALLEST: f64 = power_of_two(Self::LEAST_EXPONENT - Self::FRACTION_BITS.cast_signed());
    /// The largest number.
    const LARGEST: f64 =
        power_of_two(1 - Self::LEAST_EXPONENT) * (2.0 - power_of_two(-(Self::FRACTION_BITS.cast_signed())));

    /// The value of a pattern.
    fn value(bits: u32) -> f64 {
        let fraction = bits & ((1 << Self::FRACTION_BITS) - 1);
        let exponent = ((bits & Self::INFINITY) >> Self::FRACTION_BITS).cast_signed();
        let magnitude = if bits & Self::INFINITY == Self::INFINITY {
            if fraction == 0 { f64::INFINITY } else { f64::NAN }
        } else if exponent == 0 {
            f64::from(fraction) * Self::SMALLEST
        } else {
            f64::from(fraction | 1 << Self::FRACTION_BITS) * Self::SMALLEST * power_of_two(exponent - 1)
        };
        if bits & Self::SIGN == 0 { magnitude } else { -magnitude }
    }

    /// The pattern of the number nearest to `value`, of the even one of two.
    fn nearest(value: f64) -> u32 {
        if value.is_nan() {
            return Self::NAN;
        }
        let sign = if value.is_sign_negative() { Self::SIGN } else { 0 };
        if value.is_infinite() {
            return sign | Self::INFINITY;
        }
        let unit = Self::unit(value);
        // Exact: by a power of two, and a whole number that 24 bits hold.
        let units = (value.abs() / unit).round_ties_even();
        if units * unit > Self::LARGEST {
            return sign | Self::INFINITY;
        }
        // The leading bit of a normal number carries into its exponent.
        sign | (units as u32 + (((unit / Self::SMALLEST).log2() as u32) << Self::FRACTION_BITS))
    }

    /// A unit in the last place of `value`.
    fn unit(value: f64) -> f64 {
        // The exponent field of f64 alone is the power of two below.
        let power = f64::from_bits(value.to_bits() & 0x7FF0_0000_0000_0000);
        (power * const { power_of_two(-(Self::FRACTION_BITS.cast_signed())) }).max(Self::SMALLEST)
    }

    /// `bits`, or the zero of its sign if it is subnormal.
    fn flushed(bits: u32) -> u32 {
        if bits & Self::INFINITY == 0 { bits & Self::SIGN } else { bits }
    }

    /// Whether a pattern is not a number.
    fn is_nan(bits: u32) -> bool {
        bits & (Self::SIGN - 1) > Self::INFINITY
    }
}

/// f32.
#[derive(Debug)]
pub(super) struct Single;
/// f16.
#[derive(Debug)]
pub(super) struct Half;
/// bf16.
#[derive(Debug)]
pub(super) struct Brain;

impl Format for Single {
    const EXPONENT_BITS: u32 = 8;
    const FRACTION_BITS: u32 = 23;

    fn value(bits: u32) -> f64 {
        f32::from_bits(bits).into()
    }

    fn nearest(value: f64) -> u32 {
        if value.is_nan() { Self::NAN } else { (value as f32).to_bits() }
    }
}

impl Format for Half {
    const EXPONENT_BITS: u32 = 5;
    const FRACTION_BITS: u32 = 10;
}

impl Format for Brain {
    const EXPONENT_BITS: u32 = 8;
    const FRACTION_BITS: u32 = 7;
}

/// 2^exponent, of a normal f64.
pub(super) const fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// Whether it is plus or minus a power of two; no subnormal of f64.
pub(super) const fn is_power_of_two(value: f64) -> bool {
    value.to_bits() & ((1 << 52) - 1) == 0
}

#[cfg(test)]
mod tests {
    use tilewright_ptx_ir::ir::{Rounding, Type};
    use tilewright_ptx_sim::arith::cvt;

    use super::*;

    /// The two ways of f32: its own, and that of all formats.
    #[derive(Debug)]
    struct Plain;

    impl Format for Plain {
        const EXPONENT_BITS: u32 = 8;
        const FRACTION_BITS: u32 = 23;
    }

    #[test]
    fn formats_are_those_of_the_simulator() {
        fn check<F: Format>(ty: Type, bits: u32, near: f64) {
            let value = F::value(bits);
            let wanted = f64::from_bits(cvt(Type::F64, ty, None, false, false, bits.into()).unwrap());
            assert!(value.to_bits() == wanted.to_bits() || (value.is_nan() && wanted.is_nan()), "{bits:#x}: {value}");
            assert_eq!(F::nearest(value), if value.is_nan() { F::NAN } else { bits }, "{bits:#x}");
            // `cvt` keeps bits of a NaN.
            let wanted = cvt(ty, Type::F64, Some(Rounding::Nearest), false, false, near.to_bits()).unwrap();
            assert!(u64::from(F::nearest(near)) == wanted || near.is_nan(), "{near:e}");
        }
        let mut random = fastrand::Rng::with_seed(1);
        for index in 0..200_000 {
            // Some lie halfway between two numbers of a narrower format.
            let bits = random.u32(..);
            let near = match index % 4 {
                0 => f64::from(f32::from_bits(bits & 0xFFFF_8000 | 0x8000)),
                1 => Half::value(bits & 0xFFFF) + Half::unit(Half::value(bits & 0xFFFF)) / 2.0,
                2 => f64::from(f32::from_bits(bits)) * random.f64(),
                _ => f64::from_bits(random.u64(..)),
            };
            check::<Single>(Type::F32, bits, near);
            check::<Plain>(Type::F32, bits, near);
            check::<Half>(Type::F16, bits & 0xFFFF, near);
            check::<Brain>(Type::Bf16, bits & 0xFFFF, near);
        }
        assert_eq!((Single::LARGEST, Single::SMALLEST), (f32::MAX.into(), f32::from_bits(1).into()));
        assert_eq!((Half::LARGEST, Half::SMALLEST_NORMAL), (65_504.0, 2f64.powi(-14)));
    }
}
