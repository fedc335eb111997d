//! Forms of `mma.sync` on integers, bits and f64 beyond those of [`MmaShape`](super::MmaShape).

use super::types::{RegClass, Type};

/// What the elements of a or of b are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MmaElement {
    /// Signed 8-bit integers.
    S8,
    /// Unsigned 8-bit integers.
    U8,
    /// Signed 4-bit integers.
    S4,
    /// Unsigned 4-bit integers.
    U4,
    /// Bits.
    B1,
    /// IEEE binary64.
    F64,
}

impl MmaElement {
    /// The name after the dot.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::S8 => "s8",
            Self::U8 => "u8",
            Self::S4 => "s4",
            Self::U4 => "u4",
            Self::B1 => "b1",
            Self::F64 => "f64",
        }
    }

    /// Bits of an element.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::S8 | Self::U8 => 8,
            Self::S4 | Self::U4 => 4,
            Self::B1 => 1,
            Self::F64 => 64,
        }
    }

    /// Whether it is a signed integer.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::S8 | Self::S4)
    }
}

/// What stands for the product of two bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MmaBits {
    /// `.xor.popc`
    Xor,
    /// `.and.popc`
    And,
}

/// One such instruction: d = a·b + c on tiles m x k (row-major), k x 8 (column-major) and m x 8.
///
/// # Source
/// PTX ISA 9.0, section 9.7.14.5 (Matrix multiply-accumulate operation using `mma` instruction).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MmaForm {
    m: u32,
    k: u32,
    a: MmaElement,
    b: MmaElement,
    bits: Option<MmaBits>,
}

/// Columns of b and d.
const N: u32 = 8;
const LANES: u32 = 32;

impl MmaForm {
    /// Every form.
    pub fn all() -> impl Iterator<Item = Self> {
        use MmaElement::{B1, F64, S4, S8, U4, U8};
        let mixes = |m, k, elements: &'static [(MmaElement, MmaElement)]| {
            elements.iter().map(move |(a, b)| Self { m, k, a: *a, b: *b, bits: None })
        };
        let eight = mixes(8, 16, &[(S8, S8), (S8, U8), (U8, S8), (U8, U8)]);
        let four = mixes(8, 32, &[(S4, S4), (S4, U4), (U4, S4), (U4, U4)]);
        let more = [16, 32].into_iter().flat_map(move |k| mixes(16, k, &[(S8, U8), (U8, S8)]));
        let more_fours = [32, 64].into_iter().flat_map(move |k| mixes(16, k, &[(S4, U4), (U4, S4), (U4, U4)]));
        let bits = [(8, 128), (16, 128), (16, 256)].into_iter().flat_map(|(m, k)| {
            [MmaBits::Xor, MmaBits::And].into_iter().map(move |bits| Self { m, k, a: B1, b: B1, bits: Some(bits) })
        });
        let doubles =
            [(8, 4), (16, 4), (16, 8), (16, 16)].into_iter().flat_map(move |(m, k)| mixes(m, k, &[(F64, F64)]));
        eight.chain(four).chain(more).chain(more_fours).chain(bits).chain(doubles)
    }

    /// The form with this mnemonic, `.satfinite` left out.
    #[must_use]
    pub fn from_mnemonic(mnemonic: &str) -> Option<Self> {
        Self::all().find(|form| form.mnemonic(false) == mnemonic)
    }

    /// Rows of a and d: 8 or 16.
    #[must_use]
    pub const fn m(self) -> u32 {
        self.m
    }

    /// Columns of a, rows of b.
    #[must_use]
    pub const fn k(self) -> u32 {
        self.k
    }

    /// The elements of a.
    #[must_use]
    pub const fn a(self) -> MmaElement {
        self.a
    }

    /// The elements of b.
    #[must_use]
    pub const fn b(self) -> MmaElement {
        self.b
    }

    /// What stands for the product of bits.
    #[must_use]
    pub const fn bits(self) -> Option<MmaBits> {
        self.bits
    }

    /// Whether it is on f64.
    #[must_use]
    pub const fn is_f64(self) -> bool {
        matches!(self.a, MmaElement::F64)
    }

    /// Whether the instruction may clamp its sums.
    #[must_use]
    pub const fn saturates(self) -> bool {
        !self.is_f64() && self.bits.is_none()
    }

    /// The type of c and d.
    #[must_use]
    pub const fn accumulator(self) -> Type {
        if self.is_f64() { Type::F64 } else { Type::S32 }
    }

    /// What a register of a, b, c or d is declared as.
    #[must_use]
    pub const fn class(self) -> RegClass {
        if self.is_f64() { RegClass::F64 } else { RegClass::B32 }
    }

    /// Elements of a or b in a register.
    #[must_use]
    pub const fn elements(self) -> u32 {
        if self.is_f64() { 1 } else { 32 / self.a.bits() }
    }

    /// Registers of a in each thread.
    #[must_use]
    pub const fn a_registers(self) -> usize {
        (self.m * self.k / (LANES * self.elements())) as usize
    }

    /// Registers of b in each thread.
    #[must_use]
    pub const fn b_registers(self) -> usize {
        (N * self.k / (LANES * self.elements())) as usize
    }

    /// Registers of c and of d in each thread.
    #[must_use]
    pub const fn accumulator_registers(self) -> usize {
        (self.m * N / LANES) as usize
    }

    /// The whole mnemonic, for example `mma.sync.aligned.m8n8k16.row.col.satfinite.s32.s8.u8.s32`.
    #[must_use]
    pub fn mnemonic(self, satfinite: bool) -> String {
        let Self { m, k, a, b, bits } = self;
        let (a, b, accumulator) = (a.name(), b.name(), self.accumulator());
        let satfinite = if satfinite { ".satfinite" } else { "" };
        let bits = match bits {
            Some(MmaBits::Xor) => ".xor.popc",
            Some(MmaBits::And) => ".and.popc",
            None => "",
        };
        format!("mma.sync.aligned.m{m}n{N}k{k}.row.col{satfinite}.{accumulator}.{a}.{b}.{accumulator}{bits}")
    }
}
