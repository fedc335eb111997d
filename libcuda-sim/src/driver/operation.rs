//! What streams do: copies, fills and launches.

use std::io::Write as _;
use std::sync::Arc;

use super::{Context, Driver, Function};
use crate::code::{Code, Result};
use crate::engine;
use crate::host::HostBytes;

/// One thing that a stream does, now or when a graph is launched.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// Host to device.
    Upload { to: u64, from: HostBytes },
    /// Device to host.
    Download { to: HostBytes, from: u64 },
    /// Device to device.
    Copy { to: u64, from: u64, bytes: u64 },
    /// `count` elements of `width` bytes, each the low bytes of `value`.
    Fill { to: u64, value: u32, width: u64, count: u64 },
    /// A kernel.
    Launch(Launch),
}

/// A kernel launch whose numbers were checked.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) function: Arc<Function>,
    pub(crate) shape: LaunchShape,
    /// All parameters at their offsets.
    pub(crate) arguments: Vec<u8>,
}

/// Grid, block and dynamic shared memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LaunchShape {
    pub(crate) grid: [u32; 3],
    pub(crate) block: [u32; 3],
    pub(crate) dynamic_shared_bytes: u32,
}

/// Operations in the order in which they are performed.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) operations: Vec<Operation>,
}

impl Driver {
    /// An error unless the launch is one that the driver would enqueue.
    pub(crate) fn check_launch(&self, function: &Function, shape: LaunchShape) -> Result<()> {
        let LaunchShape { grid, block, dynamic_shared_bytes } = shape;
        let limits = self.profile.limits();
        let [grid_x, grid_y, grid_z] = grid;
        let [block_x, block_y, block_z] = block;
        let threads = (u64::from(block_x) * u64::from(block_y)).saturating_mul(u64::from(block_z));
        let grid_fits =
            grid_x > 0 && grid_x <= 0x7FFF_FFFF && [grid_y, grid_z].iter().all(|n| (1..=65_535).contains(n));
        let block_fits = threads > 0
            && threads <= u64::from(limits.threads_per_block)
            && block_x <= 1024
            && block_y <= 1024
            && block_z <= 64;
        let required = function.facts.limits.required_threads.is_none_or(|required| required == block);
        let allowed = threads <= u64::from(function.facts.threads_per_block(self));
        if !grid_fits || !block_fits || !required || !allowed || !function.allows_dynamic_shared(dynamic_shared_bytes) {
            return Err(Code::INVALID_VALUE);
        }
        let shared = function.facts.static_shared_bytes.saturating_add(dynamic_shared_bytes);
        if shared > limits.shared_bytes_per_block_opt_in {
            return Err(Code::LAUNCH_OUT_OF_RESOURCES);
        }
        Ok(())
    }

    /// Performs an operation. A copy or fill that names memory outside the context's allocations is refused and changes nothing.
    pub(super) fn perform(&self, context: &Context, operation: &Operation) -> Result<()> {
        let memory = &context.memory;
        let refused = |_| Code::INVALID_VALUE;
        match operation {
            Operation::Upload { from, .. } if from.bytes() == 0 => Ok(()),
            Operation::Upload { to, from } => {
                context.check_extent(*to, from.bytes() as u64)?;
                memory.write(*to, &from.read()).map_err(refused)
            }
            Operation::Download { to, .. } if to.bytes() == 0 => Ok(()),
            Operation::Download { to, from } => {
                context.check_extent(*from, to.bytes() as u64)?;
                let mut bytes = vec![0; to.bytes()];
                memory.read(*from, &mut bytes).map_err(refused)?;
                to.write(&bytes);
                Ok(())
            }
            Operation::Copy { bytes: 0, .. } => Ok(()),
            Operation::Copy { to, from, bytes } => {
                context.check_extent(*to, *bytes)?;
                context.check_extent(*from, *bytes)?;
                memory.copy(*to, *from, *bytes).map_err(refused)
            }
            Operation::Fill { count: 0, .. } => Ok(()),
            Operation::Fill { to, value, width, count } => fill(context, *to, *value, *width, *count),
            Operation::Launch(launch) => self.run(context, launch),
        }
    }

    fn run(&self, context: &Context, launch: &Launch) -> Result<()> {
        match engine::launch(&context.memory, launch, self.options()) {
            Ok(statistics) => {
                self.add_statistics(&statistics);
                Ok(())
            }
            Err((code, report)) => {
                writeln!(std::io::stderr(), "{report}").ok();
                self.keep_report(report);
                Err(context.poison(code))
            }
        }
    }
}

/// Writes `count` times the low `width` bytes of `value`.
fn fill(context: &Context, to: u64, value: u32, width: u64, count: u64) -> Result<()> {
    if !to.is_multiple_of(width) {
        return Err(Code::INVALID_VALUE);
    }
    let bytes = count.checked_mul(width).ok_or(Code::INVALID_VALUE)?;
    context.check_extent(to, bytes)?;
    let [first, rest @ ..] = value.to_le_bytes();
    let width = usize::try_from(width).map_err(|_| Code::INVALID_VALUE)?;
    if rest.iter().take(width.saturating_sub(1)).all(|byte| *byte == first) {
        return context.memory.fill(to, first, bytes).map_err(|_| Code::INVALID_VALUE);
    }
    let pattern = value.to_le_bytes();
    let pattern = pattern.get(..width).ok_or(Code::INVALID_VALUE)?;
    let count = usize::try_from(count).map_err(|_| Code::INVALID_VALUE)?;
    context.memory.write(to, &pattern.repeat(count)).map_err(|_| Code::INVALID_VALUE)
}
