//! Results that must not depend on what the hardware leaves open.

use tilewright_ffi::{Context, Driver};
use tilewright_libcuda_sim::{Profile, Simulator};

use crate::compare::{Bits, assert_same_bits};
use crate::config;
use crate::device::{context, is_simulated};

/// Asserts that `act` gives the same bits `count` times: on the simulator under as many schedules (warps in another order, asynchronous copies at other
/// moments), on the GPU launch after launch. Fewer times, but at least twice, if `PROPTEST_CASES` asks for fewer cases: a race detector makes
/// each launch take seconds.
///
/// # Panics
/// With the first element that differs, if one does.
pub fn assert_deterministic<T: Bits>(what: &str, count: u64, act: impl Fn(&Context) -> Vec<T>) {
    let count = config::asked_for().map_or(count, |cases| count.min(u64::from(cases).max(2)));
    let first = act(context());
    for seed in 1..count {
        assert_same_bits(&format!("{what}, run {seed}"), &first, &with_seed(seed, || act(context())));
    }
}

/// Asserts that the test device gives the bits that the simulator of its chip gives; where the test device is that simulator, under another schedule.
///
/// For kernels without approximate instructions (exponentials, reciprocals): those may differ from chip to chip inside their bounds.
///
/// # Panics
/// With the first element that differs, if one does; if the test device's chip has no simulator.
pub fn assert_bits_of_the_chip<T: Bits>(what: &str, act: impl Fn(&Context) -> Vec<T>) {
    let simulated = if is_simulated() { with_seed(77, || act(context())) } else { act(&twin()) };
    assert_same_bits(what, &act(context()), &simulated);
}

/// The simulator of the test device's chip.
fn twin() -> Context {
    let found = context().compute_capability();
    let profile = Profile::ALL.into_iter().find(|profile| profile.compute_capability() == (found.major, found.minor));
    let api = Simulator::new(profile.expect("a simulator of the GPU's chip")).api();
    Driver::from_api(api).and_then(|driver| driver.device(0)?.primary_context()).expect("the simulator opens")
}

/// The seed holds for the process: tests that run at the same time get it too, which no test may mind.
fn with_seed<R>(seed: u64, act: impl FnOnce() -> R) -> R {
    let simulator = Simulator::from_environment();
    let before = simulator.options();
    let mut options = before;
    options.seed = seed;
    simulator.set_options(options);
    let result = act();
    simulator.set_options(before);
    result
}
