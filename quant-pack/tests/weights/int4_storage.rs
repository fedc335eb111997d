//! How int4 is stored.

use crate::oracle;
use half::f16;
use proptest::prelude::*;
use tilewright_quant_pack::{Group, Int4, ScaleRule, Shape};

fn word_of(values: [i8; 8]) -> u32 {
    let shape = Shape { n: 1, k: 8 };
    let packed = Int4::pack(&values, shape, Group::WholeRow, vec![f16::ONE]).unwrap();
    packed.qweight()[0] as u32
}

#[test]
fn golden_words() {
    assert_eq!(word_of([-8, -7, -6, -5, -4, -3, -2, -1]), 0x7654_3210);
    assert_eq!(word_of([0, 1, 2, 3, 4, 5, 6, 7]), 0xfedc_ba98);
    assert_eq!(word_of([0; 8]), 0x8888_8888);
    assert_eq!(word_of([-8; 8]), 0);
    assert_eq!(word_of([7; 8]), 0xffff_ffff);
    assert_eq!(word_of([-8, -8, -8, -8, -8, -8, -8, 7]), 0xf000_0000);
}

#[test]
fn words_lie_along_n_and_nibbles_along_k() {
    // Rows 0, 1, 2 hold -8, 0, 7; their second words one more or less.
    let values: Vec<i8> = [[-8; 8], [-7; 8], [0; 8], [1; 8], [7; 8], [6; 8]].concat();
    let packed = Int4::pack(&values, Shape { n: 3, k: 16 }, Group::WholeRow, vec![f16::ONE; 3]).unwrap();
    let words: Vec<u32> = packed.qweight().iter().map(|&word| word as u32).collect();
    assert_eq!(words, [0, 0x8888_8888, 0xffff_ffff, 0x1111_1111, 0x9999_9999, 0xeeee_eeee]);
}

#[test]
fn scales_lie_along_n() {
    let ramp = |row: u8, column: u8| f32::from(row + 1) * if column < 32 { 7.0 } else { 70.0 };
    let weights: Vec<f32> = (0..3).flat_map(|row| (0..40).map(move |column| ramp(row, column))).collect();
    let group = Group::new(32).unwrap();
    let packed = Int4::quantize(&weights, Shape { n: 3, k: 40 }, group, ScaleRule::Max).unwrap();
    let scales: Vec<f32> = packed.scales().iter().map(|scale| scale.to_f32()).collect();
    assert_eq!(scales, [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
    assert_eq!(packed.dequantize(), weights);
}

#[test]
fn group_counts() {
    let group = Group::new(64).unwrap();
    assert_eq!([8, 63, 64, 65, 128, 129].map(|k| group.count(k)), [1, 1, 1, 2, 2, 3]);
    assert_eq!([0, 8, 576].map(|k| Group::WholeRow.count(k)), [0, 1, 1]);
    assert_eq!(group.count(usize::MAX), usize::MAX / 64 + 1);
}

proptest! {
    #![proptest_config(oracle::config(256))]

    #[test]
    fn unpack_inverts_pack(
        ((shape, group), values) in oracle::int4_shape().prop_flat_map(|(shape, group)| {
            (Just((shape, group)), prop::collection::vec(-8..8_i8, shape.n * shape.k))
        }),
    ) {
        let scales = vec![f16::ONE; shape.n * group.count(shape.k)];
        let packed = Int4::pack(&values, shape, group, scales.clone()).unwrap();
        prop_assert_eq!(packed.unpack(), values);
        let again = Int4::from_parts(shape, group, packed.qweight().to_vec(), scales).unwrap();
        prop_assert_eq!(again, packed);
    }

    #[test]
    fn every_element_is_its_nibble_times_its_scale((shape, group, weights) in oracle::int4_case()) {
        let packed = Int4::quantize(&weights, shape, group, ScaleRule::LeastSquares).unwrap();
        let (values, products) = (packed.unpack(), packed.dequantize());
        let Shape { n, k } = shape;
        prop_assert_eq!(packed.scales().len(), n * k.div_ceil(group.size(k)));
        for row in 0..n {
            for column in 0..k {
                let level = oracle::nibble(packed.qweight()[column / 8 * n + row], column % 8) - 8;
                let scale = packed.scales()[column / group.size(k) * n + row];
                prop_assert_eq!(values[row * k + column], level);
                let exact = f64::from(level) * f64::from(scale.to_f32());
                prop_assert_eq!(f64::from(products[row * k + column]), exact);
            }
        }
    }
}
