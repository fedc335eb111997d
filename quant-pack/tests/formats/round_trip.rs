//! Every format holds what it takes: there and back is the same weight, bit for bit.

use crate::oracle;
use half::f16;
use proptest::prelude::*;
use tilewright_quant_pack::formats::checkpoint::{Checkpoint, Config, layer_specs, layer_tensors};
use tilewright_quant_pack::formats::compressed::Always;
use tilewright_quant_pack::formats::gguf::{self, Kind};
use tilewright_quant_pack::formats::zeros::{Claim, ZeroConvention};
use tilewright_quant_pack::formats::{Format, awq, compressed, gptq};
use tilewright_quant_pack::{Granularity, Group, Grouping, Int4, Int4Affine, Int8, ScaleRule, Shape};

const FORMATS: [Format; 5] =
    [Format::Gptq, Format::GptqV2, Format::AwqGemm, Format::AwqGemv, Format::CompressedTensors];

/// Weights of N a multiple of 8 in groups that fill the rows; zero points from 1; groups scattered or not.
fn affine_case() -> impl Strategy<Value = Int4Affine> {
    let shape = (1..4_usize, prop::sample::select(vec![32, 64, 96, 128, 256, 288]), 0..4_usize, any::<bool>());
    shape.prop_flat_map(|(n, k, group, is_scattered)| {
        let n = n * 8;
        let group = match [32, 64, 128].get(group) {
            Some(&size) if k % size == 0 => Group::new(size).unwrap(),
            _ => Group::WholeRow,
        };
        let groups = group.count(k);
        let values = prop::collection::vec(0..16_u8, n * k);
        let scales = prop::collection::vec(1..0x7c00_u16, n * groups);
        let zeros = prop::option::of(prop::collection::vec(1..16_u8, n * groups));
        let index: Vec<u32> = (0..k).map(|column| (column / group.size(k)) as u32).collect();
        let index = if is_scattered { Just(index).prop_shuffle().boxed() } else { Just(index).boxed() };
        (values, scales, zeros, index).prop_map(move |(values, scales, zeros, index)| {
            let grouping = Grouping::from_index(&index, groups).unwrap();
            let scales = scales.into_iter().map(f16::from_bits).collect();
            Int4Affine::pack(&values, Shape { n, k }, grouping, scales, zeros).unwrap()
        })
    })
}

/// A safetensors file of these layers.
fn file(layers: &[(&str, &Int4Affine)], format: Format) -> Vec<u8> {
    let tensors: Vec<_> = layers
        .iter()
        .flat_map(|(name, weight)| layer_tensors(name, weight, format, Always::default()).unwrap())
        .collect();
    let views = tensors.iter().map(|tensor| {
        let view = safetensors::tensor::TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.data).unwrap();
        (tensor.name.as_str(), view)
    });
    safetensors::serialize(views, None).unwrap()
}

proptest! {
    #![proptest_config(oracle::config(96))]

    #[test]
    fn gptq_holds_every_weight(weight in affine_case()) {
        for convention in [ZeroConvention::LessOne, ZeroConvention::AsIs] {
            let tensors = gptq::export(&weight, convention).unwrap();
            let (back, verdict) = gptq::import(tensors, Claim::Certain(convention), None).unwrap();
            prop_assert_eq!(&back, &weight);
            prop_assert_eq!(verdict.false_label, None);
        }
    }

    #[test]
    fn awq_holds_every_weight_in_order(weight in affine_case()) {
        let (weight, _) = weight.sorted().unwrap();
        let tensors = awq::export_gemm(&weight).unwrap();
        prop_assert_eq!(&awq::import_gemm(&tensors).unwrap(), &weight);
        // What is stored where, said in another way.
        let (values, n, k) = (weight.unpack(), weight.shape().n, weight.shape().k);
        for (word, place) in [(0, 0), (k - 1, 1), (k / 2, 5), (1, 6)] {
            let stored = oracle::nibble(tensors.qweight.values()[word * n / 8], place);
            prop_assert_eq!(stored as u8, values[[0, 2, 4, 6, 1, 3, 5, 7][place] * k + word]);
        }
        let group = weight.grouping().group();
        let tensors = awq::export_gemv(&weight);
        if group.size(k) == 96 {
            prop_assert!(tensors.is_ok() == (k == 96));
        } else {
            let tensors = tensors.unwrap();
            prop_assert_eq!(&awq::import_gemv(&tensors, Some(group)).unwrap(), &weight);
            // No scale is zero, so padding is told from groups in use.
            prop_assert_eq!(&awq::import_gemv(&tensors, None).unwrap(), &weight);
        }
    }

    #[test]
    fn compressed_tensors_hold_every_weight(weight in affine_case(), zero_points: bool, g_idx: bool) {
        let tensors = compressed::export(&weight, Always { zero_points, g_idx }).unwrap();
        prop_assert_eq!(tensors.weight_zero_point.is_some(), zero_points || weight.zeros().is_some());
        prop_assert_eq!(tensors.weight_g_idx.is_some(), g_idx || !weight.grouping().is_in_order());
        prop_assert_eq!(compressed::import(tensors).unwrap(), weight);
    }

    /// The tensors are those that were announced, and a file of two layers gives them back.
    #[test]
    fn files_hold_their_layers(weight in affine_case(), number in 0..5_usize) {
        let format = FORMATS[number];
        let (sorted, _) = weight.clone().sorted().unwrap();
        let weight = if matches!(format, Format::AwqGemm | Format::AwqGemv) { sorted.clone() } else { weight };
        let always = Always { zero_points: weight.zeros().is_some(), g_idx: !weight.grouping().is_in_order() };
        let group = weight.grouping().group();
        let specs = layer_specs("a.b", weight.shape(), group, format, always).unwrap();
        let tensors = layer_tensors("a.b", &weight, format, always).unwrap();
        let described: Vec<_> = tensors.iter().map(|tensor| (&tensor.name, tensor.dtype, &tensor.shape)).collect();
        let mut announced: Vec<_> = specs.iter().map(|spec| (&spec.name, spec.dtype, &spec.shape)).collect();
        announced.sort_by_key(|spec| described.iter().position(|tensor| tensor.0 == spec.0));
        prop_assert_eq!(described, announced);

        let bytes = file(&[("a.b", &weight), ("c", &sorted)], format);
        let config = Config::parse(&format!(r#"{{ "quant_method": "{}" }}"#, match format {
            Format::Gptq => r#"gptq", "checkpoint_format": "gptq"#,
            Format::GptqV2 => r#"gptq", "checkpoint_format": "gptq_v2"#,
            Format::AwqGemm => r#"awq", "version": "gemm"#,
            Format::AwqGemv => r#"awq", "version": "gemv"#,
            _ => r#"compressed-tensors", "format": "pack-quantized"#,
        })).unwrap();
        let certain = match format {
            Format::Gptq => Some(ZeroConvention::LessOne),
            Format::GptqV2 => Some(ZeroConvention::AsIs),
            _ => None,
        };
        let checkpoint = Checkpoint::parse(&bytes, Some(config)).unwrap();
        let names: Vec<_> = checkpoint.layers().iter().map(|layer| layer.name.as_str()).collect();
        prop_assert_eq!(names, ["a.b", "c"]);
        let read = |place: usize| checkpoint.read(&checkpoint.layers()[place], certain).unwrap();
        prop_assert_eq!(read(0).format, format);
        prop_assert_eq!(read(0).weight, weight);
        prop_assert_eq!(read(1).weight, sorted);
    }

    #[test]
    fn gguf_holds_groups_of_32(n in 1..5_usize, blocks in 1..4_usize, seed in any::<u64>()) {
        let shape = Shape { n, k: blocks * 32 };
        let group = if blocks == 1 { Group::WholeRow } else { Group::new(32).unwrap() };
        let mut random = tilewright_testkit::Random::new(seed);
        let weights = random.floats(tilewright_testkit::Values::Uniform, n * shape.k);

        let weight = Int4::quantize(&weights, shape, group, ScaleRule::LeastSquares).unwrap();
        let bytes = gguf::from_int4(&weight).unwrap();
        prop_assert_eq!(gguf::decode(Kind::Q4_0, &bytes, shape).unwrap(), weight.dequantize());
        prop_assert_eq!(gguf::to_int4(&bytes, shape).unwrap(), weight);

        let weight = Int4Affine::quantize(&weights, shape, group, ScaleRule::LeastSquares).unwrap();
        let bytes = gguf::from_affine(&weight).unwrap();
        prop_assert_eq!(&gguf::to_affine(&bytes, shape).unwrap(), &weight);
        let decoded = gguf::decode(Kind::Q4_1, &bytes, shape).unwrap();
        for (decoded, exact) in decoded.iter().zip(weight.dequantize()) {
            // The minimum, up to 15 scales of at most 2 / 15, is an f16.
            prop_assert!((decoded - exact).abs() <= 2.0 * 2.0_f32.powi(-11), "{} for {}", decoded, exact);
        }

        let scales: Vec<f32> = (0..n).map(|row| 0.5 + row as f32 / 64.0).collect();
        let values = random.bytes(n * shape.k);
        let weight = Int8::from_parts(shape, Granularity::PerChannel, values, scales).unwrap();
        let bytes = gguf::from_int8(&weight).unwrap();
        prop_assert_eq!(gguf::decode(Kind::Q8_0, &bytes, shape).unwrap(), weight.dequantize());
        prop_assert_eq!(gguf::to_int8(&bytes, shape).unwrap(), weight);
    }

    /// What was encoded is a fixed point of being decoded and encoded again, and near to what it was made from.
    #[test]
    fn gguf_encodes_to_nearest(n in 1..3_usize, weights in oracle::weights(2 * 512)) {
        let shape = Shape { n, k: 512 };
        // Up to 3,125: fifteen times that, the largest minimum, is finite in f16.
        let weights: Vec<f32> = weights[..n * 512].iter().map(|weight| weight / 128.0).collect();
        let weights = &weights[..];
        for (kind, steps) in [(Kind::Q4_0, 7.0), (Kind::Q4_1, 15.0), (Kind::Q8_0, 127.0)] {
            let bytes = gguf::encode(kind, weights, shape).unwrap();
            let back = gguf::decode(kind, &bytes, shape).unwrap();
            for (weights, back) in weights.chunks(32).zip(back.chunks(32)) {
                let largest = weights.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
                let range = match kind {
                    Kind::Q4_1 => 2.0 * largest,
                    _ => largest,
                };
                let error = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
                // No more than if every weight were half a step off, and the largest by what rounding the scale to f16 takes from it: 2^-11 of itself, or
                // half of the least f16 for each step.
                let bound = f64::from(range) * (0.5 / steps + 2.0_f64.powi(-11)) + (0.5 + steps / 2.0) * 2.0_f64.powi(-24);
                let bound = 32.0 * bound.powi(2);
                prop_assert!(error(weights, back) <= bound, "{kind}: {} > {bound}", error(weights, back));
            }
        }
        let bytes = gguf::encode(Kind::Q4K, weights, shape).unwrap();
        let back = gguf::decode(Kind::Q4K, &bytes, shape).unwrap();
        for (weights, back) in weights.chunks(256).zip(back.chunks(256)) {
            let largest = weights.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
            // Half a step of 1 / 15 of the range; half a step of scale and minimum, which are 1 / 63 of the largest; and what rounding those steps to f16
            // takes from 63 · 15 and 63 of them: 2^-11 of itself, or half of the least f16 for each.
            let range = f64::from(2.0 * largest);
            let halves = 63.0 * 16.0 * 2.0_f64.powi(-25) + 2.0 * range * 2.0_f64.powi(-11);
            let bound = range * (0.5 / 15.0 + 0.5 / 63.0 + 0.5 / 63.0) + halves;
            let squares: f64 = weights.iter().zip(back).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            prop_assert!(squares <= 256.0 * bound.powi(2), "{squares} > 256 · {bound}²");
        }
    }
}

#[test]
fn zero_points_are_told_from_weights_about_zero() {
    let shape = Shape { n: 64, k: 256 };
    let mut random = tilewright_testkit::Random::new(3);
    let weights = random.floats(tilewright_testkit::Values::Uniform, shape.n * shape.k);
    let weight = Int4Affine::quantize(&weights, shape, Group::new(64).unwrap(), ScaleRule::Max).unwrap();
    for stored in [ZeroConvention::LessOne, ZeroConvention::AsIs] {
        let tensors = gptq::export(&weight, stored).unwrap();
        let (back, verdict) = gptq::import(tensors.clone(), Claim::None, None).unwrap();
        assert_eq!(verdict.convention, stored);
        assert_eq!(back, weight);
        let other = match stored {
            ZeroConvention::LessOne => ZeroConvention::AsIs,
            _ => ZeroConvention::LessOne,
        };
        let said = gptq::import(tensors.clone(), Claim::Label(other), None).unwrap_err().to_string();
        assert!(said.contains("its data says the other"), "{said}");
        let (shifted, _) = gptq::import(tensors, Claim::Certain(other), None).unwrap();
        assert_ne!(shifted, weight);
    }
}

#[test]
fn group_sizes_are_inferred_or_asked_for() {
    let grouping = |k, size| Grouping::in_order(k, Group::new(size).unwrap()).unwrap();
    let of = |k: usize, size: usize| {
        let grouping = grouping(k, size);
        let scales = vec![f16::ONE; 8 * grouping.count()];
        let weight = Int4Affine::pack(&vec![3; 8 * k], Shape { n: 8, k }, grouping, scales, None).unwrap();
        let mut tensors = gptq::export(&weight, ZeroConvention::AsIs).unwrap();
        tensors.g_idx = None;
        (weight, tensors)
    };
    let (weight, tensors) = of(576, 128);
    assert_eq!(gptq::import(tensors, Claim::None, None).unwrap().0, weight);
    // 576 columns in three groups: of 192, 224 or 256.
    let (weight, tensors) = of(576, 256);
    let said = gptq::import(tensors.clone(), Claim::None, None).unwrap_err().to_string();
    assert!(said.contains("k = 576 in 3 groups: sizes that give it are [192, 224, 256]"), "{said}");
    assert_eq!(gptq::import(tensors, Claim::None, Some(Group::new(256).unwrap())).unwrap().0, weight);
}

#[test]
fn configurations_are_read_as_they_were_written() {
    for format in FORMATS {
        for group in [Group::WholeRow, Group::new(128).unwrap()] {
            for (symmetric, scattered) in [(true, false), (false, false), (false, true)] {
                let mut config = Config::of(format);
                (config.group, config.symmetric, config.scattered) = (Some(group), Some(symmetric), Some(scattered));
                let read = Config::parse(&config.to_json()).unwrap();
                if matches!(format, Format::AwqGemm | Format::AwqGemv) {
                    // It always has zero points, and never an index.
                    (config.symmetric, config.scattered) = (None, None);
                }
                assert_eq!(read, config, "{}", config.to_json());
            }
        }
    }
}
