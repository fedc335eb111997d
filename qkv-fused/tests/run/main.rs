//! The projections on the test device.

mod affine;
mod bounds;
mod driver;
mod refusals;
mod regression;
mod schedules;
mod support;
