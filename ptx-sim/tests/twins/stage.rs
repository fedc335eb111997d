//! Memory, arguments and launches of a twin.

use tilewright_ptx_sim::{Converge, Launch, Memory, Options, Profile, Program};

/// The PTX of a twin by its file beside this one.
pub(crate) fn text(name: &str) -> String {
    let path = format!("{}/tests/twins/{name}.ptx", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Plain numbers of a buffer.
pub(crate) trait Number: Copy {
    const BYTES: usize;
    fn bytes(self) -> Vec<u8>;
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! numbers {
    ($($ty:ty)*) => {
        $(impl Number for $ty {
            const BYTES: usize = size_of::<$ty>();
            fn bytes(self) -> Vec<u8> {
                self.to_le_bytes().to_vec()
            }
            fn read(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().unwrap())
            }
        })*
    };
}
numbers!(u8 i16 u16 i32 u32 i64 u64 f32 f64 half::f16 half::bf16);

/// What a kernel is passed.
#[derive(Clone)]
pub(crate) enum Arg {
    Bytes(Vec<u8>),
    Buffer(Vec<u8>),
    /// So many bytes that nobody has written.
    Fresh(usize),
}

pub(crate) fn value(value: impl Number) -> Arg {
    Arg::Bytes(value.bytes())
}

pub(crate) fn buffer<T: Number>(values: &[T]) -> Arg {
    Arg::Buffer(values.iter().flat_map(|value| value.bytes()).collect())
}

pub(crate) fn fresh<T: Number>(count: usize) -> Arg {
    Arg::Fresh(count * T::BYTES)
}

/// The buffers after a launch, in the order of the arguments.
pub(crate) struct Buffers(Vec<Vec<u8>>);

impl Buffers {
    pub(crate) fn get<T: Number>(&self, index: usize) -> Vec<T> {
        self.0[index].chunks_exact(T::BYTES).map(T::read).collect()
    }
}

/// Runs a twin on eight seeds and in both ways of running together, each on fresh memory, and looks at each result.
pub(crate) fn run(file: &str, grid: [u32; 3], block: [u32; 3], shared: u32, args: &[Arg], check: impl Fn(&Buffers)) {
    let name = file.rsplit('/').next().unwrap();
    let ways = [Converge::Early, Converge::Adversarial];
    for (seed, converge) in (0..8).flat_map(|seed| ways.map(|way| (seed, way))) {
        let program = Program::load(&text(file), Profile::Sm80).unwrap_or_else(|error| panic!("{name}: {error}"));
        let memory = Memory::new(1 << 26);
        let mut packed = Vec::new();
        let mut addresses = Vec::new();
        let params = program.kernel(name).unwrap().params.clone();
        assert_eq!(params.len(), args.len(), "{name}");
        for (arg, param) in args.iter().zip(params) {
            packed.resize(param.offset as usize, 0);
            match arg {
                Arg::Bytes(bytes) => packed.extend(bytes),
                Arg::Buffer(bytes) => {
                    let address = memory.allocate(bytes.len() as u64).unwrap();
                    memory.write(address, bytes).unwrap();
                    addresses.push((address, bytes.len()));
                    packed.extend(address.to_le_bytes());
                }
                Arg::Fresh(bytes) => {
                    let address = memory.allocate(*bytes as u64).unwrap();
                    addresses.push((address, *bytes));
                    packed.extend(address.to_le_bytes());
                }
            }
        }
        let launch = Launch { grid, block, dynamic_shared_bytes: shared };
        let options = Options { seed, max_instructions: 50_000_000, converge, ..Options::default() };
        let outcome = program.launch(&memory, name, launch, &packed, &options).unwrap();
        assert!(outcome.report.is_clean(), "{name}: {}", outcome.report);
        let read = |(address, bytes): &(u64, usize)| {
            let mut found = vec![0; *bytes];
            memory.read(*address, &mut found).unwrap();
            found
        };
        check(&Buffers(addresses.iter().map(read).collect()));
    }
}

/// Numbers that look random: the same every time.
pub(crate) fn noise(count: usize, seed: u64) -> Vec<u64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.wrapping_mul(0x2545_F491_4F6C_DD1D)
        })
        .collect()
}

pub(crate) fn ints(count: usize, seed: u64, below: u64) -> Vec<i32> {
    noise(count, seed)
        .into_iter()
        .map(|bits| (bits >> 20) as i32 & i32::MAX)
        .map(|v| (v as u64 % below) as i32)
        .collect()
}

/// Floats in [-4, 4) with few bits, so that sums of them are exact.
pub(crate) fn floats(count: usize, seed: u64) -> Vec<f32> {
    ints(count, seed, 64).into_iter().map(|v| (v - 32) as f32 / 8.0).collect()
}
