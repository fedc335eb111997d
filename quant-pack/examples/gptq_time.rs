//! Times GPTQ on a layer of 4096 x 4096 with 1024 inputs: `cargo run --release -p tilewright-quant-pack --features gptq --example gptq_time`.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Instant;

use tilewright_quant_pack::gptq::{self, Hessian, Options, Order, Symmetry};
use tilewright_quant_pack::{Error, Group, Shape};

const SIDE: usize = 4096;
const INPUTS: usize = 1024;

fn main() -> Result<(), Error> {
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(state >> 16).unwrap_or(0)) / 32768.0 - 1.0
    };
    let weights: Vec<f32> = (0..SIDE * SIDE).map(|_| noise()).collect();
    let inputs: Vec<f32> = (0..INPUTS * SIDE).map(|_| noise()).collect();
    let start = Instant::now();
    let mut hessian = Hessian::new(SIDE)?;
    hessian.add(&inputs)?;
    println!("{threads} threads; Hessian of {INPUTS} inputs {:.1} s", start.elapsed().as_secs_f64());
    for symmetry in [Symmetry::Symmetric, Symmetry::Asymmetric] {
        for order in [Order::Natural, Order::Activation] {
            let options = Options { symmetry, order, threads, ..Options::of(Group::new(128)?) };
            let start = Instant::now();
            gptq::quantize(&weights, Shape { n: SIDE, k: SIDE }, &hessian, &options)?;
            println!("{symmetry:?}, {order:?}: {:.1} s", start.elapsed().as_secs_f64());
        }
    }
    Ok(())
}
