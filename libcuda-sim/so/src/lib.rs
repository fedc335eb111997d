#![doc = include_str!("../README.md")]
#![expect(unsafe_code, reason = "this crate exports the driver's C functions")]

mod absent;
mod composed;
mod entry;
mod proc_address;
mod served;

use std::sync::OnceLock;

use entry::Entry;
use tilewright_ffi::Table;
use tilewright_ffi::sys::Api;

/// The simulated driver that the environment asked for when the first function was called.
fn api() -> &'static Api {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(tilewright_libcuda_sim::api).api()
}

fn served_entries() -> impl Iterator<Item = Entry> + Clone {
    [served::ENTRIES, composed::ENTRIES, proc_address::ENTRIES].into_iter().flatten().copied()
}

fn entries() -> impl Iterator<Item = Entry> + Clone {
    served_entries().chain(absent::ENTRIES.iter().copied())
}

/// The symbols of the entry points that work, sorted.
#[must_use]
pub fn served() -> Vec<&'static str> {
    sorted(served_entries())
}

/// The symbols of the entry points that print their name and return `CUDA_ERROR_NOT_SUPPORTED`, sorted.
#[must_use]
pub fn absent() -> Vec<&'static str> {
    sorted(absent::ENTRIES.iter().copied())
}

fn sorted(entries: impl Iterator<Item = Entry>) -> Vec<&'static str> {
    let mut symbols: Vec<_> = entries.map(|entry| entry.symbol).collect();
    symbols.sort_unstable();
    symbols
}
