//! Kernels and their launches.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::arguments::{Arguments, MAX_ARGUMENTS};
use crate::context::Context;
use crate::error::Error;
use crate::module::Module;
use crate::raw::Raw;
use crate::stream::Stream;
use crate::sys::{
    CUfunc_st, CUfunction, CUfunction_attribute, CUlaunchAttribute, CUlaunchAttributeID, CUlaunchAttributeValue,
    CUlaunchConfig, CUresult,
};

/// A kernel of a loaded module, which it keeps loaded.
#[derive(Debug)]
pub struct Function {
    module: Module,
    raw: Raw<CUfunc_st>,
    name: String,
    parameters: Vec<usize>,
    /// Dynamic shared memory that the driver was told to allow.
    allowed_shared_bytes: AtomicU32,
}

/// How many blocks of how many threads, with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name at every launch")]
pub struct Launch {
    /// Blocks along x, y and z.
    pub grid: [u32; 3],
    /// Threads of a block along x, y and z.
    pub block: [u32; 3],
    /// Bytes of dynamic shared memory.
    pub shared_bytes: u32,
    /// Blocks of a cluster along x, y and z, for kernels that use them (sm_90 and newer).
    pub cluster: Option<[u32; 3]>,
}

impl Launch {
    /// `grid` blocks of `threads` threads in a row.
    #[must_use]
    pub const fn new(grid: [u32; 3], threads: u32, shared_bytes: u32) -> Self {
        Self { grid, block: [threads, 1, 1], shared_bytes, cluster: None }
    }
}

/// Most blocks along each axis.
const MAX_GRID: [u32; 3] = [0x7FFF_FFFF, 65_535, 65_535];
/// Most threads along each axis.
const MAX_BLOCK: [u32; 3] = [1024, 1024, 64];
/// Most threads of a block.
const MAX_THREADS: u64 = 1024;
/// Bytes of dynamic shared memory that need not be asked for.
const UNASKED_SHARED_BYTES: u32 = 48 * 1024;

impl Function {
    pub(crate) fn new(module: Module, raw: CUfunction, name: &str, parameters: &[usize]) -> Self {
        Self {
            module,
            raw: Raw(raw),
            name: name.to_owned(),
            parameters: parameters.to_vec(),
            allowed_shared_bytes: AtomicU32::new(UNASKED_SHARED_BYTES),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The module it belongs to.
    #[must_use]
    pub const fn module(&self) -> &Module {
        &self.module
    }

    /// The context it is loaded in.
    #[must_use]
    pub fn context(&self) -> &Context {
        self.module.context()
    }

    /// The driver's handle.
    #[must_use]
    pub const fn raw(&self) -> CUfunction {
        self.raw.0
    }

    /// Enqueues the kernel on `stream`.
    ///
    /// # Safety
    /// - The arguments are what the kernel's code takes them for: each pointer leads to as much memory as the code reads and writes, with the
    ///   alignment that it needs, and the numbers are inside the ranges for which the code stays within that memory.
    /// - Memory that the kernel writes is not used by other work on the device meanwhile.
    ///
    /// # Errors
    /// [`Error::ArgumentCount`], [`Error::ArgumentSize`], [`Error::ForeignArgument`], [`Error::ForeignContext`], [`Error::LaunchSize`] before
    /// the driver is called; then [`Error::Driver`].
    pub unsafe fn launch(&self, stream: &Stream, launch: &Launch, arguments: &Arguments<'_>) -> Result<(), Error> {
        self.check_launch(stream, launch, arguments)?;
        let context = self.context();
        let _entered = context.enter()?;
        self.allow_shared(launch.shared_bytes)?;
        let mut pointers = arguments.pointers();
        let api = context.driver().api();
        let ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]) = (launch.grid, launch.block);
        let Some(cluster) = launch.cluster else {
            // SAFETY:
            // - the kernel and the stream are alive and of this context, which is current.
            // - there are as many pointers as parameters, each to as many bytes as the parameter has: checked above. The driver copies them before
            //   it returns.
            // - what the kernel does with them is promised by the caller.
            let code = unsafe {
                (api.launch_kernel)(
                    self.raw(),
                    grid_x,
                    grid_y,
                    grid_z,
                    block_x,
                    block_y,
                    block_z,
                    launch.shared_bytes,
                    stream.raw(),
                    pointers.as_mut_ptr(),
                    std::ptr::null_mut(),
                )
            };
            return context.check("cuLaunchKernel", code);
        };
        let launch_with_attributes = context.driver().optional("cuLaunchKernelEx", api.launch_kernel_ex)?;
        let mut value = CUlaunchAttributeValue { pad: [0; 8] };
        value.clusterDim = cluster;
        let mut attributes = [CUlaunchAttribute { id: CUlaunchAttributeID::CLUSTER_DIMENSION, pad: [0; 4], value }];
        let config = CUlaunchConfig {
            gridDimX: grid_x,
            gridDimY: grid_y,
            gridDimZ: grid_z,
            blockDimX: block_x,
            blockDimY: block_y,
            blockDimZ: block_z,
            sharedMemBytes: launch.shared_bytes,
            hStream: stream.raw(),
            attrs: attributes.as_mut_ptr(),
            numAttrs: 1,
        };
        // SAFETY: as above; the configuration and its one attribute are local variables.
        let code = unsafe {
            launch_with_attributes(&raw const config, self.raw(), pointers.as_mut_ptr(), std::ptr::null_mut())
        };
        context.check("cuLaunchKernelEx", code)
    }

    /// How many blocks of `threads` threads with `shared_bytes` of dynamic shared memory fit on a multiprocessor.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn resident_blocks(&self, threads: u32, shared_bytes: u32) -> Result<u32, Error> {
        let context = self.context();
        let _entered = context.enter()?;
        self.allow_shared(shared_bytes)?;
        let mut blocks = 0;
        let threads = i32::try_from(threads).unwrap_or(i32::MAX);
        let api = context.driver().api();
        // SAFETY: the result is a local variable, the kernel is alive.
        let code =
            unsafe { (api.occupancy_max_active_blocks)(&raw mut blocks, self.raw(), threads, shared_bytes as usize) };
        context.check("cuOccupancyMaxActiveBlocksPerMultiprocessor", code)?;
        Ok(u32::try_from(blocks).unwrap_or(0))
    }

    pub(crate) fn attribute(&self, attribute: CUfunction_attribute) -> Result<u32, Error> {
        let context = self.context();
        let _entered = context.enter()?;
        let mut value = 0;
        // SAFETY: the result is a local variable, the kernel is alive.
        let code = unsafe { (context.driver().api().func_get_attribute)(&raw mut value, attribute, self.raw()) };
        context.check("cuFuncGetAttribute", code)?;
        Ok(u32::try_from(value).unwrap_or(0))
    }

    fn check_launch(&self, stream: &Stream, launch: &Launch, arguments: &Arguments<'_>) -> Result<(), Error> {
        let kernel = || self.name.clone();
        self.context().check_same(stream.context(), "the stream")?;
        if arguments.len() != self.parameters.len() || arguments.len() > MAX_ARGUMENTS {
            return Err(Error::ArgumentCount { kernel: kernel(), got: arguments.len(), wanted: self.parameters.len() });
        }
        for (index, (got, wanted)) in arguments.sizes().zip(self.parameters.iter().copied()).enumerate() {
            if got != wanted {
                return Err(Error::ArgumentSize { kernel: kernel(), index, got, wanted });
            }
        }
        if let Some(index) = arguments.foreign_to(self.context()) {
            return Err(Error::ForeignArgument { kernel: kernel(), index });
        }
        check_extents("grid", launch.grid, MAX_GRID)?;
        check_extents("block", launch.block, MAX_BLOCK)?;
        if launch.block.iter().map(|threads| u64::from(*threads)).product::<u64>() > MAX_THREADS {
            return Err(Error::LaunchSize { what: "threads of a block", got: launch.block, limit: [1024, 1, 1] });
        }
        launch.cluster.map_or(Ok(()), |cluster| check_extents("cluster", cluster, [16, 16, 16]))
    }

    /// Tells the driver once of every larger demand for dynamic shared memory.
    fn allow_shared(&self, bytes: u32) -> Result<(), Error> {
        if bytes <= self.allowed_shared_bytes.load(Ordering::Relaxed) {
            return Ok(());
        }
        let context = self.context();
        let value = i32::try_from(bytes).unwrap_or(i32::MAX);
        let attribute = CUfunction_attribute::MAX_DYNAMIC_SHARED_SIZE_BYTES;
        // SAFETY: the kernel is alive.
        let code = unsafe { (context.driver().api().func_set_attribute)(self.raw(), attribute, value) };
        context.check("cuFuncSetAttribute", code)?;
        self.allowed_shared_bytes.fetch_max(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Compares the declared parameters with the driver's, where it tells them.
    pub(crate) fn check_signature(&self) -> Result<(), Error> {
        let context = self.context();
        let Some(param_info) = context.driver().api().func_get_param_info else {
            return Ok(());
        };
        for index in 0..=self.parameters.len() {
            let (mut offset, mut actual) = (0, 0);
            // SAFETY: the results are local variables, the kernel is alive; the driver refuses an index that there is no parameter for.
            let code = unsafe { param_info(self.raw(), index, &raw mut offset, &raw mut actual) };
            if code == CUresult::ERROR_INVALID_VALUE {
                actual = 0;
            } else {
                context.check("cuFuncGetParamInfo", code)?;
            }
            let declared = self.parameters.get(index).copied().unwrap_or(0);
            if actual != declared {
                return Err(Error::Signature { kernel: self.name.clone(), index, actual, declared });
            }
        }
        Ok(())
    }
}

fn check_extents(what: &'static str, got: [u32; 3], limit: [u32; 3]) -> Result<(), Error> {
    let fits = got.iter().zip(limit).all(|(got, limit)| (1..=limit).contains(got));
    if fits { Ok(()) } else { Err(Error::LaunchSize { what, got, limit }) }
}
