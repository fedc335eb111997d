//! The products against the f64 oracle, on the test device.

use proptest::prelude::*;
use tilewright_quant_pack::Group;
use tilewright_testkit::{Values, cases};

use crate::support::{Case, depths, sizes, values};

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn products_are_within_the_bound(
        m in sizes(), n in sizes(), (k, group) in depths(), values in values(), offset in 0..4usize, seed: u64,
    ) {
        Case::new((m, n, k), group, values, seed).check(offset);
    }
}

/// Every residue of m, n and k modulo the tiles, the three in different steps.
#[test]
fn every_residue_is_within_the_bound() {
    for step in 0..128usize {
        let (m, n, k) = (1 + step, 1 + step * 37 % 128, 8 * (1 + step * 5 % 16));
        let group = if k > 32 { Group::new(32).unwrap() } else { Group::WholeRow };
        Case::new((m, n, k), group, Values::Outliers, step as u64).check(step % 4);
    }
}

#[test]
fn the_wide_plan_is_within_the_bound() {
    Case::new((1024, 1000, 72), Group::new(32).unwrap(), Values::Outliers, 3).check(0);
    Case::new((1024, 1000, 128), Group::new(64).unwrap(), Values::Uniform, 4).check(0);
}
