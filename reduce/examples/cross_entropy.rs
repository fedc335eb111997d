//! A loss function of the reduction builders: the cross-entropy of a row of logits x is logsumexp(x) - x\[target\].
//!
//! `cargo run -p tilewright-reduce --example cross_entropy` runs it on the simulator, on the GPU with `TILEWRIGHT_DEVICE=cuda`, and fails if a loss is
//! further from that in f64 than the roundings on the way allow.
#![expect(unsafe_code, reason = "a kernel of one's own is launched by hand")]

use std::error::Error;
use std::f32::consts::{LN_2, LOG2_E};

use tilewright_ffi::{Arguments, Context, Launch};
use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::build::Builder;
use tilewright_ptx_ir::ir::{Kernel, Module};
use tilewright_reduce::build::Block;
use tilewright_testkit::{Random, Values};
use tilewright_tile::oracle::{F32_UNIT, gamma};

const THREADS: u32 = 128;

/// losses\[r\] = logsumexp(logits\[r, :\]) - logits\[r, targets\[r\]\], one block a row.
fn cross_entropy(k: &Builder) {
    let (logits, targets) = (k.pointer::<f32>("logits"), k.pointer::<u32>("targets"));
    let (losses, columns) = (k.pointer::<f32>("losses"), k.param::<u32>("columns"));
    let (row, block) = (k.block_idx().x(), Block::<THREADS>::of(k));
    let x = logits.skip(row.widening_mul(columns));

    let peak = k.local(f32::NEG_INFINITY);
    k.for_(block.thread(), columns, THREADS, |c| peak.set(peak.now().maximum(x.at(c).load())));
    let peak = block.max(peak);

    let sum = k.local(0.0f32);
    k.for_(block.thread(), columns, THREADS, |c| sum.add(((x.at(c).load() - peak) * LOG2_E).exp2()));
    let sum = block.sum(sum);

    k.if_(block.thread().eq(0), || {
        let target = x.at(targets.at(row).load()).load();
        // The two large ones first: their difference is often exact.
        losses.at(row).store((peak - target) + sum.log2() * LN_2);
    });
}

/// The loss of each row of `logits`, whose length is `columns`.
///
/// # Errors
/// A target that names no column, rows that are not as many as targets, and whatever the driver says.
pub(crate) fn losses(
    context: &Context,
    logits: &[f32],
    targets: &[u32],
    columns: u32,
) -> Result<Vec<f32>, Box<dyn Error>> {
    let wanted = targets.len().checked_mul(columns as usize);
    if wanted != Some(logits.len()) || targets.iter().any(|target| *target >= columns) {
        return Err("every row wants a target, and every target is a column".into());
    }
    let module = Module::kernel("cross_entropy", Target::Sm80, cross_entropy)?;
    let parameters = module.kernels.first().map(Kernel::parameter_bytes).unwrap_or_default();
    let kernel = context.load_ptx(&module.to_string())?.function("cross_entropy", &parameters)?;

    let stream = context.stream()?;
    let (x, rows) = (stream.upload(logits)?, stream.upload(targets)?);
    let mut y = stream.alloc::<f32>(targets.len())?;
    let mut arguments = Arguments::new();
    arguments.pointer(x.as_slice()).pointer(rows.as_slice());
    let mut y_slice = y.as_slice_mut();
    arguments.pointer_mut(&mut y_slice).value(columns);
    let launch = Launch::new([u32::try_from(targets.len())?, 1, 1], THREADS, 0);
    // SAFETY: a block for each target; logits has as many rows, losses as many elements, and each target is a column: checked above.
    unsafe { kernel.launch(&stream, &launch, &arguments)? };
    Ok(stream.download(y.as_slice())?)
}

/// The loss in f64, and how far the kernel's may be: the error of each exponential, of their sum, of the logarithm and of the last two operations.
fn expected(row: &[f32], target: u32) -> (f64, f64) {
    const APPROXIMATE: f64 = 1.0 / (1u64 << 22) as f64;
    let peak = row.iter().copied().map(f64::from).fold(f64::NEG_INFINITY, f64::max);
    let exponents: Vec<f64> = row.iter().map(|x| f64::from(*x) - peak).collect();
    let sum: f64 = exponents.iter().map(|exponent| exponent.exp()).sum();
    let own = |exponent: &f64| (3.1 * F32_UNIT * exponent.abs() + APPROXIMATE) * exponent.exp();
    let of_terms = exponents.iter().map(own).sum::<f64>() / sum;
    let additions = row.len().div_ceil(THREADS as usize) + THREADS.ilog2() as usize;

    let distance = peak - row.get(target as usize).copied().map_or(f64::NAN, f64::from);
    let of_sum = 1.01 * (of_terms + gamma(additions)) + row.len() as f64 * f64::from(f32::MIN_POSITIVE);
    let of_logarithm = APPROXIMATE * sum.log2().max(1.0) + 2.0 * F32_UNIT * sum.ln();
    (distance + sum.ln(), of_sum + of_logarithm + 2.0 * F32_UNIT * (distance + sum.ln()))
}

/// Runs rows of random logits with random targets, and answers the mean loss and the largest error as a part of its bound.
///
/// # Errors
/// A loss that is off by more than its bound, and those of [`losses`].
pub(crate) fn check(context: &Context, rows: usize, columns: u32, seed: u64) -> Result<(f64, f64), Box<dyn Error>> {
    let mut random = Random::new(seed);
    let logits = random.floats(Values::Outliers, rows * columns as usize);
    let targets = (0..rows).map(|_| u32::try_from(random.below(columns as usize))).collect::<Result<Vec<_>, _>>()?;
    let losses = losses(context, &logits, &targets, columns)?;
    let (mut total, mut worst) = (0.0, 0.0f64);
    for (row, (loss, target)) in losses.iter().zip(&targets).enumerate() {
        let x = logits.chunks(columns as usize).nth(row).unwrap_or_default();
        let (wanted, bound) = expected(x, *target);
        let error = (f64::from(*loss) - wanted).abs();
        // Written so that a NaN is an error.
        if !matches!(error.partial_cmp(&bound), Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal)) {
            return Err(format!("the loss of row {row} is {loss}, wanted {wanted} within {bound:e}").into());
        }
        total += f64::from(*loss);
        worst = worst.max(error / bound);
    }
    Ok((total / rows as f64, worst))
}

/// # Errors
/// Those of [`check`].
pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let (rows, columns) = (32, 1000);
    let (mean, worst) = check(&tilewright_testkit::open()?, rows, columns, 1)?;
    println!("cross-entropy of {rows} rows of {columns} logits: mean {mean:.4}, largest error {worst:.2} of its bound");
    Ok(())
}
