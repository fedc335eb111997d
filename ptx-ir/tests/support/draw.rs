//! A small generator of choices, so that a statement shrinks as one number.

use tilewright_ptx_ir::ir::{Immediate, Operand, Reg, RegClass, Type};

/// Registers of each class in a random kernel.
pub(crate) const REGISTERS: u32 = 8;

/// Choices that follow from a seed.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits (SplitMix64).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        u32::try_from(self.next() >> 33).unwrap() % limit
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.below(2) == 0
    }

    pub(crate) fn rarely(&mut self) -> bool {
        self.below(5) == 0
    }

    pub(crate) fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(u32::try_from(values.len()).unwrap()) as usize]
    }

    /// A value of `values`, now and then.
    pub(crate) fn maybe<T: Copy>(&mut self, values: &[T]) -> Option<T> {
        self.rarely().then(|| self.of(values))
    }

    pub(crate) fn register(&mut self, class: RegClass) -> Reg {
        Reg { class, number: self.below(REGISTERS) }
    }

    /// `count` different registers (at most [`REGISTERS`]).
    pub(crate) fn registers(&mut self, class: RegClass, count: usize) -> Vec<Reg> {
        let first = self.below(REGISTERS);
        (0..).take(count).map(|step| Reg { class, number: (first + step) % REGISTERS }).collect()
    }

    /// A class that instructions of `ty` may name, mostly its own.
    pub(crate) fn class_for(&mut self, ty: Type) -> RegClass {
        if self.rarely() {
            let other = self.of(&RegClass::ALL);
            if ty.accepts(other) {
                return other;
            }
        }
        ty.class()
    }

    pub(crate) fn register_for(&mut self, ty: Type) -> Reg {
        let class = self.class_for(ty);
        self.register(class)
    }

    /// A register or now and then a literal.
    pub(crate) fn operand(&mut self, ty: Type) -> Operand {
        if self.rarely() { Operand::Imm(self.literal(ty)) } else { self.register_for(ty).into() }
    }

    /// A literal that fits `ty`, edges included.
    pub(crate) fn literal(&mut self, ty: Type) -> Immediate {
        if ty == Type::F32 {
            return Immediate::F32(self.of(&[0, 1, 0x8000_0000, 0x3F80_0000, 0x7F80_0000, 0x7FC0_0000, 0xFFFF_FFFF]));
        }
        if ty == Type::F64 {
            return Immediate::F64(self.of(&[0, 1 << 63, 0x3FF0_0000_0000_0000, 0x7FF0_0000_0000_0000, u64::MAX]));
        }
        let bits = 8 * ty.bytes().max(1);
        let any = self.next() >> (64 - bits);
        let unsigned = u64::MAX >> (64 - bits);
        let value = self.of(&[0, 1, 31, any, unsigned, unsigned >> 1]);
        if ty.is_signed() {
            let shift = 64 - bits;
            return Immediate::Int((value << shift).cast_signed() >> shift);
        }
        Immediate::Int(value.cast_signed())
    }
}
