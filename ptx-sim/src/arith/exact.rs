//! Numbers of unlimited precision, as far as one operation needs it, and their rounding to a format.
//!
//! Every operation keeps at least twenty bits more than any format has and folds what it drops into its lowest bit, so the one rounding
//! that follows sees on which side of a tie the exact result lies.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "widths and exponents of formats are small; fields are masked"
)]

use std::cmp::Ordering;

use tilewright_ptx_ir::ir::Rounding;

/// A binary interchange format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    /// Stored bits of the significand.
    pub(super) fraction_bits: u32,
    /// Bits of the exponent.
    pub(super) exponent_bits: u32,
    /// What a NaN looks like.
    pub(super) nan: u64,
}

impl Format {
    pub(super) const F16: Self = Self { fraction_bits: 10, exponent_bits: 5, nan: 0x7FFF };
    pub(super) const BF16: Self = Self { fraction_bits: 7, exponent_bits: 8, nan: 0x7FFF };
    pub(super) const F32: Self = Self { fraction_bits: 23, exponent_bits: 8, nan: 0x7FFF_FFFF };
    pub(super) const F64: Self = Self { fraction_bits: 52, exponent_bits: 11, nan: 0xFFF8_0000_0000_0000 };

    /// Bits of a pattern.
    pub(super) const fn bits(self) -> u32 {
        1 + self.exponent_bits + self.fraction_bits
    }

    /// The sign's bit.
    pub(super) const fn sign(self) -> u64 {
        1 << (self.fraction_bits + self.exponent_bits)
    }

    /// Infinity.
    pub(super) const fn infinity(self) -> u64 {
        ((1 << self.exponent_bits) - 1) << self.fraction_bits
    }

    /// One.
    pub(super) const fn one(self) -> u64 {
        (self.bias() as u64) << self.fraction_bits
    }

    /// The bit that tells quiet NaNs from signalling ones.
    pub(super) const fn quiet(self) -> u64 {
        1 << (self.fraction_bits - 1)
    }

    const fn bias(self) -> i32 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    /// The exponent of the last bit of a subnormal.
    const fn least_exponent(self) -> i32 {
        1 - self.bias() - self.fraction_bits as i32
    }

    pub(super) const fn is_nan(self, bits: u64) -> bool {
        bits & (self.sign() - 1) > self.infinity()
    }

    pub(super) const fn is_negative(self, bits: u64) -> bool {
        bits & self.sign() != 0
    }

    /// `bits`, or a zero of its sign if it is subnormal.
    pub(super) const fn flushed(self, bits: u64) -> u64 {
        if bits & self.infinity() == 0 { bits & self.sign() } else { bits }
    }

    /// The value of a bit pattern.
    pub(super) const fn decode(self, bits: u64) -> Value {
        let negative = self.is_negative(bits);
        let fraction = bits & ((1 << self.fraction_bits) - 1);
        let stored = (bits & self.infinity()) >> self.fraction_bits;
        if bits & self.infinity() == self.infinity() {
            return if fraction == 0 { Value::Infinite { negative } } else { Value::Nan };
        }
        let implicit = if stored == 0 { 0 } else { 1 << self.fraction_bits };
        let exponent = if stored == 0 { 0 } else { stored as i32 - 1 } + self.least_exponent();
        Value::Finite(Number { negative, significand: (fraction | implicit) as u128, exponent })
    }

    /// The bit pattern nearest to `value` in the sense of `rounding`.
    pub(super) fn encode(self, value: Value, rounding: Rounding) -> u64 {
        match value {
            Value::Nan => self.nan,
            Value::Infinite { negative } => self.signed(negative, self.infinity()),
            Value::Finite(number) => self.encode_number(number, rounding),
        }
    }

    const fn signed(self, negative: bool, magnitude: u64) -> u64 {
        if negative { self.sign() | magnitude } else { magnitude }
    }

    fn encode_number(self, number: Number, rounding: Rounding) -> u64 {
        let Number { negative, significand, exponent } = number;
        if significand == 0 {
            return self.signed(negative, 0);
        }
        let top = significand.ilog2() as i32 + exponent;
        if top > self.bias() {
            return self.signed(negative, self.overflow(negative, rounding));
        }
        let last = (top - self.fraction_bits as i32).max(self.least_exponent());
        let rounded = round_shift(negative, significand, last - exponent, rounding);
        // A carry out of the significand moves into the exponent field, and past the greatest exponent into infinity, as it should.
        let magnitude = (((last - self.least_exponent()) as u64) << self.fraction_bits) + rounded as u64;
        if magnitude >= self.infinity() {
            return self.signed(negative, self.overflow(negative, rounding));
        }
        self.signed(negative, magnitude)
    }

    /// What a magnitude past the greatest finite one becomes.
    const fn overflow(self, negative: bool, rounding: Rounding) -> u64 {
        let to_infinity = match rounding {
            Rounding::Zero | Rounding::IntegerZero => false,
            Rounding::Down | Rounding::IntegerDown => negative,
            Rounding::Up | Rounding::IntegerUp => !negative,
            _ => true,
        };
        if to_infinity { self.infinity() } else { self.infinity() - 1 }
    }
}

/// significand / 2^shift, rounded to an integer.
fn round_shift(negative: bool, significand: u128, shift: i32, rounding: Rounding) -> u128 {
    if shift <= 0 {
        return significand << -shift;
    }
    let (kept, rest, half) = if shift > 127 {
        (0, significand.min(1), 2)
    } else {
        (significand >> shift, significand & ((1 << shift) - 1), 1 << (shift - 1))
    };
    let up = match rounding {
        Rounding::Zero | Rounding::IntegerZero => false,
        Rounding::Down | Rounding::IntegerDown => negative && rest != 0,
        Rounding::Up | Rounding::IntegerUp => !negative && rest != 0,
        _ => match rest.cmp(&half) {
            Ordering::Less => false,
            Ordering::Equal => kept & 1 == 1,
            Ordering::Greater => true,
        },
    };
    kept + u128::from(up)
}

/// What a bit pattern stands for, or the result of an operation before it is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Not a number.
    Nan,
    /// An infinity.
    Infinite { negative: bool },
    /// A number.
    Finite(Number),
}

/// ±significand · 2^exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) negative: bool,
    pub(super) significand: u128,
    pub(super) exponent: i32,
}

/// The bit that the significand's leading one is moved to before an operation: a sum still fits.
const TOP: u32 = 125;

impl Number {
    pub(super) const fn zero(negative: bool) -> Self {
        Self { negative, significand: 0, exponent: 0 }
    }

    /// An integer, exactly.
    pub(super) const fn integer(value: i128) -> Self {
        Self { negative: value < 0, significand: value.unsigned_abs(), exponent: 0 }
    }

    /// The nearest integer in the sense of `rounding`; what is out of the range of i128 is clamped to it.
    pub(super) fn to_integer(self, rounding: Rounding) -> i128 {
        let magnitude = if self.significand == 0 {
            0
        } else if self.significand.ilog2() as i32 + self.exponent > 125 {
            i128::MAX as u128
        } else {
            round_shift(self.negative, self.significand, -self.exponent, rounding)
        };
        if self.negative { -(magnitude as i128) } else { magnitude as i128 }
    }

    const fn normalized(self) -> Self {
        let shift = TOP as i32 - self.significand.ilog2() as i32;
        if shift < 0 {
            return Self {
                significand: shifted_right(self.significand, -shift as u32),
                exponent: self.exponent - shift,
                ..self
            };
        }
        Self { significand: self.significand << shift, exponent: self.exponent - shift, ..self }
    }
}

/// value / 2^shift; anything that is lost sets the lowest bit.
const fn shifted_right(value: u128, shift: u32) -> u128 {
    if shift > 127 {
        return (value != 0) as u128;
    }
    let kept = value >> shift;
    kept | (kept << shift != value) as u128
}

impl Value {
    pub(super) const fn negated(self) -> Self {
        match self {
            Self::Nan => Self::Nan,
            Self::Infinite { negative } => Self::Infinite { negative: !negative },
            Self::Finite(number) => Self::Finite(Number { negative: !number.negative, ..number }),
        }
    }
}

/// a + b. `rounding` decides the sign of an exact zero.
pub(super) fn add(a: Value, b: Value, rounding: Rounding) -> Value {
    match (a, b) {
        (Value::Nan, _) | (_, Value::Nan) => Value::Nan,
        (Value::Infinite { negative }, Value::Infinite { negative: other }) => {
            if negative == other {
                a
            } else {
                Value::Nan
            }
        }
        (Value::Infinite { .. }, Value::Finite(_)) => a,
        (Value::Finite(_), Value::Infinite { .. }) => b,
        (Value::Finite(a), Value::Finite(b)) => Value::Finite(add_numbers(a, b, rounding)),
    }
}

fn add_numbers(a: Number, b: Number, rounding: Rounding) -> Number {
    match (a.significand, b.significand) {
        (0, 0) if a.negative == b.negative => return a,
        (0, 0) => return Number::zero(rounding == Rounding::Down),
        (0, _) => return b,
        (_, 0) => return a,
        _ => {}
    }
    let (a, b) = (a.normalized(), b.normalized());
    let (large, small) = if (a.exponent, a.significand) >= (b.exponent, b.significand) { (a, b) } else { (b, a) };
    let aligned = shifted_right(small.significand, (large.exponent - small.exponent) as u32);
    if large.negative == small.negative {
        return Number { significand: large.significand + aligned, ..large };
    }
    let significand = large.significand - aligned;
    if significand == 0 {
        return Number::zero(rounding == Rounding::Down);
    }
    Number { significand, ..large }
}

/// a · b, exactly, for operands of at most 53 bits.
pub(super) const fn multiply(a: Value, b: Value) -> Value {
    match (a, b) {
        (Value::Nan, _) | (_, Value::Nan) => Value::Nan,
        (Value::Infinite { negative }, Value::Infinite { negative: other }) => {
            Value::Infinite { negative: negative != other }
        }
        (Value::Infinite { negative }, Value::Finite(number))
        | (Value::Finite(number), Value::Infinite { negative }) => {
            if number.significand == 0 {
                return Value::Nan;
            }
            Value::Infinite { negative: negative != number.negative }
        }
        (Value::Finite(a), Value::Finite(b)) => Value::Finite(Number {
            negative: a.negative != b.negative,
            significand: a.significand * b.significand,
            exponent: a.exponent + b.exponent,
        }),
    }
}

/// a / b for operands of at most 53 bits.
pub(super) const fn divide(a: Value, b: Value) -> Value {
    match (a, b) {
        (Value::Nan, _) | (_, Value::Nan) | (Value::Infinite { .. }, Value::Infinite { .. }) => Value::Nan,
        (Value::Infinite { negative }, Value::Finite(number)) => {
            Value::Infinite { negative: negative != number.negative }
        }
        (Value::Finite(number), Value::Infinite { negative }) => {
            Value::Finite(Number::zero(negative != number.negative))
        }
        (Value::Finite(a), Value::Finite(b)) => {
            let negative = a.negative != b.negative;
            match (a.significand, b.significand) {
                (0, 0) => return Value::Nan,
                (0, _) => return Value::Finite(Number::zero(negative)),
                (_, 0) => return Value::Infinite { negative },
                _ => {}
            }
            let a = a.normalized();
            let quotient = a.significand / b.significand;
            let inexact = quotient * b.significand != a.significand;
            Value::Finite(Number {
                negative,
                significand: quotient | inexact as u128,
                exponent: a.exponent - b.exponent,
            })
        }
    }
}

/// The square root of an operand of at most 53 bits.
pub(super) const fn square_root(a: Value) -> Value {
    match a {
        Value::Nan | Value::Infinite { negative: true } => Value::Nan,
        Value::Infinite { negative: false } => a,
        Value::Finite(Number { significand: 0, .. }) => a,
        Value::Finite(Number { negative: true, .. }) => Value::Nan,
        Value::Finite(number) => {
            let number = number.normalized();
            let odd = number.exponent & 1;
            let radicand = number.significand << odd;
            let root = radicand.isqrt();
            let inexact = root * root != radicand;
            Value::Finite(Number {
                negative: false,
                significand: root << 1 | inexact as u128,
                exponent: (number.exponent - odd) / 2 - 1,
            })
        }
    }
}
