//! Weights in files that are not quantized, or in GGUF blocks: safetensors or GGUF, mapped.

mod mapped;
mod source;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::Result;

pub(crate) use mapped::Mapped;
pub(crate) use source::{Entry, Source};

/// What a weight's tensor is called less what says that it is a weight: the name of its layer.
pub(crate) fn layer_of(tensor: &str) -> &str {
    match tensor.strip_suffix(".weight") {
        Some(layer) => layer,
        None if tensor == "weight" => "",
        None => tensor,
    }
}

/// The square root of Σ (a − b)² over Σ a², and the largest |a − b|.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Distance {
    pub(crate) relative: f64,
    pub(crate) largest: f64,
}

impl Distance {
    pub(crate) fn between(original: &[f32], other: &[f32]) -> Self {
        let (mut error, mut total, mut largest) = (0.0, 0.0, 0.0_f64);
        for (a, b) in original.iter().zip(other) {
            let difference = f64::from(*a) - f64::from(*b);
            error += difference * difference;
            total += f64::from(*a) * f64::from(*a);
            // Written so that a NaN stays.
            largest = if difference.abs() <= largest { largest } else { difference.abs() };
        }
        let relative = if error == 0.0 { 0.0 } else { (error / total).sqrt() };
        Self { relative, largest }
    }
}

/// `act` on every number below `count`, by `threads` threads; the first error ends the work. Results are in order.
pub(crate) fn in_parallel<T: Send>(
    count: usize,
    threads: usize,
    act: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let (next, is_over, results) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, count.max(1)) {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let result = act(number);
                    is_over.fetch_or(result.is_err(), Ordering::Relaxed);
                    results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((number, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// As many threads as there are cores.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}
