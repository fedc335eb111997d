//! Random inputs that are the same on every machine, and those that hurt.

use half::{bf16, f16};

/// SplitMix64.
///
/// # Source
/// Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#[derive(Clone, Debug)]
pub struct Random(u64);

/// How floats are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Values {
    /// Evenly from -1 to 1.
    Uniform,
    /// Integers from -8 to 8: sums of their products are exact.
    SmallIntegers,
    /// Signs and powers of two over 24 binades, so that sums cancel and terms vanish.
    Powers,
    /// Mostly small, one in 32 about a hundred times larger, as activations are.
    Outliers,
    /// Numbers near the smallest normal f16 and below.
    Tiny,
}

impl Values {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Uniform, Self::SmallIntegers, Self::Powers, Self::Outliers, Self::Tiny];
}

impl Random {
    /// The sequence of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// A number below `end`.
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below a usize")]
    pub const fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// Evenly from -1 to 1, in steps of 2^-23.
    #[expect(clippy::cast_precision_loss, reason = "24 bits fit an f32")]
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / 8_388_608.0 - 1.0
    }

    /// A float.
    pub fn float(&mut self, values: Values) -> f32 {
        match values {
            Values::Uniform => self.unit(),
            Values::SmallIntegers => f32::from(i8::try_from(self.below(17)).unwrap_or(0) - 8),
            Values::Powers => {
                let power = i32::try_from(self.below(24)).unwrap_or(0) - 12;
                if self.bits() & 1 == 0 { 2f32.powi(power) } else { -2f32.powi(power) }
            }
            Values::Outliers => {
                let scale = if self.below(32) == 0 { 50.0 } else { 0.5 };
                self.unit() * scale
            }
            Values::Tiny => self.unit() * 1e-4,
        }
    }

    /// `count` floats, rounded to f16.
    pub fn halves(&mut self, values: Values, count: usize) -> Vec<f16> {
        (0..count).map(|_| f16::from_f32(self.float(values))).collect()
    }

    /// `count` floats, rounded to bf16.
    pub fn bfloats(&mut self, values: Values, count: usize) -> Vec<bf16> {
        (0..count).map(|_| bf16::from_f32(self.float(values))).collect()
    }

    /// `count` floats.
    pub fn floats(&mut self, values: Values, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.float(values)).collect()
    }

    /// `count` bytes, extremes as often as any.
    #[expect(clippy::cast_possible_truncation, reason = "8 bits are wanted")]
    pub fn bytes(&mut self, count: usize) -> Vec<i8> {
        (0..count).map(|_| (self.bits() >> 32) as i8).collect()
    }
}
