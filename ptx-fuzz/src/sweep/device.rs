//! The instructions on a device.
#![expect(unsafe_code, reason = "launches are unsafe")]

use rayon::prelude::*;
use tilewright_ffi::{Arguments, Context, DeviceBuffer, Driver, Error, Function, Launch, PinnedBuffer, Stream};
use tilewright_libcuda_sim::{Options, Profile, Simulator};

use super::instruction::THREADS;
use super::{Instruction, Tally, count, measure_answers, pair, step};

/// Answers of one launch; while the host measures them, the device works on the next ones.
const CHUNK: u64 = 1 << 26;
/// Pairs of one launch.
const PAIR_CHUNK: u64 = 1 << 24;

/// A device that is asked for answers.
#[derive(Debug)]
pub struct Sweeper {
    name: String,
    stream: Stream,
    context: Context,
    halves: Option<[Half; 2]>,
    /// Answers and pairs of one launch.
    chunks: [u64; 2],
}

/// One of two places for answers.
#[derive(Debug)]
struct Half {
    device: DeviceBuffer<u32>,
    host: PinnedBuffer<u32>,
}

impl Sweeper {
    /// GPU `ordinal` of the installed driver.
    ///
    /// # Errors
    /// If there is none.
    pub fn gpu(ordinal: u32) -> Result<Self, Error> {
        Self::open(&Driver::load()?, ordinal)
    }

    /// The simulator of Hopper: with a seed its answers lie elsewhere inside their bounds. The seed holds for the process.
    ///
    /// # Errors
    /// If it does not open.
    pub fn simulator(seed: Option<u64>) -> Result<Self, Error> {
        let simulator = Simulator::new(Profile::Sm90);
        let mut options = Options::default();
        options.jitter = seed;
        simulator.set_options(options);
        Self::open(&Driver::from_api(simulator.api())?, 0)
    }

    fn open(driver: &Driver, ordinal: u32) -> Result<Self, Error> {
        let device = driver.device(ordinal)?;
        let context = device.primary_context()?;
        Ok(Self { name: device.name()?, stream: context.stream()?, context, halves: None, chunks: [CHUNK, PAIR_CHUNK] })
    }

    /// What the driver calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs an instruction on every `stride`-th input and measures its answers.
    ///
    /// # Errors
    /// [`Error`]: the device does not have the instruction, or what it reports.
    pub fn sweep(&mut self, instruction: &Instruction, stride: u32) -> Result<Tally, Error> {
        let module = self.context.load_ptx(&instruction.kernel())?;
        if instruction.divides() {
            let kernel = module.function("sweep", &[8, 8, 8, 4])?;
            return self.divide(&kernel, instruction, stride);
        }
        let kernel = module.function("sweep", &[8, 4, 4, 4])?;
        self.answer(&kernel, instruction, stride)
    }

    fn answer(&mut self, kernel: &Function, instruction: &Instruction, stride: u32) -> Result<Tally, Error> {
        let count = count(instruction, stride);
        let Self { stream, context, halves, chunks: [chunk, _], .. } = self;
        let chunk = count.min(*chunk);
        if halves.as_ref().is_none_or(|halves| halves[0].host.len() as u64 != chunk) {
            // The old ones go first.
            *halves = None;
            *halves = Some([Half::new(context, stream, chunk)?, Half::new(context, stream, chunk)?]);
        }
        let Some([even, odd]) = halves else { return Ok(Tally::new(instruction)) };
        let step = step(instruction, stride);
        even.ask(stream, kernel, 0, step, count.min(chunk))?;
        let mut tally = Tally::new(instruction);
        for first in (0..count).step_by(chunk as usize) {
            let next = first + chunk;
            if next < count {
                odd.ask(stream, kernel, next, step, (count - next).min(chunk))?;
            }
            let answers = even.host.as_slice()?;
            let answers = answers.get(..(count - first).min(chunk) as usize).unwrap_or(answers);
            tally = tally.merged(measure_answers(instruction, stride, first, answers));
            std::mem::swap(even, odd);
        }
        Ok(tally)
    }

    fn divide(&self, kernel: &Function, instruction: &Instruction, stride: u32) -> Result<Tally, Error> {
        let (count, stream) = (count(instruction, stride), &self.stream);
        let [_, chunk] = self.chunks;
        let mut tally = Tally::new(instruction);
        for first in (0..count).step_by(chunk as usize) {
            let end = count.min(first + chunk);
            let (dividends, divisors): (Vec<u32>, Vec<u32>) = (first..end).into_par_iter().map(pair).unzip();
            let (dividends, divisors) = (stream.upload(&dividends)?, stream.upload(&divisors)?);
            let count = end - first;
            let mut answers = stream.alloc::<u32>(count as usize)?;
            let mut arguments = Arguments::new();
            arguments
                .pointer_mut(&mut answers.as_slice_mut())
                .pointer(dividends.as_slice())
                .pointer(divisors.as_slice())
                .value(count as u32);
            // SAFETY:
            // - the parameters are three pointers and a number of 32 bits.
            // - thread i of the first `count` reads element i of two buffers and writes element i of the third: each has so many.
            unsafe { kernel.launch(stream, &launch(count), &arguments)? };
            let answers = stream.download(answers.as_slice())?;
            tally = tally.merged(measure_answers(instruction, stride, first, &answers));
        }
        Ok(tally)
    }
}

impl Half {
    fn new(context: &Context, stream: &Stream, len: u64) -> Result<Self, Error> {
        let mut device = stream.alloc(len as usize)?;
        // The last launch may leave some as they were.
        stream.fill_bytes(&mut device.as_slice_mut(), 0)?;
        Ok(Self { device, host: PinnedBuffer::new(context, len as usize)? })
    }

    /// Enqueues `count` answers, from number `first` on, and their copy to the host.
    fn ask(&mut self, stream: &Stream, kernel: &Function, first: u64, step: u32, count: u64) -> Result<(), Error> {
        let mut arguments = Arguments::new();
        arguments
            .pointer_mut(&mut self.device.as_slice_mut())
            .value((first * u64::from(step)) as u32)
            .value(step)
            .value(count as u32);
        // SAFETY:
        // - the parameters are a pointer and three numbers of 32 bits.
        // - thread i of the first `count` writes element i; callers ask for no more than the buffer has.
        unsafe { kernel.launch(stream, &launch(count), &arguments)? };
        stream.copy_to_pinned(self.device.as_slice(), &mut self.host)
    }
}

fn launch(count: u64) -> Launch {
    Launch::new([count.div_ceil(THREADS.into()) as u32, 1, 1], THREADS, 0)
}

#[cfg(test)]
mod tests {
    use super::super::measure;
    use super::*;

    /// However many launches there are, and though the last one is shorter.
    #[test]
    fn answers_of_many_launches_are_those_of_one() {
        let mut sweeper = Sweeper::simulator(None).unwrap();
        let all = Instruction::all();
        for name in ["rcp.approx.f32", "tanh.approx.f16", "div.full.ftz.f32", "sin.approx.ftz.f32"] {
            let instruction = all.iter().find(|instruction| instruction.to_string() == name).unwrap();
            let stride = if instruction.divides() { 100_003 } else { 1_000_003 };
            let wanted = measure(instruction, stride, |input| instruction.simulated(input, None));
            for chunks in [[1 << 26, 1 << 24], [1000, 300], [4096, 2685]] {
                sweeper.chunks = chunks;
                let found = sweeper.sweep(instruction, stride).unwrap();
                assert_eq!(found.exponents, wanted.exponents, "{name}, {chunks:?}");
                assert!(found.passes());
            }
        }
    }
}
