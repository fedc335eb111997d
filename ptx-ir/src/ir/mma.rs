//! Shapes of `mma.sync`.

use super::types::{RegClass, Type};

/// One `mma.sync` instruction: d = a·b + c on tiles m x k (row-major), k x n (column-major) and m x n.
///
/// # Source
/// PTX ISA 9.0, section 9.7.14.5 (Matrix multiply-accumulate operation using `mma` instruction).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MmaShape {
    /// m16n8k16, f16 operands, f32 accumulator.
    M16N8K16F16F32,
    /// m16n8k16, f16 operands, f16 accumulator.
    M16N8K16F16F16,
    /// m16n8k16, bf16 operands, f32 accumulator.
    M16N8K16Bf16F32,
    /// m16n8k8, f16 operands, f32 accumulator.
    M16N8K8F16F32,
    /// m16n8k8, bf16 operands, f32 accumulator.
    M16N8K8Bf16F32,
    /// m16n8k8, f16 operands, f16 accumulator.
    M16N8K8F16F16,
    /// m16n8k4, tf32 operands, f32 accumulator.
    M16N8K4Tf32F32,
    /// m16n8k8, tf32 operands, f32 accumulator.
    M16N8K8Tf32F32,
    /// m16n8k16, u8 operands, s32 accumulator.
    M16N8K16U8S32,
    /// m16n8k32, u8 operands, s32 accumulator.
    M16N8K32U8S32,
    /// m16n8k32, s4 operands, s32 accumulator.
    M16N8K32S4S32,
    /// m16n8k32, s8 operands, s32 accumulator.
    M16N8K32S8S32,
    /// m16n8k16, s8 operands, s32 accumulator.
    M16N8K16S8S32,
    /// m16n8k64, s4 operands, s32 accumulator.
    M16N8K64S4S32,
}

impl MmaShape {
    /// Every shape, in declaration order.
    pub const ALL: [Self; 14] = [
        Self::M16N8K16F16F32,
        Self::M16N8K16F16F16,
        Self::M16N8K16Bf16F32,
        Self::M16N8K8F16F32,
        Self::M16N8K8Bf16F32,
        Self::M16N8K8F16F16,
        Self::M16N8K4Tf32F32,
        Self::M16N8K8Tf32F32,
        Self::M16N8K16U8S32,
        Self::M16N8K32U8S32,
        Self::M16N8K32S4S32,
        Self::M16N8K32S8S32,
        Self::M16N8K16S8S32,
        Self::M16N8K64S4S32,
    ];

    /// Rows of a and d.
    pub const M: u32 = 16;
    /// Columns of b and d.
    pub const N: u32 = 8;

    /// Columns of a, rows of b.
    #[must_use]
    pub const fn k(self) -> u32 {
        match self {
            Self::M16N8K4Tf32F32 => 4,
            Self::M16N8K8F16F32 | Self::M16N8K8F16F16 | Self::M16N8K8Bf16F32 | Self::M16N8K8Tf32F32 => 8,
            Self::M16N8K16F16F32
            | Self::M16N8K16F16F16
            | Self::M16N8K16Bf16F32
            | Self::M16N8K16S8S32
            | Self::M16N8K16U8S32 => 16,
            Self::M16N8K32S8S32 | Self::M16N8K32U8S32 | Self::M16N8K32S4S32 => 32,
            Self::M16N8K64S4S32 => 64,
        }
    }

    /// The type of a and b as the instruction names it: `f16`, `bf16`, `tf32`, `s8`, `u8`, `s4`.
    #[must_use]
    pub const fn operand_name(self) -> &'static str {
        match self {
            Self::M16N8K16F16F32 | Self::M16N8K16F16F16 | Self::M16N8K8F16F32 | Self::M16N8K8F16F16 => "f16",
            Self::M16N8K4Tf32F32 | Self::M16N8K8Tf32F32 => "tf32",
            Self::M16N8K16U8S32 | Self::M16N8K32U8S32 => "u8",
            Self::M16N8K16Bf16F32 | Self::M16N8K8Bf16F32 => "bf16",
            Self::M16N8K32S8S32 | Self::M16N8K16S8S32 => "s8",
            Self::M16N8K64S4S32 | Self::M16N8K32S4S32 => "s4",
        }
    }

    /// Bits of one element of a and b.
    #[must_use]
    pub const fn operand_bits(self) -> u32 {
        match self {
            Self::M16N8K16F16F32
            | Self::M16N8K16F16F16
            | Self::M16N8K8F16F32
            | Self::M16N8K8F16F16
            | Self::M16N8K16Bf16F32
            | Self::M16N8K8Bf16F32 => 16,
            Self::M16N8K4Tf32F32 | Self::M16N8K8Tf32F32 => 32,
            Self::M16N8K32S8S32 | Self::M16N8K16S8S32 | Self::M16N8K16U8S32 | Self::M16N8K32U8S32 => 8,
            Self::M16N8K64S4S32 | Self::M16N8K32S4S32 => 4,
        }
    }

    /// The type of c and d.
    #[must_use]
    pub const fn accumulator(self) -> Type {
        match self {
            Self::M16N8K16F16F16 | Self::M16N8K8F16F16 => Type::F16,
            Self::M16N8K32S8S32
            | Self::M16N8K16S8S32
            | Self::M16N8K64S4S32
            | Self::M16N8K16U8S32
            | Self::M16N8K32U8S32
            | Self::M16N8K32S4S32 => Type::S32,
            _ => Type::F32,
        }
    }

    /// The register class of c and d; f16 accumulators are packed in pairs.
    #[must_use]
    pub const fn accumulator_class(self) -> RegClass {
        match self.accumulator() {
            Type::F32 => RegClass::F32,
            _ => RegClass::B32,
        }
    }

    /// 32-bit registers of a in each thread.
    #[must_use]
    pub const fn a_registers(self) -> usize {
        (Self::M * self.k() * self.operand_bits() / (32 * 32)) as usize
    }

    /// 32-bit registers of b in each thread.
    #[must_use]
    pub const fn b_registers(self) -> usize {
        (Self::N * self.k() * self.operand_bits() / (32 * 32)) as usize
    }

    /// Registers of c and of d in each thread.
    #[must_use]
    pub const fn accumulator_registers(self) -> usize {
        match self.accumulator() {
            Type::F16 => 2,
            _ => 4,
        }
    }

    /// The whole mnemonic, for example `mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32`.
    #[must_use]
    pub fn mnemonic(self) -> String {
        let (k, operand, accumulator) = (self.k(), self.operand_name(), self.accumulator());
        format!("mma.sync.aligned.m16n8k{k}.row.col.{accumulator}.{operand}.{operand}.{accumulator}")
    }
}
