//! `quantize` and `inspect` as a user meets them: whole checkpoints, runs that are killed, bad input.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tilewright_quant_pack::formats::checkpoint::Checkpoint;
use tilewright_quant_pack::formats::gguf::{self, Kind, OutputTensor};
use tilewright_quant_pack::gptq::{self, Hessian, Options};
use tilewright_quant_pack::{Group, Int4, Int4Affine, ScaleRule, Shape};
use tilewright_testkit::{Random, Values};

fn program() -> Command {
    // Where the tests run without cargo, the program lies elsewhere.
    let program = std::env::var_os("TILEWRIGHT_SHOWCASE").unwrap_or_else(|| env!("CARGO_BIN_EXE_showcase").into());
    Command::new(program)
}

fn showcase(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a command that must succeed prints.
fn printed(arguments: &[&str]) -> String {
    let outcome = showcase(arguments);
    assert_eq!(outcome.status.code(), Some(0), "{arguments:?}: {}", text(&outcome.stderr));
    text(&outcome.stdout)
}

/// What a command that must be refused says.
fn refusal(arguments: &[&str]) -> String {
    let outcome = showcase(arguments);
    assert_eq!(outcome.status.code(), Some(2), "{arguments:?}: {}", text(&outcome.stdout));
    text(&outcome.stderr)
}

/// A folder that is removed at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tilewright-checkpoints-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn halves(shape: &[usize], values: &[f16]) -> (Dtype, Vec<usize>, Vec<u8>) {
    (Dtype::F16, shape.to_vec(), values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

fn save(path: &str, tensors: &Tensors) {
    let views = tensors
        .iter()
        .map(|(name, (dtype, shape, data))| (name, TensorView::new(*dtype, shape.clone(), data).expect("a tensor")));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// A model of `layers` weights, and what must be copied.
fn model(layers: usize, shape: Shape) -> (Tensors, BTreeMap<String, Vec<f16>>) {
    let mut random = Random::new(11);
    let (mut tensors, mut weights) = (Tensors::new(), BTreeMap::new());
    for layer in 0..layers {
        let values = random.halves(Values::Uniform, shape.n * shape.k);
        tensors.insert(format!("model.{layer}.proj.weight"), halves(&[shape.n, shape.k], &values));
        weights.insert(format!("model.{layer}.proj"), values);
    }
    let norm = random.halves(Values::Uniform, shape.k);
    tensors.insert("model.norm.weight".to_owned(), halves(&[shape.k], &norm));
    tensors.insert("model.0.proj.bias".to_owned(), halves(&[shape.n], &random.halves(Values::Uniform, shape.n)));
    let embedding = random.halves(Values::Uniform, 7 * shape.k);
    tensors.insert("model.embed_tokens.weight".to_owned(), halves(&[7, shape.k], &embedding));
    (tensors, weights)
}

/// The layers of a file, read by the library.
fn layers(path: &str) -> BTreeMap<String, Int4Affine> {
    let bytes = fs::read(path).unwrap();
    let checkpoint = Checkpoint::parse(&bytes, None).unwrap();
    let read = |layer| checkpoint.read(layer, None).unwrap().weight;
    checkpoint.layers().iter().map(|layer| (layer.name.clone(), read(layer))).collect()
}

#[test]
fn every_format_holds_what_the_library_quantizes() {
    let folder = Folder::new("formats");
    let shape = Shape { n: 24, k: 128 };
    let (tensors, weights) = model(3, shape);
    let input = folder.file("w.safetensors");
    save(&input, &tensors);
    let group = Group::new(64).unwrap();
    for format in ["gptq", "gptq_v2", "awq", "awq-gemv", "compressed-tensors"] {
        for asymmetric in [false, true] {
            let output = folder.file(&format!("{format}-{asymmetric}.safetensors"));
            let mut arguments = vec!["quantize", "--input", &input, "--output", &output, "--format", format];
            arguments.extend(asymmetric.then_some("--asymmetric"));
            let said = printed(&arguments);
            assert!(said.contains("3 layers with 9216 weights quantized, 3 tensors copied"), "{said}");
            let found = layers(&output);
            assert_eq!(found.len(), 3);
            for (name, weight) in &weights {
                let wanted = if asymmetric {
                    Int4Affine::quantize(weight, shape, group, ScaleRule::LeastSquares).unwrap()
                } else {
                    Int4::quantize(weight, shape, group, ScaleRule::LeastSquares).unwrap().into()
                };
                assert_eq!(found[name], wanted, "{format}, {name}");
            }
            let bytes = fs::read(&output).unwrap();
            let file = SafeTensors::deserialize(&bytes).unwrap();
            for name in ["model.norm.weight", "model.0.proj.bias", "model.embed_tokens.weight"] {
                let copied = file.tensor(name).unwrap();
                assert_eq!((copied.dtype(), copied.shape(), copied.data()), {
                    let (dtype, shape, data) = &tensors[name];
                    (*dtype, &shape[..], &data[..])
                });
            }
            let said = printed(&["inspect", &output, "--original", &input, "--plot", &folder.file("plots")]);
            let zeros = if asymmetric { "zero points" } else { "symmetric" };
            for part in ["model.2.proj", "24 x 128", zeros, "3 layers with 9216 weights", "error-by-layer.svg"] {
                assert!(said.contains(part), "{part}:\n{said}");
            }
            let picture = fs::read_to_string(Path::new(&folder.file("plots")).join("error-by-layer.svg")).unwrap();
            assert!(picture.starts_with("<svg") && picture.contains("model.2.proj"));
        }
    }
    let mut names = folder.names();
    names.retain(|name| !name.ends_with(".safetensors"));
    assert_eq!(names, ["plots"], "no journal is left");
}

/// What the library does with the same inputs.
#[test]
fn gptq_takes_its_calibration_by_name() {
    let folder = Folder::new("gptq");
    let shape = Shape { n: 8, k: 64 };
    let (tensors, weights) = model(2, shape);
    let (input, calibration) = (folder.file("w.safetensors"), folder.file("x.safetensors"));
    save(&input, &tensors);
    let mut random = Random::new(12);
    let x: BTreeMap<&String, Vec<f16>> =
        weights.keys().map(|name| (name, random.halves(Values::Outliers, 40 * shape.k))).collect();
    let inputs = x.iter().map(|(name, values)| (format!("{name}.input"), halves(&[40, shape.k], values)));
    save(&calibration, &inputs.collect());
    for (order, wanted) in [
        ("natural", gptq::Order::Natural),
        ("activation", gptq::Order::Activation),
        ("static", gptq::Order::ActivationStatic),
    ] {
        let output = folder.file(order);
        printed(&[
            "quantize",
            "--input",
            &input,
            "--output",
            &output,
            "--method",
            "gptq",
            "--calibration",
            &calibration,
            "--group-size",
            "32",
            "--order",
            order,
            "--format",
            "compressed-tensors",
        ]);
        let found = layers(&output);
        for (name, weight) in &weights {
            let mut hessian = Hessian::new(shape.k).unwrap();
            hessian.add(&x[name]).unwrap();
            let options = Options { order: wanted, ..Options::of(Group::new(32).unwrap()) };
            assert_eq!(found[name], gptq::quantize(weight, shape, &hessian, &options).unwrap(), "{order}, {name}");
        }
    }
    let others: Tensors =
        [("a.input", 8), ("b.input", 8)].map(|(name, k)| (name.to_owned(), halves(&[1, k], &vec![f16::ONE; k]))).into();
    save(&calibration, &others);
    let output = folder.file("out.safetensors");
    let gptq = ["quantize", "--input", &input, "--output", &output, "--method", "gptq"];
    let said = refusal(&[&gptq[..], &["--calibration", &calibration]].concat());
    assert!(said.contains("the calibration has no tensor `model.0.proj.input`"), "{said}");
    let short = [("x".to_owned(), halves(&[1, 8], &[f16::ONE; 8]))].into();
    save(&calibration, &short);
    let said = refusal(&[&gptq[..], &["--calibration", &calibration]].concat());
    assert!(said.contains("`x` has shape [1, 8], wanted [tokens, 64] for layer `model.0.proj`"), "{said}");
    let said = refusal(&gptq);
    assert!(said.contains("method gptq wants --calibration"), "{said}");
}

#[test]
fn a_killed_run_goes_on_and_writes_the_same_bytes() {
    let folder = Folder::new("killed");
    let shape = Shape { n: 128, k: 640 };
    let (mut tensors, _) = model(60, shape);
    let mut random = Random::new(13);
    let input = folder.file("w.safetensors");
    save(&input, &tensors);
    let calibration = folder.file("x.safetensors");
    let x = [("x".to_owned(), halves(&[64, shape.k], &random.halves(Values::Outliers, 64 * shape.k)))].into();
    save(&calibration, &x);
    let arguments = |output: &'static str| {
        let mut arguments: Vec<String> = ["quantize", "--method", "gptq", "--input"].map(str::to_owned).into();
        arguments.extend([input.clone(), "--calibration".into(), calibration.clone()]);
        arguments.extend(["--output".into(), folder.file(output)]);
        arguments
    };
    let whole: Vec<String> = arguments("whole");
    printed(&whole.iter().map(String::as_str).collect::<Vec<_>>());

    let (output, journal) = (folder.file("killed"), folder.file("killed.journal"));
    let lines = || fs::read_to_string(&journal).map_or(0, |text| text.lines().count());
    for kills in 1..=3 {
        let before = lines();
        let mut command = program();
        let mut child =
            command.args(arguments("killed")).args(["--threads", "1"]).stdout(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while lines() < before + 2 {
            assert!(start.elapsed() < Duration::from_secs(60), "no progress");
            std::thread::sleep(Duration::from_millis(1));
        }
        if kills == 1 {
            let words = arguments("killed");
            let said = refusal(&words.iter().map(String::as_str).collect::<Vec<_>>());
            assert!(said.contains("another run is writing this output"), "{said}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!Path::new(&output).exists(), "kill {kills}: half a file under the output's name");
    }
    // As if the machine had stopped in the middle of a line.
    let done = lines() - 1;
    let mut torn = fs::read_to_string(&journal).unwrap();
    torn.push_str("{\"name\":\"model.59.pr");
    fs::write(&journal, torn).unwrap();
    let killed = arguments("killed");
    let said = printed(&killed.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains(&format!("resumed: {done} of 63 were done")), "{said}");
    assert!(fs::read(&output).unwrap() == fs::read(folder.file("whole")).unwrap(), "other bytes than in one go");
    assert_eq!(folder.names(), ["killed", "w.safetensors", "whole", "x.safetensors"]);

    // Another run's journal, and another input under the same name, are no reason to go on.
    let mut child = program().args(arguments("killed")).args(["--threads", "1"]).stdout(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while lines() < 3 {
        assert!(start.elapsed() < Duration::from_secs(60), "no progress");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    tensors.remove("model.59.proj.weight");
    save(&input, &tensors);
    let said = printed(&killed.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!said.contains("resumed") && said.contains("59 layers"), "{said}");
    assert_eq!(layers(&output).len(), 59);
}

#[test]
fn gguf_is_read_and_inspected() {
    let folder = Folder::new("gguf");
    let shape = Shape { n: 16, k: 256 };
    let weights = Random::new(14).floats(Values::Uniform, shape.n * shape.k);
    let data: Vec<(Kind, Vec<u8>)> = [Kind::Q4_0, Kind::Q4_1, Kind::Q8_0, Kind::Q4K, Kind::F16]
        .map(|kind| (kind, gguf::encode(kind, &weights, shape).unwrap()))
        .into();
    let names: Vec<String> = data.iter().map(|(kind, _)| format!("blk.{kind}.weight")).collect();
    let sizes = [shape.n, shape.k];
    let tensors =
        data.iter().zip(&names).map(|((kind, data), name)| OutputTensor { name, kind: *kind, shape: &sizes, data });
    let input = folder.file("w.gguf");
    fs::write(&input, gguf::write(&[], &tensors.collect::<Vec<_>>()).unwrap()).unwrap();
    let said = printed(&["inspect", &input, "--original", &input]);
    for part in ["GGUF Q4_0", "GGUF Q4_1", "GGUF Q8_0", "GGUF Q4_K", "4 layers", "0.00000 at most"] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    let output = folder.file("q.safetensors");
    printed(&["quantize", "--input", &input, "--output", &output, "--format", "awq"]);
    let found = layers(&output);
    for (kind, data) in &data {
        let decoded = gguf::decode(*kind, data, shape).unwrap();
        let wanted = Int4::quantize(&decoded, shape, Group::new(64).unwrap(), ScaleRule::LeastSquares).unwrap();
        assert_eq!(found[&format!("blk.{kind}")], wanted.into());
    }
    let mut cut = fs::read(&input).unwrap();
    cut.pop();
    fs::write(&input, cut).unwrap();
    for arguments in [&["inspect", &input][..], &["quantize", "--input", &input, "--output", &output]] {
        let said = refusal(arguments);
        assert!(said.contains("tensor `blk.F16.weight` has 8191 bytes, wanted 8192"), "{said}");
    }
}

#[test]
fn bad_input_is_refused_in_words() {
    let folder = Folder::new("refused");
    let (input, output) = (folder.file("w.safetensors"), folder.file("q.safetensors"));
    let quantize = ["quantize", "--input", &input, "--output", &output];
    let said = refusal(&quantize);
    assert!(said.contains("w.safetensors"), "{said}");
    fs::write(&input, b"GGML").unwrap();
    let said = refusal(&quantize);
    assert!(said.contains("neither a safetensors file nor a GGUF file"), "{said}");

    let one = |name: &str, tensor| save(&input, &[(name.to_owned(), tensor)].into());
    let of = |n: usize, k: usize, value: f16| halves(&[n, k], &vec![value; n * k]);
    one("a.weight", of(12, 64, f16::ONE));
    let said = refusal(&quantize);
    assert!(said.contains("layer `a`: n = 12 is not a multiple of 8") && said.contains("--skip"), "{said}");
    let said = refusal(&[&quantize[..], &["--skip", "a."]].concat());
    assert!(said.contains("no layer to quantize"), "{said}");
    one("a.weight", of(8, 60, f16::ONE));
    let said = refusal(&quantize);
    assert!(said.contains("group size 64 is larger than k = 60"), "{said}");
    one("a.weight", of(8, 96, f16::ONE));
    let said = refusal(&[&quantize[..], &["--format", "awq"]].concat());
    assert!(said.contains("awq cannot hold k = 96 in groups of 64"), "{said}");
    one("a.weight", of(8, 64, f16::NAN));
    let said = refusal(&quantize);
    assert!(said.contains("layer `a` (tensor `a.weight`): tensor `weights` has NaN at row 0, column 0"), "{said}");
    assert!(!Path::new(&output).exists());
    one("a.qweight", of(8, 64, f16::ONE));
    let said = refusal(&quantize);
    assert!(said.contains("tensor `a.qweight`: the file is quantized already"), "{said}");
    for (option, value, wanted) in [
        ("--group-size", "48", "group size 48 is not a multiple of 32"),
        ("--group-size", "-2", "wanted a multiple of 32, or -1"),
        ("--bits", "3", "3 is not in 4..=4"),
        ("--threads", "0", "number would be zero"),
        ("--calibration", "x", "--calibration is for method gptq"),
        ("--order", "static", "--order is for method gptq"),
    ] {
        one("a.weight", of(8, 64, f16::ONE));
        let said = refusal(&[&quantize[..], &[option, value]].concat());
        assert!(said.contains(wanted), "{option} {value}: {said}");
    }
    let said = refusal(&["inspect", &input]);
    assert!(said.contains("no quantized layer among 1 tensors"), "{said}");
}

#[test]
fn labels_that_lie_are_noted_and_damage_is_named() {
    let folder = Folder::new("inspect");
    let (input, output) = (folder.file("w.safetensors"), folder.file("q.safetensors"));
    let (tensors, _) = model(1, Shape { n: 8, k: 64 });
    save(&input, &tensors);
    printed(&["quantize", "--input", &input, "--output", &output, "--format", "gptq_v2"]);
    let label = folder.file("quantize_config.json");
    fs::write(&label, r#"{ "quant_method": "gptq", "bits": 4, "group_size": 64, "checkpoint_format": "gptq" }"#)
        .unwrap();
    let said = printed(&["inspect", &output, "--original", &input]);
    assert!(said.contains("note: layer `model.0.proj`: the label says gptq, the data is gptq_v2"), "{said}");
    fs::write(&label, r#"{ "quant_method": "gptq", "bits": 4, "group_size": 32 }"#).unwrap();
    let said = refusal(&["inspect", &output]);
    assert!(said.contains("the group size that was said gives 2 for k = 64"), "{said}");
    fs::write(&label, r#"{ "quant_method": "gptq", "bits": 4, "rotation": "hadamard" }"#).unwrap();
    let said = refusal(&["inspect", &output]);
    assert!(said.contains("configuration field `rotation` is \"hadamard\""), "{said}");
    fs::remove_file(&label).unwrap();
    let other = folder.file("other.safetensors");
    save(&other, &[("model.0.proj.weight".to_owned(), halves(&[8, 8], &[f16::ONE; 64]))].into());
    let said = refusal(&["inspect", &output, "--original", &other]);
    assert!(said.contains("`model.0.proj.weight` has shape [8, 8], wanted [8, 64]"), "{said}");
    let bytes = fs::read(&output).unwrap();
    fs::write(&output, &bytes[..bytes.len() - 1]).unwrap();
    let said = refusal(&["inspect", &output]);
    assert!(said.contains("not a safetensors file"), "{said}");
}
