//! The registers of a generated kernel: pools of values of one kind, each register with a slot in the input and the output.

use tilewright_ptx_ir::ir::{Reg, RegClass, Type};

/// What a register of a pool holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Pred,
    I16,
    F16,
    Bf16,
    I32,
    F16x2,
    Bf16x2,
    I64,
    F32,
    F64,
}

/// Kind, class, number of the first register, and how many there are.
const POOLS: [(Kind, RegClass, u32, u32); 10] = [
    (Kind::Pred, RegClass::Pred, 0, 4),
    (Kind::I16, RegClass::B16, 0, 4),
    (Kind::F16, RegClass::B16, 4, 4),
    (Kind::Bf16, RegClass::B16, 8, 3),
    (Kind::I32, RegClass::B32, 0, 8),
    (Kind::F16x2, RegClass::B32, 8, 3),
    (Kind::Bf16x2, RegClass::B32, 11, 3),
    (Kind::I64, RegClass::B64, 0, 5),
    (Kind::F32, RegClass::F32, 0, 6),
    (Kind::F64, RegClass::F64, 0, 4),
];

impl Kind {
    /// Its registers.
    pub(crate) fn registers(self) -> impl Iterator<Item = Reg> + Clone {
        let (_, class, first, count) =
            POOLS.into_iter().find(|pool| pool.0 == self).unwrap_or((self, RegClass::Pred, 0, 1));
        (first..first + count).map(move |number| Reg { class, number })
    }

    /// How a register of it is loaded and stored.
    pub(crate) const fn memory_type(self) -> Type {
        match self {
            Self::Pred => Type::U32,
            Self::I16 | Self::F16 | Self::Bf16 => Type::B16,
            Self::I32 | Self::F16x2 | Self::Bf16x2 => Type::B32,
            Self::I64 => Type::B64,
            Self::F32 => Type::F32,
            Self::F64 => Type::F64,
        }
    }

    /// The kind whose values an instruction of `ty` computes with.
    pub(crate) const fn of(ty: Type) -> Self {
        match ty {
            Type::Pred => Self::Pred,
            Type::F16 => Self::F16,
            Type::Bf16 => Self::Bf16,
            Type::F16x2 => Self::F16x2,
            Type::Bf16x2 => Self::Bf16x2,
            Type::F32 => Self::F32,
            Type::F64 => Self::F64,
            _ => match ty.bytes() {
                1 | 2 => Self::I16,
                4 => Self::I32,
                _ => Self::I64,
            },
        }
    }
}

/// Every register with its kind, in the order of its slots.
pub(crate) fn slots() -> impl Iterator<Item = (Kind, Reg)> {
    POOLS.into_iter().flat_map(|(kind, ..)| kind.registers().map(move |register| (kind, register)))
}

/// Bytes of a slot.
pub(crate) const SLOT_BYTES: u32 = 8;

/// Bytes of a thread's slots; vectors of 16 bytes are aligned in them.
pub(crate) fn thread_bytes() -> u32 {
    let slots: u32 = POOLS.iter().map(|pool| pool.3).sum();
    (slots * SLOT_BYTES).next_multiple_of(16)
}
