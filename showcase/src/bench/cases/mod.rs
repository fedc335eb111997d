//! What is timed: the shapes that transformer models meet, by operation.

mod attention;
mod matmul_f16;
mod matmul_int4;
mod matmul_int8;
mod qkv;
mod quantize;
mod rows;

use anyhow::Result;
use bytemuck::Pod;
use tilewright_ffi::{DeviceBuffer, DeviceSliceMut, Stream};
use tilewright_testkit::{Bits, Random};

use super::{Bench, Work};
use crate::table::Worst;

/// Runs the cases of one operation.
type Cases = fn(&mut Bench<'_>) -> Result<()>;

/// Runs the cases of every operation that is wanted.
pub(super) fn run(bench: &mut Bench<'_>, is_wanted: &dyn Fn(&str) -> bool) -> Result<()> {
    let operations: [(&str, Cases); 15] = [
        ("matmul-f16", matmul_f16::run),
        ("matmul-int8", matmul_int8::run_w8a8),
        ("matmul-w8a16", matmul_int8::run_w8a16),
        ("matmul-int4", matmul_int4::run),
        ("qkv-int8", qkv::run_int8),
        ("qkv-int4", qkv::run_int4),
        ("attention", attention::run),
        ("softmax", rows::run_softmax),
        ("rms-norm", rows::run_rms_norm),
        ("layer-norm", rows::run_layer_norm),
        ("quantize-rows", quantize::run),
        ("rms-norm-quantize", quantize::run_normalized),
        ("reduce-sum", rows::run_sum),
        ("reduce-max", rows::run_max),
        ("reduce-min", rows::run_min),
    ];
    operations.into_iter().filter(|(name, _)| is_wanted(name)).try_for_each(|(_, run)| run(bench))
}

/// N x K of the weights of a layer, and the rows of x that are multiplied with them. The last is what the reference was timed with.
const LAYERS: [(usize, usize); 3] = [(6144, 4096), (8192, 8192), (4096, 4096)];
const ROWS: [usize; 7] = [1, 8, 16, 64, 512, 2048, 4096];
const SQUARES: [usize; 3] = [2048, 4096, 8192];

/// Which elements of a result are checked: a few rows by a few columns, the outermost among them.
struct Sample {
    rows: Vec<usize>,
    columns: Vec<usize>,
}

impl Sample {
    fn of(rows: usize, columns: usize) -> Self {
        let mut random = Random::new(77);
        let mut few = |len: usize, count: usize| {
            let mut indices: Vec<usize> = (0..count).map(|_| random.below(len)).chain([0, len - 1]).collect();
            indices.sort_unstable();
            indices.dedup();
            indices
        };
        Self { rows: few(rows, 6), columns: few(columns, 24) }
    }

    /// The sampled elements of `y`, which is `width` wide.
    fn download<T: Pod>(&self, stream: &Stream, y: &DeviceBuffer<T>, width: usize) -> Result<Vec<T>> {
        let mut elements = Vec::new();
        for row in &self.rows {
            let row = stream.download(y.slice(row * width..(row + 1) * width)?)?;
            elements.extend(self.columns.iter().map(|column| row[*column]));
        }
        Ok(elements)
    }
}

/// A result that is timed: [rows, columns].
struct Timed<T> {
    y: DeviceBuffer<T>,
    rows: usize,
    columns: usize,
}

impl<T: Pod + Bits> Timed<T> {
    fn new(bench: &Bench<'_>, rows: usize, columns: usize) -> Result<Self> {
        Ok(Self { y: bench.session.stream.alloc(rows * columns)?, rows, columns })
    }

    /// Times `call(set, y)`, then poisons y, calls it once more with set 0 and compares a sample with `expected`: value and bound of each sampled element.
    fn run(
        mut self,
        bench: &mut Bench<'_>,
        work: &Work,
        sets: usize,
        mut call: impl FnMut(usize, &mut DeviceSliceMut<'_, T>) -> Result<()>,
        expected: impl FnOnce(&Sample) -> Result<Vec<(f64, f64)>>,
    ) -> Result<()> {
        let stream = &bench.session.stream;
        let timing = bench.time(work, sets, |set| call(set, &mut self.y.as_slice_mut()))?;
        // NaN, or -1: what a kernel does not write shows.
        stream.fill_bytes(&mut self.y.as_slice_mut(), 0xFF)?;
        call(0, &mut self.y.as_slice_mut())?;
        let sample = Sample::of(self.rows, self.columns);
        let worst = Worst::of(&sample.download(stream, &self.y, self.columns)?, expected(&sample)?);
        bench.record(work, &timing, worst);
        Ok(())
    }
}

/// Some rows of a row-major tensor that is `width` wide.
fn gather<T: Copy>(tensor: &[T], width: usize, rows: &[usize]) -> Vec<T> {
    rows.iter().flat_map(|row| tensor[row * width..(row + 1) * width].iter().copied()).collect()
}

/// `sets` copies of `values` on the device.
fn copies<T: Pod>(stream: &Stream, values: &[T], sets: usize) -> Result<Vec<DeviceBuffer<T>>> {
    let mut all = vec![stream.upload(values)?];
    for _ in 1..sets {
        let mut copy = stream.alloc(values.len())?;
        stream.copy(all[0].as_slice(), &mut copy.as_slice_mut())?;
        all.push(copy);
    }
    Ok(all)
}

/// `len` random numbers. A block of them is repeated: its length is a prime, so that no two rows of a tensor are alike, and drawing is quick.
fn draw<T: Copy>(len: usize, draw: impl FnOnce(usize) -> Vec<T>) -> Vec<T> {
    const BLOCK: usize = 1_048_573;
    let block = draw(len.min(BLOCK));
    block.iter().copied().cycle().take(len).collect()
}
