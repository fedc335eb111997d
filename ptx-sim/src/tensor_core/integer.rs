//! `mma.sync` on s8, u8 and s4.

use super::execute::Registers;
use super::fragment;

/// d = a·b + c on integers of `bits` bits, exact, then wrapped around or clamped to s32.
pub(super) fn execute<const K: usize>(
    bits: u32,
    is_signed: bool,
    satfinite: bool,
    a: Registers<'_>,
    b: Registers<'_>,
    c: Registers<'_>,
    d: &mut [[u32; 32]],
) {
    let parts = (32 / bits) as usize;
    let mut rows = [[0i32; K]; 16];
    for (register, lanes) in a.iter().enumerate().take(K / (2 * parts)) {
        for (lane, &word) in lanes.iter().enumerate() {
            for part in 0..parts {
                let place = fragment::a(bits, lane, register, part);
                rows[place.row][place.column] = part_of(word, bits, part, is_signed);
            }
        }
    }
    let mut columns = [[0i32; K]; 8];
    for (register, lanes) in b.iter().enumerate().take(K / (4 * parts)) {
        for (lane, &word) in lanes.iter().enumerate() {
            for part in 0..parts {
                let place = fragment::b(bits, lane, register, part);
                columns[place.column][place.row] = part_of(word, bits, part, is_signed);
            }
        }
    }
    for (register, lanes) in d.iter_mut().enumerate().take(4) {
        for (lane, result) in lanes.iter_mut().enumerate() {
            let place = fragment::accumulator(lane, register);
            // At most 64 products of 2^16: far inside i32, only the accumulator can pass its range.
            let dot: i32 = rows[place.row].iter().zip(&columns[place.column]).map(|(a, b)| a * b).sum();
            let c = c.get(register).map_or(0, |lanes| lanes[lane].cast_signed());
            let sum = if satfinite { c.saturating_add(dot) } else { c.wrapping_add(dot) };
            *result = sum.cast_unsigned();
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "at most eight parts")]
const fn part_of(word: u32, bits: u32, part: usize, is_signed: bool) -> i32 {
    let top = word << (32 - bits - bits * part as u32);
    if is_signed { top.cast_signed() >> (32 - bits) } else { (top >> (32 - bits)).cast_signed() }
}
