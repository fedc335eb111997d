//! Integers, whose products are exact: patterns that show where every element of a tile goes.

use half::f16;
use tilewright_matmul_f16::{Shape, reference};
use tilewright_testkit::{Values, assert_same_bits};

use crate::support::Case;

type Pattern = (&'static str, fn(usize, usize) -> i8);

/// Elements by (row, k).
const PATTERNS: [Pattern; 8] = [
    ("identity", |row, k| i8::from(row == k)),
    ("ascending", |row, k| i8::try_from((row * 3 + k) % 32).unwrap() - 16),
    ("row 5 only", |row, _| i8::from(row == 5)),
    ("column 9 only", |_, k| if k == 9 { -1 } else { 0 }),
    ("one element", |row, k| if (row, k) == (6, 13) { 7 } else { 0 }),
    ("alternating sign", |row, k| if (row + k) % 2 == 0 { 1 } else { -1 }),
    ("ones", |_, _| 1),
    ("extremes", |row, k| if (row + k) % 2 == 0 { -128 } else { 127 }),
];

#[test]
fn every_element_of_a_fragment_is_where_it_belongs() {
    for (m, n, k) in [(16, 8, 16), (16, 16, 32), (64, 64, 64), (17, 9, 72), (66, 67, 130)] {
        for (x_name, x) in PATTERNS {
            for (w_name, w) in PATTERNS {
                let tensor = |rows: usize, value: fn(usize, usize) -> i8| -> Vec<f16> {
                    (0..rows * k).map(|at| f16::from_f32(f32::from(value(at / k, at % k)))).collect()
                };
                let case = Case { shape: Shape { m, n, k }, x: tensor(m, x), w: tensor(n, w), bias: None };
                let wanted: Vec<f16> = (0..m * n)
                    .map(|at| {
                        let term = |k: usize| i32::from(x(at / n, k)) * i32::from(w(at % n, k));
                        f16::from_f64(f64::from((0..k).map(term).sum::<i32>()))
                    })
                    .collect();
                assert_same_bits(&format!("{x_name} · {w_name}, {m} x {n} x {k}"), &case.run(0), &wanted);
            }
        }
    }
}

#[test]
fn integers_are_exact() {
    for (m, n, k) in [(1, 1, 1), (17, 9, 33), (64, 64, 64), (130, 67, 100)] {
        let case = Case::<f16>::new(Shape { m, n, k }, Values::SmallIntegers, true, 5);
        let expected = reference::matmul(
            case.shape,
            &case.x.iter().map(|x| x.to_f32()).collect::<Vec<_>>(),
            &case.w.iter().map(|w| w.to_f32()).collect::<Vec<_>>(),
            &case.bias.as_ref().unwrap().iter().map(|b| b.to_f32()).collect::<Vec<_>>(),
        );
        let rounded: Vec<f16> = expected.iter().map(|element| f16::from_f64(element.value)).collect();
        assert_same_bits("y", &case.run(0), &rounded);
    }
}
