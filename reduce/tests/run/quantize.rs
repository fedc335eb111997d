//! Quantization of rows: the bits of the oracle, and those of a norm and a quantization one after the other.

use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_ffi::Stream;
use tilewright_reduce::{Operation, Plan, Quantized, Real, RowKernels, RowStorage, Shape, reference};
use tilewright_testkit::{
    Bits, Guarded, Random, Values, assert_bits_of_the_chip, assert_deterministic, assert_same_bits, cases, stream,
};

use crate::case::{Case, Number, Op, Results, floats, kernels};
use crate::{last_columns_of_each_team, shape, values};

/// Codes and scales.
type Rows = (Vec<i8>, Vec<f32>);

/// Runs it on tensors that start `offset` elements behind 16-byte boundaries. The inputs are as they were afterwards, and nothing around the outputs was
/// written.
fn run<T: Number>(case: &Case<T>, offset: usize) -> Rows {
    run_with(kernels(), &stream(), case, offset)
}

fn run_with<T: Number>(kernels: &RowKernels, stream: &Stream, case: &Case<T>, offset: usize) -> Rows {
    let x = Guarded::upload(stream, &case.x, offset);
    let results = launch(stream, case.shape, offset, |y| kernels.quantize(stream, case.shape, x.as_slice(), y));
    x.assert_unchanged(stream, &case.x);
    results
}

fn run_fused<T: Number, W: Real>(case: &Case<T>, weights: &[W], offset: usize) -> Rows {
    run_fused_with(kernels(), &stream(), case, weights, offset)
}

fn run_fused_with<T: Number, W: Real>(
    kernels: &RowKernels,
    stream: &Stream,
    case: &Case<T>,
    weights: &[W],
    offset: usize,
) -> Rows {
    let (shape, epsilon) = (case.shape, case.epsilon);
    let (x, weight) = (Guarded::upload(stream, &case.x, offset), Guarded::upload(stream, weights, offset));
    let results = launch(stream, shape, offset, |y| {
        kernels.rms_norm_quantize(stream, shape, x.as_slice(), weight.as_slice(), epsilon, y)
    });
    x.assert_unchanged(stream, &case.x);
    weight.assert_unchanged(stream, weights);
    results
}

fn launch(
    stream: &Stream,
    shape: Shape,
    offset: usize,
    act: impl FnOnce(&mut Quantized<'_>) -> Result<(), tilewright_reduce::Error>,
) -> Rows {
    let mut codes = Guarded::<i8>::misaligned(stream, shape.rows * shape.columns, offset);
    let mut scales = Guarded::<f32>::misaligned(stream, shape.rows, offset);
    act(&mut Quantized { codes: codes.as_slice_mut(), scales: scales.as_slice_mut() }).unwrap();
    (codes.download(stream), scales.download(stream))
}

fn expected<T: Bits>(x: &[T], columns: usize) -> Rows {
    let rows: Vec<_> = x.chunks(columns).map(|row| reference::quantize(&floats(row))).collect();
    (rows.iter().flat_map(|(codes, _)| codes).copied().collect(), rows.iter().map(|(_, scale)| *scale).collect())
}

fn assert_rows(what: &str, found: &Rows, wanted: &Rows) {
    let different = found.0.iter().zip(&wanted.0).position(|(found, wanted)| found != wanted);
    assert!(found.0.len() == wanted.0.len() && different.is_none(), "{what}: code {different:?} differs");
    // One NaN is as good as another.
    let scales =
        |scales: &[f32]| scales.iter().map(|scale| if scale.is_nan() { f32::NAN } else { *scale }).collect::<Vec<_>>();
    assert_same_bits(what, &scales(&found.1), &scales(&wanted.1));
}

/// The bits of the oracle; and, normalized first, the bits of the oracle for what the norm's own kernel gives.
fn check<T: Number>(case: &Case<T>, offset: usize) {
    let what = format!("{} of {:?}, offset {offset}", T::DTYPE, case.shape);
    assert_rows(&what, &run(case, offset), &expected(&case.x, case.shape.columns));

    let what = format!("{what}, normalized");
    let Results::Matrix(norm) = case.run(offset) else { panic!("a norm is a matrix") };
    let fused = if case.wide_weight && T::DTYPE.bytes() == 2 {
        run_fused(case, &floats(&case.weight), offset)
    } else {
        run_fused(case, &case.weight, offset)
    };
    assert_rows(&what, &fused, &expected(&norm, case.shape.columns));
}

fn check_new<T: Number>(shape: Shape, values: Values, offset: usize, seed: u64) {
    check(&Case::<T>::new(Op::RmsNorm, shape, values, seed), offset);
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn f32_has_the_bits_of_the_oracle(shape in shape(), values in values(), offset in 0..5usize, seed: u64) {
        check_new::<f32>(shape, values, offset, seed);
    }

    #[test]
    fn f16_has_the_bits_of_the_oracle(shape in shape(), values in values(), offset in 0..9usize, seed: u64) {
        check_new::<f16>(shape, values, offset, seed);
    }

    #[test]
    fn bf16_has_the_bits_of_the_oracle(shape in shape(), values in values(), offset in 0..9usize, seed: u64) {
        check_new::<bf16>(shape, values, offset, seed);
    }

    /// Any bits at all: subnormals, infinities, NaN, every exponent.
    #[test]
    fn any_bits_have_the_bits_of_the_oracle(shape in shape(), offset in 0..5usize, seed: u64, narrow in 0..256u32) {
        let mut random = Random::new(seed);
        // Exponents that are alike, or any.
        let mut draw = || match (random.bits() >> 32) as u32 {
            bits if narrow < 250 => f32::from_bits(bits & 0x81FF_FFFF | narrow << 23),
            bits => f32::from_bits(bits),
        };
        let x: Vec<f32> = (0..shape.rows * shape.columns).map(|_| draw()).collect();
        let case = Case::<f32>::new(Op::RmsNorm, shape, Values::Uniform, seed).with(x);
        assert_rows("any bits", &run(&case, offset), &expected(&case.x, shape.columns));
    }

    /// x is within half a scale of what its code stands for, but for the rounding of the quotient, which is at most 127.
    #[test]
    fn codes_stand_for_x(shape in shape(), values in values(), power in -60..60i32, seed: u64) {
        let case = Case::<f32>::new(Op::RmsNorm, shape, values, seed).map(|x| x * 2f32.powi(power));
        let (codes, scales) = run(&case, 0);
        for ((x, codes), scale) in case.x.chunks(shape.columns).zip(codes.chunks(shape.columns)).zip(scales) {
            let bound = (0.5 + 2f64.powi(-16)) * f64::from(scale);
            let near = |(x, code): (&f32, &i8)| (f64::from(*x) - f64::from(*code) * f64::from(scale)).abs() <= bound;
            prop_assert!(x.iter().zip(codes).all(near), "scale {scale}");
            prop_assert!(codes.iter().all(|code| *code != i8::MIN));
            let full = codes.iter().any(|code| code.unsigned_abs() == 127);
            prop_assert!(full || scale == 0.0);
        }
    }

    /// -x has the opposite codes and the same scale; 2^k · x the same codes and 2^k times the scale; a row alone what it has among others.
    #[test]
    fn signs_powers_and_other_rows(shape in shape(), values in values(), power in -20..20i32, seed: u64) {
        let case = Case::<f32>::new(Op::RmsNorm, shape, values, seed);
        let (codes, scales) = run(&case, 0);
        let negated: Vec<i8> = codes.iter().map(|code| -code).collect();
        assert_rows("-x", &run(&case.map(|x| -x), 0), &(negated, scales.clone()));
        let factor = 2f32.powi(power);
        let scaled = scales.iter().map(|scale| scale * factor).collect();
        assert_rows("2^k x", &run(&case.map(|x| x * factor), 0), &(codes.clone(), scaled));
        let row = Random::new(seed).below(shape.rows);
        let alone = (codes[row * shape.columns..(row + 1) * shape.columns].to_vec(), vec![scales[row]]);
        assert_rows("a row alone", &run(&case.row(row), 1), &alone);
    }
}

fn check_every_residue<T: Number>() {
    let lanes = T::DTYPE.lanes() as usize;
    for columns in (1..=2 * lanes).chain([32 * lanes - 1, 32 * lanes]) {
        check_new::<T>(Shape { rows: 5, columns }, Values::Outliers, columns % 3, columns as u64);
    }
    for edge in last_columns_of_each_team(T::DTYPE) {
        for residue in 0..=lanes {
            check_new::<T>(Shape { rows: 1, columns: edge + residue }, Values::Outliers, residue % 2, residue as u64);
        }
    }
}

#[test]
fn every_residue_of_the_columns_is_right() {
    check_every_residue::<f32>();
    check_every_residue::<f16>();
    check_every_residue::<bf16>();
}

/// Kept in registers and in shared memory, or read again.
#[test]
fn wide_rows_are_right() {
    fn check<T: Number>(columns: usize, kept: bool) {
        let shape = Shape { rows: 2, columns };
        let plan = Plan::new(Operation::Quantize, T::DTYPE, shape.check().unwrap(), true);
        assert_eq!(plan.row != RowStorage::Memory, kept, "{plan}");
        check_new::<T>(shape, Values::Outliers, 0, 4);
    }
    check::<f32>(20_000, true);
    check::<f16>(20_000, true);
    check::<bf16>(40_000, true);
    check::<f32>(65_540, false);
    check::<f16>(65_544, false);
    check::<bf16>(65_543, false);
}

#[test]
fn many_rows_fill_many_blocks() {
    check_new::<f32>(Shape { rows: 1023, columns: 3 }, Values::Uniform, 1, 5);
    check_new::<f16>(Shape { rows: 66, columns: 1040 }, Values::Uniform, 0, 6);
}

/// The scale says what a row was; codes that stand for nothing are 0.
#[test]
fn rows_that_are_no_numbers() {
    let (infinity, nan) = (f32::INFINITY, f32::NAN);
    let tiny = 127.0 * f32::MIN_POSITIVE;
    for (x, codes, scale) in [
        ([0.0, -0.0, 0.0], [0, 0, 0], 0.0),
        ([1.0, nan, -2.0], [0, 0, 0], nan),
        ([nan, infinity, 0.0], [0, 0, 0], nan),
        ([1.0, -infinity, -2.0], [0, 0, 0], infinity),
        ([tiny, -tiny / 2.0, 0.0], [127, -64, 0], f32::MIN_POSITIVE),
        ([tiny.next_down(), f32::MIN_POSITIVE, 1e-45], [0, 0, 0], 0.0),
        ([f32::MAX, -f32::MAX, 1e-45], [127, -127, 0], f32::MAX / 127.0),
    ] {
        let case = Case::<f32>::new(Op::RmsNorm, Shape { rows: 1, columns: 3 }, Values::Uniform, 1).with(x.to_vec());
        for offset in [0, 1] {
            let (found, scales) = run(&case, offset);
            let same = scales[0].to_bits() == f32::to_bits(scale) || (scale.is_nan() && scales[0].is_nan());
            assert!(found == codes && same, "{x:?}: {found:?}, scale {}", scales[0]);
        }
    }
}

/// One NaN anywhere in a row reaches its scale and no other row.
#[test]
fn a_nan_stays_with_its_row() {
    for columns in [5, 64, 512, 1025, 4100] {
        for place in [0, columns / 2, columns - 1] {
            let shape = Shape { rows: 3, columns };
            let mut case = Case::<f16>::new(Op::RmsNorm, shape, Values::Uniform, 8);
            case.x[columns + place] = f16::NAN;
            for (codes, scales) in [run(&case, 0), run_fused(&case, &case.weight, 0)] {
                assert_eq!(scales.iter().map(|scale| scale.is_nan()).collect::<Vec<_>>(), [false, true, false]);
                assert!(codes[columns..2 * columns].iter().all(|code| *code == 0));
                assert!(codes[..columns].contains(&127) || codes[..columns].contains(&-127));
            }
        }
    }
}

#[test]
fn schedules_and_launches_give_the_same_bits() {
    for columns in [100, 4096, 40_000] {
        let case = Case::<f16>::new(Op::RmsNorm, Shape { rows: 3, columns }, Values::Outliers, 5);
        assert_deterministic(&format!("{columns} columns"), 8, |context| {
            let (stream, kernels) = (context.stream().unwrap(), RowKernels::new(context).unwrap());
            let (x, weight) = (stream.upload(&case.x).unwrap(), stream.upload(&case.weight).unwrap());
            let mut codes = stream.alloc::<i8>(case.x.len()).unwrap();
            let mut scales = stream.alloc::<f32>(3).unwrap();
            let mut y = Quantized { codes: codes.as_slice_mut(), scales: scales.as_slice_mut() };
            let (x, weight) = (x.as_slice(), weight.as_slice());
            kernels.rms_norm_quantize(&stream, case.shape, x, weight, 1e-5, &mut y).unwrap();
            let codes = stream.download(codes.as_slice()).unwrap();
            let codes = codes.into_iter().map(f32::from);
            codes.chain(stream.download(scales.as_slice()).unwrap()).collect::<Vec<f32>>()
        });
    }
}

fn check_bits_of_the_chip<T: Number>() {
    for (rows, columns) in [(3, 7), (3, 40), (2, 576), (1, 4096), (1, 40_000)] {
        for offset in [0, 1] {
            let case = Case::<T>::new(Op::RmsNorm, Shape { rows, columns }, Values::Outliers, 7);
            let numbers = |(codes, scales): Rows| codes.into_iter().map(f32::from).chain(scales).collect::<Vec<_>>();
            let what = format!("{} of {columns}, offset {offset}", T::DTYPE);
            assert_bits_of_the_chip(&what, |context| {
                numbers(run_with(&RowKernels::new(context).unwrap(), &context.stream().unwrap(), &case, offset))
            });
            assert_bits_of_the_chip(&format!("{what}, normalized"), |context| {
                let (kernels, stream) = (RowKernels::new(context).unwrap(), context.stream().unwrap());
                numbers(run_fused_with(&kernels, &stream, &case, &case.weight, offset))
            });
        }
    }
}

#[test]
fn the_bits_are_those_of_the_chip() {
    check_bits_of_the_chip::<f32>();
    check_bits_of_the_chip::<f16>();
    check_bits_of_the_chip::<bf16>();
}
