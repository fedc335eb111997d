//! Laws that hold between products.

use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_matmul_f16::Shape;
use tilewright_testkit::{Values, assert_bits_of_the_chip, assert_deterministic, assert_same_bits, cases};

use crate::support::{Case, sizes, values};

proptest! {
    #![proptest_config(cases(100))]

    /// Every plan sums in the same order: a row alone, at another address, gives the bits that it gives among others.
    #[test]
    fn a_row_does_not_depend_on_the_others(
        (m, n, k) in (2..140usize, sizes(), sizes()), values in values(), offset in 0..4usize, seed: u64,
    ) {
        let case = Case::<f16>::new(Shape { m, n, k }, values, false, seed);
        let all = case.run(0);
        let row = usize::try_from(seed % m as u64).unwrap();
        let alone = Case { shape: Shape { m: 1, n, k }, x: case.x[row * k..(row + 1) * k].to_vec(), w: case.w, bias: None };
        assert_same_bits("row", &all[row * n..(row + 1) * n], &alone.run(offset));
    }

    /// Rows of w in another order give the columns of y in that order; rows that are zeros give zeros.
    #[test]
    fn columns_are_independent((m, n, k) in (1..40usize, sizes(), sizes()), offset in 0..4usize, seed: u64) {
        let case = Case::<f16>::new(Shape { m, n, k }, Values::Outliers, false, seed);
        let (first, zero) = (usize::try_from(seed % n as u64).unwrap(), usize::try_from(seed / 7 % n as u64).unwrap());
        let from = |column: usize| (column + first) % n;
        let turned = (0..n * k).map(|at| if at / k == zero { f16::ZERO } else { case.w[from(at / k) * k + at % k] });
        let turned = Case { w: turned.collect(), x: case.x.clone(), shape: case.shape, bias: None };
        let plain = case.run(0);
        let wanted: Vec<f16> = (0..m * n)
            .map(|at| if at % n == zero { f16::ZERO } else { plain[at / n * n + from(at % n)] })
            .collect();
        assert_same_bits("y", &turned.run(offset), &wanted);
    }

    /// Split in two along k: the parts add up to the whole, up to the bounds of all three; for integers exactly.
    #[test]
    fn parts_along_k_add_up((m, n, k) in (1..40usize, sizes(), 2..129usize), at in 1..128usize, seed: u64) {
        let case = Case::<bf16>::new(Shape { m, n, k }, Values::SmallIntegers, false, seed);
        let at = at.min(k - 1);
        let part = |from: usize, to: usize| {
            let columns = |tensor: &[bf16]| tensor.chunks(k).flat_map(|row| row[from..to].to_vec()).collect();
            Case { shape: Shape { m, n, k: to - from }, x: columns(&case.x), w: columns(&case.w), bias: None }
        };
        let (whole, left, right) = (case.run(0), part(0, at).run(0), part(at, k).run(1));
        for ((whole, left), right) in whole.iter().zip(&left).zip(&right) {
            // Below 256 every integer is a bf16; at 256 it may have been rounded.
            let sum = left.to_f32() + right.to_f32();
            let exact = [left.to_f32(), right.to_f32(), sum].iter().all(|value| value.abs() < 256.0);
            prop_assert!(!exact || whole.to_f32() == sum, "{} + {} and {}", left, right, whole);
        }
    }
}

/// The identity gives x back, whatever x is.
#[test]
fn the_identity_changes_nothing() {
    for k in [1usize, 8, 17, 64, 100, 130] {
        let mut case = Case::<f16>::new(Shape { m: 19, n: k, k }, Values::Outliers, false, 8);
        case.w = (0..k * k).map(|at| if at / k == at % k { f16::ONE } else { f16::ZERO }).collect();
        assert_same_bits("y", &case.run(0), &case.x);
    }
}

#[test]
fn schedules_and_launches_give_the_same_bits() {
    let case = Case::<f16>::new(Shape { m: 70, n: 130, k: 200 }, Values::Outliers, true, 11);
    assert_deterministic("y", 8, |context| case.run_in(context, 0));
}

#[test]
fn the_bits_are_those_of_the_chip() {
    for (values, bias, offset) in [(Values::Outliers, true, 0), (Values::Powers, false, 1), (Values::Tiny, true, 2)] {
        let case = Case::<f16>::new(Shape { m: 70, n: 131, k: 200 }, values, bias, 12);
        assert_bits_of_the_chip("f16", |context| case.run_in(context, offset));
        let case = Case::<bf16>::new(Shape { m: 17, n: 66, k: 201 }, values, bias, 13);
        assert_bits_of_the_chip("bf16", |context| case.run_in(context, offset));
    }
}
