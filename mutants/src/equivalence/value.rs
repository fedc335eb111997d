//! What is known of an unsigned value of up to 64 bits: an interval, and bits that are zero.

use tilewright_ptx_ir::ir::{BinaryOp, Compare};

/// Every value that a register may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// The smallest.
    pub(super) low: u64,
    /// The largest.
    pub(super) high: u64,
    /// Bits that no value has.
    pub(super) zeros: u64,
}

/// The bits of a width, all set.
pub(super) const fn mask(bits: u32) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

/// The bits up to the highest of `value`, all set.
const fn cover(value: u64) -> u64 {
    if value == 0 { 0 } else { u64::MAX >> value.leading_zeros() }
}

impl Value {
    pub(super) const fn any(bits: u32) -> Self {
        Self { low: 0, high: mask(bits), zeros: !mask(bits) }
    }

    pub(super) const fn constant(value: u64) -> Self {
        Self { low: value, high: value, zeros: !value }
    }

    pub(super) const fn range(low: u64, high: u64) -> Self {
        Self { low, high, zeros: !cover(high) }
    }

    /// The value, if there is one only.
    pub(super) const fn single(self) -> Option<u64> {
        if self.low == self.high { Some(self.low) } else { None }
    }

    /// Bits that a value may have.
    pub(super) const fn possible(self) -> u64 {
        !self.zeros
    }

    /// Consistent with itself: the interval says something of the bits and the bits of the interval.
    fn tightened(self, bits: u32) -> Self {
        let zeros = self.zeros | !cover(self.high) | !mask(bits);
        let high = self.high.min(!zeros);
        let low = self.low.min(high);
        // Trailing zeros: the ends are multiples.
        let step = (!zeros).trailing_zeros();
        if step >= 64 {
            return Self::constant(0);
        }
        let (down, up) = (high >> step << step, low.div_ceil(1 << step).saturating_mul(1 << step));
        Self { low: up.min(down), high: down, zeros }
    }

    /// The values that are not above `high`; what is known already if there are none.
    pub(super) fn at_most(self, high: u64, bits: u32) -> Self {
        if high < self.low { self } else { Self { high: self.high.min(high), ..self }.tightened(bits) }
    }

    pub(super) fn join(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high), zeros: self.zeros & other.zeros }
    }

    pub(super) const fn fits(self, bits: u32) -> bool {
        self.high <= mask(bits)
    }

    /// Whether the sign bit of a value of so many bits is never set.
    pub(super) const fn is_natural(self, bits: u32) -> bool {
        self.high <= mask(bits) >> 1 || (self.zeros >> (bits - 1)) & 1 == 1
    }

    /// The interval when `value` is exact, anything of the width otherwise.
    fn wrapped(low: u128, high: u128, zeros: u64, bits: u32) -> Self {
        match (u64::try_from(low), u64::try_from(high)) {
            (Ok(low), Ok(high)) if high <= mask(bits) => Self { low, high, zeros }.tightened(bits),
            _ => Self { zeros: zeros | !mask(bits), ..Self::any(bits) }.tightened(bits),
        }
    }

    pub(super) fn add(self, other: Self, bits: u32) -> Self {
        // A negative constant takes away.
        if let Some(value) = other.single()
            && value > mask(bits) >> 1
            && self.low > (value ^ mask(bits))
        {
            return self.sub(Self::constant((value ^ mask(bits)) + 1), bits);
        }
        let low_zeros = self.possible().trailing_zeros().min(other.possible().trailing_zeros());
        let zeros = mask(low_zeros);
        // Without common bits there are no carries.
        let zeros = if self.possible() & other.possible() == 0 { self.zeros & other.zeros } else { zeros };
        let sum = |a: u64, b: u64| u128::from(a) + u128::from(b);
        Self::wrapped(sum(self.low, other.low), sum(self.high, other.high), zeros, bits)
    }

    pub(super) fn sub(self, other: Self, bits: u32) -> Self {
        let zeros = mask(self.possible().trailing_zeros().min(other.possible().trailing_zeros()));
        if self.low >= other.high {
            return Self { low: self.low - other.high, high: self.high - other.low, zeros }.tightened(bits);
        }
        Self { zeros: zeros | !mask(bits), ..Self::any(bits) }.tightened(bits)
    }

    pub(super) fn mul(self, other: Self, bits: u32) -> Self {
        let low_zeros = self.possible().trailing_zeros().saturating_add(other.possible().trailing_zeros());
        let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
        Self::wrapped(product(self.low, other.low), product(self.high, other.high), mask(low_zeros.min(64)), bits)
    }

    /// The high half of a product of so many bits each.
    pub(super) fn mul_high(self, other: Self, bits: u32) -> Self {
        let high = |a: u64, b: u64| u64::try_from((u128::from(a) * u128::from(b)) >> bits).unwrap_or(u64::MAX);
        Self::range(high(self.low, other.low), high(self.high, other.high))
    }

    pub(super) fn binary(self, op: BinaryOp, other: Self, bits: u32, is_signed: bool) -> Self {
        let natural = !is_signed || (self.is_natural(bits) && other.is_natural(bits));
        match op {
            BinaryOp::Add => self.add(other, bits),
            BinaryOp::Sub => self.sub(other, bits),
            BinaryOp::And => {
                let zeros = self.zeros | other.zeros;
                Self { low: 0, high: self.high.min(other.high), zeros }.tightened(bits)
            }
            BinaryOp::Or | BinaryOp::Xor => {
                let zeros = self.zeros & other.zeros;
                let low = if op == BinaryOp::Or { self.low.max(other.low) } else { 0 };
                Self { low, high: cover(self.high | other.high) & !zeros, zeros }.tightened(bits)
            }
            BinaryOp::Shl => match other.single() {
                Some(amount) if amount < u64::from(bits) => self.mul(Self::constant(1 << amount), bits),
                _ => Self::any(bits),
            },
            BinaryOp::Shr if natural => match other.single() {
                Some(amount) if amount < 64 => {
                    Self { low: self.low >> amount, high: self.high >> amount, zeros: !(self.possible() >> amount) }
                        .tightened(bits)
                }
                _ => Self::range(0, self.high),
            },
            BinaryOp::Div if natural => {
                let by = |divisor: u64| divisor.max(1);
                Self::range(self.low / by(other.high), self.high / by(other.low))
            }
            BinaryOp::Rem if natural => Self::range(0, self.high.min(other.high.saturating_sub(1))),
            BinaryOp::Min if natural => {
                Self { low: self.low.min(other.low), high: self.high.min(other.high), zeros: self.zeros & other.zeros }
                    .tightened(bits)
            }
            BinaryOp::Max if natural => {
                Self { low: self.low.max(other.low), high: self.high.max(other.high), zeros: self.zeros & other.zeros }
                    .tightened(bits)
            }
            // The larger of anything and 0 is no negative number.
            BinaryOp::Max if other.is_natural(bits) || self.is_natural(bits) => Self::range(0, mask(bits) >> 1),
            _ => Self::any(bits),
        }
    }

    /// The answer of a comparison, if it is always the same.
    pub(super) fn compare(self, how: Compare, other: Self, bits: u32, is_signed: bool) -> Option<bool> {
        if is_signed && !(self.is_natural(bits) && other.is_natural(bits)) {
            // One of them is negative, the other is not.
            let negative = |value: Self| value.low > mask(bits) >> 1;
            let is_less = match (negative(self), negative(other)) {
                (true, false) if other.is_natural(bits) => true,
                (false, true) if self.is_natural(bits) => false,
                _ => return None,
            };
            return Some(match how {
                Compare::Lt | Compare::Le => is_less,
                Compare::Gt | Compare::Ge => !is_less,
                Compare::Eq => false,
                Compare::Ne => true,
                _ => return None,
            });
        }
        let apart = self.high < other.low || other.high < self.low || self.differs(other);
        let same = self.single().is_some() && self.single() == other.single();
        match how {
            Compare::Lt if self.high < other.low => Some(true),
            Compare::Lt if self.low >= other.high => Some(false),
            Compare::Le if self.high <= other.low => Some(true),
            Compare::Le if self.low > other.high => Some(false),
            Compare::Gt if self.low > other.high => Some(true),
            Compare::Gt if self.high <= other.low => Some(false),
            Compare::Ge if self.low >= other.high => Some(true),
            Compare::Ge if self.high < other.low => Some(false),
            Compare::Eq if apart => Some(false),
            Compare::Eq if same => Some(true),
            Compare::Ne if apart => Some(true),
            Compare::Ne if same => Some(false),
            _ => None,
        }
    }

    /// Whether the bits alone say that the two are never equal: one of them is a constant with a bit that the other never has.
    pub(super) fn differs(self, other: Self) -> bool {
        let has = |one: Self, other: Self| one.single().is_some_and(|value| value & other.zeros != 0);
        self.high < other.low || other.high < self.low || has(self, other) || has(other, self)
    }
}
