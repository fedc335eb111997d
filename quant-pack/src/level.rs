//! The integers of a quantizer, and rounding to them.
#![expect(clippy::cast_possible_truncation, reason = "a whole number from -127 to 127 is cast to i8")]

/// The integers that a quantizer uses: `lowest` to `highest`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levels {
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

/// Four bits: all sixteen values.
pub(crate) const INT4: Levels = Levels { lowest: -8.0, highest: 7.0 };
/// Eight bits without -128, so that a weight and its negative get opposite integers.
pub(crate) const INT8: Levels = Levels { lowest: -127.0, highest: 127.0 };

/// Adding and taking it away leaves the nearest whole number, ties to even: from 2^52 on an f64 has no fraction. Unlike
/// `round_ties_even` it is one instruction of every processor, so loops over it are vectorized.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

impl Levels {
    /// Four bits around a zero point from 0 to 15.
    pub(crate) fn around(zero: u8) -> Self {
        Self { lowest: -f64::from(zero), highest: 15.0 - f64::from(zero) }
    }

    /// The level nearest to `weight / scale`, ties to even; 0 where the scale is 0.
    pub(crate) fn nearest(self, weight: f64, scale: f64) -> f64 {
        if scale == 0.0 {
            return 0.0;
        }
        // The quotient of two f32 values is never so near to a tie that its rounding to f64 decides.
        (weight / scale).clamp(self.lowest, self.highest) + ROUNDER - ROUNDER
    }

    /// [`Levels::nearest`] as an integer.
    pub(crate) fn quantize(self, weight: f64, scale: f64) -> i8 {
        self.nearest(weight, scale) as i8
    }

    /// [`Levels::nearest`] counted from the lowest level, as four bits store it.
    #[expect(clippy::cast_sign_loss, reason = "from 0 to 15")]
    pub(crate) fn stored(self, weight: f64, scale: f64) -> u8 {
        (self.nearest(weight, scale) - self.lowest) as u8
    }

    /// The sum of squared errors that `scale` leaves.
    pub(crate) fn squared_error(self, weights: impl Iterator<Item = f64>, scale: f64) -> f64 {
        weights.map(|weight| (weight - self.nearest(weight, scale) * scale).powi(2)).sum()
    }
}
