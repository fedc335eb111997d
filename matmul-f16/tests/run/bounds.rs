//! The products against the f64 oracle, on the test device.

use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_matmul_f16::Shape;
use tilewright_testkit::{Values, cases};

use crate::support::{Case, sizes, values};

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn f16_is_within_the_bound(
        (m, n, k) in (sizes(), sizes(), sizes()), values in values(), bias: bool, offset in 0..4usize, seed: u64,
    ) {
        Case::<f16>::new(Shape { m, n, k }, values, bias, seed).check(offset);
    }

    #[test]
    fn bf16_is_within_the_bound(
        (m, n, k) in (sizes(), sizes(), sizes()), values in values(), bias: bool, offset in 0..4usize, seed: u64,
    ) {
        Case::<bf16>::new(Shape { m, n, k }, values, bias, seed).check(offset);
    }
}

/// 64 tiles, each with a multiprocessor for itself, and with k long enough that the ring comes round.
#[test]
fn the_wide_plan_is_within_the_bound() {
    Case::<f16>::new(Shape { m: 1024, n: 1000, k: 72 }, Values::Outliers, true, 3).check(0);
    Case::<bf16>::new(Shape { m: 897, n: 1016, k: 328 }, Values::Outliers, false, 4).check(0);
}

/// 144 tiles: too many for one a multiprocessor, too few for larger ones.
#[test]
fn the_wide_plan_of_two_blocks_a_multiprocessor_is_within_the_bound() {
    Case::<f16>::new(Shape { m: 1536, n: 1410, k: 72 }, Values::Outliers, false, 5).check(0);
}

#[test]
fn infinities_and_nan_go_through() {
    let mut case = Case::<f16>::new(Shape { m: 3, n: 5, k: 40 }, Values::Uniform, false, 1);
    case.x[7] = f16::INFINITY;
    case.w.iter_mut().for_each(|w| *w = f16::from_f32(w.to_f32().abs() + 0.5));
    case.x[40 + 3] = f16::NAN;
    let y = case.run(0);
    assert!(y[..5].iter().all(|y| *y == f16::INFINITY), "{y:?}");
    assert!(y[5..10].iter().all(|y| y.is_nan()), "{y:?}");
    assert!(y[10..].iter().all(|y| y.is_finite()), "{y:?}");
}

/// Every residue of m, n and k modulo the tiles, the three in different steps.
#[test]
fn every_residue_is_within_the_bound() {
    for step in 0..128usize {
        let shape = Shape { m: 1 + step, n: 1 + step * 37 % 128, k: 1 + step * 53 % 128 };
        Case::<f16>::new(shape, Values::Outliers, step % 2 == 0, step as u64).check(step % 4);
        Case::<bf16>::new(shape, Values::Powers, step % 2 == 1, step as u64).check(step % 3);
    }
}
