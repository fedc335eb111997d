//! The products on the test device.

mod bounds;
mod fragments;
mod laws;
mod refusals;
mod regression;
mod support;
