//! `mma.sync` on integers of two kinds, bits and f64, in all shapes.

use tilewright_ptx_ir::ir::{MmaBits, MmaForm, TernaryOp, Type};

use super::fragment;
use crate::arith::{self, TernaryForm};
use crate::decode::WideLanes;

/// d = a·b + c for one warp: every slice is indexed by register, then by lane; 32-bit registers are in the low halves. d has as many registers as c.
///
/// # Numerics
/// Integers and bits: exact sums in s32 that wrap around, or are clamped with `satfinite`. f64: one IEEE `fma.rn` after the other in the order of k, from c on,
/// and its NaN.
pub(crate) fn execute(
    form: MmaForm,
    satfinite: bool,
    a: &[WideLanes],
    b: &[WideLanes],
    c: &[WideLanes],
) -> Vec<WideLanes> {
    let (m, k, per) = (form.m() as usize, form.k() as usize, form.elements() as usize);
    // Where a register holds one element of 64 bits, its place is that of one of 32.
    let bits = 32 / form.elements();
    let (mut rows, mut columns) = (vec![vec![0u64; k]; m], vec![vec![0u64; k]; 8]);
    for part in 0..per {
        for lane in 0..32 {
            for (register, lanes) in a.iter().enumerate() {
                // Of eight rows all registers hold the same ones.
                let register = if m == 8 { 2 * register } else { register };
                let place = fragment::a(bits, lane, register, part);
                put(&mut rows, place.row, place.column, part_of(form, lanes[lane], part));
            }
            for (register, lanes) in b.iter().enumerate() {
                let place = fragment::b(bits, lane, register, part);
                put(&mut columns, place.column, place.row, part_of(form, lanes[lane], part));
            }
        }
    }
    let sum = |register: usize, lane: usize, c: u64| {
        let place = fragment::accumulator(lane, register);
        let pairs = rows.get(place.row).into_iter().zip(columns.get(place.column));
        let pairs = pairs.flat_map(|(row, column)| row.iter().copied().zip(column.iter().copied()));
        if form.is_f64() { chain(pairs, c) } else { exact(form, satfinite, pairs, c) }
    };
    c.iter().enumerate().map(|(register, lanes)| std::array::from_fn(|lane| sum(register, lane, lanes[lane]))).collect()
}

fn put(lines: &mut [Vec<u64>], line: usize, place: usize, value: u64) {
    if let Some(to) = lines.get_mut(line).and_then(|line| line.get_mut(place)) {
        *to = value;
    }
}

/// The bits of an element of a register.
const fn part_of(form: MmaForm, word: u64, part: usize) -> u64 {
    let bits = form.a().bits();
    if bits == 64 { word } else { word >> (bits as usize * part) & ((1 << bits) - 1) }
}

fn chain(pairs: impl Iterator<Item = (u64, u64)>, c: u64) -> u64 {
    let form =
        TernaryForm { rounding: Some(tilewright_ptx_ir::ir::Rounding::Nearest), ftz: false, sat: false, relu: false };
    pairs.fold(c, |sum, (a, b)| arith::ternary(TernaryOp::Fma, Type::F64, form, a, b, sum).unwrap_or(0))
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what the register holds")]
fn exact(form: MmaForm, satfinite: bool, pairs: impl Iterator<Item = (u64, u64)>, c: u64) -> u64 {
    let number = |bits: u64, element: tilewright_ptx_ir::ir::MmaElement| {
        let is_negative = element.is_signed() && bits >> (element.bits() - 1) & 1 == 1;
        bits.cast_signed() - if is_negative { 1 << element.bits() } else { 0 }
    };
    let product = |(a, b): (u64, u64)| match form.bits() {
        Some(MmaBits::Xor) => (a ^ b).cast_signed(),
        Some(_) => (a & b).cast_signed(),
        None => number(a, form.a()) * number(b, form.b()),
    };
    let sum = pairs.map(product).sum::<i64>() + i64::from((c as u32).cast_signed());
    let sum = if satfinite { sum.clamp(i32::MIN.into(), i32::MAX.into()) } else { sum };
    u64::from((sum as i32).cast_unsigned())
}
