//! Modules and their functions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tilewright_ptx_ir::ir::{Kernel, Limits};
use tilewright_ptx_sim::Program;

use super::{Driver, Object};
use crate::code::{Code, Result};
use crate::engine;

/// A loaded module.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) program: Program,
    kernels: Vec<Arc<KernelFacts>>,
    /// Handles of the functions that were asked for, by name.
    functions: Mutex<BTreeMap<String, u64>>,
}

/// What the driver needs to know of a kernel.
#[derive(Debug)]
pub(crate) struct KernelFacts {
    pub(crate) name: String,
    pub(crate) params: Vec<ParamFacts>,
    pub(crate) static_shared_bytes: u32,
    pub(crate) limits: Limits,
}

/// Where a parameter lies in the buffer of all parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParamFacts {
    pub(crate) offset: usize,
    pub(crate) bytes: usize,
}

impl KernelFacts {
    pub(crate) fn new(kernel: &Kernel) -> Self {
        let mut end = 0usize;
        let params = kernel
            .params
            .iter()
            .map(|param| {
                let offset = end.next_multiple_of(param.align.max(1) as usize);
                end = offset + param.bytes as usize;
                ParamFacts { offset, bytes: param.bytes as usize }
            })
            .collect();
        Self {
            name: kernel.name.clone(),
            params,
            static_shared_bytes: kernel.static_shared_bytes(),
            limits: kernel.limits,
        }
    }

    /// The largest block that the kernel allows.
    pub(crate) fn threads_per_block(&self, driver: &Driver) -> u32 {
        let product = |[x, y, z]: [u32; 3]| x.saturating_mul(y).saturating_mul(z);
        let limit = driver.profile.limits().threads_per_block;
        let declared = self.limits.required_threads.or(self.limits.max_threads);
        declared.map_or(limit, |threads| product(threads).min(limit))
    }
}

/// A kernel of a loaded module.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) module: Arc<Module>,
    pub(crate) module_handle: u64,
    pub(crate) facts: Arc<KernelFacts>,
    /// Dynamic shared memory that launches may ask for.
    max_dynamic_shared_bytes: AtomicU32,
}

/// Why a module was not loaded: the code and what the error log says.
#[derive(Debug)]
pub(crate) struct LoadFailure {
    pub(crate) code: Code,
    pub(crate) log: String,
}

impl From<Code> for LoadFailure {
    fn from(code: Code) -> Self {
        Self { code, log: String::new() }
    }
}

impl Driver {
    /// `cuModuleLoadDataEx` for an image whose bytes before the terminating zero are `image`.
    pub(crate) fn load_module(&self, image: &[u8]) -> std::result::Result<u64, LoadFailure> {
        const ELF: &[u8] = b"\x7FELF";
        const FAT_BINARY: &[u8] = &[0x50, 0xED, 0x55, 0xBA];
        self.current()?;
        if image.starts_with(ELF) || image.starts_with(FAT_BINARY) {
            let log = "the simulator loads PTX text, not binary code".to_owned();
            return Err(LoadFailure { code: Code::INVALID_IMAGE, log });
        }
        let text = std::str::from_utf8(image).map_err(|error| LoadFailure {
            code: Code::INVALID_PTX,
            log: format!("the image is neither PTX text nor a binary: {error}"),
        })?;
        let loaded = engine::load(text, self.profile, self.rewrite().as_ref())?;
        let kernels = loaded.kernels.into_iter().map(Arc::new).collect();
        let module = Module { program: loaded.program, kernels, functions: Mutex::default() };
        Ok(self.insert(Object::Module(Arc::new(module)))?)
    }

    /// `cuModuleUnload`: its functions die with it; launches hold on to what they need.
    pub(crate) fn unload_module(&self, handle: u64) -> Result<()> {
        self.module(handle)?;
        self.check_may_wait()?;
        let mut state = self.state();
        let module = state.objects.remove(handle);
        state
            .objects
            .remove_if(|object| matches!(object, Object::Function(function) if function.module_handle == handle));
        drop(state);
        module.map(drop).ok_or(Code::INVALID_HANDLE)?;
        self.check_spoilt()
    }

    /// `cuModuleGetFunction`: the same handle each time.
    pub(crate) fn module_function(&self, handle: u64, name: &str) -> Result<u64> {
        self.current()?;
        let module = self.module(handle)?;
        let mut functions = module.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = functions.get(name) {
            return Ok(*function);
        }
        let facts = module.kernels.iter().find(|kernel| kernel.name == name).ok_or(Code::NOT_FOUND)?;
        let unasked = self.profile.limits().shared_bytes_per_block.saturating_sub(facts.static_shared_bytes);
        let function = Function {
            module: Arc::clone(&module),
            module_handle: handle,
            facts: Arc::clone(facts),
            max_dynamic_shared_bytes: AtomicU32::new(unasked),
        };
        let function = self.insert(Object::Function(Arc::new(function)))?;
        functions.insert(name.to_owned(), function);
        Ok(function)
    }

    /// `cuFuncGetParamInfo`: offset and size of a parameter.
    pub(crate) fn param_info(&self, function: u64, index: usize) -> Result<ParamFacts> {
        self.current()?;
        self.function(function)?.facts.params.get(index).copied().ok_or(Code::INVALID_VALUE)
    }

    /// `cuFuncGetAttribute`.
    pub(crate) fn function_attribute(&self, attribute: u32, function: u64) -> Result<i32> {
        self.current()?;
        let function = self.function(function)?;
        let (major, minor) = self.profile.compute_capability();
        let value = match attribute {
            0 => function.facts.threads_per_block(self),
            1 => function.facts.static_shared_bytes,
            // No constant or local memory.
            2 | 3 => 0,
            // Registers as ptxas would count them are not known; half of what a thread may have.
            4 => 128,
            5 | 6 => 10 * major + minor,
            7 => 0,
            8 => function.max_dynamic_shared_bytes.load(Ordering::Relaxed),
            9 => return Ok(-1),
            _ => return Err(Code::INVALID_VALUE),
        };
        i32::try_from(value).map_err(|_| Code::UNKNOWN)
    }

    /// `cuFuncSetAttribute`.
    pub(crate) fn set_function_attribute(&self, function: u64, attribute: u32, value: i32) -> Result<()> {
        self.current()?;
        let function = self.function(function)?;
        match attribute {
            8 => {
                let value = u32::try_from(value).map_err(|_| Code::INVALID_VALUE)?;
                let limit = self.profile.limits().shared_bytes_per_block_opt_in;
                if value.saturating_add(function.facts.static_shared_bytes) > limit {
                    return Err(Code::INVALID_VALUE);
                }
                function.max_dynamic_shared_bytes.store(value, Ordering::Relaxed);
                Ok(())
            }
            // How the first-level cache is shared out has no effect here.
            9 if (-1..=100).contains(&value) => Ok(()),
            _ => Err(Code::INVALID_VALUE),
        }
    }

    /// `cuOccupancyMaxActiveBlocksPerMultiprocessor`.
    pub(crate) fn resident_blocks(&self, function: u64, threads: i32, dynamic_shared_bytes: u64) -> Result<i32> {
        self.current()?;
        let function = self.function(function)?;
        let limits = self.profile.limits();
        let threads = u32::try_from(threads).ok().filter(|threads| *threads > 0).ok_or(Code::INVALID_VALUE)?;
        let shared = u64::from(function.facts.static_shared_bytes).saturating_add(dynamic_shared_bytes);
        if threads > function.facts.threads_per_block(self) || shared > u64::from(limits.shared_bytes_per_block_opt_in)
        {
            return Ok(0);
        }
        let warps = threads.div_ceil(limits.threads_per_multiprocessor / limits.warps_per_multiprocessor);
        let by_shared = u64::from(limits.shared_bytes_per_multiprocessor)
            / (shared + u64::from(limits.shared_bytes_reserved_per_block));
        let blocks = u64::from(limits.warps_per_multiprocessor / warps)
            .min(u64::from(limits.blocks_per_multiprocessor))
            .min(by_shared);
        i32::try_from(blocks).map_err(|_| Code::UNKNOWN)
    }
}

impl Function {
    pub(crate) fn allows_dynamic_shared(&self, bytes: u32) -> bool {
        bytes <= self.max_dynamic_shared_bytes.load(Ordering::Relaxed)
    }
}
