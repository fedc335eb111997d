//! The rule for NaN, for zeros of both signs and for infinities: [`tilewright_reduce::build`] states it.

use half::{bf16, f16};

use crate::lanes::{Lane, OPS, Op, blocks, warps};

/// A type that has NaN.
trait Float: Lane {
    fn new(value: f32) -> Self;
    fn is_nan(self) -> bool;
    fn bits(self) -> u32;
}

macro_rules! floats {
    ($($ty:ty: $new:expr;)+) => {
        $(impl Float for $ty {
            fn new(value: f32) -> Self {
                let new: fn(f32) -> Self = $new;
                new(value)
            }

            fn is_nan(self) -> bool {
                self.is_nan()
            }

            fn bits(self) -> u32 {
                self.to_bits().into()
            }
        })+
    };
}

floats! {
    f32: |value| value;
    f16: Self::from_f32;
    bf16: Self::from_f32;
}

/// Group g of `count` groups of `threads` has NaN in thread g and numbers elsewhere; the last group has none.
fn with_nan_at_every_place<T: Float>(threads: usize) -> Vec<T> {
    let mut x: Vec<T> = (0..(threads + 1) * threads).map(|index| T::new((index % 7) as f32 - 3.0)).collect();
    (0..threads).for_each(|group| x[group * threads + group] = T::new(f32::NAN));
    x
}

/// All of a group are NaN but for the last group, where none is.
fn assert_nan_reaches_its_group<T: Float>(op: Op, threads: usize, results: &[T]) {
    for (group, results) in results.chunks(threads).enumerate() {
        let wanted = group < threads;
        assert!(
            results.iter().all(|result| result.is_nan() == wanted),
            "{op:?} {}, NaN at {group} of {threads}: {results:?}",
            T::NAME
        );
        assert!(results.iter().all(|result| result.bits() == results[0].bits()), "{op:?}: different NaN {results:?}");
    }
}

fn check_every_place<T: Float>() {
    // 33 warps, three to a block: a NaN stays in its own warp.
    let of_warps = with_nan_at_every_place::<T>(32);
    let of_blocks = with_nan_at_every_place::<T>(96);
    for op in OPS {
        assert_nan_reaches_its_group(op, 32, &warps(op, 96, &of_warps));
        assert_nan_reaches_its_group(op, 96, &blocks::<96, 1, 1, T>(op, &of_blocks));
    }
}

#[test]
fn nan_in_any_lane_makes_the_result_nan() {
    check_every_place::<f32>();
    check_every_place::<f16>();
    check_every_place::<bf16>();
}

/// NaN of either sign, quiet or signalling, alone or everywhere, beside infinities.
#[test]
fn every_nan_counts() {
    for bits in [0x7FFF_FFFF, 0xFFFF_FFFF, 0x7FC0_0000, 0xFFC0_0001, 0x7F80_0001, 0xFF80_0001] {
        for others in [f32::INFINITY, f32::NEG_INFINITY, 0.0, f32::from_bits(bits)] {
            let mut x = [others; 64];
            x[17] = f32::from_bits(bits);
            for op in OPS {
                assert!(warps(op, 64, &x)[..32].iter().all(|result| result.is_nan()), "{op:?} of {bits:#x}, {others}");
                assert!(blocks::<64, 1, 1, f32>(op, &x).iter().all(|result| result.is_nan()), "{op:?} of {bits:#x}");
            }
        }
    }
}

/// One element of 64 is `odd`, wherever it stands, and all others are `rest`: warp and block give `wanted`, bit for bit.
fn check_odd_one<T: Float>(op: Op, odd: f32, rest: f32, wanted: f32) {
    // Every third place: those of the first warp, which others see only through shared memory, and of the second.
    for place in (0..64).step_by(3) {
        let mut x = vec![T::new(rest); 64];
        x[place] = T::new(odd);
        let of_block = blocks::<64, 1, 1, T>(op, &x);
        let own = if place < 32 { 0..32 } else { 32..64 };
        let of_warp = &warps(op, 64, &x)[own];
        let wanted = T::new(wanted).key();
        assert!(
            of_block.iter().chain(of_warp).all(|result| result.key() == wanted),
            "{op:?} {} of {odd} at {place} among {rest}: {of_block:?} {of_warp:?}",
            T::NAME
        );
    }
}

fn check_zeros_and_infinities<T: Float>() {
    let infinity = f32::INFINITY;
    // -0 is smaller than +0.
    check_odd_one::<T>(Op::Max, 0.0, -0.0, 0.0);
    check_odd_one::<T>(Op::Max, -0.0, 0.0, 0.0);
    check_odd_one::<T>(Op::Max, -0.0, -1.0, -0.0);
    check_odd_one::<T>(Op::Min, -0.0, 0.0, -0.0);
    check_odd_one::<T>(Op::Min, 0.0, -0.0, -0.0);
    check_odd_one::<T>(Op::Min, 0.0, 1.0, 0.0);
    // A sum is -0 only of nothing but -0.
    check_odd_one::<T>(Op::Sum, -0.0, -0.0, -0.0);
    check_odd_one::<T>(Op::Sum, 0.0, -0.0, 0.0);
    check_odd_one::<T>(Op::Max, infinity, 1.0, infinity);
    check_odd_one::<T>(Op::Max, -infinity, 1.0, 1.0);
    check_odd_one::<T>(Op::Max, -infinity, -infinity, -infinity);
    check_odd_one::<T>(Op::Min, -infinity, 1.0, -infinity);
    check_odd_one::<T>(Op::Min, infinity, 1.0, 1.0);
    check_odd_one::<T>(Op::Min, infinity, infinity, infinity);
    check_odd_one::<T>(Op::Sum, infinity, 1.0, infinity);
    check_odd_one::<T>(Op::Sum, infinity, -infinity, f32::NAN);
}

#[test]
fn zeros_have_signs_and_infinities_are_numbers() {
    check_zeros_and_infinities::<f32>();
    check_zeros_and_infinities::<f16>();
    check_zeros_and_infinities::<bf16>();
}
