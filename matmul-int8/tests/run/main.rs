//! The products on the test device.

mod bounds;
mod driver;
mod fragments;
mod laws;
mod refusals;
mod regression;
mod support;
