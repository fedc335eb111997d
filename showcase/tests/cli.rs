//! The command line as a user meets it: exit status, files, messages.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tilewright_quant_pack::{Group, Grouping, Int4, Int4Affine, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{Random, Values, assert_within, is_simulated};
use tilewright_tile::Shape;

/// Runs the program on the test device.
fn showcase(arguments: &[&str]) -> Output {
    // Where the tests run without cargo, the program lies elsewhere.
    let program = std::env::var_os("TILEWRIGHT_SHOWCASE").unwrap_or_else(|| env!("CARGO_BIN_EXE_showcase").into());
    let device = if is_simulated() { "sim" } else { "cuda" };
    Command::new(program).args(["--device", device]).args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder that is removed at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tilewright-showcase-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

type Tensors = HashMap<&'static str, (Dtype, Vec<usize>, Vec<u8>)>;

fn halves(shape: &[usize], values: &[f16]) -> (Dtype, Vec<usize>, Vec<u8>) {
    (Dtype::F16, shape.to_vec(), values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

fn floats(shape: &[usize], values: &[f32]) -> (Dtype, Vec<usize>, Vec<u8>) {
    (Dtype::F32, shape.to_vec(), values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

fn words(shape: &[usize], values: &[i32]) -> (Dtype, Vec<usize>, Vec<u8>) {
    (Dtype::I32, shape.to_vec(), values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

fn bytes(shape: &[usize], values: &[i8]) -> (Dtype, Vec<usize>, Vec<u8>) {
    (Dtype::I8, shape.to_vec(), values.iter().map(|value| value.cast_unsigned()).collect())
}

fn wide(values: &[f16]) -> Vec<f32> {
    values.iter().map(|value| value.to_f32()).collect()
}

/// `showcase run` on these tensors: the outcome, and the file of results if there is one.
fn run(test: &str, operation: &str, options: &[&str], tensors: &Tensors) -> (Output, Option<Vec<u8>>) {
    let folder = Folder::new(test);
    let (input, output) = (folder.file("in.safetensors"), folder.file("out.safetensors"));
    let views = tensors
        .iter()
        .map(|(name, (dtype, shape, data))| (*name, TensorView::new(*dtype, shape.clone(), data).expect("a tensor")));
    fs::write(&input, safetensors::serialize(views, None).unwrap()).unwrap();
    let mut arguments = vec!["run", operation, "--input", &input, "--output", &output];
    arguments.extend(options);
    let outcome = showcase(&arguments);
    let names: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.len() <= 2, "nothing but the input and the output: {names:?}");
    (outcome, fs::read(&output).ok())
}

/// The results of a run that must succeed.
fn results(test: &str, operation: &str, options: &[&str], tensors: &Tensors) -> Vec<u8> {
    let (outcome, file) = run(test, operation, options, tensors);
    assert_eq!(outcome.status.code(), Some(0), "{}", text(&outcome.stderr));
    file.expect("an output")
}

/// What a run that must be refused says; it leaves no file.
fn refusal(test: &str, operation: &str, options: &[&str], tensors: &Tensors) -> String {
    let (outcome, file) = run(test, operation, options, tensors);
    assert_eq!(outcome.status.code(), Some(2), "{}", text(&outcome.stderr));
    assert_eq!(file, None, "a refused run writes nothing");
    text(&outcome.stderr)
}

fn half_tensor(file: &[u8], name: &str, shape: &[usize]) -> Vec<f16> {
    let file = SafeTensors::deserialize(file).unwrap();
    let view = file.tensor(name).unwrap();
    assert_eq!((view.dtype(), view.shape()), (Dtype::F16, shape));
    view.data().chunks_exact(2).map(|bytes| f16::from_le_bytes([bytes[0], bytes[1]])).collect()
}

#[test]
fn the_main_job_ends_with_everything_in_its_bound() {
    let outcome = showcase(&[]);
    assert_eq!(outcome.status.code(), Some(0), "{}{}", text(&outcome.stdout), text(&outcome.stderr));
    let printed = text(&outcome.stdout);
    assert!(printed.contains("everything is within its bound"), "{printed}");
    for part in [
        "layer 15, int4, GPTQ: attention",
        "layer 15, int4, least squares: attention",
        "layer 0, f16: q rope",
        "qkv-int8",
    ] {
        assert!(printed.contains(part), "{part}:\n{printed}");
    }
}

#[test]
fn one_operation_can_be_named_and_an_unknown_one_is_refused() {
    let outcome = showcase(&["softmax"]);
    assert_eq!(outcome.status.code(), Some(0));
    assert!(text(&outcome.stdout).contains("softmax") && !text(&outcome.stdout).contains("layer 15"));
    let outcome = showcase(&["softmin"]);
    assert_eq!(outcome.status.code(), Some(2));
    assert!(text(&outcome.stderr).contains("there is no operation `softmin`; there are matmul-f16,"));
    assert_eq!(showcase(&["--arch", "sm_70"]).status.code(), Some(2));
    assert_eq!(showcase(&["list"]).status.code(), Some(0));
    assert_eq!(showcase(&["devices"]).status.code(), Some(0));
}

#[test]
fn ptx_prints_text_that_is_read_back() {
    let outcome = showcase(&["ptx", "attention", "--plan", "3", "--arch", "sm_86"]);
    assert_eq!(outcome.status.code(), Some(0));
    let source = tilewright_ptx_ir::parse(&text(&outcome.stdout)).expect("PTX");
    assert_eq!(source.module.target, tilewright_ptx_ir::Target::Sm86);
    let outcome = showcase(&["ptx", "attention", "--plan", "1000000"]);
    assert_eq!(outcome.status.code(), Some(2));
    assert!(text(&outcome.stderr).contains("attention has plans 0 to"));
    let outcome = showcase(&["ptx", "matmul-int4", "--shape", "1,4096,4096"]);
    assert!(text(&outcome.stdout).contains("matmul_w4a16_16x"), "{}", text(&outcome.stderr));
    let outcome = showcase(&["ptx", "attention", "--shape", "1,9,3,96,96,64", "--stats"]);
    assert_eq!(outcome.status.code(), Some(0));
    let outcome = showcase(&["ptx", "softmax", "--shape", "1,2,3"]);
    assert_eq!(outcome.status.code(), Some(2));
    assert!(text(&outcome.stderr).contains("softmax has shapes of R,C, not of 3 numbers"));
}

#[test]
fn matmul_f16_runs_on_tensors_of_ones_own() {
    let (m, n, k) = (3, 5, 17);
    let mut random = Random::new(1);
    let (x, w) = (random.halves(Values::Uniform, m * k), random.halves(Values::Uniform, n * k));
    let bias = random.halves(Values::Uniform, n);
    let tensors =
        Tensors::from([("x", halves(&[m, k], &x)), ("w", halves(&[n, k], &w)), ("bias", halves(&[n], &bias))]);
    let file = results("matmul-f16", "matmul-f16", &[], &tensors);
    let expected = tilewright_matmul_f16::reference::matmul(Shape { m, n, k }, &wide(&x), &wide(&w), &wide(&bias));
    let bound = |e| tilewright_matmul_f16::reference::bound(e, k, tilewright_matmul_f16::Dtype::F16);
    assert_within("y", &half_tensor(&file, "y", &[m, n]), expected.iter().map(|e| (e.value, bound(e))));
}

#[test]
fn matmul_int4_takes_gptq_tensors_and_refuses_what_it_cannot_do() {
    let (m, n, k) = (4, 6, 128);
    let mut random = Random::new(2);
    let x = random.halves(Values::Uniform, m * k);
    let weights = random.floats(Values::Uniform, n * k);
    let shape = WeightShape { n, k };
    let quantized = Int4::quantize(&weights, shape, Group::new(32).unwrap(), ScaleRule::Max).unwrap();
    let order: Vec<i32> = (0..k).map(|k| i32::try_from(k / 32).unwrap()).collect();
    let mut tensors = Tensors::from([
        ("x", halves(&[m, k], &x)),
        ("qweight", words(&[k / 8, n], quantized.qweight())),
        ("scales", halves(&[4, n], quantized.scales())),
        ("qzeros", words(&[4, 1], &[0x7777_7777; 4])),
        ("g_idx", words(&[k], &order)),
    ]);
    let file = results("matmul-int4", "matmul-int4", &[], &tensors);
    let expected = tilewright_matmul_int4::reference::matmul(Shape { m, n, k }, &wide(&x), &quantized);
    let bounds = expected.iter().map(|e| (e.value, tilewright_matmul_int4::reference::bound(e, k, 4)));
    assert_within("y", &half_tensor(&file, "y", &[m, n]), bounds);

    let said = refusal("int4-v2", "matmul-int4", &["--format", "gptq_v2"], &tensors);
    assert!(said.contains("tensor `qzeros` holds 0x77777777, wanted 0x88888888"), "{said}");
    let mut crowded = order.clone();
    crowded[0] = 3;
    tensors.insert("g_idx", words(&[k], &crowded));
    let said = refusal("int4-order", "matmul-int4", &[], &tensors);
    assert!(said.contains("tensor `g_idx` for K = 128"), "{said}");
    tensors.remove("g_idx");
    tensors.insert("scales", halves(&[3, n], &vec![f16::ONE; 3 * n]));
    let said = refusal("int4-groups", "matmul-int4", &[], &tensors);
    assert!(said.contains("tensor `scales` has 3 groups for K = 128"), "{said}");
}

/// The tensors of a weight in each format beside x, from the formats' own writers: the same product. What is not symmetric is refused by name.
#[test]
fn matmul_int4_takes_the_formats_of_checkpoints() {
    use tilewright_quant_pack::formats::{Grid, awq, compressed};
    let (m, n, k) = (3, 16, 256);
    let mut random = Random::new(6);
    let (x, weights) = (random.halves(Values::Uniform, m * k), random.floats(Values::Uniform, n * k));
    let (shape, group) = (WeightShape { n, k }, Group::new(64).unwrap());
    let quantized = Int4::quantize(&weights, shape, group, ScaleRule::Max).unwrap();
    let expected = tilewright_matmul_int4::reference::matmul(Shape { m, n, k }, &wide(&x), &quantized);

    let of_words = |grid: &Grid<i32>| words(&[grid.rows(), grid.columns()], grid.values());
    let of_halves = |grid: &Grid<f16>| halves(&[grid.rows(), grid.columns()], grid.values());
    let tensors = |format: &str, weight: &Int4Affine| {
        let of_awq = |tensors: awq::Tensors| {
            let awq::Tensors { qweight, qzeros, scales } = tensors;
            [("qweight", of_words(&qweight)), ("qzeros", of_words(&qzeros)), ("scales", of_halves(&scales))].to_vec()
        };
        let parts = match format {
            "awq" => of_awq(awq::export_gemm(weight).unwrap()),
            "awq-gemv" => of_awq(awq::export_gemv(weight).unwrap()),
            _ => {
                let tensors = compressed::export(weight, compressed::Always::default()).unwrap();
                let scales = &tensors.weight_scale;
                let zeros = tensors.weight_zero_point.iter().map(|zeros| ("weight_zero_point", of_words(zeros)));
                let shape = words(&[2], &[n, k].map(|number| i32::try_from(number).unwrap()));
                let (packed, scales) =
                    (of_words(&tensors.weight_packed), floats(&[n, scales.columns()], &wide(scales.values())));
                let always = [("weight_packed", packed), ("weight_scale", scales), ("weight_shape", shape)];
                always.into_iter().chain(zeros).collect()
            }
        };
        parts.into_iter().chain([("x", halves(&[m, k], &x))]).collect::<Tensors>()
    };
    let symmetric = Int4Affine::from(quantized);
    let affine = Int4Affine::quantize(&weights, shape, group, ScaleRule::Max).unwrap();
    let with_zeros = tilewright_matmul_int4::reference::matmul_affine(Shape { m, n, k }, &wide(&x), &affine);
    for format in ["awq", "awq-gemv", "compressed-tensors"] {
        let options = ["--format", format];
        for (name, weight, expected) in [("run", &symmetric, &expected), ("zeros", &affine, &with_zeros)] {
            let file = results(&format!("{format}-{name}"), "matmul-int4", &options, &tensors(format, weight));
            let bounds = expected.iter().map(|e| (e.value, tilewright_matmul_int4::reference::bound(e, k, 4)));
            assert_within("y", &half_tensor(&file, "y", &[m, n]), bounds);
        }
        let mut narrow = tensors(format, &symmetric);
        narrow.insert("x", halves(&[m, k - 8], &x[..m * (k - 8)]));
        let said = refusal(&format!("{format}-k"), "matmul-int4", &options, &narrow);
        assert!(said.contains("the weight has K = 256, wanted 248 as of tensor `x`"), "{said}");
        narrow.remove("scales");
        narrow.remove("weight_scale");
        let said = refusal(&format!("{format}-missing"), "matmul-int4", &options, &narrow);
        assert!(said.contains("there is no tensor `"), "{said}");
    }
    let other = refusal("awq-other", "matmul-int4", &["--format", "compressed-tensors"], &tensors("awq", &symmetric));
    assert!(other.contains("tensors are those of"), "{other}");
}

/// Zero points and groups in any order, as both of GPTQ's formats have them: one product and the fused three.
#[test]
fn gptq_zero_points_and_orders_are_taken() {
    use tilewright_quant_pack::formats::gptq;
    use tilewright_quant_pack::formats::zeros::ZeroConvention;
    let (m, n, k) = (3, 16, 128);
    let mut random = Random::new(8);
    let x = random.halves(Values::Uniform, m * k);
    let index: Vec<u32> = (0..128).map(|column| column % 4).collect();
    let weights = ["q", "k", "v"].map(|_| {
        let nibbles: Vec<u8> = random.bytes(n * k).iter().map(|byte| byte.cast_unsigned() % 16).collect();
        let zeros: Vec<u8> = random.bytes(4 * n).iter().map(|byte| 1 + byte.cast_unsigned() % 15).collect();
        let scales = random.halves(Values::Uniform, 4 * n);
        let grouping = Grouping::from_index(&index, 4).unwrap();
        Int4Affine::pack(&nibbles, WeightShape { n, k }, grouping, scales, Some(zeros)).unwrap()
    });
    let expected = weights
        .each_ref()
        .map(|weight| tilewright_matmul_int4::reference::matmul_affine(Shape { m, n, k }, &wide(&x), weight));
    let within = |name: &str, file: &[u8], expected: &[tilewright_tile::oracle::Expected]| {
        let bounds = expected.iter().map(|e| (e.value, tilewright_matmul_int4::reference::bound(e, k, 4)));
        assert_within(name, &half_tensor(file, name, &[m, n]), bounds);
    };
    for (format, convention) in [("gptq", ZeroConvention::LessOne), ("gptq_v2", ZeroConvention::AsIs)] {
        let mut fused = Tensors::from([("x", halves(&[m, k], &x))]);
        let mut plain = fused.clone();
        let names = [
            ["q_qweight", "q_scales", "q_qzeros", "q_g_idx"],
            ["k_qweight", "k_scales", "k_qzeros", "k_g_idx"],
            ["v_qweight", "v_scales", "v_qzeros", "v_g_idx"],
        ];
        for (index, (weight, names)) in weights.iter().zip(names).enumerate() {
            let tensors = gptq::export(weight, convention).unwrap();
            let stored = [
                words(&[k / 8, n], tensors.qweight.values()),
                halves(&[4, n], tensors.scales.values()),
                words(&[4, n / 8], tensors.qzeros.values()),
                words(&[k], &tensors.g_idx.unwrap()),
            ];
            if index == 0 {
                plain.extend(["qweight", "scales", "qzeros", "g_idx"].into_iter().zip(stored.clone()));
            }
            fused.extend(names.into_iter().zip(stored));
        }
        let file = results(&format!("{format}-affine"), "matmul-int4", &["--format", format], &plain);
        within("y", &file, &expected[0]);
        let file = results(&format!("{format}-qkv"), "qkv-int4", &["--format", format], &fused);
        for (name, expected) in ["q", "k", "v"].into_iter().zip(&expected) {
            within(name, &file, expected);
        }
    }
}

#[test]
fn int8_operations_run_on_tensors_of_ones_own() {
    let (m, n, k) = (3, 4, 40);
    let mut random = Random::new(3);
    let (x, w) = (random.bytes(m * k), random.bytes(n * k));
    let sums = tilewright_matmul_int8::reference::sums(Shape { m, n, k }, &x, &w);
    let mut tensors = Tensors::from([("x", bytes(&[m, k], &x)), ("w", bytes(&[n, k], &w))]);
    let file = results("int8-sums", "matmul-int8", &["--out", "i32"], &tensors);
    let file = SafeTensors::deserialize(&file).unwrap();
    let y = file.tensor("y").unwrap();
    let y: Vec<i64> =
        y.data().chunks_exact(4).map(|b| i64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect();
    assert_eq!(y, sums);

    let said = refusal("int8-scales", "matmul-int8", &[], &tensors);
    assert!(said.contains("there is no tensor `x_scale`; the file has w, x"), "{said}");
    tensors.insert("x_scale", floats(&[2], &[1.0; 2]));
    let said = refusal("int8-scale-shape", "matmul-int8", &[], &tensors);
    assert!(said.contains("tensor `x_scale` has shape [2], wanted [3] (1, or M of `x`)"), "{said}");

    let x = random.halves(Values::Uniform, m * k);
    let scale = random.floats(Values::Uniform, n);
    let tensors =
        Tensors::from([("x", halves(&[m, k], &x)), ("w", bytes(&[n, k], &w)), ("w_scale", floats(&[n], &scale))]);
    let file = results("w8a16", "matmul-w8a16", &[], &tensors);
    let expected = tilewright_matmul_int8::reference::w8a16(Shape { m, n, k }, &wide(&x), &w, &scale);
    let bounds = expected.iter().map(|e| (e.value, tilewright_matmul_int8::reference::w8a16_bound(e, k)));
    assert_within("y", &half_tensor(&file, "y", &[m, n]), bounds);

    let projection = |n: usize| (bytes(&[n, k], &vec![1; n * k]), floats(&[1], &[0.5]));
    let ((w_q, scale_q), (w_k, scale_k), (w_v, scale_v)) = (projection(6), projection(2), projection(2));
    let tensors = Tensors::from([
        ("x", halves(&[m, k], &vec![f16::ONE; m * k])),
        ("w_q", w_q),
        ("scale_q", scale_q),
        ("w_k", w_k),
        ("scale_k", scale_k),
        ("w_v", w_v),
        ("scale_v", scale_v),
    ]);
    let file = results("qkv-int8", "qkv-int8", &[], &tensors);
    for (name, n) in [("q", 6), ("k", 2), ("v", 2)] {
        assert_eq!(half_tensor(&file, name, &[m, n]), vec![f16::from_f32(20.0); m * n]);
    }
}

#[test]
fn attention_takes_its_options() {
    let (heads_q, heads_kv, len_q, len_kv, dim) = (4, 2, 3, 5, 32);
    let mut random = Random::new(4);
    let q = random.halves(Values::Uniform, heads_q * len_q * dim);
    let [k, v] = [0, 1].map(|_| random.halves(Values::Uniform, heads_kv * len_kv * dim));
    let mut tensors = Tensors::from([
        ("q", halves(&[1, heads_q, len_q, dim], &q)),
        ("k", halves(&[1, heads_kv, len_kv, dim], &k)),
        ("v", halves(&[1, heads_kv, len_kv, dim], &v)),
    ]);
    use tilewright_attention::{Dtype, Mask, Problem, Shape, reference};
    let shape = Shape { batch: 1, heads_q, heads_kv, len_q, len_kv, dim };
    let problem = Problem::new(shape, Mask::Causal).unwrap().with_scale(-0.25).unwrap();
    let file = results("attention", "attention", &["--causal", "--scale", "-0.25"], &tensors);
    let expected = reference::attention(&problem, Dtype::F16, [&wide(&q), &wide(&k), &wide(&v)]);
    let o = half_tensor(&file, "o", &[1, heads_q, len_q, dim]);
    assert_within("o", &o, expected.iter().map(|e| (e.value, e.bound)));

    tensors.insert("v", halves(&[1, heads_kv, len_kv - 1, dim], &v[..heads_kv * (len_kv - 1) * dim]));
    let said = refusal("attention-v", "attention", &[], &tensors);
    assert!(said.contains("tensor `v` has shape [1, 2, 4, 32], wanted [1, 2, 5, 32] (as `k`)"), "{said}");
}

#[test]
fn row_operations_run_on_tensors_of_ones_own() {
    let (rows, columns) = (3, 70);
    let mut random = Random::new(5);
    let x = random.floats(Values::Outliers, rows * columns);
    let tensors = Tensors::from([("x", floats(&[rows, columns], &x))]);
    for (operation, fold) in [("reduce-max", f32::max as fn(f32, f32) -> f32), ("reduce-min", f32::min)] {
        let file = results(operation, operation, &[], &tensors);
        let file = SafeTensors::deserialize(&file).unwrap();
        let y = file.tensor("y").unwrap();
        assert_eq!(y.shape(), [rows]);
        let y: Vec<f32> = y.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let wanted: Vec<f32> = x.chunks(columns).map(|row| row.iter().copied().fold(f32::NAN, fold)).collect();
        assert_eq!(y, wanted);
    }
    let x = random.halves(Values::Uniform, rows * columns);
    let mut tensors =
        Tensors::from([("x", halves(&[rows, columns], &x)), ("weight", floats(&[columns], &vec![1.0; columns]))]);
    let file = results("rms-norm", "rms-norm", &["--eps", "0.5"], &tensors);
    let y = half_tensor(&file, "y", &[rows, columns]);
    for (row, y) in wide(&x).chunks(columns).zip(y.chunks(columns)) {
        let expected =
            tilewright_reduce::reference::rms_norm(row, &vec![1.0; columns], 0.5, 70, tilewright_reduce::Dtype::F16);
        assert_within("y", y, expected.iter().map(|e| (e.value, e.bound)));
    }
    for (operation, from) in [("quantize-rows", wide(&x)), ("rms-norm-quantize", wide(&y))] {
        let file = results(operation, operation, &["--eps", "0.5"], &tensors);
        let file = SafeTensors::deserialize(&file).unwrap();
        let rows_of: Vec<_> = from.chunks(columns).map(tilewright_reduce::reference::quantize).collect();
        let codes: Vec<u8> =
            rows_of.iter().flat_map(|(codes, _)| codes.iter().map(|code| code.cast_unsigned())).collect();
        let scales: Vec<u8> = rows_of.iter().flat_map(|(_, scale)| scale.to_le_bytes()).collect();
        for (name, dtype, shape, data) in
            [("y", Dtype::I8, vec![rows, columns], codes), ("y_scale", Dtype::F32, vec![rows], scales)]
        {
            let tensor = file.tensor(name).unwrap();
            assert_eq!(
                (tensor.dtype(), tensor.shape(), tensor.data()),
                (dtype, shape.as_slice(), data.as_slice()),
                "{operation}: {name}"
            );
        }
    }
    tensors.insert("weight", floats(&[columns + 1], &vec![1.0; columns + 1]));
    let said = refusal("rms-weight", "rms-norm", &[], &tensors);
    assert!(said.contains("tensor `weight` has shape [71], wanted [70] (C of `x`)"), "{said}");
    tensors.remove("weight");
    let said = refusal("rms-missing", "rms-norm", &[], &tensors);
    assert!(said.contains("there is no tensor `weight`; the file has x"), "{said}");
    tensors.insert("x", words(&[2, 2], &[0; 4]));
    let said = refusal("softmax-type", "softmax", &[], &tensors);
    assert!(said.contains("tensor `x` is I32, wanted F16, BF16 or F32"), "{said}");
}

#[test]
fn a_file_that_is_none_is_refused() {
    let folder = Folder::new("no-file");
    let (input, output) = (folder.file("in.safetensors"), folder.file("out.safetensors"));
    let outcome = showcase(&["run", "softmax", "--input", &input, "--output", &output]);
    assert_eq!(outcome.status.code(), Some(2));
    fs::write(&input, b"{}").unwrap();
    let outcome = showcase(&["run", "softmax", "--input", &input, "--output", &output]);
    assert_eq!(outcome.status.code(), Some(2));
    assert!(text(&outcome.stderr).contains("not a safetensors file"), "{}", text(&outcome.stderr));
}
