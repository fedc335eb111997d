//! Kernels of one reduction each: y[i] = what the builder makes of x[i] and the values of its neighbours.

use std::fmt::Debug;
use std::sync::OnceLock;

use half::{bf16, f16};
use tilewright_ffi::{Arguments, KernelCache, KernelSource, Launch, Stream};
use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::build::{Builder, Element, Value};
use tilewright_ptx_ir::ir::{Kernel, Module};
use tilewright_reduce::Dtype;
use tilewright_reduce::build::{Block, Reduce, warp_max, warp_min, warp_sum};
use tilewright_testkit::{Bits, Guarded, Random, Values, assert_bits_of_the_chip, assert_within, context, stream};
use tilewright_tile::oracle::gamma;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Sum,
    Max,
    Min,
}

pub(crate) const OPS: [Op; 3] = [Op::Sum, Op::Max, Op::Min];

impl Op {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Min => "min",
        }
    }
}

/// One of the five types, with its oracle.
pub(crate) trait Lane: Reduce + Element + bytemuck::Pod + PartialEq + Debug {
    const NAME: &'static str;
    /// Any value that may hurt.
    fn draw(random: &mut Random, values: Values) -> Self;
    /// Checks a reduction of `x` in a tree of so many levels.
    fn check(op: Op, x: &[Self], levels: usize, result: Self);
    /// The value as bits, all NaN alike.
    fn key(self) -> u32;
}

macro_rules! integers {
    ($($ty:ty: $name:literal),+) => {
        $(impl Lane for $ty {
            const NAME: &'static str = $name;

            fn draw(random: &mut Random, values: Values) -> Self {
                // Sums of whole numbers are small, all others wrap; every so often an extreme.
                let bits = random.bits().to_le_bytes();
                let any = Self::from_le_bytes([bits[0], bits[1], bits[2], bits[3]]);
                match (values, bits[4]) {
                    (Values::SmallIntegers, _) => any % 9,
                    (_, 0..16) => Self::MAX,
                    (_, 16..32) => Self::MIN,
                    _ => any,
                }
            }

            fn check(op: Op, x: &[Self], _: usize, result: Self) {
                let wanted = match op {
                    Op::Sum => x.iter().copied().fold(0, Self::wrapping_add),
                    Op::Max => x.iter().copied().max().unwrap(),
                    Op::Min => x.iter().copied().min().unwrap(),
                };
                assert_eq!(result, wanted, "{op:?} of {x:?}");
            }

            fn key(self) -> u32 {
                u32::from_ne_bytes(self.to_ne_bytes())
            }
        })+
    };
}

integers!(i32: "i32", u32: "u32");

macro_rules! floats {
    ($($ty:ty: $name:literal, $dtype:ident, |$from:ident| $convert:expr;)+) => {
        $(impl Lane for $ty {
            const NAME: &'static str = $name;

            fn draw(random: &mut Random, values: Values) -> Self {
                let $from = if random.below(64) == 0 { -0.0 } else { random.float(values) };
                $convert
            }

            fn check(op: Op, x: &[Self], levels: usize, result: Self) {
                let x: Vec<f64> = x.iter().map(|x| x.value()).collect();
                check_float(op, &x, levels, Dtype::$dtype, result);
            }

            fn key(self) -> u32 {
                if self.is_nan() { u32::MAX } else { self.to_bits().into() }
            }
        })+
    };
}

floats! {
    f32: "f32", F32, |value| value;
    f16: "f16", F16, |value| Self::from_f32(value);
    bf16: "bf16", Bf16, |value| Self::from_f32(value);
}

/// Maximum and minimum by the total order of f64, NaN first; sums by the bound of a tree, with one more rounding where the result is narrower than f32.
fn check_float<T: Bits + Debug>(op: Op, x: &[f64], levels: usize, dtype: Dtype, result: T) {
    let sum: f64 = x.iter().sum();
    let extreme = match op {
        _ if x.iter().any(|x| x.is_nan()) => f64::NAN,
        Op::Sum if sum.is_finite() => {
            let error = gamma(levels) * x.iter().map(|x| x.abs()).sum::<f64>();
            let narrow = if dtype == Dtype::F32 { 0.0 } else { dtype.unit_roundoff() * (sum.abs() + error) };
            let bound = error + narrow + dtype.half_smallest();
            return assert_within("sum", &[result], [(sum, bound)]);
        }
        Op::Sum => sum,
        Op::Max => x.iter().copied().max_by(f64::total_cmp).unwrap(),
        Op::Min => x.iter().copied().min_by(f64::total_cmp).unwrap(),
    };
    let same = result.value().to_bits() == extreme.to_bits() || (result.value().is_nan() && extreme.is_nan());
    assert!(same, "{op:?} of {x:?} is {result:?}, wanted {extreme}");
}

/// A kernel that loads, reduces and stores one element a thread, in blocks of `block`.
pub(crate) fn module<T: Lane>(
    name: &str,
    block: [u32; 3],
    reduce: impl for<'k> FnOnce(&'k Builder, Value<'k, T>) -> Value<'k, T>,
) -> Module {
    let module = Module::kernel(name, Target::Sm80, |k| {
        let (x, y) = (k.pointer::<T>("x"), k.pointer::<T>("y"));
        let thread = k.thread_idx();
        let mut within = thread.x();
        if block[1] > 1 {
            within = within + thread.y() * block[0];
        }
        if block[2] > 1 {
            within = within + thread.z() * (block[0] * block[1]);
        }
        let index = k.block_idx().x() * block.iter().product::<u32>() + within;
        y.at(index).store(reduce(k, x.at(index).load()));
    });
    module.unwrap()
}

/// The module of a warp reduction, for blocks of `threads`.
pub(crate) fn warp_module<T: Lane>(op: Op, threads: u32) -> Module {
    let name = format!("warp_{}_{}_{threads}", op.name(), T::NAME);
    module::<T>(&name, [threads, 1, 1], |k, value| match op {
        Op::Sum => warp_sum(k, value),
        Op::Max => warp_max(k, value),
        Op::Min => warp_min(k, value),
    })
}

/// The module of a block reduction.
pub(crate) fn block_module<const X: u32, const Y: u32, const Z: u32, T: Lane>(op: Op) -> Module {
    let name = format!("block_{}_{}_{X}x{Y}x{Z}", op.name(), T::NAME);
    module::<T>(&name, [X, Y, Z], |k, value| {
        let block = Block::<X, Y, Z>::of(k);
        match op {
            Op::Sum => block.sum(value),
            Op::Max => block.max(value),
            Op::Min => block.min(value),
        }
    })
}

/// Runs a module of [`module`] over `x`, whole blocks of it; a name is built once.
pub(crate) fn run<T: Lane>(name: &str, block: [u32; 3], x: &[T], build: impl FnOnce() -> Module) -> Vec<T> {
    static KERNELS: OnceLock<KernelCache<String>> = OnceLock::new();
    run_with(KERNELS.get_or_init(|| KernelCache::new(context())), &stream(), name, block, x, build)
}

/// The same with kernels of any context.
fn run_with<T: Lane>(
    kernels: &KernelCache<String>,
    stream: &Stream,
    name: &str,
    block: [u32; 3],
    x: &[T],
    build: impl FnOnce() -> Module,
) -> Vec<T> {
    let function = kernels.function(&name.to_owned(), || {
        let module = build();
        let kernel = module.kernels.first().unwrap();
        let (entry, parameters) = (kernel.name.clone(), Kernel::parameter_bytes(kernel));
        Ok::<_, tilewright_ffi::Error>(KernelSource { text: module.to_string(), entry, parameters })
    });
    let from = Guarded::upload(stream, x, 0);
    let mut to = Guarded::<T>::new(stream, x.len());
    let mut arguments = Arguments::new();
    arguments.pointer(from.as_slice()).pointer_mut(&mut to.as_slice_mut());
    let blocks = x.len() / block.iter().product::<u32>() as usize;
    let launch = Launch { grid: [u32::try_from(blocks).unwrap(), 1, 1], block, shared_bytes: 0, cluster: None };
    // SAFETY: two pointers to as many elements as there are threads.
    unsafe { function.unwrap().launch(stream, &launch, &arguments) }.unwrap();
    from.assert_unchanged(stream, x);
    to.download(stream)
}

/// A warp reduction of x, in blocks of `threads`.
pub(crate) fn warps<T: Lane>(op: Op, threads: u32, x: &[T]) -> Vec<T> {
    let name = format!("warp_{}_{}_{threads}", op.name(), T::NAME);
    run(&name, [threads, 1, 1], x, || warp_module::<T>(op, threads))
}

/// A block reduction of x.
pub(crate) fn blocks<const X: u32, const Y: u32, const Z: u32, T: Lane>(op: Op, x: &[T]) -> Vec<T> {
    let name = format!("block_{}_{}_{X}x{Y}x{Z}", op.name(), T::NAME);
    run(&name, [X, Y, Z], x, || block_module::<X, Y, Z, T>(op))
}

/// The test device's chip gives the bits that its simulator gives, NaN but for its pattern: for a warp and for blocks of one to three dimensions.
pub(crate) fn check_bits_of_the_chip<T: Lane>(seed: u64, values: Values) {
    let mut random = Random::new(seed);
    let x: Vec<T> = (0..2 * 96).map(|_| T::draw(&mut random, values)).collect();
    let same = |what: &str, block, build: &dyn Fn() -> Module| {
        assert_bits_of_the_chip(what, |context| {
            let (kernels, stream) = (KernelCache::new(context), context.stream().unwrap());
            let results = run_with(&kernels, &stream, what, block, &x, build);
            results.into_iter().map(|result| result.key().cast_signed()).collect()
        });
    };
    for op in OPS {
        let name = |kind: &str| format!("{kind} {} {}, {values:?}", op.name(), T::NAME);
        same(&name("warp"), [96, 1, 1], &|| warp_module::<T>(op, 96));
        same(&name("block"), [96, 1, 1], &|| block_module::<96, 1, 1, T>(op));
        same(&name("block of three dimensions"), [4, 8, 3], &|| block_module::<4, 8, 3, T>(op));
    }
}
