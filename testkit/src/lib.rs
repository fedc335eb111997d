#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![expect(clippy::panic, clippy::expect_used, reason = "what fails here fails the test that called it")]

mod compare;
mod config;
mod device;
mod faults;
mod guarded;
mod random;
mod refusals;
mod schedules;

pub use compare::{Bits, assert_same_bits, assert_within};
pub use config::cases;
pub use device::{context, is_simulated, open, other_context, stream};
pub use faults::{assert_one_launch, calls_of_a_second_run, each_call_fails_once};
pub use guarded::Guarded;
pub use random::{Random, Values};
pub use refusals::Refusals;
pub use schedules::{assert_bits_of_the_chip, assert_deterministic};
