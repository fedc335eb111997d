//! The builders in kernels of their own, on the test device.
#![expect(unsafe_code, reason = "kernels are launched without an operation around them")]

mod lanes;
mod nan;
mod snapshots;

use half::{bf16, f16};
use lanes::{Lane, OPS, Op, blocks, check_bits_of_the_chip, module, run, warps};
use proptest::prelude::*;
use tilewright_reduce::build::Block;
use tilewright_testkit::{Random, Values, cases};

fn draw<T: Lane>(seed: u64, values: Values, count: usize) -> Vec<T> {
    let mut random = Random::new(seed);
    (0..count).map(|_| T::draw(&mut random, values)).collect()
}

fn values() -> impl Strategy<Value = Values> {
    prop::sample::select(Values::ALL.to_vec())
}

/// Every thread has the same bits, and they are right: the results of `x` come in groups of `threads`.
fn check<T: Lane>(op: Op, x: &[T], threads: usize, levels: usize, results: &[T]) {
    assert_eq!(results.len(), x.len());
    for (x, results) in x.chunks(threads).zip(results.chunks(threads)) {
        T::check(op, x, levels, results[0]);
        assert!(results.iter().all(|result| result.key() == results[0].key()), "{op:?} {}: {results:?}", T::NAME);
    }
}

fn check_warps<T: Lane>(threads: u32, values: Values, seed: u64) {
    let x = draw::<T>(seed, values, 2 * threads as usize);
    for op in OPS {
        check(op, &x, 32, 5, &warps(op, threads, &x));
    }
}

fn check_blocks<const X: u32, const Y: u32, const Z: u32, T: Lane>(values: Values, seed: u64) {
    let threads = Block::<X, Y, Z>::THREADS as usize;
    let x = draw::<T>(seed, values, 2 * threads);
    let levels = 5 + (threads / 32).next_power_of_two().ilog2() as usize;
    for op in OPS {
        check(op, &x, threads, levels, &blocks::<X, Y, Z, T>(op, &x));
    }
}

fn check_block_of_any_size<T: Lane>(size: usize, values: Values, seed: u64) {
    match size {
        0 => check_blocks::<32, 1, 1, T>(values, seed),
        1 => check_blocks::<64, 1, 1, T>(values, seed),
        2 => check_blocks::<96, 1, 1, T>(values, seed),
        3 => check_blocks::<4, 8, 3, T>(values, seed),
        4 => check_blocks::<8, 4, 1, T>(values, seed),
        5 => check_blocks::<160, 1, 1, T>(values, seed),
        6 => check_blocks::<16, 16, 1, T>(values, seed),
        _ => check_blocks::<992, 1, 1, T>(values, seed),
    }
}

proptest! {
    #![proptest_config(cases(500))]

    /// Every lane has the result of its own warp, and of no other: all operations, all types, one warp a block or many.
    #[test]
    fn every_lane_has_the_result_of_its_warp(warps in 1..5u32, values in values(), seed: u64) {
        check_warps::<f32>(32 * warps, values, seed);
        check_warps::<f16>(32 * warps, values, seed);
        check_warps::<bf16>(32 * warps, values, seed);
        check_warps::<i32>(32 * warps, values, seed);
        check_warps::<u32>(32 * warps, values, seed);
    }

    /// Every thread has the result of its block: all operations, all types, blocks of one to three dimensions whose warps are a power of two or not.
    #[test]
    fn every_thread_has_the_result_of_its_block(size in 0..8usize, values in values(), seed: u64) {
        check_block_of_any_size::<f32>(size, values, seed);
        check_block_of_any_size::<f16>(size, values, seed);
        check_block_of_any_size::<bf16>(size, values, seed);
        check_block_of_any_size::<i32>(size, values, seed);
        check_block_of_any_size::<u32>(size, values, seed);
    }
}

#[test]
fn the_largest_block_reduces() {
    check_blocks::<1024, 1, 1, f32>(Values::Powers, 1);
    check_blocks::<32, 32, 1, f16>(Values::Outliers, 2);
    check_blocks::<16, 16, 4, i32>(Values::Uniform, 3);
    check_blocks::<1, 16, 64, u32>(Values::Uniform, 4);
}

/// Two warps of one block that hold 0 to 31 and 32 to 63: each has its own sum, maximum and minimum, and the block has both.
#[test]
fn warps_do_not_see_each_other() {
    fn check<T: Lane>(number: impl Fn(u16) -> T) {
        let x: Vec<T> = (0..64).map(&number).collect();
        for (op, [first, second]) in [(Op::Sum, [496, 1520]), (Op::Max, [31, 63]), (Op::Min, [0, 32])] {
            let wanted = [[number(first); 32], [number(second); 32]].concat();
            assert_eq!(warps(op, 64, &x), wanted, "{op:?} {}", T::NAME);
        }
        // 63 · 32, which bf16 holds like the others.
        assert_eq!(blocks::<64, 1, 1, T>(Op::Sum, &x), [number(2016); 64], "{}", T::NAME);
    }
    check(f32::from);
    check(|value| f16::from_f32(value.into()));
    check(|value| bf16::from_f32(value.into()));
    check(i32::from);
    check(u32::from);
}

#[test]
fn a_sum_of_halves_overflows_only_if_its_result_does() {
    // 4 · 40,000 is more than f16 holds on the way, but not at the end.
    let mut x = vec![f16::ZERO; 32];
    x[..4].fill(f16::from_f32(40_000.0));
    x[4..7].fill(f16::from_f32(-40_000.0));
    assert_eq!(warps(Op::Sum, 32, &x), [f16::from_f32(40_000.0); 32]);
    x[5..7].fill(f16::ZERO);
    assert_eq!(warps(Op::Sum, 32, &x), [f16::INFINITY; 32]);
}

/// In f16 itself 2048 + 1 is 2048, thirty-one times over.
#[test]
fn a_sum_of_halves_is_rounded_once() {
    let mut x = vec![f16::ONE; 32];
    x[0] = f16::from_f32(2048.0);
    // 2079 lies halfway between two halves: the even one is 2080.
    assert_eq!(warps(Op::Sum, 32, &x), [f16::from_f32(2080.0); 32]);
    let mut x = vec![bf16::ONE; 32];
    x[0] = bf16::from_f32(256.0);
    assert_eq!(warps(Op::Sum, 32, &x), [bf16::from_f32(288.0); 32]);
}

#[test]
fn sums_of_integers_wrap() {
    let x = [[i32::MAX; 32], [i32::MIN; 32]].concat();
    assert_eq!(warps(Op::Sum, 64, &x), [[-32; 32], [0; 32]].concat());
    assert_eq!(blocks::<64, 1, 1, u32>(Op::Sum, &[u32::MAX; 64]), [64u32.wrapping_neg(); 64]);
}

/// What the documentation tells threads with nothing to contribute to pass changes no result.
#[test]
fn identities_change_nothing() {
    fn check<T: Lane>(op: Op, identity: T, values: &[T]) {
        for value in values {
            let mut x = vec![identity; 96];
            x[40] = *value;
            let of_block = blocks::<96, 1, 1, T>(op, &x);
            assert!(of_block.iter().all(|result| result.key() == value.key()), "{op:?} {value:?}: {of_block:?}");
            let of_warp = &warps(op, 96, &x)[32..64];
            assert!(of_warp.iter().all(|result| result.key() == value.key()), "{op:?} {value:?}: {of_warp:?}");
        }
    }
    let floats = [0.0, -0.0, 1.5, -3.0, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE];
    let halves = floats.map(f16::from_f32);
    let bfloats = floats.map(bf16::from_f32);
    check(Op::Sum, -0.0, &floats);
    check(Op::Max, f32::NEG_INFINITY, &floats);
    check(Op::Min, f32::INFINITY, &floats);
    check(Op::Sum, f16::NEG_ZERO, &halves);
    check(Op::Max, f16::NEG_INFINITY, &halves);
    check(Op::Min, f16::INFINITY, &halves);
    check(Op::Sum, bf16::NEG_ZERO, &bfloats);
    check(Op::Max, bf16::NEG_INFINITY, &bfloats);
    check(Op::Min, bf16::INFINITY, &bfloats);
    check(Op::Sum, 0, &[0, -5, i32::MIN, i32::MAX]);
    check(Op::Max, i32::MIN, &[0, -5, i32::MIN, i32::MAX]);
    check(Op::Min, i32::MAX, &[0, -5, i32::MIN, i32::MAX]);
    check(Op::Max, 0u32, &[0, 5, u32::MAX]);
    check(Op::Min, u32::MAX, &[0, 5, u32::MAX]);
}

/// The shared words of one reduction are free again before the next one uses them: the simulator would report the race.
#[test]
fn reductions_follow_each_other_without_a_race() {
    let x: Vec<i32> = (0..128).collect();
    let build = || {
        module::<i32>("in_turn", [128, 1, 1], |k, value| {
            let block = Block::<128>::of(k);
            let sum = block.sum(value);
            let largest = block.max(value + block.thread().cast::<i32>());
            let least = block.min(value - sum);
            sum + largest + least
        })
    };
    let sum = 127 * 64;
    assert_eq!(run("in_turn", [128, 1, 1], &x, build), vec![sum + 254 - sum; 128]);
}

#[test]
fn the_bits_are_those_of_the_chip() {
    for values in [Values::Uniform, Values::Outliers, Values::Tiny] {
        check_bits_of_the_chip::<f32>(8, values);
        check_bits_of_the_chip::<f16>(9, values);
        check_bits_of_the_chip::<bf16>(10, values);
        check_bits_of_the_chip::<i32>(11, values);
        check_bits_of_the_chip::<u32>(12, values);
    }
}
