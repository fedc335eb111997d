//! The rule for NaN, for zeros of both signs and for infinities, in the row kernels: [`tilewright_reduce::RowKernels`] states it.

use half::{bf16, f16};
use tilewright_reduce::Shape;
use tilewright_testkit::Values;

use crate::case::{Case, Number, OPS, Op};

/// Row r has NaN at `places[r]`; the last row has none. All results of a row with NaN are NaN, and none of the others.
fn check_places<T: Number>(columns: usize, places: &[usize], offset: usize) {
    for op in OPS {
        let shape = Shape { rows: places.len() + 1, columns };
        let mut case = Case::<T>::new(op, shape, Values::SmallIntegers, columns as u64);
        for (row, place) in places.iter().enumerate() {
            case.x[row * columns + place] = T::new(f32::NAN);
        }
        // Numbers that are not all the same, so that no norm divides by zero.
        let last = places.len() * columns;
        (0..columns).for_each(|column| case.x[last + column] = T::new((column % 5) as f32));
        let results = case.run(offset);
        for row in 0..shape.rows {
            let wanted = row < places.len();
            let results = results.row(row, columns).floats();
            assert!(results.iter().all(|y| y.is_nan() == wanted), "{op:?} {} {shape:?}, row {row}", T::DTYPE);
        }
    }
}

fn check_all_places<T: Number>() {
    // Every place of a short row, then places of a warp's, a block's and a streamed row: first, in the middle, last, and on both sides of a step.
    check_places::<T>(37, &(0..37).collect::<Vec<_>>(), 1);
    check_places::<T>(64, &(0..64).collect::<Vec<_>>(), 0);
    for columns in [512, 1025, 4099, 16_385] {
        check_places::<T>(columns, &[0, 7, 8, columns / 2, columns - 1], 0);
    }
}

#[test]
fn nan_anywhere_in_an_f32_row_makes_its_results_nan() {
    check_all_places::<f32>();
}

#[test]
fn nan_anywhere_in_an_f16_row_makes_its_results_nan() {
    check_all_places::<f16>();
}

#[test]
fn nan_anywhere_in_a_bf16_row_makes_its_results_nan() {
    check_all_places::<bf16>();
}

fn results<T: Number>(op: Op, columns: usize, x: &[f32]) -> Vec<f32> {
    let shape = Shape { rows: 1, columns };
    let case = Case::<T>::new(op, shape, Values::SmallIntegers, 1);
    case.with(x.iter().map(|x| T::new(*x)).collect()).run(0).floats()
}

fn assert_row<T: Number>(op: Op, x: &[f32], wanted: &[f32]) {
    let found = results::<T>(op, x.len(), x);
    let same = |(y, wanted): (&f32, &f32)| y.to_bits() == wanted.to_bits() || (y.is_nan() && wanted.is_nan());
    assert!(found.iter().zip(wanted).all(same), "{op:?} {} of {x:?}: {found:?}, wanted {wanted:?}", T::DTYPE);
}

fn check_zeros_and_infinities<T: Number>() {
    let (infinity, nan) = (f32::INFINITY, f32::NAN);
    assert_row::<T>(Op::Max, &[-0.0, 0.0, -0.0], &[0.0]);
    assert_row::<T>(Op::Max, &[-0.0, -0.0, -1.0], &[-0.0]);
    assert_row::<T>(Op::Min, &[0.0, -0.0, 0.0], &[-0.0]);
    assert_row::<T>(Op::Min, &[0.0, 0.0, 1.0], &[0.0]);
    assert_row::<T>(Op::Sum, &[-0.0, -0.0, -0.0], &[-0.0]);
    assert_row::<T>(Op::Sum, &[-0.0, 0.0, -0.0], &[0.0]);
    assert_row::<T>(Op::Max, &[-infinity; 3], &[-infinity]);
    assert_row::<T>(Op::Max, &[1.0, infinity, -infinity], &[infinity]);
    assert_row::<T>(Op::Min, &[infinity; 3], &[infinity]);
    assert_row::<T>(Op::Min, &[1.0, infinity, -infinity], &[-infinity]);
    assert_row::<T>(Op::Sum, &[1.0, infinity, 2.0], &[infinity]);
    assert_row::<T>(Op::Sum, &[1.0, infinity, -infinity], &[nan]);
    assert_row::<T>(Op::Softmax, &[-infinity, 0.0, -infinity, 0.0], &[0.0, 0.5, 0.0, 0.5]);
    assert_row::<T>(Op::Softmax, &[-infinity; 4], &[nan; 4]);
    assert_row::<T>(Op::Softmax, &[0.0, infinity, -1.0], &[nan; 3]);
    assert_row::<T>(Op::LayerNorm { bias: true }, &[1.0, infinity, 2.0], &[nan; 3]);
    let norm = results::<T>(Op::RmsNorm, 3, &[1.0, infinity, 2.0]);
    assert!(norm[0] == 0.0 && norm[1].is_nan() && norm[2] == 0.0, "{norm:?}");
}

#[test]
fn zeros_have_signs_and_infinities_are_numbers() {
    check_zeros_and_infinities::<f32>();
    check_zeros_and_infinities::<f16>();
    check_zeros_and_infinities::<bf16>();
}
