//! What a run of `bench` found, as it is written to JSON. `docs/bench.md` describes it for readers of the file.

use serde::{Deserialize, Serialize};

/// The version of the schema; a change that readers must know of raises it.
pub(crate) const SCHEMA: u32 = 1;

/// Everything of one run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) schema: u32,
    pub(crate) device: String,
    /// CUDA version of the driver, such as 13.0.
    pub(crate) driver: String,
    pub(crate) ceilings: Ceilings,
    pub(crate) rows: Vec<Measurement>,
}

/// What the device can do at best, measured in the same run. Bytes and operations a second.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ceilings {
    /// Bytes read and written a second by a copy of 1 GiB.
    pub(crate) copy: f64,
    /// Bytes read a second from 1 GiB.
    pub(crate) read: f64,
    /// `mma.sync` alone, f16 in, f32 sums, operands in registers.
    pub(crate) f16: f64,
    /// `mma.sync` alone, int8 in, i32 sums, operands in registers.
    pub(crate) int8: f64,
    /// Host time of launching a kernel that does nothing, in microseconds: what is the driver's of each call's host time. 0 in files from before it was measured.
    #[serde(default)]
    pub(crate) launch_us: f64,
}

/// One operation at one shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) operation: String,
    /// What is special about it: types, group size, causal.
    pub(crate) variant: String,
    pub(crate) shape: String,
    /// Kernel time of a call in a graph that rotates over the inputs.
    pub(crate) kernel_us: Spread,
    /// Host time of a call on the caller's stream, after the first.
    pub(crate) host_us: Spread,
    /// Host time of the first call, which builds and loads the kernel; 0 if an earlier row has loaded it.
    pub(crate) first_call_ms: f64,
    /// The fewest bytes that must move: each input read once, each result written once.
    pub(crate) bytes: u64,
    /// Multiplications and additions.
    pub(crate) operations: u64,
    /// The ceiling that this work meets first, and how much of it was reached.
    pub(crate) limit: Limit,
    pub(crate) share: f64,
    /// The element of a sample that uses most of its bound.
    pub(crate) error: f64,
    pub(crate) bound: f64,
    pub(crate) is_right: bool,
}

/// A median with the smallest and the largest of its samples.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) smallest: f64,
    pub(crate) largest: f64,
    pub(crate) samples: usize,
}

/// Which ceiling binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Limit {
    Copy,
    Read,
    F16,
    Int8,
}

impl Spread {
    /// Of at least one sample.
    pub(crate) fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |index: usize| samples.get(index).copied().unwrap_or(f64::NAN);
        let count = samples.len();
        Self { median: at(count / 2), smallest: at(0), largest: at(count.saturating_sub(1)), samples: count }
    }
}

impl Ceilings {
    /// What a ceiling is, in bytes or operations a second.
    pub(crate) const fn of(&self, limit: Limit) -> f64 {
        match limit {
            Limit::Copy => self.copy,
            Limit::Read => self.read,
            Limit::F16 => self.f16,
            Limit::Int8 => self.int8,
        }
    }
}

impl Limit {
    /// As in the JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Read => "read",
            Self::F16 => "f16",
            Self::Int8 => "int8",
        }
    }
}
