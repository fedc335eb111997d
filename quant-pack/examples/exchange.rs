//! Files in every format for `scripts/check_formats.py`, and its files read.
//!
//!     cargo run -p tilewright-quant-pack --example exchange --features safetensors -- write DIR
//!     cargo run -p tilewright-quant-pack --example exchange --features safetensors -- read DIR
//!
//! `write` makes a file a format and `expected.safetensors` with the weights, f32 [N, K], that each must be read as. `read` reads the files that the script made, and
//! its own `expected.safetensors`.

use std::error::Error;
use std::fs;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tilewright_quant_pack::formats::checkpoint::{Checkpoint, Config, layer_tensors};
use tilewright_quant_pack::formats::gguf::{self, Gguf, Kind, OutputTensor, Value};
use tilewright_quant_pack::formats::{Format, compressed};
use tilewright_quant_pack::{Group, Grouping, Int4, Int4Affine, ScaleRule, Shape};

const SHAPE: Shape = Shape { n: 24, k: 512 };
const KINDS: [Kind; 6] = [Kind::F32, Kind::F16, Kind::Q4_0, Kind::Q4_1, Kind::Q8_0, Kind::Q4K];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", folder] => write(Path::new(folder)),
        ["read", folder] => read(Path::new(folder)),
        _ => Err("wanted: write DIR, or read DIR".into()),
    }
}

/// Weights with a few outliers, the same on every machine.
fn weights() -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(state >> 16).unwrap_or(0)) / 32768.0 - 1.0
    };
    (0..SHAPE.n * SHAPE.k).map(|_| next() * next().powi(8)).collect()
}

fn write(folder: &Path) -> Result<()> {
    let weights = weights();
    let group = Group::new(64)?;
    let symmetric = Int4Affine::from(Int4::quantize(&weights, SHAPE, group, ScaleRule::LeastSquares)?);
    let affine = Int4Affine::quantize(&weights, SHAPE, group, ScaleRule::LeastSquares)?;
    let index: Vec<u32> = (0..8_u32).cycle().take(SHAPE.k).collect();
    let scattered = Grouping::from_index(&index, 8)?;
    let scattered =
        Int4Affine::pack(&affine.unpack(), SHAPE, scattered, affine.scales().to_vec(), affine.zeros().map(Vec::from))?;

    let mut expected = Vec::new();
    for (format, name) in [
        (Format::Gptq, "gptq"),
        (Format::GptqV2, "gptq_v2"),
        (Format::AwqGemm, "awq"),
        (Format::AwqGemv, "awq_gemv"),
        (Format::CompressedTensors, "compressed"),
    ] {
        let holds_index = !matches!(format, Format::AwqGemm | Format::AwqGemv);
        let cases = [("symmetric", &symmetric), ("affine", &affine), ("scattered", &scattered)];
        let mut tensors = Vec::new();
        for (case, weight) in cases.into_iter().filter(|(case, _)| holds_index || *case != "scattered") {
            tensors.extend(layer_tensors(case, weight, format, compressed::Always::default())?);
            expected.push((format!("{name}.{case}"), weight.dequantize()));
        }
        let views: Vec<_> = tensors
            .iter()
            .map(|tensor| Ok((&tensor.name, TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.data)?)))
            .collect::<Result<_>>()?;
        fs::write(folder.join(format!("{name}.safetensors")), safetensors::serialize(views, None)?)?;
    }

    let mut blocks = Vec::new();
    for kind in KINDS {
        let data = gguf::encode(kind, &weights, SHAPE)?;
        expected.push((format!("gguf.{kind}"), gguf::decode(kind, &data, SHAPE)?));
        blocks.push((kind.to_string(), kind, data));
    }
    let tensors =
        blocks.iter().map(|(name, kind, data)| OutputTensor { name, kind: *kind, shape: &[SHAPE.n, SHAPE.k], data });
    let metadata = [("general.architecture", Value::Text("llama")), ("general.alignment", Value::U32(32))];
    fs::write(folder.join("model.gguf"), gguf::write(&metadata, &tensors.collect::<Vec<_>>())?)?;

    let bytes: Vec<(String, Vec<u8>)> = expected
        .into_iter()
        .map(|(name, values)| (name, values.iter().flat_map(|value| value.to_le_bytes()).collect()))
        .collect();
    let views: Vec<_> = bytes
        .iter()
        .map(|(name, data)| Ok((name, TensorView::new(Dtype::F32, vec![SHAPE.n, SHAPE.k], data)?)))
        .collect::<Result<_>>()?;
    fs::write(folder.join("expected.safetensors"), safetensors::serialize(views, None)?)?;
    Ok(())
}

fn read(folder: &Path) -> Result<()> {
    let expected = fs::read(folder.join("expected.safetensors"))?;
    let expected = SafeTensors::deserialize(&expected)?;
    let mut left: Vec<String> = expected.names().into_iter().map(str::to_owned).collect();
    let mut check = |name: String, weights: &[f32]| -> Result<()> {
        let wanted = expected.tensor(&name)?;
        let wanted =
            wanted.data().chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        let wanted: Vec<f32> = wanted.collect();
        if wanted.len() != weights.len() {
            return Err(format!("{name}: {} weights, wanted {}", weights.len(), wanted.len()).into());
        }
        // Zeros may differ in sign.
        if let Some(place) = weights.iter().zip(&wanted).position(|(weight, wanted)| weight != wanted) {
            return Err(format!("{name}: weight {place} is {}, wanted {}", weights[place], wanted[place]).into());
        }
        left.retain(|other| *other != name);
        println!("read  {name}");
        Ok(())
    };
    for (name, config) in [
        ("gptq", r#"{ "quant_method": "gptq", "bits": 4 }"#),
        ("gptq_v2", r#"{ "quant_method": "gptq", "bits": 4, "checkpoint_format": "gptq_v2" }"#),
        ("awq", r#"{ "quant_method": "awq", "bits": 4, "version": "gemm" }"#),
        ("awq_gemv", r#"{ "quant_method": "awq", "bits": 4, "version": "gemv" }"#),
        ("compressed", r#"{ "quant_method": "compressed-tensors", "format": "pack-quantized" }"#),
    ] {
        let bytes = fs::read(folder.join(format!("{name}.safetensors")))?;
        let checkpoint = Checkpoint::parse(&bytes, Some(Config::parse(config)?))?;
        for layer in checkpoint.layers() {
            check(format!("{name}.{}", layer.name), &checkpoint.read(layer, None)?.weight.dequantize())?;
        }
    }
    let bytes = fs::read(folder.join("model.gguf"))?;
    let file = Gguf::parse(&bytes)?;
    for tensor in file.tensors() {
        let weights = gguf::decode(tensor.kind, file.data(tensor)?, tensor.weight_shape())?;
        check(format!("gguf.{}", tensor.name), &weights)?;
    }
    if left.is_empty() { Ok(()) } else { Err(format!("not read: {}", left.join(", ")).into()) }
}
