#![doc = include_str!("../README.md")]
#![expect(unsafe_code, reason = "this crate is the boundary to the driver's C interface")]

mod arguments;
mod buffer;
mod cache;
mod context;
mod device;
mod driver;
mod error;
mod event;
mod function;
mod graph;
mod module;
mod pinned;
mod raw;
mod stream;
pub mod sys;
mod tensor_map;

pub use arguments::{Arguments, MAX_ARGUMENTS};
pub use buffer::{DeviceBuffer, DeviceSlice, DeviceSliceMut};
pub use cache::{KernelCache, KernelSource};
pub use context::{Context, MemoryInfo};
pub use device::{ComputeCapability, Device};
pub use driver::{Driver, Table};
pub use error::Error;
pub use event::Event;
pub use function::{Function, Launch};
pub use graph::{Executable, Graph};
pub use module::Module;
pub use pinned::PinnedBuffer;
pub use stream::Stream;
pub use tensor_map::{TensorMap, Tiling};
