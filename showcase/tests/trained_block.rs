//! What each way to quantize leaves of the attention of two trained blocks, in exact arithmetic: no kernel takes part.

mod block;

use std::fs;
use std::num::NonZeroUsize;
use std::process::Command;

use block::{Block, HIDDEN, SEEN, SHAPES};
use half::f16;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use tilewright_quant_pack::balance::{self, Balance};
use tilewright_quant_pack::formats::checkpoint::Checkpoint;
use tilewright_quant_pack::gptq::{self, Hessian, Options};
use tilewright_quant_pack::{Error, Granularity, Group, Int4, Int4Affine, Int8, ScaleRule, Shape};

fn wide(values: &[f16]) -> Vec<f32> {
    values.iter().map(|value| value.to_f32()).collect()
}

fn group() -> Group {
    Group::new(64).unwrap()
}

/// Cosines with weights that `quantize` changes.
fn with_weights(block: &Block, quantize: impl Fn(&[f16], Shape) -> Vec<f32>) -> [f64; 2] {
    let weights = [0, 1, 2].map(|part| quantize(&block.weights[part], SHAPES[part]));
    block.cosines(block.project(&wide(&block.inputs), &weights))
}

fn rounded(weights: &[f32], shape: Shape) -> Result<Vec<f32>, Error> {
    Ok(Int4::quantize(weights, shape, group(), ScaleRule::LeastSquares)?.dequantize())
}

fn rounded_by_max(weights: &[f32], shape: Shape) -> Result<Vec<f32>, Error> {
    Ok(Int4::quantize(weights, shape, group(), ScaleRule::Max)?.dequantize())
}

fn affine(weights: &[f32], shape: Shape) -> Result<Vec<f32>, Error> {
    Ok(Int4Affine::quantize(weights, shape, group(), ScaleRule::Max)?.dequantize())
}

type Quantize = fn(&[f32], Shape) -> Result<Vec<f32>, Error>;

#[test]
fn the_model_is_the_trained_one() {
    for layer in [0, 15] {
        let block = Block::read(layer);
        let [all, _] = with_weights(&block, |weights, _| wide(weights));
        assert!(all > 0.999_999, "layer {layer}: {all}");
    }
}

#[test]
fn gptq_keeps_the_attention() {
    for (layer, wanted) in [(0, [0.999, 0.999]), (15, [0.990, 0.986])] {
        let block = Block::read(layer);
        let mut hessian = Hessian::new(HIDDEN).unwrap();
        hessian.add(block.seen()).unwrap();
        let quantize = |weights: &[f16], shape| {
            let packed = gptq::quantize(weights, shape, &hessian, &Options::of(group())).unwrap();
            assert!(packed.to_symmetric().is_some());
            packed.dequantize()
        };
        let cosines = with_weights(&block, quantize);
        println!("layer {layer}, GPTQ: {cosines:.4?}");
        assert!(cosines[0] >= wanted[0] && cosines[1] >= wanted[1], "layer {layer}: {cosines:?}, wanted {wanted:?}");
    }
}

/// The command does what the library does: from files, the layers of the block reach the same.
#[test]
fn the_command_keeps_the_attention_too() {
    let folder = std::env::temp_dir().join(format!("tilewright-block-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let block = Block::read(15);
    let save = |name: &str, tensors: Vec<(&str, Vec<usize>, &[f16])>| {
        let bytes = |values: &[f16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let tensors: Vec<_> = tensors.into_iter().map(|(name, shape, values)| (name, shape, bytes(values))).collect();
        let views = tensors
            .iter()
            .map(|(name, shape, data)| (*name, TensorView::new(Dtype::F16, shape.clone(), data).unwrap()));
        fs::write(path(name), safetensors::serialize(views, None).unwrap()).unwrap();
    };
    let names = ["q.weight", "k.weight", "v.weight"];
    let weights = [0, 1, 2].map(|part| (names[part], vec![SHAPES[part].n, HIDDEN], &block.weights[part][..]));
    save("w.safetensors", weights.into());
    save("x.safetensors", vec![("input", vec![SEEN, HIDDEN], block.seen())]);
    for format in ["gptq", "awq", "compressed-tensors"] {
        let program = std::env::var_os("TILEWRIGHT_SHOWCASE").unwrap_or_else(|| env!("CARGO_BIN_EXE_showcase").into());
        let (input, calibration, output) = (path("w.safetensors"), path("x.safetensors"), path("q.safetensors"));
        let outcome = Command::new(program)
            .args(["quantize", "--input", &input, "--output", &output, "--bits", "4", "--group-size", "64"])
            .args(["--method", "gptq", "--calibration", &calibration, "--format", format])
            .output()
            .unwrap();
        assert_eq!(outcome.status.code(), Some(0), "{}", String::from_utf8_lossy(&outcome.stderr));
        let bytes = fs::read(&output).unwrap();
        let file = Checkpoint::parse(&bytes, None).unwrap();
        let weights = ["q", "k", "v"].map(|name| {
            let layer = file.layers().iter().find(|layer| layer.name == name).unwrap();
            file.read(layer, None).unwrap().weight.dequantize()
        });
        let cosines = block.cosines(block.project(&wide(&block.inputs), &weights));
        assert!(cosines[0] >= 0.990 && cosines[1] >= 0.986, "{format}: {cosines:?}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// Factors found on the first half of the text against none, on the whole. These weights were four-bit blocks of 32 once, and factors move them off their old grid, so
/// there is less to win than with weights that were never quantized.
#[test]
fn awq_is_not_worse_than_rounding() {
    for layer in [0, 15] {
        let block = Block::read(layer);
        let layers = [0, 1, 2].map(|part| (&block.weights[part][..], SHAPES[part]));
        // Cosines that were measured over all tokens, less a little, as of layers 0 and 15.
        let ways: [(&str, Quantize, [f64; 2]); 3] = [
            ("least squares", rounded, [0.989, 0.972]),
            ("largest / 7", rounded_by_max, [0.994, 0.985]),
            ("asymmetric", affine, [0.996, 0.991]),
        ];
        for (name, quantize, wanted) in ways {
            let plain = with_weights(&block, |weights, shape| quantize(&wide(weights), shape).unwrap());
            let found = balance::search(block.seen(), &layers, NonZeroUsize::new(20).unwrap(), quantize).unwrap();
            let scaled = with_weights(&block, |weights, shape| {
                let quantized = quantize(&found.balance.onto_weights(weights, shape).unwrap(), shape).unwrap();
                found.balance.off_weights(&quantized, shape).unwrap()
            });
            let share = found.error / found.plain_error;
            println!(
                "layer {layer}, {name}: {plain:.4?}; AWQ: {scaled:.4?}, exponent {}, error {share:.3} of it",
                found.exponent
            );
            let wanted = wanted[usize::from(layer == 15)];
            assert!(
                share <= 1.0 && scaled[0] >= plain[0] && scaled[1] >= plain[1],
                "{name}, layer {layer}: {scaled:?} against {plain:?}"
            );
            assert!(scaled[0] >= wanted, "{name}, layer {layer}: {scaled:?}, wanted {wanted}");
        }
    }
}

/// Inputs in eight bits, one scale a token.
fn eight_bits(inputs: &[f32]) -> Vec<f32> {
    let shape = Shape { n: inputs.len() / HIDDEN, k: HIDDEN };
    Int8::quantize(inputs, shape, Granularity::PerChannel, ScaleRule::Max).unwrap().dequantize()
}

/// The relative error of q, k and v with weights and inputs in eight bits.
fn w8a8_error(block: &Block, balance: Option<&Balance>) -> (f64, [f64; 2]) {
    let weights = [0, 1, 2].map(|part| {
        let weights = &block.weights[part];
        let weights = balance.map_or(wide(weights), |balance| balance.onto_weights(weights, SHAPES[part]).unwrap());
        Int8::quantize(&weights, SHAPES[part], Granularity::PerChannel, ScaleRule::Max).unwrap().dequantize()
    });
    let inputs = balance.map_or(wide(&block.inputs), |balance| balance.off_inputs(&block.inputs).unwrap());
    let found = block.project(&eight_bits(&inputs), &weights);
    let exact = block.project(&wide(&block.inputs), &block.weights.each_ref().map(|weights| wide(weights)));
    let (mut error, mut total) = (0.0, 0.0);
    for (found, exact) in found.iter().flatten().zip(exact.iter().flatten()) {
        error += (found - exact).powi(2);
        total += exact.powi(2);
    }
    ((error / total).sqrt(), block.cosines(found))
}

#[test]
fn smoothing_helps_eight_bit_activations() {
    for layer in [0, 15] {
        let block = Block::read(layer);
        let layers = [0, 1, 2].map(|part| (&block.weights[part][..], SHAPES[part]));
        let (plain, plain_cosines) = w8a8_error(&block, None);
        println!("layer {layer}, W8A8: error {plain:.4}, {plain_cosines:.5?}");
        // Errors that were measured as shares of the one without, rounded up.
        for (exponent, wanted) in [(0.5, [0.6, 0.3]), (0.75, [0.7, 0.26])] {
            let balance = Balance::smooth(block.seen(), &layers, exponent).unwrap();
            let (smooth, cosines) = w8a8_error(&block, Some(&balance));
            println!("layer {layer}, smoothed by {exponent}: error {smooth:.4}, {cosines:.5?}");
            let share = smooth / plain;
            assert!(share <= wanted[usize::from(layer == 15)], "layer {layer}, {exponent}: {share} of the error");
            assert!(cosines[0] > plain_cosines[0] && cosines[1] > plain_cosines[1], "layer {layer}: {cosines:?}");
        }
    }
}
