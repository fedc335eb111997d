//! The program `ptx-sim`: what it prints, what it writes and how it exits.

mod check;
mod input;
mod run;
mod stage;
mod stats;
mod vectors;
