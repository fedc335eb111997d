//! Matrices in the lanes of a warp.
//!
//! # Source
//! PTX ISA 9.0, sections 9.7.14.5 (`mma` and the figures of its fragments) and 9.7.14.5.15 (`ldmatrix`).

use tilewright_ptx_ir::ir::{Address, MmaBits, MmaForm, MmaShape, Reg, Space, Type};

use super::integers::number;
use super::{Block, Lanes, NaiveError, Outcome};

impl Block<'_> {
    /// Lane l gets of each matrix the elements 2(l mod 4) and 2(l mod 4) + 1 of row l / 4, or of that column; the addresses of the rows of matrix i are those of
    /// the lanes from 8i on.
    pub(super) fn load_matrices(
        &self,
        transpose: bool,
        dsts: &[Reg],
        address: Address,
        lanes: Lanes<'_>,
    ) -> Outcome<()> {
        let rows: Vec<u64> = lanes.iter().map(|lane| self.address(address, lane)).collect();
        let mut results = Vec::new();
        for (lane, own) in (0..32).zip(lanes.iter()) {
            for matrix in 0..dsts.len() {
                let element = |row: usize, column: usize| {
                    let row = rows.get(8 * matrix + row).ok_or(NaiveError::Endless)?;
                    self.load(Space::Shared, row + 2 * column as u64, 2, own)
                };
                let (line, first) = (lane / 4, 2 * (lane % 4));
                let [low, high] =
                    [first, first + 1].map(|place| if transpose { element(place, line) } else { element(line, place) });
                results.push(high? << 16 | low?);
            }
        }
        for (own, results) in lanes.iter_mut().zip(results.chunks(dsts.len())) {
            dsts.iter().zip(results).for_each(|(dst, value)| own.write(*dst, *value));
        }
        Ok(())
    }
}

/// The registers of a product.
pub(super) struct Product<'a> {
    pub(super) dsts: &'a [Reg],
    pub(super) a: &'a [Reg],
    pub(super) b: &'a [Reg],
    pub(super) c: &'a [Reg],
}

/// d = a·b + c on integers; `None` if the elements are none.
pub(super) fn product(shape: MmaShape, satfinite: bool, registers: &Product<'_>, lanes: Lanes<'_>) -> Option<()> {
    let (bits, is_signed) = match shape.operand_name() {
        "s8" => (8, true),
        "u8" => (8, false),
        "s4" => (4, true),
        _ => return None,
    };
    let (per_register, k) = (32 / bits, shape.k());
    // A register of a holds neighbours of a row, one of b neighbours of a column. In a the first and the second register are of rows 8 apart, and two registers
    // further the columns are 4 registers' elements apart; in b each register is that much further.
    let element = |lane: usize, register: Reg, part: u32| {
        let bits_of_it = lanes.get(lane)?.read(register) >> (part * bits) & ((1 << bits) - 1);
        let top = u64::from(is_signed) * (bits_of_it >> (bits - 1) << bits);
        Some(i128::from(bits_of_it) - i128::from(top))
    };
    let a = |row: u32, column: u32| {
        let (block, inside) = (column / (4 * per_register), column % (4 * per_register));
        let lane = row % 8 * 4 + inside / per_register;
        element(lane as usize, *registers.a.get((2 * block + row / 8) as usize)?, inside % per_register)
    };
    let b = |row: u32, column: u32| {
        let (block, inside) = (row / (4 * per_register), row % (4 * per_register));
        let lane = column * 4 + inside / per_register;
        element(lane as usize, *registers.b.get(block as usize)?, inside % per_register)
    };
    let mut results = Vec::new();
    for (lane, own) in (0..32).zip(lanes.iter()) {
        for (index, c) in (0..4).zip(registers.c) {
            let (row, column) = (lane / 4 + index / 2 * 8, lane % 4 * 2 + index % 2);
            let mut sum = number(own.read(*c), Type::S32);
            for inner in 0..k {
                sum += a(row, inner)? * b(inner, column)?;
            }
            results.push(if satfinite { sum.clamp(i32::MIN.into(), i32::MAX.into()) } else { sum } as u64);
        }
    }
    for (own, results) in lanes.iter_mut().zip(results.chunks(4)) {
        registers.dsts.iter().zip(results).for_each(|(dst, value)| own.write(*dst, *value));
    }
    Some(())
}

/// The same in other forms on integers and bits, by the figures of the ISA: the lane and the place in its registers of each element.
pub(super) fn product_of_form(form: MmaForm, satfinite: bool, registers: &Product<'_>, lanes: Lanes<'_>) -> Option<()> {
    if form.is_f64() {
        return None;
    }
    let (width, per) = (form.a().bits(), 32 / form.a().bits());
    let take = |reg: Reg, lane: u32, part: u32, is_signed: bool| {
        let field = i128::from(lanes.get(lane as usize)?.read(reg) >> (part * width)) % (1 << width);
        Some(if is_signed && field >= 1 << (width - 1) { field - (1 << width) } else { field })
    };
    // Four lanes hold a row of a or a column of b in one register each; the next elements are in their next registers. Rows from 8 on are in registers between.
    let a = |row: u32, inner: u32| {
        let (group, inside) = (inner / (4 * per), inner % (4 * per));
        let register = if form.m() == 8 { group } else { 2 * group + row / 8 };
        take(*registers.a.get(register as usize)?, row % 8 * 4 + inside / per, inside % per, form.a().is_signed())
    };
    let b = |inner: u32, column: u32| {
        let (group, inside) = (inner / (4 * per), inner % (4 * per));
        take(*registers.b.get(group as usize)?, column * 4 + inside / per, inside % per, form.b().is_signed())
    };
    let mut results = Vec::new();
    for (lane, own) in (0u32..).zip(lanes.iter()) {
        for (index, c) in (0u32..).zip(registers.c) {
            let (row, column) = (lane / 4 + index / 2 * 8, lane % 4 * 2 + index % 2);
            let mut sum = number(own.read(*c), Type::S32);
            for inner in 0..form.k() {
                let (a, b) = (a(row, inner)?, b(inner, column)?);
                sum += match form.bits() {
                    Some(MmaBits::Xor) => i128::from(a != b),
                    Some(_) => i128::from(a == 1 && b == 1),
                    None => a * b,
                };
            }
            results.push(if satfinite { sum.clamp(i32::MIN.into(), i32::MAX.into()) } else { sum } as u64);
        }
    }
    for (own, results) in lanes.iter_mut().zip(results.chunks(registers.dsts.len())) {
        registers.dsts.iter().zip(results).for_each(|(dst, value)| own.write(*dst, *value));
    }
    Some(())
}
