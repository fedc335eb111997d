//! GPTQ against plain rounding and against a textbook version of itself.

use crate::oracle;
use std::num::NonZeroUsize;

use tilewright_quant_pack::gptq::{self, Hessian, Options, Order, Symmetry};
use tilewright_quant_pack::{Error, Group, Int4, ScaleRule, Shape};
use tilewright_testkit::{Random, Values};

const SHAPE: Shape = Shape { n: 41, k: 200 };
const ORDERS: [Order; 3] = [Order::Natural, Order::Activation, Order::ActivationStatic];

/// Weights, and a Hessian of correlated inputs with a few large columns.
fn layer(shape: Shape) -> (Vec<f32>, Hessian) {
    let mut random = Random::new(5);
    let weights = random.floats(Values::Uniform, shape.n * shape.k);
    let noise = random.floats(Values::Uniform, 60 * shape.k);
    let mut inputs = noise.clone();
    for row in 0..60 {
        for column in 1..shape.k {
            let scale = if column % 37 == 5 { 20.0 } else { 1.0 };
            inputs[row * shape.k + column] =
                scale * (0.7 * noise[row * shape.k + column - 1] + 0.3 * noise[row * shape.k + column]);
        }
    }
    let mut hessian = Hessian::new(shape.k).unwrap();
    hessian.add(&inputs).unwrap();
    (weights, hessian)
}

fn options(size: usize) -> Options {
    Options::of(if size == 0 { Group::WholeRow } else { Group::new(size).unwrap() })
}

#[test]
fn it_beats_rounding_for_every_group_order_and_symmetry() {
    let (weights, hessian) = layer(SHAPE);
    for size in [32, 64, 96, 128, 160, 0] {
        for order in ORDERS {
            for symmetry in [Symmetry::Symmetric, Symmetry::Asymmetric] {
                for rule in [ScaleRule::Max, ScaleRule::LeastSquares] {
                    let options = Options { order, symmetry, rule, ..options(size) };
                    let packed = gptq::quantize(&weights, SHAPE, &hessian, &options).unwrap();
                    let rounded = Int4::quantize(&weights, SHAPE, options.group, rule).unwrap();
                    let error = |back: &[f32]| hessian.error(&weights, back, SHAPE).unwrap();
                    let (ours, plain) = (error(&packed.dequantize()), error(&rounded.dequantize()));
                    assert!(ours < 0.6 * plain, "{options:?}: {ours} against {plain}");
                    assert_eq!(packed.zeros().is_none(), symmetry == Symmetry::Symmetric);
                    assert_eq!(packed.grouping().is_in_order(), order != Order::Activation || size == 0);
                }
            }
        }
    }
}

#[test]
fn threads_change_nothing() {
    let (weights, hessian) = layer(SHAPE);
    let one = gptq::quantize(&weights, SHAPE, &hessian, &options(64)).unwrap();
    for threads in [2, 3, 8] {
        let options = Options { threads: NonZeroUsize::new(threads).unwrap(), ..options(64) };
        assert_eq!(gptq::quantize(&weights, SHAPE, &hessian, &options).unwrap(), one);
    }
}

/// Inputs whose columns have nothing to do with each other leave nothing to make good.
#[test]
fn without_correlation_it_is_rounding() {
    let (weights, _) = layer(SHAPE);
    let mut diagonal = vec![0.0_f32; SHAPE.k * SHAPE.k];
    (0..SHAPE.k).for_each(|column| diagonal[column * SHAPE.k + column] = 1.0 + column as f32);
    let mut hessian = Hessian::new(SHAPE.k).unwrap();
    for is_filled in [false, true] {
        if is_filled {
            hessian.add(&diagonal).unwrap();
        }
        for rule in [ScaleRule::Max, ScaleRule::LeastSquares] {
            for order in [Order::Natural, Order::ActivationStatic] {
                let options = Options { rule, order, ..options(64) };
                let packed = gptq::quantize(&weights, SHAPE, &hessian, &options).unwrap();
                let rounded = Int4::quantize(&weights, SHAPE, options.group, rule).unwrap();
                assert_eq!(packed.to_symmetric(), Some(rounded));
            }
        }
    }
}

/// The inverse of a small matrix by Gauss and Jordan.
fn inverse(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let size = matrix.len();
    let mut rows: Vec<Vec<f64>> = matrix.to_vec();
    for (place, row) in rows.iter_mut().enumerate() {
        row.extend((0..size).map(|column| f64::from(u8::from(column == place))));
    }
    for pivot in 0..size {
        let leading = rows[pivot][pivot];
        rows[pivot].iter_mut().for_each(|entry| *entry /= leading);
        let pivot_row = rows[pivot].clone();
        for (place, row) in rows.iter_mut().enumerate() {
            if place != pivot {
                let factor = row[pivot];
                row.iter_mut().zip(&pivot_row).for_each(|(entry, pivot)| *entry -= factor * pivot);
            }
        }
    }
    rows.into_iter().map(|row| row[size..].to_vec()).collect()
}

/// Column by column with the inverse computed anew for the columns that are left, as the method is derived: the same integers.
#[test]
fn it_is_the_greedy_compensation_it_claims_to_be() {
    // Two blocks of errors, and enough weights that a small mistake changes one of them.
    let shape = Shape { n: 160, k: 168 };
    let (weights, hessian) = layer(shape);
    let mut random = Random::new(9);
    let inputs = random.floats(Values::Uniform, 50 * shape.k);
    let mut hessian_again = hessian.clone();
    hessian_again.add(&inputs).unwrap();
    let packed = gptq::quantize(&weights, shape, &hessian_again, &options(32)).unwrap();

    let entry = |row: usize, column: usize| {
        // Three values of the error of chosen differences give an entry of H.
        let of = |ones: &[usize]| {
            let mut difference = vec![0.0_f32; shape.k];
            ones.iter().for_each(|&one| difference[one] = 1.0);
            hessian_again.error(&difference, &vec![0.0; shape.k], Shape { n: 1, k: shape.k }).unwrap()
        };
        if row == column { of(&[row]) } else { (of(&[row, column]) - of(&[row]) - of(&[column])) / 2.0 }
    };
    let mean = (0..shape.k).map(|column| entry(column, column)).sum::<f64>() / shape.k as f64;
    let matrix: Vec<Vec<f64>> = (0..shape.k)
        .map(|row| {
            (0..shape.k).map(|column| entry(row, column) + f64::from(u8::from(row == column)) * 0.01 * mean).collect()
        })
        .collect();
    // Row 0 of the inverse for the columns that are left, from each column on.
    let inverses: Vec<Vec<f64>> = (0..shape.k)
        .map(|column| {
            let left: Vec<Vec<f64>> = matrix[column..].iter().map(|row| row[column..].to_vec()).collect();
            inverse(&left).swap_remove(0)
        })
        .collect();
    let stored = packed.unpack();
    for row in 0..shape.n {
        let mut free: Vec<f64> = weights[row * shape.k..][..shape.k].iter().map(|weight| f64::from(*weight)).collect();
        for (column, inverse) in inverses.iter().enumerate() {
            let scale = f64::from(packed.scales()[column / 32 * shape.n + row].to_f32());
            let level = oracle::nearest_level(free[column], scale, -8, 7).0;
            assert_eq!(stored[row * shape.k + column] as i8 - 8, level, "row {row}, column {column}");
            let error = (free[column] - f64::from(level) * scale) / inverse[0];
            free[column..].iter_mut().zip(inverse).for_each(|(free, inverse)| *free -= error * inverse);
        }
    }
}

#[test]
fn bad_calibration_is_refused() {
    let (weights, hessian) = layer(SHAPE);
    assert_eq!(Hessian::new(0).unwrap_err(), Error::ZeroDimension { tensor: "hessian", dimension: "n" });
    let mut small = Hessian::new(8).unwrap();
    assert!(matches!(small.add(&[0.0_f32; 9]), Err(Error::WrongLength { tensor: "inputs", found: 9, wanted: 16, .. })));
    let refused =
        small.add(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, f32::INFINITY, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(refused, Err(Error::InputNotFinite { row: 1, column: 1, value: f32::INFINITY }));
    assert_eq!(small.inputs(), 0);
    let refused = gptq::quantize(&weights, SHAPE, &small, &options(64));
    assert_eq!(refused, Err(Error::HessianOfOther { found: 8, wanted: 200 }));
    for value in [0.0, -1.0, f64::INFINITY] {
        let refused = gptq::quantize(&weights, SHAPE, &hessian, &Options { damping: value, ..options(64) });
        assert_eq!(refused, Err(Error::Damping { value }));
    }
}
