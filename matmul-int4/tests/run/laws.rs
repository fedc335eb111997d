//! Laws that hold between products.

use half::f16;
use proptest::prelude::*;
use tilewright_matmul_int4::{Plan, Problem, Shape};
use tilewright_ptx_ir::Target;
use tilewright_quant_pack::{Group, Int4, Shape as WeightShape};
use tilewright_testkit::{Values, assert_bits_of_the_chip, assert_deterministic, assert_same_bits, cases};

use crate::support::{Case, depths, sizes};

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_row_does_not_depend_on_the_others(
        m in 2..140usize, n in sizes(), (k, group) in depths(), offset in 0..4usize, seed: u64,
    ) {
        let case = Case::new((m, n, k), group, Values::Outliers, seed);
        let all = case.run(0);
        let row = usize::try_from(seed % m as u64).unwrap();
        let alone = Case { m: 1, x: case.x[row * k..(row + 1) * k].to_vec(), weight: case.weight };
        assert_same_bits("row", &all[row * n..(row + 1) * n], &alone.run(offset));
    }

    /// Columns of w in another order give the columns of y in that order; columns that are zeros give zeros.
    #[test]
    fn columns_are_independent(m in 1..40usize, n in sizes(), (k, group) in depths(), offset in 0..4usize, seed: u64) {
        let case = Case::new((m, n, k), group, Values::Outliers, seed);
        let (first, zero) = (usize::try_from(seed % n as u64).unwrap(), usize::try_from(seed / 7 % n as u64).unwrap());
        let from = |column: usize| (column + first) % n;
        let groups = group.count(k);
        let scales = (0..groups * n).map(|at| case.weight.scales()[at / n * n + from(at % n)]).collect();
        let plain = case.weight.unpack();
        let nibble = |at: usize| if at / k == zero { 0 } else { plain[from(at / k) * k + at % k] };
        let values: Vec<i8> = (0..n * k).map(nibble).collect();
        let turned = Case { m, x: case.x.clone(), weight: Int4::pack(&values, WeightShape { n, k }, group, scales).unwrap() };
        let plain = case.run(0);
        let wanted: Vec<f16> = (0..m * n)
            .map(|at| if at % n == zero { f16::ZERO } else { plain[at / n * n + from(at % n)] })
            .collect();
        assert_same_bits("y", &turned.run(offset), &wanted);
    }

    /// x times a power of two gives y times it, as long as nothing leaves the range of normal numbers.
    #[test]
    fn a_power_of_two_goes_through(m in 1..40usize, n in sizes(), (k, group) in depths(), power in 0..6i32, seed: u64) {
        let mut case = Case::new((m, n, k), group, Values::SmallIntegers, seed);
        let plain = case.run(0);
        let factor = 2f32.powi(power);
        case.x.iter_mut().for_each(|x| *x = f16::from_f32(x.to_f32() * factor));
        let scaled = case.run(0);
        for (plain, scaled) in plain.iter().zip(&scaled) {
            let wanted = plain.to_f32() * factor;
            let rounds_alike = plain.to_f32().abs() >= f16::MIN_POSITIVE.to_f32() && wanted.abs() <= f16::MAX.to_f32();
            prop_assert!(!rounds_alike || scaled.to_f32() == wanted, "{} and {}", plain, scaled);
        }
    }
}

/// More columns are made in wider tiles, and have the bits that a few of them have alone.
#[test]
fn the_width_of_the_tile_changes_no_bit() {
    for (n, width) in [(4300, 48), (6400, 64), (8500, 96)] {
        for (m, k, size) in [(3, 264, 32), (1, 584, 64), (16, 520, 128)] {
            let group = Group::new(size).unwrap();
            let problem = Problem::new(Shape { m, n, k }, group).unwrap();
            let name = Plan::aligned(&problem, Target::Sm90).name();
            assert_eq!(name, format!("matmul_w4a16_16x{width}_shared"));
            let case = Case::new((m, n, k), group, Values::Outliers, 3);
            let all = case.run(0);
            for first in [0, n / 2 - 1, n - 20] {
                let columns = first..first + 20;
                let values = case.weight.unpack()[columns.start * k..columns.end * k].to_vec();
                let scales = case.weight.scales().chunks(n).flat_map(|row| row[columns.clone()].to_vec()).collect();
                let weight = Int4::pack(&values, WeightShape { n: 20, k }, group, scales).unwrap();
                let few = Case { m, x: case.x.clone(), weight }.run(0);
                let wanted: Vec<f16> = all.chunks(n).flat_map(|row| row[columns.clone()].to_vec()).collect();
                assert_same_bits(&format!("{m} x {n} x {k}, from column {first}"), &few, &wanted);
            }
        }
    }
}

#[test]
fn the_bits_are_those_of_the_chip() {
    for (group, k) in [(Group::WholeRow, 200), (Group::new(32).unwrap(), 264), (Group::new(64).unwrap(), 320)] {
        let case = Case::new((70, 67, k), group, Values::Outliers, 9);
        assert_bits_of_the_chip("y", |context| case.run_in(context, 1));
        assert_deterministic("y", 8, |context| case.run_in(context, 0));
    }
}
