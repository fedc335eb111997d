//! Modules: PTX text compiled by the driver.

use std::ffi::{CString, c_void};
use std::sync::Arc;

use crate::arguments::MAX_ARGUMENTS;
use crate::context::Context;
use crate::error::Error;
use crate::function::Function;
use crate::raw::Raw;
use crate::sys::{CUfunction_attribute, CUjit_option, CUmod_st, CUmodule, CUresult};

/// A loaded module. Clones are the same module; its functions keep it loaded.
#[derive(Clone, Debug)]
pub struct Module {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    context: Context,
    raw: Raw<CUmod_st>,
    info_log: String,
}

/// Bytes for each of the compiler's two logs.
const LOG_BYTES: usize = 16 * 1024;

impl Context {
    /// Compiles PTX text and loads it.
    ///
    /// # Errors
    /// [`Error::Module`] with the compiler's log; [`Error::ZeroByte`] for text with a zero byte in it; [`Error::Driver`] for a fault of
    /// earlier work.
    pub fn load_ptx(&self, text: &str) -> Result<Module, Error> {
        let text = CString::new(text).map_err(|_| Error::ZeroByte { what: "the PTX text" })?;
        let _entered = self.enter()?;
        let (mut info, mut errors) = (Log::new(), Log::new());
        let mut options = [
            CUjit_option::INFO_LOG_BUFFER,
            CUjit_option::INFO_LOG_BUFFER_SIZE_BYTES,
            CUjit_option::ERROR_LOG_BUFFER,
            CUjit_option::ERROR_LOG_BUFFER_SIZE_BYTES,
        ];
        let mut values = [info.start(), Log::size(), errors.start(), Log::size()];
        let mut raw = std::ptr::null_mut();
        let api = self.driver().api();
        // SAFETY:
        // - the result is a local variable, the text ends with a zero, the context is current.
        // - there are as many options as values; each buffer is valid for writes of the size that is passed next to it.
        let code = unsafe {
            (api.module_load_data_ex)(&raw mut raw, text.as_ptr().cast(), 4, options.as_mut_ptr(), values.as_mut_ptr())
        };
        if code.is_sticky() {
            // Not the text's fault: an earlier one of the device.
            self.check("cuModuleLoadDataEx", code)?;
        }
        if !code.is_success() {
            let (name, explanation) = (api.describe(code).0, self.explanation(code));
            return Err(Error::Module { code, name, explanation, log: errors.text() });
        }
        let inner = Inner { context: self.clone(), raw: Raw(raw), info_log: info.text() };
        Ok(Module { inner: Arc::new(inner) })
    }

    fn explanation(&self, code: CUresult) -> String {
        match code {
            CUresult::ERROR_UNSUPPORTED_PTX_VERSION => {
                let version = self.driver().version();
                format!(": the PTX version is newer than CUDA {}.{}", version / 1000, version % 1000 / 10)
            }
            CUresult::ERROR_NO_BINARY_FOR_GPU => {
                format!(": the text is not written for compute capability {}", self.compute_capability())
            }
            _ => String::new(),
        }
    }
}

impl Module {
    /// The kernel called `name`, whose parameters have these sizes in bytes.
    ///
    /// # Errors
    /// [`Error::Driver`] if there is no such kernel; [`Error::TooManyParameters`]; [`Error::Signature`] where the driver knows better (CUDA 12.4 and newer).
    pub fn function(&self, name: &str, parameters: &[usize]) -> Result<Function, Error> {
        let context = self.context();
        let c_name = CString::new(name).map_err(|_| Error::ZeroByte { what: "the kernel's name" })?;
        let _entered = context.enter()?;
        let mut raw = std::ptr::null_mut();
        let api = context.driver().api();
        // SAFETY: the result is a local variable, the module is loaded, the name ends with a zero.
        let code = unsafe { (api.module_get_function)(&raw mut raw, self.raw(), c_name.as_ptr()) };
        context.check("cuModuleGetFunction", code)?;
        if parameters.len() > MAX_ARGUMENTS {
            return Err(Error::TooManyParameters {
                kernel: name.to_owned(),
                got: parameters.len(),
                limit: MAX_ARGUMENTS,
            });
        }
        let function = Function::new(self.clone(), raw, name, parameters);
        function.check_signature()?;
        Ok(function)
    }

    /// The context it is loaded in.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.inner.context
    }

    /// What the compiler had to say, if anything.
    #[must_use]
    pub fn info_log(&self) -> &str {
        &self.inner.info_log
    }

    /// The driver's handle.
    #[must_use]
    pub fn raw(&self) -> CUmodule {
        self.inner.raw.0
    }
}

impl Function {
    /// Bytes of local memory of a thread: registers that were spilled, and arrays.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn local_bytes(&self) -> Result<u32, Error> {
        self.attribute(CUfunction_attribute::LOCAL_SIZE_BYTES)
    }

    /// Registers of a thread.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn registers(&self) -> Result<u32, Error> {
        self.attribute(CUfunction_attribute::NUM_REGS)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Ok(_entered) = self.context.enter_to_give_back() {
            // SAFETY: loaded by `load_ptx`, unloaded once here; its functions hold it, so none is left.
            let _ = unsafe { (self.context.driver().api().module_unload)(self.raw.0) };
        }
    }
}

/// A buffer that the compiler writes to.
struct Log {
    bytes: Vec<u8>,
}

impl Log {
    fn new() -> Self {
        Self { bytes: vec![0; LOG_BYTES] }
    }

    fn start(&mut self) -> *mut c_void {
        self.bytes.as_mut_ptr().cast()
    }

    /// The size as the options want it: a number in the place of a pointer. One byte less than there are, so that the text ends in any case.
    fn size() -> *mut c_void {
        std::ptr::without_provenance_mut(LOG_BYTES - 1)
    }

    /// What was written, up to the first zero: the driver need not say how much it wrote.
    fn text(&self) -> String {
        let end = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(self.bytes.len());
        String::from_utf8_lossy(self.bytes.get(..end).unwrap_or_default()).trim_end().to_owned()
    }
}
