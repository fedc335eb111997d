//! The row kernels against the f64 oracle, on the test device.

mod case;
mod driver;
mod laws;
mod nan;
mod quantize;
mod refusals;

use case::{Case, Number, OPS, Op};
use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_reduce::{Dtype, Operation, Plan, RowStorage, Shape};
use tilewright_testkit::{Values, cases};

/// Row lengths: short ones, and those around the edges of steps, warps and teams.
fn columns() -> impl Strategy<Value = usize> {
    let edges = vec![127, 128, 129, 255, 256, 257, 511, 512, 513, 576, 1023, 1024, 1025, 2048];
    prop_oneof![10 => 1..40usize, 5 => 40..300usize, 4 => prop::sample::select(edges), 1 => 2049..4200usize]
}

/// Few rows where they are long, and often one alone.
fn shape() -> impl Strategy<Value = Shape> {
    let rows = |columns| if columns < 300 { 7 } else { 3usize };
    columns().prop_flat_map(move |columns| (1..rows(columns)).prop_map(move |rows| Shape { rows, columns }))
}

fn values() -> impl Strategy<Value = Values> {
    prop::sample::select(Values::ALL.to_vec())
}

fn check_all<T: Number>(shape: Shape, values: Values, offset: usize, seed: u64) {
    OPS.into_iter().for_each(|op| Case::<T>::new(op, shape, values, seed).check(offset));
}

proptest! {
    #![proptest_config(cases(500))]

    /// Every operation, in every case.
    #[test]
    fn f32_is_within_the_bound(shape in shape(), values in values(), offset in 0..5usize, seed: u64) {
        check_all::<f32>(shape, values, offset, seed);
    }

    #[test]
    fn f16_is_within_the_bound(shape in shape(), values in values(), offset in 0..9usize, seed: u64) {
        check_all::<f16>(shape, values, offset, seed);
    }

    #[test]
    fn bf16_is_within_the_bound(shape in shape(), values in values(), offset in 0..9usize, seed: u64) {
        check_all::<bf16>(shape, values, offset, seed);
    }
}

/// The row lengths at which a team of another size, or with more steps, takes over.
fn last_columns_of_each_team(x: Dtype) -> Vec<usize> {
    let arrangement = |columns| {
        let plan = Plan::new(Operation::Sum, x, Shape { rows: 1, columns }.check().unwrap(), false);
        (plan.team, plan.row)
    };
    let steps = (x.lanes() as usize..=20_000).step_by(x.lanes() as usize);
    steps.filter(|columns| arrangement(*columns) != arrangement(columns + 1)).collect()
}

fn check_every_residue<T: Number>() {
    let lanes = T::DTYPE.lanes() as usize;
    let edges = last_columns_of_each_team(T::DTYPE);
    assert_eq!(edges.len(), if T::DTYPE == Dtype::F32 { 6 } else { 5 }, "{edges:?}");
    for column in (1..=2 * lanes).chain([32 * lanes - 1, 32 * lanes]) {
        check_all::<T>(Shape { rows: 5, columns: column }, Values::Uniform, column % 3, column as u64);
    }
    // Behind each edge a full step and one of every length; the largest teams' rows are long, so an operation each.
    for edge in edges {
        for residue in 0..=lanes {
            let (shape, seed) = (Shape { rows: 1, columns: edge + residue }, (edge + residue) as u64);
            if edge <= 1024 {
                check_all::<T>(shape, Values::Outliers, residue % 2, seed);
            } else {
                Case::<T>::new(OPS[residue % OPS.len()], shape, Values::Outliers, seed).check(residue % 2);
            }
        }
    }
}

#[test]
fn every_residue_of_the_columns_is_right_in_f32() {
    check_every_residue::<f32>();
}

#[test]
fn every_residue_of_the_columns_is_right_in_f16() {
    check_every_residue::<f16>();
}

#[test]
fn every_residue_of_the_columns_is_right_in_bf16() {
    check_every_residue::<bf16>();
}

/// Rows that end with a step, within the steps of a thread and with all of them, kept in part in shared memory or streamed.
fn check_wide<T: Number>(columns: &[usize], kept: bool) {
    for columns in columns {
        let shape = Shape { rows: 1, columns: *columns };
        let plan = Plan::new(Operation::Sum, T::DTYPE, shape.check().unwrap(), true);
        assert_eq!(matches!(plan.row, RowStorage::Split { .. }), kept, "{plan}");
        assert_eq!(plan.row == RowStorage::Memory, !kept, "{plan}");
        check_all::<T>(shape, Values::Uniform, 0, *columns as u64);
    }
}

#[test]
fn wide_rows_are_kept_in_shared_memory() {
    check_wide::<f32>(&[16_388, 65_536], true);
    check_wide::<f16>(&[16_392, 32_768, 65_528], true);
    check_wide::<bf16>(&[32_776, 65_536], true);
}

#[test]
fn very_wide_rows_are_streamed() {
    check_wide::<f32>(&[16_385, 65_540], false);
    check_wide::<f16>(&[16_385, 65_543], false);
    check_wide::<bf16>(&[32_769, 65_544], false);
}

/// Kept or streamed, the same bits: a device without the shared memory reads the row again, and so does one that cannot read 16 bytes at a time.
#[test]
fn a_wide_row_does_not_depend_on_where_it_is_kept() {
    fn check<T: Number>(columns: usize) {
        let shape = Shape { rows: 2, columns };
        let plan = Plan::new(Operation::Softmax, T::DTYPE, shape.check().unwrap(), true);
        assert_eq!(plan.within(plan.shared_bytes()).row, RowStorage::Memory);
        assert_eq!(plan.within(plan.shared_bytes() + 128), plan);
        for op in OPS {
            let case = Case::<T>::new(op, shape, Values::Outliers, 3);
            case.run(0).assert_same_bits("a row kept and streamed", &case.run(1));
        }
    }
    check::<f32>(20_000);
    check::<f16>(20_000);
    check::<bf16>(40_000);
}

#[test]
fn many_rows_fill_many_blocks() {
    for op in OPS {
        Case::<f32>::new(op, Shape { rows: 1023, columns: 3 }, Values::Uniform, 5).check(1);
        Case::<f16>::new(op, Shape { rows: 66, columns: 1040 }, Values::Uniform, 6).check(0);
    }
}

#[test]
fn large_halves_do_not_overflow_the_mean_square() {
    let case = Case::<f16>::new(Op::RmsNorm, Shape { rows: 2, columns: 576 }, Values::Uniform, 9);
    case.map(|x| x * 60_000.0).check(0);
}
