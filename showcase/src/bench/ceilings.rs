//! What the device can do at best: a copy, a read, its matrix units alone, and a launch of nothing.
#![expect(unsafe_code, reason = "these kernels are launched here, with arguments made here")]

use anyhow::Result;
use half::f16;
use tilewright_ffi::{Arguments, Event, Launch};
use tilewright_ptx_ir::build::{Accumulator, Builder, Local, Pointer, Source, Value, Word};
use tilewright_ptx_ir::ir::{Kernel, MmaShape, Module};
use tilewright_ptx_ir::{Target, VerifyErrors};
use tilewright_testkit::Random;

use super::record::{Ceilings, Spread};
use super::timing::{self, as_f64};
use crate::device::Session;

/// Bytes that the copy and the read go through.
const BYTES: usize = 1 << 30;
const THREADS: u32 = 256;
/// Tiles of a warp in the matrix kernels: 64 x 64.
const TILES_M: usize = 4;
const TILES_N: usize = 8;
/// Steps of the loop in the matrix kernels.
const STEPS: u32 = 4096;
const REPEATS: usize = 20;

pub(crate) fn measure(session: &Session) -> Result<Ceilings> {
    let stream = &session.stream;
    let mut random = Random::new(1);
    // A block of random words, again and again: random enough for the wires, quick to make.
    let block: Vec<u64> = (0..1 << 17).map(|_| random.bits()).collect();
    let mut from = stream.alloc::<u64>(BYTES / 8)?;
    for start in (0..BYTES / 8).step_by(block.len()) {
        stream.write(&block, &mut from.slice_mut(start..start + block.len())?)?;
    }
    let mut to = stream.alloc::<u64>(BYTES / 8)?;
    let copy = best(session, || Ok(stream.copy(from.as_slice(), &mut to.as_slice_mut())?))?;

    let sms = session.sms()?;
    let read = {
        let function = load(session, &read_module()?)?;
        let mut sink = stream.alloc::<u32>(1)?;
        let mut arguments = Arguments::new();
        arguments.pointer(from.as_slice()).pointer_mut(&mut sink.as_slice_mut()).value(u32::try_from(BYTES / 16)?);
        let launch = Launch::new([sms * 8, 1, 1], THREADS, 0);
        // SAFETY: the kernel reads BYTES / 16 chunks of 16 bytes, which `from` has, and may write one word of `sink`.
        best(session, || Ok(unsafe { function.launch(stream, &launch, &arguments) }?))?
    };
    let [f16, int8] = [MmaShape::M16N8K16F16F32, MmaShape::M16N8K32S8S32].map(|shape| matrix(session, shape, sms));
    let bytes = as_f64(BYTES);
    Ok(Ceilings {
        copy: 2.0 * bytes / copy,
        read: bytes / read,
        f16: f16?,
        int8: int8?,
        launch_us: empty_launch(session)?,
    })
}

/// Microseconds of the host for a launch of a kernel that does nothing with as many arguments as a product has.
fn empty_launch(session: &Session) -> Result<f64> {
    let stream = &session.stream;
    let function = load(session, &empty_module()?)?;
    let mut place = stream.alloc::<u32>(1)?;
    let from = stream.alloc::<u32>(1)?;
    let launch = Launch::new([1, 1, 1], 32, 0);
    let spread = timing::host(session, 1, &mut |_| {
        let mut arguments = Arguments::new();
        arguments.pointer(from.as_slice()).pointer(from.as_slice()).pointer_mut(&mut place.as_slice_mut());
        arguments.value(1u32).value(1u32).value(1u32);
        // SAFETY: the kernel touches no memory.
        Ok(unsafe { function.launch(stream, &launch, &arguments) }?)
    })?;
    Ok(spread.median)
}

fn empty_module() -> Result<Module, VerifyErrors> {
    Module::kernel("nothing", Target::Sm80, |k| {
        k.require_threads(32, 1, 1);
        let _ = ["a", "b", "c"].map(|name| k.pointer::<u32>(name));
        let _ = ["l", "m", "n"].map(|name| k.param::<u32>(name));
    })
}

/// Seconds of the best of a few launches.
fn best(session: &Session, mut launch: impl FnMut() -> Result<()>) -> Result<f64> {
    let (before, after) = (Event::timed(&session.context)?, Event::timed(&session.context)?);
    let mut samples = Vec::new();
    for repeat in 0..=REPEATS {
        before.record(&session.stream)?;
        launch()?;
        after.record(&session.stream)?;
        after.synchronize()?;
        if repeat > 0 {
            samples.push(f64::from(before.elapsed_ms(&after)?) / 1e3);
        }
    }
    Ok(Spread::of(samples).smallest)
}

fn load(session: &Session, module: &Module) -> Result<tilewright_ffi::Function> {
    let kernel = module.kernels.first().map(|kernel| (kernel.name.clone(), Kernel::parameter_bytes(kernel)));
    let (name, parameters) = kernel.unwrap_or_default();
    Ok(session.context.load_ptx(&module.to_string())?.function(&name, &parameters)?)
}

/// Each thread reads chunks of 16 bytes, a grid apart, four at a time, and keeps their exclusive or.
fn read_module() -> Result<Module, VerifyErrors> {
    Module::kernel("read", Target::Sm80, |k| {
        k.require_threads(THREADS, 1, 1);
        let (from, sink) = (k.pointer::<u32>("from"), k.pointer::<u32>("sink"));
        let chunks = k.param::<u32>("chunks");
        let stride = k.grid_dim().x() * THREADS;
        let sum = k.local(0u32);
        let add = |index: Value<'_, u32>| {
            let chunk = Pointer::<u32>::from_address(from.address().offset_by(index, 16));
            let [a, b, c, d] = chunk.at(0).load_vector();
            sum.set(sum.now() ^ a ^ b ^ c ^ d);
        };
        k.for_(k.block_idx().x() * THREADS + k.thread_idx().x(), chunks, stride, add);
        // Never true of what was read, but the assembler cannot know.
        k.if_(sum.now().eq(0x5EED_5EED), || sink.at(0).store(sum.now()));
    })
}

/// Operations a second of `mma.sync` alone.
fn matrix(session: &Session, shape: MmaShape, sms: u32) -> Result<f64> {
    let stream = &session.stream;
    let mut random = Random::new(2);
    let is_int8 = shape == MmaShape::M16N8K32S8S32;
    let operands: Vec<u32> =
        (0..2 * 4 * 32 * TILES_M).map(|_| if is_int8 { low(random.bits()) } else { pair(&mut random) }).collect();
    let operands = stream.upload(&operands)?;
    let mut sink = stream.alloc::<u32>(1)?;
    let function = load(session, &matrix_module(shape)?)?;
    let mut arguments = Arguments::new();
    arguments.pointer(operands.as_slice()).pointer_mut(&mut sink.as_slice_mut());
    let launch = Launch::new([sms * 2, 1, 1], 128, 0);
    // SAFETY: the kernel reads 1024 words, which `operands` has, and may write one word of `sink`.
    let seconds = best(session, || Ok(unsafe { function.launch(stream, &launch, &arguments) }?))?;
    let depth = if is_int8 { 32.0 } else { 16.0 };
    let mma = f64::from(sms * 2 * 4) * f64::from(STEPS) * as_f64(TILES_M * TILES_N);
    Ok(mma * 2.0 * 16.0 * 8.0 * depth / seconds)
}

/// Every warp multiplies a 64 x 64 tile in registers, again and again.
fn matrix_module(shape: MmaShape) -> Result<Module, VerifyErrors> {
    Module::kernel("matrix", Target::Sm80, |k| {
        k.require_threads(128, 1, 1);
        let (operands, sink) = (k.pointer::<u32>("operands"), k.pointer::<u32>("sink"));
        let lane = k.thread_idx().x() & 31;
        let word = |index: usize| operands.at(lane + u32::try_from(index * 32).unwrap_or(0)).load();
        let a: Vec<[Value<'_, u32>; 4]> =
            (0..TILES_M).map(|tile| [0, 1, 2, 3].map(|register| word(tile * 4 + register))).collect();
        let b: Vec<[Value<'_, u32>; 2]> =
            (0..TILES_N).map(|tile| [0, 1].map(|register| word(TILES_M * 4 + tile * 2 + register))).collect();
        let unlikely = if shape == MmaShape::M16N8K32S8S32 {
            repeat(k, shape, &a, &b, 0i32).now().eq(0x5EED_5EED)
        } else {
            repeat(k, shape, &a, &b, 0f32).now().eq(1.25e37f32)
        };
        // The assembler cannot know that this never holds, so it keeps the sums.
        k.if_(unlikely, || sink.at(0).store(1u32));
    })
}

/// `STEPS` times all tiles; the sum of all accumulators.
fn repeat<'k, T>(
    k: &'k Builder,
    shape: MmaShape,
    a: &[[Value<'k, u32>; 4]],
    b: &[[Value<'k, u32>; 2]],
    zero: T,
) -> Local<'k, T>
where
    T: Word + Source<'k, T> + Summand,
{
    let sums: Vec<Accumulator<'k, T>> = (0..TILES_M * TILES_N).map(|_| k.locals(zero)).collect();
    k.for_(0u32, STEPS, 1u32, |_| {
        for (row, a) in a.iter().enumerate() {
            for (column, b) in b.iter().enumerate() {
                if let Some(sum) = sums.get(row * TILES_N + column) {
                    k.mma(shape, sum, a, b);
                }
            }
        }
    });
    let total = k.local(zero);
    sums.iter().flatten().for_each(|sum| T::add(total, sum.now()));
    total
}

/// A type whose values add up.
trait Summand: Sized {
    fn add<'k>(total: Local<'k, Self>, value: Value<'k, Self>);
}

impl Summand for i32 {
    fn add<'k>(total: Local<'k, Self>, value: Value<'k, Self>) {
        total.add(value);
    }
}

impl Summand for f32 {
    fn add<'k>(total: Local<'k, Self>, value: Value<'k, Self>) {
        total.add(value);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "32 random bits of 64")]
const fn low(bits: u64) -> u32 {
    bits as u32
}

/// Two random f16.
fn pair(random: &mut Random) -> u32 {
    let [low, high] = [0, 1].map(|_| u32::from(f16::from_f32(random.unit()).to_bits()));
    low | high << 16
}
