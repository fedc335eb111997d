//! Attention and rotation on the test device.

mod bounds;
mod driver;
mod laws;
mod refusals;
mod regression;
mod support;
