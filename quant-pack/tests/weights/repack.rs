//! Moving weights into other orders.

use crate::oracle;
use half::f16;
use proptest::prelude::*;
use tilewright_quant_pack::repack::{self, ByteForm, Place, ScalePlace};
use tilewright_quant_pack::{Error, Granularity, Group, Int4, Int8, Shape};

fn int4(shape: Shape, group: Group) -> Int4 {
    let values: Vec<i8> = (0..shape.n * shape.k).map(|place| (place * 7 % 16) as i8 - 8).collect();
    let scales = (0..shape.n * group.count(shape.k)).map(|place| f16::from_f32(place as f32 + 1.0)).collect();
    Int4::pack(&values, shape, group, scales).unwrap()
}

fn int8(shape: Shape, granularity: Granularity) -> Int8 {
    let values = (0..shape.n * shape.k).map(|place| (place * 37 % 256) as u8 as i8).collect();
    let scales = (0..granularity.scales(shape)).map(|row| row as f32 + 1.0).collect();
    Int8::from_parts(shape, granularity, values, scales).unwrap()
}

/// A shuffled order of all places of a shape with `padding` empty ones between them.
fn shuffled() -> impl Strategy<Value = (Shape, Vec<Option<Place>>)> {
    let dims = (prop::sample::select(vec![1_usize, 3, 8, 9]), prop::sample::select(vec![8_usize, 16, 24, 72]));
    (dims, 0..40_usize).prop_flat_map(|((n, k), padding)| {
        let mut order: Vec<_> = (0..n * k).map(|place| Some(Place { n: place / k, k: place % k })).collect();
        // Half of the padding is None, half lies past an edge.
        order.extend(
            (0..padding).map(|place| (place % 2 == 0).then_some(Place { n: n * (place % 4 / 2), k: k + place })),
        );
        order.resize(order.len().next_multiple_of(8), None);
        (Just(Shape { n, k }), Just(order).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(oracle::config(256))]

    #[test]
    fn nibbles_follow_any_order((shape, order) in shuffled()) {
        let source = int4(shape, Group::WholeRow);
        let values = source.unpack();
        let words = repack::nibbles(&source, order.len() / 8, |word, nibble| order[word * 8 + nibble]).unwrap();
        for (index, place) in order.iter().enumerate() {
            let inside = place.filter(|place| place.n < shape.n && place.k < shape.k);
            let wanted = inside.map_or(0, |place| values[place.n * shape.k + place.k]);
            prop_assert_eq!(oracle::nibble(words[index / 8] as i32, index % 8) - 8, wanted);
        }
    }

    #[test]
    fn bytes_follow_any_order((shape, order) in shuffled()) {
        let source = int8(shape, Granularity::PerTensor);
        for (form, offset) in [(ByteForm::Signed, 0), (ByteForm::Offset128, 128)] {
            let words = repack::bytes(&source, order.len() / 4, form, |word, byte| order[word * 4 + byte]).unwrap();
            for (index, place) in order.iter().enumerate() {
                let inside = place.filter(|place| place.n < shape.n && place.k < shape.k);
                let wanted = inside.map_or(0, |place| i32::from(source.values()[place.n * shape.k + place.k]));
                let byte = i32::from(words[index / 4].to_le_bytes()[index % 4]);
                prop_assert_eq!(byte, (wanted + offset).rem_euclid(256));
            }
        }
    }

    #[test]
    fn a_weight_left_out_is_named((shape, mut order) in shuffled(), pick in any::<prop::sample::Index>()) {
        let Place { n, k } = Place { n: pick.index(shape.n), k: pick.index(shape.k) };
        order.iter_mut().filter(|place| **place == Some(Place { n, k })).for_each(|place| *place = None);
        let refused = Err(Error::WeightLeftOut { row: n, column: k });
        let words = repack::nibbles(&int4(shape, Group::WholeRow), order.len() / 8, |word, nibble| order[word * 8 + nibble]);
        prop_assert_eq!(words, refused.clone());
        let source = int8(shape, Granularity::PerTensor);
        let words = repack::bytes(&source, order.len() / 4, ByteForm::Signed, |word, byte| order[word * 4 + byte]);
        prop_assert_eq!(words, refused);
    }
}

#[test]
fn the_storage_order_gives_the_storage() {
    let shape = Shape { n: 5, k: 72 };
    let source = int4(shape, Group::new(64).unwrap());
    let order = |word: usize, nibble| Some(Place { n: word % 5, k: word / 5 * 8 + nibble });
    let words = repack::nibbles(&source, 45, order).unwrap();
    assert_eq!(words, source.qweight().iter().map(|&word| word as u32).collect::<Vec<_>>());
}

#[test]
fn padding_is_the_integer_zero() {
    let source = int4(Shape { n: 1, k: 8 }, Group::WholeRow);
    let words = repack::nibbles(&source, 3, |word, nibble| Some(Place { n: 0, k: word * 8 + nibble })).unwrap();
    assert_eq!(words[1..], [0x8888_8888; 2]);
    let source = int8(Shape { n: 1, k: 4 }, Granularity::PerChannel);
    let order = |word, byte| Some(Place { n: word, k: byte });
    assert_eq!(repack::bytes(&source, 2, ByteForm::Signed, order).unwrap()[1], 0);
    assert_eq!(repack::bytes(&source, 2, ByteForm::Offset128, order).unwrap()[1], 0x8080_8080);
}

#[test]
fn a_weight_placed_twice_is_named() {
    let source = int4(Shape { n: 2, k: 8 }, Group::WholeRow);
    let words = repack::nibbles(&source, 3, |word, nibble| Some(Place { n: word % 2, k: nibble }));
    assert_eq!(words, Err(Error::WeightRepeated { row: 0, column: 0, word: 2 }));
}

#[test]
fn too_few_words_leave_weights_out() {
    let source = int4(Shape { n: 2, k: 64 }, Group::WholeRow);
    let words = repack::nibbles(&source, 15, |word, nibble| Some(Place { n: word / 8, k: word % 8 * 8 + nibble }));
    assert_eq!(words, Err(Error::WeightLeftOut { row: 1, column: 56 }));
    assert_eq!(repack::nibbles(&source, 0, |_, _| None), Err(Error::WeightLeftOut { row: 0, column: 0 }));
}

#[test]
fn output_beyond_the_memory_is_refused() {
    let source = int4(Shape { n: 1, k: 8 }, Group::WholeRow);
    let elements = usize::MAX;
    assert_eq!(repack::nibbles(&source, elements, |_, _| None), Err(Error::OutOfMemory { elements }));
    assert_eq!(repack::scales(&source, elements, |_| None), Err(Error::OutOfMemory { elements }));
}

#[test]
fn int4_scales_follow_any_order_and_may_repeat() {
    let source = int4(Shape { n: 2, k: 72 }, Group::new(32).unwrap());
    // Stored [3, 2] as 1 to 6; wanted each row's groups together, padded to 4, twice.
    let order = |index: usize| Some(ScalePlace { group: index % 4, n: index / 4 % 2 });
    let scales: Vec<f32> = repack::scales(&source, 16, order).unwrap().iter().map(|scale| scale.to_f32()).collect();
    assert_eq!(scales, [1.0, 3.0, 5.0, 0.0, 2.0, 4.0, 6.0, 0.0].repeat(2));
    let short = repack::scales(&source, 6, order);
    assert_eq!(short, Err(Error::ScaleLeftOut { group: 2, row: 1 }));
    assert_eq!(
        repack::scales(&source, 8, |index| order(index).filter(|place| place.group != 1)),
        Err(Error::ScaleLeftOut { group: 1, row: 0 })
    );
}

#[test]
fn int8_scales_become_one_a_row() {
    let shape = Shape { n: 3, k: 2 };
    let order = |index| (index != 1).then_some(if index > 1 { index - 1 } else { index });
    let each = repack::row_scales(&int8(shape, Granularity::PerChannel), 6, order).unwrap();
    assert_eq!(each, [1.0, 0.0, 2.0, 3.0, 0.0, 0.0]);
    let one = repack::row_scales(&int8(shape, Granularity::PerTensor), 6, order).unwrap();
    assert_eq!(one, [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    let short = repack::row_scales(&int8(shape, Granularity::PerTensor), 2, Some);
    assert_eq!(short, Err(Error::ScaleLeftOut { group: 0, row: 2 }));
}
