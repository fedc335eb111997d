//! What is refused in checkpoints, a row of the table each.

use std::collections::BTreeMap;

use half::f16;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use tilewright_quant_pack::formats::checkpoint::{Checkpoint, Config, Imported, layer_specs, layer_tensors};
use tilewright_quant_pack::formats::compressed::Always;
use tilewright_quant_pack::formats::gguf::{self, Gguf, Kind, OutputTensor, Value};
use tilewright_quant_pack::formats::{Format, FormatError};
use tilewright_quant_pack::{Granularity, Group, Grouping, Int4Affine, Int8, Shape};
use tilewright_testkit::Refusals;

pub(crate) type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

const SHAPE: Shape = Shape { n: 8, k: 64 };

fn weight(zero: u8) -> Int4Affine {
    let grouping = Grouping::in_order(64, Group::new(32).unwrap()).unwrap();
    let values: Vec<u8> = (0..512_u32).map(|place| (place * 7 % 16) as u8).collect();
    Int4Affine::pack(&values, SHAPE, grouping, vec![f16::ONE; 16], Some(vec![zero; 16])).unwrap()
}

/// Layer `a` in `format`, to be damaged.
pub(crate) fn layer(format: Format) -> Tensors {
    let tensors = layer_tensors("a", &weight(8), format, Always { zero_points: true, g_idx: false }).unwrap();
    tensors.into_iter().map(|tensor| (tensor.name, (tensor.dtype, tensor.shape, tensor.data))).collect()
}

pub(crate) fn file(tensors: &Tensors) -> Vec<u8> {
    let views = tensors.iter().map(|(name, (dtype, shape, data))| {
        (name.as_str(), TensorView::new(*dtype, shape.clone(), data).expect("a tensor"))
    });
    safetensors::serialize(views, None).unwrap()
}

/// Reads the first layer.
pub(crate) fn read(bytes: &[u8], config: Option<Config>) -> Result<Imported, FormatError> {
    let checkpoint = Checkpoint::parse(bytes, config)?;
    checkpoint.read(checkpoint.layers().first().expect("a layer"), None)
}

/// Reads every layer, if there are any.
pub(crate) fn read_all(bytes: &[u8]) -> Result<Vec<Imported>, FormatError> {
    let checkpoint = Checkpoint::parse(bytes, None)?;
    checkpoint.layers().iter().map(|layer| checkpoint.read(layer, None)).collect()
}

fn damaged(format: Format, damage: impl FnOnce(&mut Tensors)) -> Result<Imported, FormatError> {
    let mut tensors = layer(format);
    damage(&mut tensors);
    read(&file(&tensors), None)
}

/// Another type of as many bytes, or another shape of as many elements.
fn retyped(name: &str, dtype: Dtype) -> impl FnOnce(&mut Tensors) {
    move |tensors| tensors.get_mut(name).unwrap().0 = dtype
}

fn shaped(name: &str, shape: &[usize]) -> impl FnOnce(&mut Tensors) {
    move |tensors| {
        let tensor = tensors.get_mut(name).unwrap();
        let bytes = tensor.0.bitsize() / 8 * shape.iter().product::<usize>();
        tensor.1 = shape.to_vec();
        tensor.2.resize(bytes, 0);
    }
}

fn words(name: &str, place: usize, word: u32) -> impl FnOnce(&mut Tensors) {
    move |tensors| tensors.get_mut(name).unwrap().2[place * 4..][..4].copy_from_slice(&word.to_le_bytes())
}

pub(crate) fn add(refusals: &mut Refusals) {
    checkpoints(refusals);
    zero_points(refusals);
    exports(refusals);
    configurations(refusals);
    blocks(refusals);
}

fn checkpoints(refusals: &mut Refusals) {
    let whole = file(&layer(Format::Gptq));
    refusals.add("a file that is no safetensors file", read(b"GGUF", None));
    refusals.add("a safetensors file that ends early", read(&whole[..whole.len() - 1], None));
    for name in ["a.qweight", "a.qzeros", "a.scales"] {
        let outcome = damaged(Format::Gptq, |tensors| drop(tensors.remove(name)));
        refusals.add(&format!("a layer without `{name}`"), outcome);
    }
    for name in ["a.weight_packed", "a.weight_scale", "a.weight_shape"] {
        let outcome = damaged(Format::CompressedTensors, |tensors| drop(tensors.remove(name)));
        refusals.add(&format!("a layer without `{name}`"), outcome);
    }
    let more = |tensors: &mut Tensors| drop(tensors.insert("a.perm".to_owned(), (Dtype::U8, vec![1], vec![0])));
    refusals.add("a tensor that the format does not have", damaged(Format::Gptq, more));
    refusals.add("packed words of another type", damaged(Format::Gptq, retyped("a.qweight", Dtype::F32)));
    refusals.add("scales of a type that is no float", damaged(Format::AwqGemm, retyped("a.scales", Dtype::I16)));
    refusals.add("scales of one dimension", damaged(Format::AwqGemm, shaped("a.scales", &[16])));
    refusals.add("scales of no format's shape", damaged(Format::Gptq, shaped("a.scales", &[3, 5])));
    refusals.add("zero points of another shape", damaged(Format::Gptq, shaped("a.qzeros", &[1, 2])));
    refusals.add("zero points of no group", damaged(Format::Gptq, shaped("a.qzeros", &[0, 1])));
    refusals.add("a `g_idx` of another length", damaged(Format::Gptq, shaped("a.g_idx", &[63])));
    refusals.add("a `g_idx` with a negative group", damaged(Format::Gptq, words("a.g_idx", 5, u32::MAX)));
    let packed = Format::CompressedTensors;
    refusals.add("packed words of another shape than is said", damaged(packed, shaped("a.weight_packed", &[8, 7])));
    refusals.add("a shape of three numbers", damaged(packed, shaped("a.weight_shape", &[3])));
    refusals.add(
        "a group that does not divide the row",
        damaged(packed, |tensors| {
            shaped("a.weight_scale", &[8, 3])(tensors);
            shaped("a.weight_zero_point", &[1, 3])(tensors);
        }),
    );
    let f32_scale = |tensors: &mut Tensors| {
        let scale = tensors.get_mut("a.weight_scale").unwrap();
        (scale.0, scale.2) = (Dtype::F32, [0.1_f32; 16].iter().flat_map(|scale| scale.to_le_bytes()).collect());
    };
    refusals.add("a scale in f32 that is no f16", damaged(packed, f32_scale));
}

fn zero_points(refusals: &mut Refusals) {
    let clobbered = |tensors: &mut Tensors| {
        words("a.qzeros", 0, u32::MAX)(tensors);
    };
    let config = || Some(Config::parse(r#"{ "quant_method": "gptq" }"#).unwrap());
    let mut tensors = layer(Format::Gptq);
    clobbered(&mut tensors);
    // The data of so small a layer must not tell more than the label: its values are evenly spread.
    refusals.add("a zero point of gptq that overwrote its word", read(&file(&tensors), config()));
    let tensors = |zero| {
        let tensors = layer_tensors("a", &weight(zero), Format::GptqV2, Always::default()).unwrap();
        tensors.into_iter().map(|tensor| (tensor.name, (tensor.dtype, tensor.shape, tensor.data))).collect::<Tensors>()
    };
    let mut half = tensors(7);
    let qzeros = &mut half.get_mut("a.qzeros").unwrap().2;
    qzeros.copy_from_slice(&[0x87; 8]);
    refusals.add("zero points that may be stored either way, with no label", read(&file(&half), None));
    let low = file(&tensors(6));
    let label = Some(Config::parse(r#"{ "quant_method": "gptq", "checkpoint_format": "gptq_v2" }"#).unwrap());
    refusals.add("zero points that contradict their label", read(&low, label));
    let symmetric = Some(Config::parse(r#"{ "quant_method": "gptq", "sym": true }"#).unwrap());
    refusals.add("zero points of weights that are said to be symmetric", read(&low, symmetric));
}

fn exports(refusals: &mut Refusals) {
    let always = Always::default();
    let specs = |shape, size, format| layer_specs("a", shape, Group::new(size).unwrap(), format, always);
    let zero = layer_tensors("a", &weight(0), Format::Gptq, always);
    refusals.add("a zero point of 0 for gptq", zero);
    refusals.add("n that does not fill its words", specs(Shape { n: 12, k: 64 }, 32, Format::GptqV2));
    let ragged = specs(Shape { n: 8, k: 96 }, 64, Format::AwqGemm);
    refusals.add("a shorter last group for awq", ragged);
    refusals.add("groups of 96 for awq's gemv", specs(Shape { n: 8, k: 192 }, 96, Format::AwqGemv));
    let index: Vec<u32> = (0..64).map(|column| column % 2).collect();
    let grouping = Grouping::from_index(&index, 2).unwrap();
    let scattered = Int4Affine::pack(&[0; 512], SHAPE, grouping, vec![f16::ONE; 16], None).unwrap();
    refusals.add("groups by `g_idx` for awq", layer_tensors("a", &scattered, Format::AwqGemm, always));
    refusals.add("groups by `g_idx` for Q4_1", gguf::from_affine(&scattered));
}

fn configurations(refusals: &mut Refusals) {
    for (class, text) in [
        ("a configuration that is no JSON", "{"),
        ("a method that is not known", r#"{ "quant_method": "eetq" }"#),
        ("three bits", r#"{ "quant_method": "gptq", "bits": 3 }"#),
        ("words of another size", r#"{ "quant_method": "gptq", "pack_dtype": "int64" }"#),
        ("a format of one kernel", r#"{ "quant_method": "gptq", "checkpoint_format": "marlin" }"#),
        ("a field that is not known", r#"{ "quant_method": "awq", "rotation": true }"#),
        ("a group size that is no number", r#"{ "quant_method": "awq", "q_group_size": "128" }"#),
        ("a version of awq that is not known", r#"{ "quant_method": "awq", "version": "exllama" }"#),
        (
            "weights of another type",
            r#"{ "quant_method": "compressed-tensors", "config_groups": { "g": { "weights": { "num_bits": 4, "type": "float" } } } }"#,
        ),
        (
            "activations that are quantized",
            r#"{ "quant_method": "compressed-tensors", "config_groups": { "g": { "weights": {}, "input_activations": { "num_bits": 8 } } } }"#,
        ),
        ("packing of another kind", r#"{ "quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized" }"#),
    ] {
        refusals.add(class, Config::parse(text));
    }
    let config = Config::parse(r#"{ "quant_method": "gptq", "group_size": 64 }"#).unwrap();
    refusals.add("another group size than is said", read(&file(&layer(Format::Gptq)), Some(config)));
}

fn blocks(refusals: &mut Refusals) {
    let shape = Shape { n: 2, k: 32 };
    refusals.add("blocks one byte short", gguf::decode(Kind::Q4_0, &[0; 35], shape));
    refusals.add("rows of partial blocks", gguf::decode(Kind::Q4K, &[0; 144], Shape { n: 1, k: 128 }));
    refusals.add("a type of GGUF that is not read", gguf::decode(Kind::of(10), &[0; 84], Shape { n: 1, k: 256 }));
    let mut block = vec![0; 40];
    (block[20], block[21]) = (0x00, 0x7c);
    refusals.add("a block with an infinite scale", gguf::decode(Kind::Q4_1, &block, shape));
    (block[20], block[21], block[22], block[23]) = (0x00, 0x3c, 0x00, 0x38);
    refusals.add("a minimum that is no zero point", gguf::to_affine(&block, shape));
    let mut block = vec![0; 68];
    block[1] = 0x3c;
    refusals.add("blocks of a row with other scales", gguf::to_int8(&block, Shape { n: 1, k: 64 }));
    let scale = Int8::from_parts(shape, Granularity::PerTensor, vec![0; 64], vec![0.1]).unwrap();
    refusals.add("a scale of Q8_0 that is no f16", gguf::from_int8(&scale));
    let large = [5000.0_f32, 0.0].repeat(32);
    refusals.add("groups of 64 for blocks of 32", {
        let group = Group::WholeRow;
        let weight = Int4Affine::quantize(&large, Shape { n: 1, k: 64 }, group, Default::default()).unwrap();
        gguf::from_affine(&weight)
    });
    let tensor = OutputTensor { name: "w", kind: Kind::Q8_0, shape: &[2, 32], data: &[0; 68] };
    let whole = gguf::write(&[("general.alignment", Value::U32(32))], &[tensor]).unwrap();
    refusals.add("a file that is no GGUF file", Gguf::parse(b"safetensors"));
    let mut version = whole.clone();
    version[4] = 1;
    refusals.add("a version of GGUF that is not read", Gguf::parse(&version));
    refusals.add("a GGUF file that ends in its beginning", Gguf::parse(&whole[..60]));
    refusals.add("a GGUF file that ends in a tensor", Gguf::parse(&whole[..whole.len() - 1]));
    let twice = gguf::write(&[], &[tensor, tensor]).unwrap();
    refusals.add("two tensors of one name", Gguf::parse(&twice));
    refusals.add("data of another length than its shape", {
        gguf::write(&[], &[OutputTensor { data: &[0; 67], ..tensor }])
    });
    let odd = gguf::write(&[("general.alignment", Value::U32(24))], &[tensor]).unwrap();
    refusals.add("an alignment that is no power of two", Gguf::parse(&odd));
    refusals.add("a `g_idx` of groups that differ in size", {
        let mut tensors = layer(Format::Gptq);
        words("a.g_idx", 0, 1)(&mut tensors);
        read(&file(&tensors), None)
    });
}
