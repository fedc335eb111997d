//! The tensor-core model against exact sums, its own rules, and the instruction against the model.

use std::array;

use crate::support::{config, patterns};
use proptest::prelude::*;
use tilewright_ptx_ir::ir::{MmaShape, Type};
use tilewright_ptx_sim::Profile;
use tilewright_ptx_sim::tensor_core::{
    Model, Operand, execute, fragment, multiply_accumulate, multiply_accumulate_f16, multiply_accumulate_tf32,
};

const ONE: u16 = 0x3C00;

fn f16(value: f32) -> u16 {
    half::f16::from_f32(value).to_bits()
}

fn dot(model: Model, terms: &[(f32, f32)], c: f32) -> f32 {
    let a: Vec<u16> = terms.iter().map(|term| f16(term.0)).collect();
    let b: Vec<u16> = terms.iter().map(|term| f16(term.1)).collect();
    f32::from_bits(multiply_accumulate(model, Operand::F16, &a, &b, c.to_bits()))
}

/// The largest terms cancel; what is left tells how many bits were kept below them, and how many terms were added at once.
///
/// In the spirit of Li et al., FTTN (arXiv 2403.00232), whose product is 0 on a V100 and an A100 and not 0 on an H100.
#[test]
fn chips_differ_where_large_terms_cancel() {
    let fine = |exponent: i32| dot_after_cancellation(exponent, 1);
    // 2^15 · 2^15 = 2^30: units of 2^(30-24) on Ampere, 2^(30-25) on Hopper.
    assert_eq!(fine(7), [128.0, 128.0, 128.0]);
    assert_eq!(fine(6), [0.0, 64.0, 64.0]);
    assert_eq!(fine(5), [0.0, 0.0, 32.0]);
    assert_eq!(fine(4), [0.0, 0.0, 0.0]);
    // The same with the cancelling term eight places on: Ampere has rounded to f32 in between, Volta three times.
    let apart = |exponent: i32| dot_after_cancellation(exponent, 8);
    assert_eq!(apart(7), [128.0, 128.0, 128.0]);
    assert_eq!(apart(6), [0.0, 0.0, 64.0]);
}

/// 2^30 + 2^exponent - 2^30 on Volta, Ampere and Hopper, the last term `distance` places behind the first.
fn dot_after_cancellation(exponent: i32, distance: usize) -> [f32; 3] {
    let large = 32_768.0;
    let mut terms = [(0.0, 0.0); 16];
    terms[0] = (large, large);
    terms[distance] = (large, -large);
    terms[2] = (2.0f32.powi(exponent), 1.0);
    [Model::VOLTA, Model::AMPERE, Model::HOPPER].map(|model| dot(model, &terms, 0.0))
}

#[test]
fn special_values() {
    let infinity = f32::INFINITY;
    for model in [Model::AMPERE, Model::HOPPER] {
        let bits = |terms: &[(f32, f32)], c: f32| dot(model, terms, c).to_bits();
        assert_eq!(bits(&[(f32::NAN, 1.0)], 0.0), 0x7FFF_FFFF);
        assert_eq!(bits(&[(1.0, 1.0)], -f32::NAN), 0x7FFF_FFFF);
        assert_eq!(bits(&[(infinity, 0.0)], 0.0), 0x7FFF_FFFF);
        assert_eq!(bits(&[(infinity, 1.0), (1.0, -infinity)], 0.0), 0x7FFF_FFFF);
        assert_eq!(bits(&[(infinity, 1.0)], -infinity), 0x7FFF_FFFF);
        assert_eq!(bits(&[(-infinity, 2.0), (1.0, 1.0)], 3.0), (-infinity).to_bits());
        assert_eq!(bits(&[(1.0, 1.0)], infinity), infinity.to_bits());
        assert_eq!(bits(&[(-infinity, -infinity)], infinity), infinity.to_bits());
        assert_eq!(bits(&[(-0.0, 1.0)], -0.0), 0);
        assert_eq!(bits(&[(1.0, 1.0)], -1.0), 0);
        // Subnormals are kept: 2^-24 · 2^-24, and an accumulator of one last place.
        assert_eq!(bits(&[(2.0f32.powi(-24), 2.0f32.powi(-24))], 0.0), 2.0f32.powi(-48).to_bits());
        assert_eq!(multiply_accumulate(model, Operand::F16, &[0], &[0x7BFF], 1), 1);
        assert_eq!(multiply_accumulate(model, Operand::Bf16, &[0], &[0], 1), 1);
    }
}

#[test]
fn f16_accumulators_round_to_nearest_even() {
    // 2048 + 1 and 2048 + 3 are ties.
    let sum = |c: f32, term: f32| multiply_accumulate_f16(Model::HOPPER, &[f16(term)], &[ONE], f16(c));
    assert_eq!(sum(2048.0, 1.0), f16(2048.0));
    assert_eq!(sum(2050.0, 1.0), f16(2052.0));
    assert_eq!(sum(65_504.0, 15.0), f16(65_504.0));
    assert_eq!(sum(65_504.0, 16.0), 0x7C00);
    assert_eq!(sum(f32::NAN, 1.0), 0x7FFF);
    // What rounds to zero has no sign.
    assert_eq!(multiply_accumulate_f16(Model::HOPPER, &[0x8001], &[0x0001], 0x8000), 0);
}

/// A finite f16 in multiples of 2^-24, of which every one is a multiple.
fn exact(bits: u16) -> i128 {
    (half::f16::from_bits(bits).to_f64() * 2.0f64.powi(24)) as i128
}

fn finite_f16() -> impl Strategy<Value = u16> {
    patterns(10, 5)
        .prop_map(|bits| bits as u16)
        .prop_map(|bits| if bits & 0x7C00 == 0x7C00 { bits & 0xBFFF } else { bits })
}

proptest! {
    #![proptest_config(config(4_000))]

    /// The error of one block: each term loses less than a unit of the alignment, and the rounding less than a unit in the last place.
    #[test]
    fn a_block_is_within_its_bound_of_the_exact_sum(
        a in proptest::collection::vec(finite_f16(), 16),
        b in proptest::collection::vec(finite_f16(), 16),
        c in -1000i32..1000,
    ) {
        let products = a.iter().zip(&b).map(|(&a, &b)| exact(a) * exact(b));
        let terms: Vec<i128> = products.chain([i128::from(c) << 48]).collect();
        let sum: i128 = terms.iter().sum();
        let largest = terms.iter().map(|term| term.unsigned_abs()).max().unwrap() as f64;
        let c = (c as f32).to_bits();
        let result = f64::from(f32::from_bits(multiply_accumulate(Model::HOPPER, Operand::F16, &a, &b, c)));
        let error = (result * 2.0f64.powi(48) - sum as f64).abs();
        // Subnormals have an exponent above their value: 2^-14 in f16, so up to 2^2 for a product.
        let unit = largest.max(2.0f64.powi(48 + 2)) * 2.0f64.powi(-25);
        prop_assert!(error <= 17.0 * unit + sum.unsigned_abs() as f64 * 2.0f64.powi(-23), "{error} {unit} {sum}");
    }

    /// Where every bit fits, the result is exact on every chip.
    #[test]
    fn small_integers_are_summed_exactly(
        a in proptest::collection::vec(-15i32..16, 16),
        b in proptest::collection::vec(-15i32..16, 16),
        c in -60_000i32..60_000,
    ) {
        let expected: i32 = a.iter().zip(&b).map(|(a, b)| a * b).sum::<i32>() + c;
        let terms: Vec<(f32, f32)> = a.iter().zip(&b).map(|(&a, &b)| (a as f32, b as f32)).collect();
        for model in [Model::VOLTA, Model::AMPERE, Model::HOPPER] {
            prop_assert_eq!(dot(model, &terms, c as f32), expected as f32);
        }
    }

    /// Products of zeros add nothing, whatever the accumulator: subnormals and the least normal numbers come back as they went in.
    #[test]
    fn adding_zeros_changes_nothing(c in patterns(23, 8), k in 1usize..17) {
        prop_assume!(c & 0x7F80_0000 != 0x7F80_0000 && c != 0x8000_0000);
        for model in [Model::AMPERE, Model::HOPPER] {
            let sum = multiply_accumulate(model, Operand::Bf16, &vec![0; k], &vec![0x8000; k], c as u32);
            prop_assert_eq!(u64::from(sum), c);
        }
    }

    #[test]
    fn negating_everything_negates_the_result(
        a in proptest::collection::vec(any::<u16>(), 16),
        b in proptest::collection::vec(any::<u16>(), 16),
        c in patterns(23, 8),
        bf16 in any::<bool>(),
    ) {
        let operand = if bf16 { Operand::Bf16 } else { Operand::F16 };
        let negated: Vec<u16> = a.iter().map(|bits| bits ^ 0x8000).collect();
        for model in [Model::AMPERE, Model::HOPPER] {
            let plus = multiply_accumulate(model, operand, &a, &b, c as u32);
            let minus = multiply_accumulate(model, operand, &negated, &b, c as u32 ^ 0x8000_0000);
            let expected = if plus == 0 || plus == 0x7FFF_FFFF { plus } else { plus ^ 0x8000_0000 };
            prop_assert_eq!(minus, expected);
        }
    }
}

/// Registers of one warp: random words, shaped by `shape`, which also gets a number to decide by.
fn registers(seed: u64, count: usize, shape: fn(u32, u32) -> u32) -> Vec<[u32; 32]> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB)
    };
    (0..count)
        .map(|_| {
            array::from_fn(|_| {
                let bits = next();
                shape((bits >> 32) as u32, bits as u32)
            })
        })
        .collect()
}

/// Sometimes a zero in either half.
fn with_zeros(bits: u32, decide: u32) -> u32 {
    match decide % 8 {
        0 => bits & 0x8000_FFFF,
        1 => bits & 0xFFFF_8000,
        2 => bits & 0x8000_8000,
        _ => bits,
    }
}

/// What pairs of halves look like: below 2 or every finite f16; near 1, near 2^50 or finite in bf16; zeros; every pattern.
const HALVES: [fn(u32, u32) -> u32; 7] = [
    |bits, _| bits & 0xBFFF_BFFF,
    |bits, decide| with_zeros(bits & 0xFBFF_FBFF, decide),
    |bits, decide| with_zeros(bits & 0x87FF_87FF | 0x3800_3800, decide),
    |bits, _| bits & 0x807F_807F | 0x5880_5880,
    |bits, decide| with_zeros(bits & 0xFF7F_FF7F, decide),
    |bits, _| bits & 0x8000_8000,
    |bits, _| bits,
];

/// What accumulators look like: below 2; near 1 or zero; subnormal or as good as; the greatest; every finite f32; every pattern.
const SUMS: [fn(u32, u32) -> u32; 6] = [
    |bits, _| bits & 0xBFFF_FFFF,
    |bits, decide| if decide % 4 == 0 { bits & 0x8000_0000 } else { bits & 0x83FF_FFFF | 0x3C00_0000 },
    |bits, _| bits & 0x80FF_FFFF,
    |bits, _| bits & 0x8000_0000 | 0x7F7F_FFFF,
    |bits, _| bits & 0xFF7F_FFFF,
    |bits, _| bits,
];

/// Each shape of the instruction against one dot product an output, through the fragment tables.
#[test]
fn instructions_compute_every_output_of_the_tile() {
    for shape in MmaShape::ALL {
        for profile in Profile::ALL {
            for (seed, halves) in HALVES.into_iter().enumerate() {
                for (more, sums) in SUMS.into_iter().enumerate() {
                    for again in 0..3 {
                        check_instruction(shape, profile, (seed * 64 + more * 4 + again) as u64, halves, sums);
                    }
                }
            }
        }
    }
}

fn check_instruction(
    shape: MmaShape,
    profile: Profile,
    seed: u64,
    operands: fn(u32, u32) -> u32,
    sums: fn(u32, u32) -> u32,
) {
    let a = registers(3 * seed, shape.a_registers(), operands);
    let b = registers(3 * seed + 1, shape.b_registers(), operands);
    let c = registers(3 * seed + 2, shape.accumulator_registers(), sums);
    let (k, bits) = (shape.k() as usize, shape.operand_bits());
    let per = (32 / bits) as usize;
    let part = |word: u32, part: usize| word >> (bits as usize * part) & ((1u64 << bits) - 1) as u32;
    let mut rows = vec![vec![0u32; k]; 16];
    let mut columns = vec![vec![0u32; k]; 8];
    for lane in 0..32 {
        for element in 0..per {
            for (register, words) in a.iter().enumerate() {
                let place = fragment::a(bits, lane, register, element);
                rows[place.row][place.column] = part(words[lane], element);
            }
            for (register, words) in b.iter().enumerate() {
                let place = fragment::b(bits, lane, register, element);
                columns[place.column][place.row] = part(words[lane], element);
            }
        }
    }
    for satfinite in [false, true] {
        let mut d = vec![[0u32; 32]; shape.accumulator_registers()];
        execute(shape, profile, satfinite, &a, &b, &c, &mut d);
        for lane in 0..32 {
            for register in 0..shape.accumulator_registers() {
                let (c, d) = (c[register][lane], d[register][lane]);
                let place = |element| match shape.accumulator() {
                    Type::F16 => fragment::accumulator_f16(lane, register, element),
                    _ => fragment::accumulator(lane, register),
                };
                let halves = |values: &[u32]| values.iter().map(|&bits| bits as u16).collect::<Vec<u16>>();
                let model = profile.tensor_core();
                let operand = if shape.operand_name() == "bf16" { Operand::Bf16 } else { Operand::F16 };
                let expected = match shape.accumulator() {
                    Type::S32 => integer_output(
                        bits,
                        shape.operand_name().starts_with('s'),
                        satfinite,
                        &rows[place(0).row],
                        &columns[place(0).column],
                        c,
                    ),
                    Type::F16 => (0..2).fold(0, |all, element| {
                        let (a, b) = (halves(&rows[place(element).row]), halves(&columns[place(element).column]));
                        let sum = multiply_accumulate_f16(model, &a, &b, (c >> (16 * element)) as u16);
                        all | u32::from(sum) << (16 * element)
                    }),
                    _ if shape.operand_name() == "tf32" => {
                        multiply_accumulate_tf32(model, &rows[place(0).row], &columns[place(0).column], c)
                    }
                    _ => {
                        let (a, b) = (halves(&rows[place(0).row]), halves(&columns[place(0).column]));
                        multiply_accumulate(model, operand, &a, &b, c)
                    }
                };
                assert_eq!(d, expected, "{} on {}, lane {lane}, register {register}", shape.mnemonic(), profile.name());
            }
        }
    }
}

fn integer_output(bits: u32, is_signed: bool, satfinite: bool, a: &[u32], b: &[u32], c: u32) -> u32 {
    let signed =
        |value: u32| i64::from(value as i32) - if is_signed && value >> (bits - 1) == 1 { 1 << bits } else { 0 };
    let sum = a.iter().zip(b).map(|(&a, &b)| signed(a) * signed(b)).sum::<i64>() + i64::from(c as i32);
    if satfinite { sum.clamp(i32::MIN.into(), i32::MAX.into()) as i32 as u32 } else { sum as u32 }
}

/// Every element of each tile lies in exactly one place of the registers.
#[test]
fn fragments_are_bijections() {
    for shape in MmaShape::ALL {
        let (k, bits) = (shape.k() as usize, shape.operand_bits());
        let places = |registers: usize, per: usize, place: &dyn Fn(usize, usize, usize) -> fragment::Place| {
            let mut places = Vec::new();
            for lane in 0..32 {
                for register in 0..registers {
                    places.extend((0..per).map(|part| place(lane, register, part)));
                }
            }
            places.sort();
            places
        };
        let all = |rows: usize, columns: usize| -> Vec<_> {
            (0..rows).flat_map(|row| (0..columns).map(move |column| fragment::Place { row, column })).collect()
        };
        let per = (32 / bits) as usize;
        assert_eq!(places(shape.a_registers(), per, &|l, r, p| fragment::a(bits, l, r, p)), all(16, k));
        assert_eq!(places(shape.b_registers(), per, &|l, r, p| fragment::b(bits, l, r, p)), all(k, 8));
    }
    let mut sums: Vec<_> = (0..32).flat_map(|lane| (0..4).map(move |r| fragment::accumulator(lane, r))).collect();
    sums.sort();
    sums.dedup();
    assert_eq!(sums.len(), 128);
}
