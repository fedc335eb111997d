//! Laws that hold whatever the inputs: what must not change when they do.

use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_reduce::{Dtype, RowKernels, Shape};
use tilewright_testkit::{Random, Values, assert_bits_of_the_chip, cases};

use crate::case::{Case, Number, OPS, Op, Results};
use crate::{shape, values};

/// A row alone has the bits that it has among others, read from another alignment and with another instruction.
fn check_rows_alone<T: Number>(shape: Shape, seed: u64) {
    let row = Random::new(seed).below(shape.rows);
    for op in OPS {
        let case = Case::<T>::new(op, shape, Values::Outliers, seed);
        let among_others = case.run(0).row(row, shape.columns);
        among_others.assert_same_bits("a row among others and alone", &case.row(row).run(1));
        among_others.assert_same_bits("the same row again", &case.row(row).run(0));
    }
}

/// x + c with whole numbers throughout leaves every difference as it was; the weights of a row are 1 together.
fn check_softmax_shift<T: Number>(shape: Shape, seed: u64) {
    let case = Case::<T>::new(Op::Softmax, shape, Values::SmallIntegers, seed);
    // Up to 2^7 every whole number is a bf16.
    let shift = (seed % 101) as f32 - 50.0;
    let (plain, shifted) = (case.run(0), case.map(|x| x + shift));
    plain.assert_same_bits("softmax of x and of x + c", &shifted.run(0));
    shifted.check(0);
    for (row, expected) in shifted.expected().chunks(shape.columns).enumerate() {
        let sum: f64 = plain.row(row, shape.columns).floats().iter().map(|y| f64::from(*y)).sum();
        let bound: f64 = expected.iter().map(|expected| expected.bound).sum();
        // The oracle's own weights add up to 1 but for f64's roundings.
        assert!((sum - 1.0).abs() <= bound + 1e-12, "{} {shape:?}: the weights of row {row} sum to {sum}", T::DTYPE);
    }
}

/// The order of x is the order of its weights.
fn check_softmax_order<T: Number>(shape: Shape, values: Values, seed: u64) {
    let case = Case::<T>::new(Op::Softmax, Shape { rows: 1, ..shape }, values, seed);
    let weights = case.run(0).floats();
    let mut pairs: Vec<_> = crate::case::floats(&case.x).into_iter().zip(weights).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Neighbours may come from different approximations of the same exponential: 2^-21 is both errors together.
    let in_order = |pair: &[(f32, f32)]| pair[0].1 <= pair[1].1 * (1.0 + 2f32.powi(-21)) + f32::MIN_POSITIVE;
    assert!(pairs.windows(2).all(in_order), "{} {shape:?}", T::DTYPE);
}

/// Any order of the columns has the same maximum and minimum, bit for bit.
fn check_permutation<T: Number>(shape: Shape, values: Values, seed: u64) {
    let mut random = Random::new(seed);
    for op in [Op::Max, Op::Min] {
        let case = Case::<T>::new(op, shape, values, seed);
        let mut x = case.x.clone();
        for row in x.chunks_mut(shape.columns) {
            (1..row.len()).rev().for_each(|last| row.swap(last, random.below(last + 1)));
        }
        case.run(0).assert_same_bits("a row and a permutation of it", &case.with(x).run(0));
    }
}

/// (x · 2^k, ε · 4^k) is normalized to the bits of (x, ε): every f32 on the way is scaled by a power of two.
fn check_scaling<T: Number>(shape: Shape, values: Values, epsilon: f32, seed: u64) {
    let power = match T::DTYPE {
        // From subnormals, which may grow but not shrink, up to 2^11.
        Dtype::F16 => i32::try_from(seed % 5).unwrap(),
        _ => i32::try_from(seed % 21).unwrap() - 10,
    };
    for op in [Op::RmsNorm, Op::LayerNorm { bias: false }, Op::LayerNorm { bias: true }] {
        let case = Case::<T> { epsilon, ..Case::new(op, shape, values, seed) };
        let scaled = Case { epsilon: epsilon * 4f32.powi(power), ..case.map(|x| x * 2f32.powi(power)) };
        case.run(0).assert_same_bits("a norm of x and of 2^k x", &scaled.run(0));
    }
}

/// Norms and sums change their sign with x; the largest is the smallest.
fn check_negation<T: Number>(shape: Shape, values: Values, seed: u64) {
    for op in [Op::RmsNorm, Op::LayerNorm { bias: false }, Op::Sum, Op::Max] {
        let case = Case::<T>::new(op, shape, values, seed);
        let mut negated = case.map(|x| -x);
        if op == Op::Max {
            negated.op = Op::Min;
        }
        let (results, negated) = (case.run(0).floats(), negated.run(0).floats());
        // As numbers: 1 - 1 is +0, and so is -1 + 1.
        let opposite = |(y, negated): (&f32, &f32)| *y == -negated || (y.is_nan() && negated.is_nan());
        assert!(results.iter().zip(&negated).all(opposite), "{op:?} {} {shape:?}", T::DTYPE);
    }
}

/// The sum of a row and 1 more is 1 larger where every number is whole: no element is left out, none counted twice.
fn check_every_element_counts<T: Number>(shape: Shape, seed: u64) {
    let case = Case::<T>::new(Op::Sum, Shape { rows: 1, ..shape }, Values::SmallIntegers, seed);
    let place = Random::new(seed).below(shape.columns);
    let mut x = case.x.clone();
    x[place] = T::new(crate::case::floats(&x)[place] + 1.0);
    let [Results::Rows(before), Results::Rows(after)] = [case.run(0), case.with(x).run(0)] else {
        panic!("a sum is one for each row")
    };
    assert_eq!(before[0] + 1.0, after[0], "element {place} of {}", shape.columns);
}

/// Calls `check` for one of the three types.
macro_rules! for_dtype {
    ($dtype:expr, $check:ident($($argument:expr),*)) => {
        match $dtype {
            Dtype::F32 => $check::<f32>($($argument),*),
            Dtype::F16 => $check::<f16>($($argument),*),
            _ => $check::<bf16>($($argument),*),
        }
    };
}

fn dtype() -> impl Strategy<Value = Dtype> {
    prop::sample::select(Dtype::ALL.to_vec())
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn a_row_does_not_depend_on_the_others(dtype in dtype(), shape in shape(), seed: u64) {
        for_dtype!(dtype, check_rows_alone(shape, seed));
    }

    #[test]
    fn softmax_does_not_see_a_shift_and_sums_to_one(dtype in dtype(), shape in shape(), seed: u64) {
        for_dtype!(dtype, check_softmax_shift(shape, seed));
    }

    #[test]
    fn softmax_keeps_the_order(dtype in dtype(), shape in shape(), values in values(), seed: u64) {
        for_dtype!(dtype, check_softmax_order(shape, values, seed));
    }

    #[test]
    fn extremes_do_not_see_a_permutation(dtype in dtype(), shape in shape(), values in values(), seed: u64) {
        for_dtype!(dtype, check_permutation(shape, values, seed));
    }

    #[test]
    fn norms_do_not_see_a_power_of_two(dtype in dtype(), shape in shape(), values in values(), exact: bool, seed: u64) {
        for_dtype!(dtype, check_scaling(shape, values, if exact { 0.0 } else { 1e-5 }, seed));
    }

    #[test]
    fn results_change_sign_with_their_inputs(dtype in dtype(), shape in shape(), values in values(), seed: u64) {
        for_dtype!(dtype, check_negation(shape, values, seed));
    }

    #[test]
    fn every_element_counts_once(dtype in dtype(), shape in shape(), seed: u64) {
        for_dtype!(dtype, check_every_element_counts(shape, seed));
    }
}

/// Softmax is left out: its exponentials are approximate.
fn check_bits_of_the_chip<T: Number>() {
    // Rows of part of a warp, of a warp, of a block, kept in part in shared memory and streamed.
    for (rows, columns) in [(3, 7), (3, 40), (2, 576), (1, 2049), (1, 20_000), (1, 65_543)] {
        for op in OPS.into_iter().filter(|op| *op != Op::Softmax) {
            for (offset, seed) in [(0, 4), (1, 5)] {
                let case = Case::<T>::new(op, Shape { rows, columns }, Values::Outliers, seed);
                assert_bits_of_the_chip(&format!("{op:?} {} of {columns}, offset {offset}", T::DTYPE), |context| {
                    let kernels = RowKernels::new(context).unwrap();
                    case.run_with(&kernels, &context.stream().unwrap(), offset).floats()
                });
            }
        }
    }
}

#[test]
fn f32_has_the_bits_of_the_chip() {
    check_bits_of_the_chip::<f32>();
}

#[test]
fn f16_has_the_bits_of_the_chip() {
    check_bits_of_the_chip::<f16>();
}

#[test]
fn bf16_has_the_bits_of_the_chip() {
    check_bits_of_the_chip::<bf16>();
}
