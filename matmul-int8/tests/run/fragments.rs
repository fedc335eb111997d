//! Patterns that show where every element of a tile goes.

use half::f16;
use tilewright_matmul_int8::Shape;
use tilewright_quant_pack::{Granularity, Int8, Shape as WeightShape};
use tilewright_testkit::{assert_same_bits, context};

use crate::support::{Case, w8a16_in};

type Pattern = (&'static str, fn(usize, usize) -> i8);

/// Elements by (row, k).
const PATTERNS: [Pattern; 10] = [
    ("identity", |row, k| i8::from(row == k)),
    ("ascending", |row, k| byte(row * 31 + k)),
    ("ascending along k", |_, k| byte(k)),
    ("row 5 only", |row, _| i8::from(row == 5)),
    ("column 9 only", |_, k| if k == 9 { -1 } else { 0 }),
    ("one element", |row, k| if (row, k) == (6, 13) { 127 } else { 0 }),
    ("alternating sign", |row, k| if (row + k) % 2 == 0 { 127 } else { -127 }),
    ("lowest", |_, _| -128),
    ("highest", |_, _| 127),
    ("extremes", |row, k| if (row + k) % 2 == 0 { -128 } else { 127 }),
];

/// -128 to 127, in turn.
fn byte(index: usize) -> i8 {
    i8::try_from(index % 256).map_or_else(|_| i8::try_from(index % 256 - 128).unwrap(), |low| low - 127 - 1)
}

fn tensor(rows: usize, k: usize, value: fn(usize, usize) -> i8) -> Vec<i8> {
    (0..rows * k).map(|at| value(at / k, at % k)).collect()
}

/// One mma.sync, two, a tile, a tile and the edge of the next.
const SHAPES: [(usize, usize, usize); 5] = [(16, 8, 32), (16, 16, 64), (64, 64, 128), (17, 9, 144), (66, 67, 130)];

#[test]
fn every_byte_of_a_fragment_is_where_it_belongs() {
    for (m, n, k) in SHAPES {
        for (x_name, x) in PATTERNS {
            for (w_name, w) in PATTERNS {
                let case = Case { shape: Shape { m, n, k }, x: tensor(m, k, x), w: tensor(n, k, w) };
                assert_same_bits(&format!("{x_name} · {w_name}, {m} x {n} x {k}"), &case.sums(0), &case.wanted());
            }
        }
    }
}

/// The same weights by f16 activations: sums stay below 2^24, so they are exact and rounded once.
#[test]
fn every_weight_of_a_w8a16_fragment_is_where_it_belongs() {
    const ACTIVATIONS: [Pattern; 5] = [
        ("identity", |row, k| i8::from(row == k)),
        ("ascending", |row, k| i8::try_from((row * 3 + k) % 32).unwrap() - 16),
        ("one element", |row, k| if (row, k) == (9, 13) { -3 } else { 0 }),
        ("alternating sign", |row, k| if (row + k) % 2 == 0 { 1 } else { -1 }),
        ("ones", |_, _| 1),
    ];
    for (m, n, k) in SHAPES {
        for (w_name, w) in PATTERNS {
            let (shape, w) = (WeightShape { n, k }, tensor(n, k, w));
            let weight = Int8::from_parts(shape, Granularity::PerTensor, w.clone(), vec![1.0]).unwrap();
            for (x_name, x) in ACTIVATIONS {
                let case = Case { shape: Shape { m, n, k }, x: tensor(m, k, x), w: w.clone() };
                let wanted: Vec<f16> = case.wanted().iter().map(|sum| f16::from_f64(f64::from(*sum))).collect();
                let x: Vec<f16> = case.x.iter().map(|x| f16::from_f32(f32::from(*x))).collect();
                let y = w8a16_in(context(), m, &x, &weight, 0);
                assert_same_bits(&format!("{x_name} · {w_name}, {m} x {n} x {k}"), &y, &wanted);
            }
        }
    }
}
