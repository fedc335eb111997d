//! The builders in kernels of their own, on the test device.
#![expect(unsafe_code, reason = "kernels are launched without an operation around them")]

use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_ffi::{Arguments, Launch};
use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::build::{Builder, Element, Value};
use tilewright_ptx_ir::ir::{Kernel, Module};
use tilewright_reduce::build::{Block, Reduce, warp_max, warp_min, warp_sum};
use tilewright_testkit::{Guarded, Random, Values, cases, context, stream};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Sum,
    Max,
    Min,
}

const OPS: [Op; 3] = [Op::Sum, Op::Max, Op::Min];

/// Runs a kernel that reads x[thread] and writes y[thread], one block of `block` threads.
fn run<T>(
    block: [u32; 3],
    x: &[T],
    build: impl for<'k> Fn(&'k Builder, Value<'k, T>, Value<'k, u32>) -> Value<'k, T>,
) -> Vec<T>
where
    T: Element + bytemuck::Pod,
{
    let module = Module::kernel("reduce", Target::Sm80, |k| {
        let (from, to) = (k.pointer::<T>("x"), k.pointer::<T>("y"));
        let index = k.thread_idx();
        let thread = index.x() + index.y() * block[0] + index.z() * (block[0] * block[1]);
        let result = build(k, from.at(thread).load(), thread);
        to.at(thread).store(result);
    })
    .unwrap();
    let stream = stream();
    let parameters = module.kernels.first().map(Kernel::parameter_bytes).unwrap();
    let function = context().load_ptx(&module.to_string()).unwrap().function("reduce", &parameters).unwrap();
    let from = Guarded::upload(&stream, x, 0);
    let mut to = Guarded::<T>::new(&stream, x.len());
    let arguments = Arguments::new().pointer(from.as_slice()).pointer_mut(&mut to.as_slice_mut());
    let launch = Launch { grid: [1, 1, 1], block, shared_bytes: 0, cluster: None };
    // SAFETY: two pointers to as many elements as there are threads.
    unsafe { function.launch(&stream, &launch, &arguments) }.unwrap();
    to.download(&stream)
}

fn warps<T: Reduce + Element + bytemuck::Pod>(op: Op, x: &[T]) -> Vec<T> {
    let threads = u32::try_from(x.len()).unwrap();
    run([threads, 1, 1], x, |k, value, _| match op {
        Op::Sum => warp_sum(k, value),
        Op::Max => warp_max(k, value),
        Op::Min => warp_min(k, value),
    })
}

fn block<const X: u32, const Y: u32, const Z: u32, T: Reduce + Element + bytemuck::Pod>(op: Op, x: &[T]) -> Vec<T> {
    run([X, Y, Z], x, |k, value, _| {
        let block = Block::<X, Y, Z>::of(k);
        match op {
            Op::Sum => block.sum(value),
            Op::Max => block.max(value),
            Op::Min => block.min(value),
        }
    })
}

/// What integers give, exactly.
fn integers(op: Op, x: &[i32]) -> i32 {
    let x = x.iter().copied();
    match op {
        Op::Sum => x.fold(0, i32::wrapping_add),
        Op::Max => x.reduce(i32::max).unwrap(),
        Op::Min => x.reduce(i32::min).unwrap(),
    }
}

fn draw(random: &mut Random, count: usize) -> Vec<i32> {
    // Large enough for sums to wrap.
    (0..count).map(|_| i32::from_ne_bytes(random.bits().to_ne_bytes()[..4].try_into().unwrap())).collect()
}

proptest! {
    #![proptest_config(cases(24))]

    /// Every lane has the result of its own warp, and of no other.
    #[test]
    fn every_lane_of_a_warp_has_the_result(op in prop::sample::select(OPS.to_vec()), count in 1..5usize, seed: u64) {
        let x = draw(&mut Random::new(seed), 32 * count);
        let wanted: Vec<i32> = x.chunks(32).flat_map(|warp| [integers(op, warp); 32]).collect();
        prop_assert_eq!(warps(op, &x), wanted);
    }

    #[test]
    fn every_thread_of_a_block_has_the_result(op in prop::sample::select(OPS.to_vec()), seed: u64) {
        let x = draw(&mut Random::new(seed), 1024);
        let wanted = |count: usize| vec![integers(op, &x[..count]); count];
        prop_assert_eq!(block::<32, 1, 1, i32>(op, &x[..32]), wanted(32));
        prop_assert_eq!(block::<64, 1, 1, i32>(op, &x[..64]), wanted(64));
        prop_assert_eq!(block::<96, 1, 1, i32>(op, &x[..96]), wanted(96));
        prop_assert_eq!(block::<16, 16, 1, i32>(op, &x[..256]), wanted(256));
        prop_assert_eq!(block::<4, 8, 3, i32>(op, &x[..96]), wanted(96));
        prop_assert_eq!(block::<1024, 1, 1, i32>(op, &x), wanted(1024));
    }

    /// A tree of 32 leaves has 5 roundings; all lanes have the same bits.
    #[test]
    fn sums_of_floats_are_within_five_roundings(values in prop::sample::select(Values::ALL.to_vec()), seed: u64) {
        let x = Random::new(seed).floats(values, 32);
        let exact: f64 = x.iter().map(|x| f64::from(*x)).sum();
        let magnitude: f64 = x.iter().map(|x| f64::from(x.abs())).sum();
        let sums = warps(Op::Sum, &x);
        prop_assert!((f64::from(sums[0]) - exact).abs() <= tilewright_tile::oracle::gamma(5) * magnitude);
        prop_assert!(sums.iter().all(|sum| sum.to_bits() == sums[0].to_bits()));
        let largest = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        prop_assert!(warps(Op::Max, &x).iter().all(|max| *max == largest));
    }

    /// Halves are added in f32 and rounded once.
    #[test]
    fn sums_of_halves_are_rounded_once(values in prop::sample::select(Values::ALL.to_vec()), seed: u64) {
        let x = Random::new(seed).halves(values, 256);
        let exact: f64 = x.iter().map(|x| x.to_f64()).sum();
        let magnitude: f64 = x.iter().map(|x| x.to_f64().abs()).sum();
        let error = tilewright_tile::oracle::gamma(8) * magnitude;
        let bound = error + (exact.abs() + error) * tilewright_tile::oracle::F16_UNIT + 2f64.powi(-25);
        let sums = block::<256, 1, 1, f16>(Op::Sum, &x);
        prop_assert!((sums[0].to_f64() - exact).abs() <= bound, "{} {exact}", sums[0]);
        prop_assert!(sums.iter().all(|sum| sum.to_bits() == sums[0].to_bits()));
        let b: Vec<bf16> = x.iter().map(|x| bf16::from_f32(x.to_f32())).collect();
        let least = b.iter().copied().reduce(bf16::min).unwrap();
        prop_assert!(block::<64, 4, 1, bf16>(Op::Min, &b).iter().all(|min| *min == least));
    }
}

#[test]
fn a_sum_overflows_only_if_its_result_does() {
    // 4 · 40,000 is more than f16 holds on the way, but not at the end.
    let mut x = vec![f16::ZERO; 32];
    x[..4].fill(f16::from_f32(40_000.0));
    x[4..7].fill(f16::from_f32(-40_000.0));
    assert!(warps(Op::Sum, &x).iter().all(|sum| *sum == f16::from_f32(40_000.0)));
}

#[test]
fn nan_reaches_sums_and_is_ignored_by_extremes() {
    let mut x = vec![1.0f32; 64];
    x[5] = f32::NAN;
    let sums = warps(Op::Sum, &x);
    assert!(sums[..32].iter().all(|sum| sum.is_nan()) && sums[32..].iter().all(|sum| *sum == 32.0), "{sums:?}");
    assert!(block::<64, 1, 1, f32>(Op::Max, &x).iter().all(|max| *max == 1.0));
    assert!(block::<64, 1, 1, f32>(Op::Min, &[f32::NAN; 64]).iter().all(|min| min.is_nan()));
}

#[test]
fn negative_zero_is_less_than_zero() {
    let mut x = vec![-0.0f32; 32];
    assert!(warps(Op::Sum, &x).iter().all(|sum| sum.to_bits() == (-0.0f32).to_bits()));
    x[31] = 0.0;
    assert!(warps(Op::Max, &x).iter().all(|max| max.to_bits() == 0));
    assert!(warps(Op::Min, &x).iter().all(|min| min.to_bits() == (-0.0f32).to_bits()));
}

/// The shared words of one reduction are free again before the next one uses them: the simulator would report the race.
#[test]
fn reductions_follow_each_other_without_a_race() {
    let x: Vec<i32> = (0..128).collect();
    let results = run([128, 1, 1], &x, |k, value, thread| {
        let block = Block::<128>::of(k);
        let sum = block.sum(value);
        let largest = block.max(value + thread.cast::<i32>());
        let least = block.min(value - sum);
        sum + largest + least
    });
    let sum = 127 * 64;
    assert_eq!(results, vec![sum + 254 - sum; 128]);
}
