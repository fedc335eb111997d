//! The products on the test device.

mod affine;
mod bounds;
mod driver;
mod fragments;
mod laws;
mod refusals;
mod regression;
mod support;
