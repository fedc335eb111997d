//! Graphs that streams captured.

use std::ffi::c_ulonglong;

use tilewright_ffi::sys::{CUgraph, CUgraphExec, CUresult, CUstream};

use super::{Chip, Handle, answer, check_place, put};
use crate::code::Code;

pub(super) unsafe extern "C" fn instantiate<C: Chip>(
    executable: *mut CUgraphExec,
    graph: CUgraph,
    flags: c_ulonglong,
) -> CUresult {
    answer::<C>("cuGraphInstantiateWithFlags", |driver| {
        check_place(executable)?;
        // Freeing memory on launch and node priorities change nothing here; launches from the device do not exist.
        if flags & !0b1011 != 0 {
            return Err(Code::NOT_SUPPORTED);
        }
        let handle = driver.instantiate(graph.number())?;
        // SAFETY: `executable` is valid: the caller's contract.
        unsafe { put(executable, Handle::from_number(handle)) }
    })
}

pub(super) unsafe extern "C" fn launch<C: Chip>(executable: CUgraphExec, stream: CUstream) -> CUresult {
    answer::<C>("cuGraphLaunch", |driver| driver.launch_graph(executable.number(), stream.number()))
}

pub(super) unsafe extern "C" fn destroy<C: Chip>(graph: CUgraph) -> CUresult {
    answer::<C>("cuGraphDestroy", |driver| driver.destroy_graph(graph.number()))
}

pub(super) unsafe extern "C" fn destroy_executable<C: Chip>(executable: CUgraphExec) -> CUresult {
    answer::<C>("cuGraphExecDestroy", |driver| driver.destroy_executable(executable.number()))
}
