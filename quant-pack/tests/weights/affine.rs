//! Int4 with zero points and groups in any order.

use crate::oracle;
use half::f16;
use proptest::prelude::*;
use tilewright_quant_pack::{Error, Group, Grouping, Int4, Int4Affine, ScaleRule, Shape};

/// A shape, a grouping that may be scattered, the integers, scales and zero points.
fn case() -> impl Strategy<Value = (Shape, Grouping, Vec<u8>, Vec<f16>, Vec<u8>)> {
    (oracle::int4_shape(), any::<bool>()).prop_flat_map(|((shape, group), is_scattered)| {
        let size = group.size(shape.k);
        let index: Vec<u32> = (0..shape.k).map(|column| (column / size) as u32).collect();
        let index = if is_scattered { Just(index).prop_shuffle().boxed() } else { Just(index).boxed() };
        let groups = group.count(shape.k);
        (
            Just(shape),
            index.prop_map(move |index| Grouping::from_index(&index, groups).unwrap()),
            prop::collection::vec(0..16_u8, shape.n * shape.k),
            prop::collection::vec((1_u16..0x7c00).prop_map(f16::from_bits), shape.n * groups),
            prop::collection::vec(0..16_u8, shape.n * groups),
        )
    })
}

proptest! {
    #![proptest_config(oracle::config(256))]

    #[test]
    fn every_weight_is_its_distance_from_the_zero_point((shape, grouping, values, scales, zeros) in case()) {
        let Shape { n, k } = shape;
        let groups: Vec<usize> = grouping.index().collect();
        let weight = Int4Affine::pack(&values, shape, grouping, scales.clone(), Some(zeros.clone())).unwrap();
        prop_assert_eq!(weight.unpack(), values.clone());
        let dequantized = weight.dequantize();
        for row in 0..n {
            for column in 0..k {
                let place = groups[column] * n + row;
                prop_assert_eq!(oracle::nibble(weight.qweight()[column / 8 * n + row], column % 8) as u8, values[row * k + column]);
                let level = i32::from(values[row * k + column]) - i32::from(zeros[place]);
                prop_assert_eq!(f64::from(dequantized[row * k + column]), f64::from(level) * f64::from(scales[place].to_f32()));
            }
        }
    }

    /// Sorting columns into their groups and permuting the activations likewise changes no product.
    #[test]
    fn sorting_moves_columns_and_nothing_else((shape, grouping, values, scales, zeros) in case()) {
        let weight = Int4Affine::pack(&values, shape, grouping, scales, Some(zeros)).unwrap();
        let was_in_order = weight.grouping().is_in_order();
        let (sorted, permutation) = weight.clone().sorted().unwrap();
        prop_assert!(sorted.grouping().is_in_order());
        prop_assert_eq!(permutation.is_none(), was_in_order);
        match permutation {
            None => prop_assert_eq!(sorted, weight),
            Some(permutation) => {
                prop_assert_eq!(sorted.dequantize(), permutation.apply(&weight.dequantize()));
                prop_assert_eq!(permutation.inverse().apply(&sorted.dequantize()), weight.dequantize());
            }
        }
    }

    /// Every integer is the nearest of sixteen; the larger rule clips nothing, and least squares is never worse.
    #[test]
    fn asymmetric_rounding_keeps_its_bounds((shape, group, weights) in oracle::int4_case()) {
        let [max, least] = [ScaleRule::Max, ScaleRule::LeastSquares]
            .map(|rule| Int4Affine::quantize(&weights, shape, group, rule).unwrap());
        let size = group.size(shape.k);
        for row in 0..shape.n {
            for first in (0..shape.k).step_by(size) {
                let weights = &weights[row * shape.k..][first..(first + size).min(shape.k)];
                let mut errors = Vec::new();
                for (packed, may_clip) in [(&max, false), (&least, true)] {
                    let zero = packed.zero(first / size, row);
                    prop_assert!((1..=15).contains(&zero));
                    let (low, high) = (-(zero as i8), 15 - zero as i8);
                    let scale = f64::from(packed.scales()[first / size * shape.n + row].to_f32());
                    let back = &packed.dequantize()[row * shape.k..][first..first + weights.len()];
                    for (&weight, &back) in weights.iter().zip(back) {
                        let distance = (f64::from(weight) - f64::from(back)).abs();
                        prop_assert_eq!(distance, oracle::nearest_level(f64::from(weight), scale, low, high).1);
                        prop_assert!(may_clip || distance <= scale / 2.0, "{} of {}", distance, scale);
                    }
                    errors.push(oracle::squared_error(weights, scale, low, high));
                }
                prop_assert!(errors[1] <= errors[0]);
            }
        }
    }

    #[test]
    fn symmetric_weights_go_there_and_back((shape, group, weights) in oracle::int4_case()) {
        let symmetric = Int4::quantize(&weights, shape, group, ScaleRule::Max).unwrap();
        let affine = Int4Affine::from(symmetric.clone());
        prop_assert_eq!(affine.zeros(), None);
        prop_assert_eq!(affine.dequantize(), symmetric.dequantize());
        prop_assert_eq!(affine.to_symmetric(), Some(symmetric));
    }
}

#[test]
fn zero_points_of_eight_are_noticed() {
    let grouping = Grouping::in_order(8, Group::WholeRow).unwrap();
    let shape = Shape { n: 2, k: 8 };
    let with =
        |zeros| Int4Affine::from_parts(shape, grouping.clone(), vec![0; 2], vec![f16::ONE; 2], Some(zeros)).unwrap();
    assert!(with(vec![8, 8]).to_symmetric().is_some());
    assert_eq!(with(vec![8, 9]).to_symmetric(), None);
    assert_eq!((with(vec![8, 9]).zero(0, 0), with(vec![8, 9]).zero(0, 1)), (8, 9));
}

#[test]
fn groupings_that_cannot_be_are_refused() {
    let mut index: Vec<u32> = (0..72).map(|column| column / 32).collect();
    assert!(Grouping::from_index(&index, 3).unwrap().is_in_order());
    index[40] = 3;
    assert_eq!(Grouping::from_index(&index, 3), Err(Error::NoSuchGroup { column: 40, group: 3, groups: 3 }));
    index[40] = 2;
    assert_eq!(Grouping::from_index(&index, 3), Err(Error::UnevenGroup { group: 1, found: 31, wanted: 32 }));
    assert_eq!(Grouping::from_index(&[], 1), Err(Error::ZeroDimension { tensor: "g_idx", dimension: "k" }));
    let shape = Shape { n: 1, k: 16 };
    let other = Grouping::in_order(8, Group::WholeRow).unwrap();
    let refused = Int4Affine::from_parts(shape, other, vec![0; 2], vec![f16::ONE], None);
    assert_eq!(refused, Err(Error::WrongLength { tensor: "g_idx", found: 8, wanted: 16, n: 1, k: 16 }));
    let own = Grouping::in_order(16, Group::WholeRow).unwrap();
    let refused = Int4Affine::from_parts(shape, own.clone(), vec![0; 2], vec![f16::ONE], Some(vec![16]));
    assert_eq!(refused, Err(Error::ZeroPointOutOfRange { group: 0, row: 0, value: 16 }));
    let refused = Int4Affine::pack(&[16; 16], shape, own, vec![f16::ONE], None);
    assert_eq!(refused, Err(Error::NibbleOutOfRange { row: 0, column: 0, value: 16 }));
}
