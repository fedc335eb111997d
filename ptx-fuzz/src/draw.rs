//! Choices, and values that hurt.

use fastrand::Rng;
use tilewright_ptx_ir::ir::{Immediate, Operand, Type};

use crate::registers::Kind;

/// Choices that follow from a seed.
#[derive(Debug)]
pub(crate) struct Draw(Rng);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        self.0.u32(0..limit.max(1))
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.0.bool()
    }

    /// One of `values`, which are not none.
    pub(crate) fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.0.usize(0..values.len())]
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// What a register of `kind` starts with.
    pub(crate) fn value(&mut self, kind: Kind) -> u64 {
        match kind {
            Kind::Pred => u64::from(self.flag()),
            Kind::I16 => self.integer(16),
            Kind::I32 => self.integer(32),
            Kind::I64 => self.integer(64),
            Kind::F16 => self.float(5, 10),
            Kind::Bf16 => self.float(8, 7),
            Kind::F16x2 => self.float(5, 10) | self.float(5, 10) << 16,
            Kind::Bf16x2 => self.float(8, 7) | self.float(8, 7) << 16,
            Kind::F32 => self.float(8, 23),
            Kind::F64 => self.float(11, 52),
        }
    }

    /// An integer of so many bits: any, a small one, or one at an edge.
    fn integer(&mut self, width: u32) -> u64 {
        let mask = u64::MAX >> (64 - width);
        let value = match self.below(4) {
            0 => self.bits(),
            1 => u64::from(self.below(70)),
            2 => u64::from(self.below(70)).wrapping_neg(),
            _ => {
                let edge = self.of(&[0, 1, width - 1, width / 2, 8, 31]);
                (1u64 << (edge % width)).wrapping_add(self.of(&[0, 1, u64::MAX]))
            }
        };
        value & mask
    }

    /// A float: any pattern, one of a moderate size, one whose size integers end at, or one at an edge.
    fn float(&mut self, exponent_bits: u32, fraction_bits: u32) -> u64 {
        let largest = (1u64 << exponent_bits) - 1;
        let bias = largest / 2;
        let fraction = self.bits() & ((1 << fraction_bits) - 1);
        let sign = u64::from(self.flag()) << (exponent_bits + fraction_bits);
        let (exponent, fraction) = match self.below(8) {
            0 => (self.bits() & largest, fraction),
            1 => (bias + u64::from(self.of(&[7u32, 8, 15, 16, 31, 32, 63, 64])), fraction),
            2 => (bias + u64::from(self.below(8)), fraction & !0 << self.below(fraction_bits)),
            3 => (0, self.of(&[0, 0, 1, 2, (1 << fraction_bits) - 1, fraction])),
            4 => (largest, self.of(&[0, 0, 0, 1, 1 << (fraction_bits - 1), fraction])),
            5 => (largest - 1, self.of(&[(1 << fraction_bits) - 1, fraction])),
            _ => (bias - 4 + u64::from(self.below(9)), fraction),
        };
        sign | exponent.min(largest) << fraction_bits | fraction
    }

    /// A literal that an instruction of `ty` may name.
    pub(crate) fn literal(&mut self, ty: Type) -> Operand {
        let immediate = match ty {
            Type::F32 => Immediate::F32(self.float(8, 23) as u32),
            Type::F64 => Immediate::F64(self.float(11, 52)),
            _ => {
                let width = (8 * ty.bytes()).max(8);
                let value = self.integer(width);
                let shift = 64 - width;
                let value = value.cast_signed() << shift;
                Immediate::Int(if ty.is_signed() {
                    value >> shift
                } else {
                    value.cast_unsigned().wrapping_shr(shift).cast_signed()
                })
            }
        };
        Operand::Imm(immediate)
    }
}
