//! Shipped kernels, by the driver's functions.

use std::error::Error;
use std::time::{Duration, Instant};

use half::f16;
use tilewright_attention::{Attention, Mask, Problem};
use tilewright_ffi::{Driver, Stream};
use tilewright_libcuda_sim::Simulator;
use tilewright_matmul_int4::{Matmul, Weight};
use tilewright_ptx_sim::{Check, Mix, Profile, Statistics};
use tilewright_quant_pack::{Group, Int4, ScaleRule, Shape};

/// A kernel at one shape.
pub(crate) struct Kernel {
    pub(crate) name: &'static str,
    run: Run,
}

type Run = fn(&Stream, &mut Timer<'_>) -> Result<(), Box<dyn Error>>;
type Launcher<'a> = dyn FnMut() -> Result<(), Box<dyn Error>> + 'a;
/// Calls a launcher a few times.
type Timer<'a> = dyn FnMut(&mut Launcher<'_>) -> Result<(), Box<dyn Error>> + 'a;

pub(crate) const KERNELS: [Kernel; 3] = [
    Kernel { name: "int4 product 128x128x1024", run: |stream, launches| product(stream, 128, launches) },
    Kernel { name: "int4 product 1x512x2048", run: |stream, launches| product(stream, 1, launches) },
    Kernel { name: "attention 128x256, dim 64", run: attention },
];

/// The best of twenty launches: its time and what it executed.
pub(crate) fn measure(kernel: &Kernel, check: Check) -> Result<(Duration, Statistics), Box<dyn Error>> {
    let simulator = Simulator::new(Profile::Sm80);
    let mut options = simulator.options();
    options.check = check;
    simulator.set_options(options);
    let stream = Driver::from_api(simulator.api())?.device(0)?.primary_context()?.stream()?;
    let mut best = None;
    (kernel.run)(&stream, &mut |launch| {
        for _ in 0..20 {
            let _ = simulator.take_statistics();
            let start = Instant::now();
            launch()?;
            let time = start.elapsed();
            let statistics = simulator.take_statistics();
            if best.is_none_or(|(best, _)| time < best) {
                best = Some((time, statistics));
            }
        }
        Ok(())
    })?;
    best.ok_or_else(|| "nothing was launched".into())
}

/// Numbers that look like those of a network, the same every time.
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    let uniform = std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(i16::from_le_bytes([state.to_le_bytes()[2], state.to_le_bytes()[3]])) / 32768.0
    });
    uniform.take(count).collect()
}

fn halves(count: usize) -> Vec<f16> {
    numbers(count).into_iter().map(f16::from_f32).collect()
}

fn product(stream: &Stream, m: usize, launches: &mut Timer<'_>) -> Result<(), Box<dyn Error>> {
    let (n, k) = if m == 1 { (512, 2048) } else { (128, 1024) };
    let quantized = Int4::quantize(&numbers(n * k), Shape { n, k }, Group::new(128)?, ScaleRule::Max)?;
    let weight = Weight::load(stream, &quantized)?;
    let x = stream.upload(&halves(m * k))?;
    let mut y = stream.alloc::<f16>(m * n)?;
    let matmul = Matmul::new(stream.context())?;
    launches(&mut || Ok(matmul.run(stream, m, x.as_slice(), &weight, &mut y.as_slice_mut())?))
}

fn attention(stream: &Stream, launches: &mut Timer<'_>) -> Result<(), Box<dyn Error>> {
    let shape = tilewright_attention::Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q: 128, len_kv: 256, dim: 64 };
    let q = stream.upload(&halves(128 * 64))?;
    let (k, v) = (stream.upload(&halves(256 * 64))?, stream.upload(&halves(256 * 64))?);
    let mut o = stream.alloc::<f16>(128 * 64)?;
    let problem = Problem::new(shape, Mask::None)?;
    let attention = Attention::new(stream.context())?;
    launches(&mut || {
        let inputs = [q.as_slice(), k.as_slice(), v.as_slice()];
        Ok(attention.run(stream, &problem, inputs, &mut o.as_slice_mut())?)
    })
}

/// The shares of an instruction mix, in percent.
pub(crate) fn shares(mix: &Mix, all: u64) -> String {
    let percent = |count: u64| (100 * count + all / 2).checked_div(all).unwrap_or(0);
    format!(
        "{}% arithmetic, {}% float, {}% mma, {}% device, {}% shared memory, {}% control",
        percent(mix.arithmetic),
        percent(mix.float),
        percent(mix.tensor),
        percent(mix.global),
        percent(mix.shared),
        percent(mix.control + mix.warp)
    )
}
