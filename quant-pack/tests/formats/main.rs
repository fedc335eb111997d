//! Checkpoint files: words as other packages write them, and round trips.

#[path = "../oracle/mod.rs"]
mod oracle;

mod golden;
mod round_trip;
