use super::*;
use crate::tensor_core::fragment::{self, Place};
use crate::tensor_core::{Operand, multiply_accumulate};

struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    /// A number whose exponent is one of `spread` up to `top`, or zero now and then.
    #[expect(clippy::cast_possible_truncation, reason = "its bits are put together from 16")]
    fn operand(&mut self, operand: Operand, top: u32, spread: u32) -> u16 {
        let bits = self.next();
        if bits.is_multiple_of(13) {
            return (bits >> 16) as u16 & 0x8000;
        }
        let fraction_bits = operand.fraction_bits();
        let exponent = top.saturating_sub(bits % spread);
        ((bits >> 16 & 0x8000) | exponent << fraction_bits | (bits >> 8 & ((1 << fraction_bits) - 1))) as u16
    }
}

type Tile<const ROWS: usize, const COLUMNS: usize, T> = [[T; COLUMNS]; ROWS];

/// The registers that hold a tile, `part` bits of an element at each place.
fn registers<const ROWS: usize, const COLUMNS: usize>(
    count: usize,
    tile: &Tile<ROWS, COLUMNS, u16>,
    place: impl Fn(usize, usize, usize) -> Place,
) -> Vec<Lanes> {
    let word = |register, lane| {
        let part = |part| {
            let Place { row, column } = place(lane, register, part);
            u32::from(tile[row][column])
        };
        part(0) | part(1) << 16
    };
    (0..count).map(|register| std::array::from_fn(|lane| word(register, lane))).collect()
}

/// How many of the tiles were not left to the plain way.
fn compare<const K: usize>(model: Model, operand: Operand, top: u32, spread: u32, sums_top: u32) -> u32 {
    let mut random = Random(u64::from(top * 64 + spread) << 20 | u64::from(sums_top));
    let mut taken = 0;
    for _ in 0..40 {
        let (mut a, mut b) = ([[0; K]; 16], [[0; K]; 8]);
        for bits in a.as_flattened_mut().iter_mut().chain(b.as_flattened_mut()) {
            *bits = random.operand(operand, top, spread);
        }
        let c: [Lanes; 4] = std::array::from_fn(|_| {
            std::array::from_fn(|_| {
                let bits = random.next();
                let exponent = sums_top.saturating_sub(bits % 40);
                if bits.is_multiple_of(11) { 0 } else { random.next() & 0x807F_FFFF | exponent << 23 }
            })
        });
        let a_registers = registers(K / 4, &a, |lane, register, part| fragment::a(16, lane, register, part));
        let b_registers = registers(K / 8, &b, |lane, register, part| {
            let Place { row, column } = fragment::b(16, lane, register, part);
            Place { row: column, column: row }
        });
        let operands = (&a_registers.iter().collect::<Vec<_>>()[..], &b_registers.iter().collect::<Vec<_>>()[..]);
        let mut sums = Sums::default();
        let is_taken = match operand {
            Operand::F16 => accumulate::<K, true>(model, operands, &c.each_ref(), &mut sums),
            Operand::Bf16 => accumulate::<K, false>(model, operands, &c.each_ref(), &mut sums),
        };
        if !is_taken {
            continue;
        }
        taken += 1;
        for (register, lanes) in sums.registers().iter().enumerate() {
            for (lane, sum) in lanes.iter().enumerate() {
                let Place { row, column } = fragment::accumulator(lane, register);
                let (a, b, c) = (&a[row], &b[column], c[register][lane]);
                let expected = multiply_accumulate(model, operand, a, b, c);
                assert_eq!(*sum, expected, "{model:?} {operand:?} {a:x?} {b:x?} {c:x}");
            }
        }
    }
    taken
}

#[test]
fn a_tile_is_what_its_outputs_are_one_by_one() {
    for model in [Model::AMPERE, Model::HOPPER] {
        for spread in [1, 2, 5, 12, 31] {
            for sums_top in [1, 20, 40, 100, 120, 127, 140, 160, 220, 254] {
                for top in [0, 1, 15, 30] {
                    let taken = compare::<8>(model, Operand::F16, top, spread, sums_top);
                    assert!(taken > 0 || sums_top <= 40 || sums_top > 200 || top < 2, "{top} {spread} {sums_top}");
                    compare::<16>(model, Operand::F16, top, spread, sums_top);
                }
                for top in [60, 90, 127, 150, 176, 200] {
                    compare::<8>(model, Operand::Bf16, top, spread, sums_top);
                    compare::<16>(model, Operand::Bf16, top, spread, sums_top);
                }
            }
        }
    }
}
