//! Patterns that show where every element of a tile goes: integers with scales of 1, so results are exact.

use half::f16;
use tilewright_quant_pack::{Group, Int4, Shape};
use tilewright_testkit::assert_same_bits;

use crate::support::Case;

type Pattern<T> = (&'static str, fn(usize, usize) -> T);

/// Weights by (n, k), all of -8 to 7.
const WEIGHTS: [Pattern<i8>; 10] = [
    ("identity", |n, k| i8::from(n == k)),
    ("ascending", |n, k| nibble(n * 3 + k)),
    ("ascending along k", |_, k| nibble(k)),
    ("ascending along n", |n, _| nibble(n)),
    ("row 5 only", |n, _| i8::from(n == 5)),
    ("column 9 only", |_, k| if k == 9 { -1 } else { 0 }),
    ("one element", |n, k| if (n, k) == (6, 13) { 7 } else { 0 }),
    ("alternating sign", |n, k| if (n + k) % 2 == 0 { 7 } else { -7 }),
    ("lowest", |_, _| -8),
    ("extremes", |n, k| if (n + k) % 2 == 0 { -8 } else { 7 }),
];

/// x by (m, k), small integers.
const ACTIVATIONS: [Pattern<i8>; 8] = [
    ("identity", |m, k| i8::from(m == k)),
    ("ascending", |m, k| nibble(m * 5 + k * 3)),
    ("row 3 only", |m, _| i8::from(m == 3)),
    ("column 10 only", |_, k| i8::from(k == 10)),
    ("one element", |m, k| if (m, k) == (9, 13) { -3 } else { 0 }),
    ("alternating sign", |m, k| if (m + k) % 2 == 0 { 1 } else { -1 }),
    ("ones", |_, _| 1),
    ("extremes", |m, k| if (m + k) % 2 == 0 { -128 } else { 127 }),
];

/// -8 to 7, in turn.
fn nibble(index: usize) -> i8 {
    i8::try_from(index % 16).unwrap() - 8
}

#[test]
fn every_element_of_a_fragment_is_where_it_belongs() {
    // One mma.sync, two, a tile, a tile and the edge of the next.
    for (m, n, k) in [(16, 8, 16), (16, 16, 32), (64, 64, 64), (17, 9, 72), (66, 67, 136)] {
        for (weights, weight) in WEIGHTS {
            let values: Vec<i8> = (0..n * k).map(|at| weight(at / k, at % k)).collect();
            let packed = Int4::pack(&values, Shape { n, k }, Group::WholeRow, vec![f16::ONE; n]).unwrap();
            for (activations, x) in ACTIVATIONS {
                let x: Vec<i8> = (0..m * k).map(|at| x(at / k, at % k)).collect();
                let wanted: Vec<f16> = (0..m * n)
                    .map(|at| {
                        let (row, column) = (at / n * k, at % n * k);
                        let sum: i32 = (0..k).map(|k| i32::from(x[row + k]) * i32::from(values[column + k])).sum();
                        f16::from_f64(f64::from(sum))
                    })
                    .collect();
                let x = x.into_iter().map(|x| f16::from_f32(f32::from(x))).collect();
                let y = Case { m, x, weight: packed.clone() }.run(0);
                assert_same_bits(&format!("{activations} · {weights}, {m} x {n} x {k}"), &y, &wanted);
            }
        }
    }
}

/// x picks out one k a row, so y is the matrix of weights itself.
#[test]
fn every_nibble_is_where_it_belongs() {
    for (n, k) in [(1, 8), (2, 8), (7, 16), (8, 40), (9, 64), (17, 72), (64, 128), (65, 136)] {
        let values: Vec<i8> = (0..n * k).map(|index| nibble(index * 7)).collect();
        let weight = Int4::pack(&values, Shape { n, k }, Group::WholeRow, vec![f16::ONE; n]).unwrap();
        let x: Vec<f16> = (0..k * k).map(|index| if index / k == index % k { f16::ONE } else { f16::ZERO }).collect();
        let wanted: Vec<f16> = (0..k * n).map(|at| f16::from_f32(f32::from(values[at % n * k + at / n]))).collect();
        assert_same_bits("y", &Case { m: k, x, weight }.run(0), &wanted);
    }
}

/// Another power of two for each (group, column), picked out by rows of x that are ones in one group.
#[test]
fn each_group_and_column_has_its_own_scale() {
    for (size, groups, n) in [(32usize, 5usize, 3usize), (64, 3, 70), (96, 4, 17), (128, 3, 65)] {
        let k = size * groups;
        let scale = |at: usize| f16::from_f32(2f32.powi(i32::try_from((at / n * 5 + at % n * 3) % 15).unwrap() - 8));
        let scales: Vec<f16> = (0..groups * n).map(scale).collect();
        let group = Group::new(size).unwrap();
        let weight = Int4::pack(&vec![1; n * k], Shape { n, k }, group, scales.clone()).unwrap();
        let x = (0..groups * k).map(|at| if at % k / size == at / k { f16::ONE } else { f16::ZERO }).collect();
        let ones = f32::from(u8::try_from(size).unwrap());
        let wanted: Vec<f16> = scales.iter().map(|scale| f16::from_f32(scale.to_f32() * ones)).collect();
        assert_same_bits(&format!("groups of {size}"), &Case { m: groups, x, weight }.run(0), &wanted);
    }
}
