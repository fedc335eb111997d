//! Words and blocks whose values are known, from the programs that own the formats.

use half::f16;
use tilewright_quant_pack::formats::gguf::{self, Kind};
use tilewright_quant_pack::formats::zeros::{Claim, Evidence, ZeroConvention};
use tilewright_quant_pack::formats::{FormatError, Grid, awq, compressed, gptq};
use tilewright_quant_pack::{Group, Grouping, Int4Affine, Shape};

const SHAPE: Shape = Shape { n: 8, k: 8 };

/// Eight rows of eight: `value(row, column)`, scales of 1, zero points `zeros`.
fn weight(value: impl Fn(u8, u8) -> u8, zeros: [u8; 8]) -> Int4Affine {
    let values: Vec<u8> = (0..64).map(|place| value(place / 8, place % 8)).collect();
    let grouping = Grouping::in_order(8, Group::WholeRow).unwrap();
    Int4Affine::pack(&values, SHAPE, grouping, vec![f16::ONE; 8], Some(zeros.to_vec())).unwrap()
}

fn bits(words: &[i32]) -> Vec<u32> {
    words.iter().map(|word| word.cast_unsigned()).collect()
}

#[test]
fn zero_to_seven_are_these_words() {
    let along_k = weight(|_, column| column, [8; 8]);
    let tensors = gptq::export(&along_k, ZeroConvention::LessOne).unwrap();
    assert_eq!(bits(tensors.qweight.values()), [0x7654_3210; 8]);
    let tensors = compressed::export(&along_k, Default::default()).unwrap();
    assert_eq!(bits(tensors.weight_packed.values()), [0x7654_3210; 8]);
    assert_eq!(tensors.weight_zero_point, None);
    assert_eq!(bits(awq::export_gemv(&along_k).unwrap().qweight.values()), [0x7654_3210; 8]);
    let along_n = weight(|row, _| row, [0, 1, 2, 3, 4, 5, 6, 7]);
    let tensors = awq::export_gemm(&along_n).unwrap();
    assert_eq!(bits(tensors.qweight.values()), [0x7531_6420; 8]);
    assert_eq!(bits(tensors.qzeros.values()), [0x7531_6420]);
    let tensors = compressed::export(&along_n, Default::default()).unwrap();
    assert_eq!(bits(tensors.weight_zero_point.unwrap().values()), [0x7654_3210]);
}

/// compressed-tensors packs the signed integers −8 to −1 to this word, so what is stored is the integer + 8.
#[test]
fn minus_eight_to_minus_one_are_this_word() {
    let weight = weight(|_, column| column, [8; 8]);
    assert_eq!(weight.dequantize()[..8], [-8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.0]);
    let tensors = compressed::export(&weight, Default::default()).unwrap();
    assert_eq!(bits(tensors.weight_packed.values())[0], 0x7654_3210);
}

#[test]
fn zero_points_of_eight_are_these_words() {
    let symmetric = weight(|_, _| 8, [8; 8]);
    let words = |convention| bits(gptq::export(&symmetric, convention).unwrap().qzeros.values());
    assert_eq!(words(ZeroConvention::LessOne), [0x7777_7777]);
    assert_eq!(words(ZeroConvention::AsIs), [0x8888_8888]);
}

/// AutoGPTQ's v1 writes z = \[0, 8, 8, 8, 8, 8, 8, 8\] as 0xFFFFFFFF: −1 is not masked and overwrites its neighbours.
#[test]
fn clobbered_zero_points_are_refused() {
    let mut tensors = gptq::export(&weight(|_, _| 8, [8; 8]), ZeroConvention::LessOne).unwrap();
    tensors.qzeros = Grid::new("qzeros", 1, 1, vec![-1]).unwrap();
    let claim = Claim::Certain(ZeroConvention::LessOne);
    let refused = gptq::import(tensors.clone(), claim, None);
    assert_eq!(refused, Err(FormatError::ZeroPointClobbered { group: 0, row: 0, word: -1 }));
    // One zero point of 0 that a careful writer masked is as uncertain: kernels read it as 16.
    tensors.qzeros = Grid::new("qzeros", 1, 1, vec![0x7777_7f77]).unwrap();
    let refused = gptq::import(tensors, claim, None);
    assert_eq!(refused, Err(FormatError::ZeroPointClobbered { group: 0, row: 2, word: 0x7777_7f77 }));
    let zero = weight(|_, _| 8, [8, 8, 0, 8, 8, 8, 8, 8]);
    let refused = gptq::export(&zero, ZeroConvention::LessOne);
    assert_eq!(refused, Err(FormatError::ZeroPointNotStorable { group: 0, row: 2 }));
    assert!(gptq::export(&zero, ZeroConvention::AsIs).is_ok());
}

#[test]
fn labels_of_symmetric_weights_are_checked_against_the_data() {
    let symmetric = weight(|row, column| row + column, [8; 8]);
    for stored in [ZeroConvention::LessOne, ZeroConvention::AsIs] {
        let tensors = gptq::export(&symmetric, stored).unwrap();
        for label in [ZeroConvention::LessOne, ZeroConvention::AsIs] {
            let (read, verdict) = gptq::import(tensors.clone(), Claim::Label(label), None).unwrap();
            assert_eq!(read, symmetric);
            assert_eq!((verdict.convention, verdict.evidence), (stored, Evidence::Symmetric(stored)));
            assert_eq!(verdict.false_label, (label != stored).then_some(label));
        }
        let (read, _) = gptq::import(tensors, Claim::None, None).unwrap();
        assert_eq!(read, symmetric);
    }
}

#[test]
fn blocks_of_gguf_are_these_bytes() {
    let shape = Shape { n: 1, k: 32 };
    // 2.0 and −0.5 as f16; then byte j has j low and 15 − j high.
    let quants: Vec<u8> = (0..16).map(|j| j | (15 - j) << 4).collect();
    let block = |head: &[u8]| [head, &quants].concat();
    let q: Vec<f32> = (0..16_u8).chain((0..16_u8).rev()).map(f32::from).collect();
    let decoded = gguf::decode(Kind::Q4_0, &block(&[0x00, 0x40]), shape).unwrap();
    assert_eq!(decoded, q.iter().map(|q| 2.0 * (q - 8.0)).collect::<Vec<_>>());
    let decoded = gguf::decode(Kind::Q4_1, &block(&[0x00, 0x40, 0x00, 0xb8]), shape).unwrap();
    assert_eq!(decoded, q.iter().map(|q| 2.0 * q - 0.5).collect::<Vec<_>>());
    let mut bytes = vec![0x00, 0x38];
    bytes.extend((0..32_u8).map(|j| j.wrapping_sub(16)));
    let decoded = gguf::decode(Kind::Q8_0, &bytes, shape).unwrap();
    assert_eq!(decoded, (-16..16_i8).map(|q| f32::from(q) * 0.5).collect::<Vec<_>>());
}

/// A super-block of ones: scale and minimum of block j are j + 32 and 63 − j, taken apart by hand.
#[test]
fn a_super_block_is_these_bytes() {
    let mut bytes = vec![0x00, 0x3c, 0x00, 0x38];
    // Scales 32..35 and minima 63..60 of the first four, with the upper two bits of 36..39 and 59..56 above them.
    bytes.extend([32 | 2 << 6, 33 | 2 << 6, 34 | 2 << 6, 35 | 2 << 6]);
    bytes.extend([63 | 3 << 6, 62 | 3 << 6, 61 | 3 << 6, 60 | 3 << 6]);
    bytes.extend([4 | 11 << 4, 5 | 10 << 4, 6 | 9 << 4, 7 | 8 << 4]);
    // The low nibbles 3, the high ones 12.
    bytes.extend([0xc3; 128]);
    let decoded = gguf::decode(Kind::Q4K, &bytes, Shape { n: 1, k: 256 }).unwrap();
    for (place, weight) in decoded.iter().enumerate() {
        let block = place / 32;
        let q = if block % 2 == 0 { 3.0 } else { 12.0 };
        let (scale, minimum) = (32.0 + block as f32, 0.5 * (63.0 - block as f32));
        assert_eq!(*weight, scale * q - minimum, "weight {place}");
    }
}
