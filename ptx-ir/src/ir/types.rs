//! Instruction types, register classes and state spaces.

use std::fmt;

/// A type that an instruction names, such as `.f32` in `add.f32`.
///
/// # Source
/// PTX ISA 9.0, section 5.2 (Types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Type {
    /// A predicate.
    Pred,
    /// 8 untyped bits.
    B8,
    /// 16 untyped bits.
    B16,
    /// 32 untyped bits.
    B32,
    /// 64 untyped bits.
    B64,
    /// Unsigned 8-bit integer; in memory and conversions only.
    U8,
    /// Unsigned 16-bit integer.
    U16,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 64-bit integer.
    U64,
    /// Signed 8-bit integer; in memory and conversions only.
    S8,
    /// Signed 16-bit integer.
    S16,
    /// Signed 32-bit integer.
    S32,
    /// Signed 64-bit integer.
    S64,
    /// IEEE binary16.
    F16,
    /// Two f16 in 32 bits, the first in the low half.
    F16x2,
    /// bfloat16.
    Bf16,
    /// Two bf16 in 32 bits, the first in the low half.
    Bf16x2,
    /// IEEE binary32.
    F32,
    /// IEEE binary64.
    F64,
}

impl Type {
    /// Every type, in declaration order.
    pub const ALL: [Self; 19] = [
        Self::Pred,
        Self::B8,
        Self::B16,
        Self::B32,
        Self::B64,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::S8,
        Self::S16,
        Self::S32,
        Self::S64,
        Self::F16,
        Self::F16x2,
        Self::Bf16,
        Self::Bf16x2,
        Self::F32,
        Self::F64,
    ];

    /// The name after the dot: `f32`, `b16`, `pred`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pred => "pred",
            Self::B8 => "b8",
            Self::B16 => "b16",
            Self::B32 => "b32",
            Self::B64 => "b64",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::S8 => "s8",
            Self::S16 => "s16",
            Self::S32 => "s32",
            Self::S64 => "s64",
            Self::F16 => "f16",
            Self::F16x2 => "f16x2",
            Self::Bf16 => "bf16",
            Self::Bf16x2 => "bf16x2",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// The type called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ty| ty.name() == name)
    }

    /// Size in bytes; a predicate has none and answers 0.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Pred => 0,
            Self::B8 | Self::U8 | Self::S8 => 1,
            Self::B16 | Self::U16 | Self::S16 | Self::F16 | Self::Bf16 => 2,
            Self::B32 | Self::U32 | Self::S32 | Self::F32 | Self::F16x2 | Self::Bf16x2 => 4,
            Self::B64 | Self::U64 | Self::S64 | Self::F64 => 8,
        }
    }

    /// Whether this is a signed integer type.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::S8 | Self::S16 | Self::S32 | Self::S64)
    }

    /// Whether this is a signed or unsigned integer type (not an untyped one).
    #[must_use]
    pub const fn is_integer(self) -> bool {
        self.is_signed() || matches!(self, Self::U8 | Self::U16 | Self::U32 | Self::U64)
    }

    /// Whether this is one of the `.b` types.
    #[must_use]
    pub const fn is_bits(self) -> bool {
        matches!(self, Self::B8 | Self::B16 | Self::B32 | Self::B64)
    }

    /// Whether this is a floating-point type, packed ones included.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F16x2 | Self::Bf16 | Self::Bf16x2 | Self::F32 | Self::F64)
    }

    /// The register class that a value of this type lives in. 8-bit types live in 16-bit registers.
    #[must_use]
    pub const fn class(self) -> RegClass {
        match self {
            Self::Pred => RegClass::Pred,
            Self::B8 | Self::U8 | Self::S8 | Self::B16 | Self::U16 | Self::S16 | Self::F16 | Self::Bf16 => {
                RegClass::B16
            }
            Self::B32 | Self::U32 | Self::S32 | Self::F16x2 | Self::Bf16x2 => RegClass::B32,
            Self::F32 => RegClass::F32,
            Self::B64 | Self::U64 | Self::S64 => RegClass::B64,
            Self::F64 => RegClass::F64,
        }
    }

    /// Whether an instruction of this type may name a register of `class`.
    ///
    /// Untyped (`.b`) instructions take every class of their size, and untyped registers stand in every instruction of their size; an f32 register
    /// is no integer. 8-bit loads, stores and conversions
    /// may also name wider integer registers, as PTX allows.
    ///
    /// # Source
    /// PTX ISA 9.0, section 9.4 (Type information for instructions and operands).
    #[must_use]
    pub const fn accepts(self, class: RegClass) -> bool {
        match self {
            Self::Pred => matches!(class, RegClass::Pred),
            Self::B8 | Self::U8 | Self::S8 => matches!(class, RegClass::B16 | RegClass::B32 | RegClass::B64),
            Self::B32 => matches!(class, RegClass::B32 | RegClass::F32),
            Self::B64 => matches!(class, RegClass::B64 | RegClass::F64),
            Self::F32 => matches!(class, RegClass::F32 | RegClass::B32),
            Self::F64 => matches!(class, RegClass::F64 | RegClass::B64),
            other => other.class() as u8 == class as u8,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a register can hold. The class fixes the declared type and the name's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum RegClass {
    /// `.pred`, `%p`.
    Pred,
    /// `.b16`, `%h`: f16, bf16, 16-bit and 8-bit integers.
    B16,
    /// `.b32`, `%r`: 32-bit integers, packed halves, shared addresses.
    B32,
    /// `.b64`, `%rd`: 64-bit integers, global addresses.
    B64,
    /// `.f32`, `%f`.
    F32,
    /// `.f64`, `%fd`.
    F64,
    /// The carry flag `CC.CF`, of which a thread has one. It is not declared, and no operand names it.
    Carry,
}

impl RegClass {
    /// Every class that is declared, in declaration order.
    pub const ALL: [Self; 6] = [Self::Pred, Self::B16, Self::B32, Self::B64, Self::F32, Self::F64];

    /// The prefix of a register's name, without the percent sign.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Pred => "p",
            Self::B16 => "h",
            Self::B32 => "r",
            Self::B64 => "rd",
            Self::F32 => "f",
            Self::F64 => "fd",
            Self::Carry => "",
        }
    }

    /// The type that the `.reg` declaration names.
    #[must_use]
    pub const fn declared(self) -> Type {
        match self {
            Self::Pred | Self::Carry => Type::Pred,
            Self::B16 => Type::B16,
            Self::B32 => Type::B32,
            Self::B64 => Type::B64,
            Self::F32 => Type::F32,
            Self::F64 => Type::F64,
        }
    }
}

/// A state space that loads, stores and atomics name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Space {
    /// Kernel parameters.
    Param,
    /// Device memory.
    Global,
    /// The block's shared memory; addresses are 32-bit offsets into the window.
    Shared,
    /// The thread's own memory.
    Local,
    /// Read-only constant memory.
    Const,
    /// No space named: a generic 64-bit address.
    Generic,
}

impl Space {
    /// The modifier with its dot, or nothing for generic addressing.
    #[must_use]
    pub const fn modifier(self) -> &'static str {
        match self {
            Self::Param => ".param",
            Self::Global => ".global",
            Self::Shared => ".shared",
            Self::Local => ".local",
            Self::Const => ".const",
            Self::Generic => "",
        }
    }
}
