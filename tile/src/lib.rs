#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod budget;
pub mod dequantize;
pub mod epilogue;
pub mod fragment;
pub mod geometry;
pub mod oracle;
pub mod packed;
mod packed_ahead;
pub mod packed_geometry;
pub mod packed_product;
pub mod plans;
pub mod problem;
pub mod raster;
pub mod ring;
pub mod row_product;
pub mod rows;
pub mod scales;
pub mod shared_groups;
pub mod sweep;
pub mod swizzle;
pub mod weight_format;

pub use budget::Budget;
pub use geometry::{Geometry, Warp};
pub use packed::{PackedOrder, PackedTile};
pub use problem::{Shape, ShapeError};
pub use rows::{CopyMode, RowTile, Rows};
pub use weight_format::{Grouping, WeightFormat};
