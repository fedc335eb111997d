//! Integers to f16 in registers, exactly, without conversion instructions.
//!
//! 0x6400 is 1024 as f16 and its last place is 1, so 0x6400 | u is 1024 + u for u below 1024; subtracting 1024 + bias leaves the integer.
//! The subtraction is exact.

use half::f16;
use tilewright_ptx_ir::build::{F16x2, Value};

/// (a & b) | c as a `lop3` table.
const AND_OR: u8 = 0xEA;
/// 1024 in both halves.
const MAGIC: u32 = 0x6400_6400;
/// The high byte of 1024, for the byte permutation.
const MAGIC_BYTES: u32 = 0x6464_6464;

/// Pair `pair` (0 to 3) of a packed word of int4 stored with an offset of 8: (nibble `pair`, nibble `pair` + 4) minus 8.
///
/// An odd pair stays where it is, four bits up: as f16 1024 + 16 u, of which (1024 + 16 u) / 16 - 72 = u - 8 is exact. So one shift serves two pairs.
#[must_use]
pub fn int4_pair(word: Value<'_, u32>, pair: u32) -> Value<'_, F16x2> {
    let nibbles = if pair < 2 { word } else { word >> 8u32 };
    let both = |value| F16x2(f16::from_f32_const(value), f16::from_f32_const(value));
    if pair.is_multiple_of(2) {
        nibbles.lop3(0x000F_000F, MAGIC, AND_OR).bits::<F16x2>() - both(1032.0)
    } else {
        nibbles.lop3(0x00F0_00F0, MAGIC, AND_OR).bits::<F16x2>().fma(both(0.0625), both(-72.0))
    }
}

/// As [`int4_pair`], minus a zero point instead of 8: `base` is 1024 + zero in both halves, for a zero point from 0 to 15.
#[must_use]
pub fn int4_pair_above<'k>(word: Value<'k, u32>, pair: u32, base: Value<'k, F16x2>) -> Value<'k, F16x2> {
    let nibbles = if pair < 2 { word } else { word >> 8u32 };
    let both = |value| F16x2(f16::from_f32_const(value), f16::from_f32_const(value));
    if pair.is_multiple_of(2) {
        nibbles.lop3(0x000F_000F, MAGIC, AND_OR).bits::<F16x2>() - base
    } else {
        // 960 - (1024 + zero) = -64 - zero, exact.
        let offset = base.fma(both(-1.0), both(960.0));
        nibbles.lop3(0x00F0_00F0, MAGIC, AND_OR).bits::<F16x2>().fma(both(0.0625), offset)
    }
}

/// Pair `pair` (0 or 1) of a packed word of int8 stored with an offset of 128: (byte 2 `pair`, byte 2 `pair` + 1) minus 128.
#[must_use]
pub fn int8_pair(word: Value<'_, u32>, pair: u32) -> Value<'_, F16x2> {
    let selector = if pair == 0 { 0x4140u32 } else { 0x4342 };
    let biased: Value<'_, F16x2> = word.permute_bytes(MAGIC_BYTES, selector).bits();
    biased - F16x2(f16::from_f32_const(1152.0), f16::from_f32_const(1152.0))
}
