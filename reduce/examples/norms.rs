//! Softmax, RMSNorm and LayerNorm, each a few lines of the reduction builders that read like the formula.
//!
//! [`RowKernels`](tilewright_reduce::RowKernels) has faster ones; these show what a kernel of one's own takes.
//! `cargo run -p tilewright-reduce --example norms` runs them on the simulator, on the GPU with `TILEWRIGHT_DEVICE=cuda`, and fails if an element is
//! further from that in f64 than its bound.
#![expect(unsafe_code, reason = "kernels of one's own are launched by hand")]

use std::error::Error;
use std::f32::consts::LOG2_E;

use tilewright_ffi::{Arguments, Context, Launch};
use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::build::{Builder, Pointer, Value};
use tilewright_ptx_ir::ir::{Kernel, Module};
use tilewright_reduce::Dtype;
use tilewright_reduce::build::Block;
use tilewright_reduce::reference::{self, Expected};
use tilewright_testkit::{Random, Values};

const THREADS: u32 = 128;
const EPSILON: f32 = 1e-5;

/// y = exp(x - max x) / Σ exp(x - max x).
fn softmax<'k>(k: &'k Builder) {
    let row = Row::of(k);
    let peak = row.max();
    let exp = |x: Value<'k, f32>| ((x - peak) * LOG2_E).exp2();
    let sum = row.sum(exp);
    row.write(|_, x| exp(x) / sum);
}

/// y = x / sqrt(mean x² + ε) · weight.
fn rms_norm(k: &Builder) {
    let row = Row::of(k);
    let (weight, epsilon) = (k.pointer::<f32>("weight"), k.param::<f32>("epsilon"));
    let mean_square = row.sum(|x| x * x) / row.count();
    let root = (mean_square + epsilon).sqrt();
    row.write(|column, x| x / root * weight.at(column).load());
}

/// y = (x - mean x) / sqrt(var x + ε) · weight + bias.
fn layer_norm(k: &Builder) {
    let row = Row::of(k);
    let (weight, bias) = (k.pointer::<f32>("weight"), k.pointer::<f32>("bias"));
    let epsilon = k.param::<f32>("epsilon");
    let mean = row.sum(|x| x) / row.count();
    let variance = row.sum(|x| (x - mean) * (x - mean)) / row.count();
    let root = (variance + epsilon).sqrt();
    row.write(|column, x| (x - mean) / root * weight.at(column).load() + bias.at(column).load());
}

/// The block's row of x and of y, of which thread t takes the columns t, t + 128, …
struct Row<'k> {
    k: &'k Builder,
    block: Block<'k, THREADS>,
    x: Pointer<'k, f32>,
    y: Pointer<'k, f32>,
    columns: Value<'k, u32>,
}

impl<'k> Row<'k> {
    /// Declares the parameters that all three kernels have: x, y, columns.
    fn of(k: &'k Builder) -> Self {
        let (x, y, columns) = (k.pointer("x"), k.pointer("y"), k.param::<u32>("columns"));
        let start = k.block_idx().x().widening_mul(columns);
        Self { k, block: Block::of(k), x: x.skip(start), y: y.skip(start), columns }
    }

    fn for_each(&self, body: impl FnOnce(Value<'k, u32>, Value<'k, f32>)) {
        self.k.for_(self.block.thread(), self.columns, THREADS, |column| body(column, self.x.at(column).load()));
    }

    fn sum(&self, term: impl FnOnce(Value<'k, f32>) -> Value<'k, f32>) -> Value<'k, f32> {
        let sum = self.k.local(0.0f32);
        self.for_each(|_, x| sum.add(term(x)));
        self.block.sum(sum)
    }

    fn max(&self) -> Value<'k, f32> {
        let peak = self.k.local(f32::NEG_INFINITY);
        self.for_each(|_, x| peak.set(peak.now().maximum(x)));
        self.block.max(peak)
    }

    fn write(&self, value: impl FnOnce(Value<'k, u32>, Value<'k, f32>) -> Value<'k, f32>) {
        self.for_each(|column, x| self.y.at(column).store(value(column, x)));
    }

    fn count(&self) -> Value<'k, f32> {
        self.columns.cast()
    }
}

/// The kernel that `build` writes over `x`, a block for each row: first x, y and columns, then `weights`, then epsilon if there are any.
fn run(
    context: &Context,
    build: fn(&Builder),
    x: &[f32],
    columns: u32,
    weights: &[&[f32]],
) -> Result<Vec<f32>, Box<dyn Error>> {
    let rows = x.len() / columns as usize;
    assert!(x.len() == rows * columns as usize && weights.iter().all(|weight| weight.len() == columns as usize));
    let module = Module::kernel("row", Target::Sm80, build)?;
    let parameters = module.kernels.first().map(Kernel::parameter_bytes).unwrap_or_default();
    let kernel = context.load_ptx(&module.to_string())?.function("row", &parameters)?;

    let stream = context.stream()?;
    let (from, mut to) = (stream.upload(x)?, stream.alloc::<f32>(x.len())?);
    let weights = weights.iter().map(|weight| stream.upload(weight)).collect::<Result<Vec<_>, _>>()?;
    let mut y = to.as_slice_mut();
    let mut arguments = Arguments::new();
    arguments.pointer(from.as_slice()).pointer_mut(&mut y).value(columns);
    for weight in &weights {
        arguments.pointer(weight.as_slice());
    }
    if !weights.is_empty() {
        arguments.value(EPSILON);
    }
    // SAFETY: a block for each row; x and y have rows · columns elements, weights have columns: asserted above.
    unsafe { kernel.launch(&stream, &Launch::new([u32::try_from(rows)?, 1, 1], THREADS, 0), &arguments)? };
    Ok(stream.download(to.as_slice())?)
}

/// The largest error as a part of its bound.
fn worst(name: &str, y: &[f32], expected: &[Expected]) -> Result<f64, Box<dyn Error>> {
    let mut worst = 0.0f64;
    for (index, (y, Expected { value, bound })) in y.iter().zip(expected).enumerate() {
        let part = (f64::from(*y) - value).abs() / bound;
        // Written so that a NaN is an error.
        if !matches!(part.partial_cmp(&1.0), Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal)) {
            return Err(format!("{name}: element {index} is {y}, wanted {value} within {bound:e}").into());
        }
        worst = worst.max(part);
    }
    Ok(worst)
}

/// Runs all three over the same random rows and answers the largest error of each as a part of its bound.
///
/// # Errors
/// An element that is off by more than its bound, and whatever the driver says.
pub(crate) fn check(context: &Context, rows: usize, columns: u32, seed: u64) -> Result<[f64; 3], Box<dyn Error>> {
    let mut random = Random::new(seed);
    let x = random.floats(Values::Outliers, rows * columns as usize);
    let [weight, bias] = [(); 2].map(|()| random.floats(Values::Uniform, columns as usize));
    // The square of a term is rounded before it is added, which a fused multiply-add would not do.
    let additions = columns.div_ceil(THREADS) + THREADS.ilog2() + 1;
    let of_rows = |expected: &dyn Fn(&[f32]) -> Vec<Expected>| -> Vec<Expected> {
        x.chunks(columns as usize).flat_map(expected).collect()
    };
    let dtype = Dtype::F32;
    Ok([
        worst(
            "softmax",
            &run(context, softmax, &x, columns, &[])?,
            &of_rows(&|row| reference::softmax(row, additions, dtype)),
        )?,
        worst(
            "RMSNorm",
            &run(context, rms_norm, &x, columns, &[&weight])?,
            &of_rows(&|row| reference::rms_norm(row, &weight, EPSILON, additions, dtype)),
        )?,
        worst(
            "LayerNorm",
            &run(context, layer_norm, &x, columns, &[&weight, &bias])?,
            &of_rows(&|row| reference::layer_norm(row, (&weight, &bias), EPSILON, additions, dtype)),
        )?,
    ])
}

/// # Errors
/// Those of [`check`].
pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let (rows, columns) = (16, 576);
    let parts = check(&tilewright_testkit::open()?, rows, columns, 1)?;
    for (name, part) in ["softmax", "RMSNorm", "LayerNorm"].into_iter().zip(parts) {
        println!("{name:9} of {rows} x {columns}: largest error {part:.2} of its bound");
    }
    Ok(())
}
