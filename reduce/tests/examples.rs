//! The examples run, and their kernels hold their bounds on other shapes than those they show.

#[path = "../examples/cross_entropy.rs"]
mod cross_entropy;
#[path = "../examples/norms.rs"]
mod norms;

use proptest::prelude::*;
use tilewright_testkit::{cases, context};

#[test]
fn examples_run() {
    cross_entropy::main().unwrap();
    norms::main().unwrap();
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn cross_entropy_is_within_its_bound(rows in 1..6usize, columns in 1..400u32, seed: u64) {
        cross_entropy::check(context(), rows, columns, seed).unwrap();
    }

    #[test]
    fn norms_are_within_their_bounds(rows in 1..6usize, columns in 1..400u32, seed: u64) {
        norms::check(context(), rows, columns, seed).unwrap();
    }
}

#[test]
fn a_nan_among_the_logits_makes_that_loss_nan() {
    for place in [0, 1, 99, 128, 199] {
        let mut logits = vec![0.5f32; 400];
        logits[place] = f32::NAN;
        let losses = cross_entropy::losses(context(), &logits, &[7, 7], 200).unwrap();
        assert!(losses[0].is_nan() && (losses[1] - 200f32.ln()).abs() < 1e-5, "{losses:?}");
    }
}

#[test]
fn targets_that_are_no_columns_are_refused() {
    assert!(cross_entropy::losses(context(), &[0.0; 6], &[0, 3], 3).is_err());
    assert!(cross_entropy::losses(context(), &[0.0; 5], &[0, 1], 3).is_err());
}
