//! What the arithmetic tests share.
#![allow(dead_code, reason = "each test program uses its part")]

pub(crate) mod kernel;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use tilewright_ptx_sim::arith::Jitter;

pub(crate) const EXACT: Jitter = Jitter { seed: None };

pub(crate) fn config(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(cases);
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    }
}

/// Bit patterns of a float with so many stored significand and exponent bits: all of them, and the edges often.
pub(crate) fn patterns(fraction_bits: u32, exponent_bits: u32) -> impl Strategy<Value = u64> {
    let width = 1 + fraction_bits + exponent_bits;
    let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
    let sign = 1u64 << (width - 1);
    let infinity = ((1u64 << exponent_bits) - 1) << fraction_bits;
    let one = ((1u64 << (exponent_bits - 1)) - 1) << fraction_bits;
    let edges = vec![
        0,
        1,
        2,
        (1 << fraction_bits) - 1,
        1 << fraction_bits,
        (1 << fraction_bits) + 1,
        one - 1,
        one,
        one + 1,
        infinity - 1,
        infinity,
        infinity + 1,
        sign - 1,
    ];
    let near_one = (one - (4 << fraction_bits))..(one + (4 << fraction_bits));
    let sparse = (0..fraction_bits, 0..fraction_bits, 0..(1u64 << exponent_bits))
        .prop_map(move |(a, b, exponent)| exponent << fraction_bits | 1 << a | 1 << b);
    let magnitude = prop_oneof![
        4 => any::<u64>().prop_map(move |bits| bits & mask),
        2 => prop::sample::select(edges),
        3 => near_one,
        2 => sparse,
        1 => 0u64..1 << fraction_bits,
    ];
    (magnitude, any::<bool>()).prop_map(move |(bits, negative)| if negative { bits ^ sign } else { bits })
}
