//! The host API over a driver that keeps books.

#![expect(unsafe_code, reason = "launches, borrowed handles and the functions of the fake driver")]

mod borrowed;
mod cache;
mod capture;
#[path = "../fake/mod.rs"]
mod fake;
mod faults;
mod launches;
mod loading;
mod memory;
mod pinned;
mod poison;
mod tensor_map;
mod threads;
