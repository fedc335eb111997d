//! The driver: its library, its version, its devices.

use std::ffi::{CStr, c_int};
use std::sync::Arc;

use libloading::Library;

use crate::device::Device;
use crate::error::Error;
use crate::sys::{Api, CUresult, Entry};

/// The names under which the driver's library is looked for, in this order.
#[cfg(not(windows))]
const LIBRARIES: &[&str] = &["libcuda.so.1", "libcuda.so"];
/// The names under which the driver's library is looked for, in this order.
#[cfg(windows)]
const LIBRARIES: &[&str] = &["nvcuda.dll"];

/// A table of functions that somebody has promised to be a driver.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    api: Api,
}

impl Table {
    /// Promises that the functions of `api` are a driver's.
    ///
    /// # Safety
    /// Each function keeps the contract that the driver's documentation states for its symbol, from any thread, for as long as the process
    /// lives: everything that is safe in this crate relies on it.
    #[must_use]
    pub const unsafe fn new(api: Api) -> Self {
        Self { api }
    }

    /// The functions.
    #[must_use]
    pub const fn api(&self) -> &Api {
        &self.api
    }

    /// The same functions without those of these symbols: a driver that is older, or none.
    ///
    /// # Errors
    /// [`Error::MissingSymbols`] that names every required one among them.
    pub fn without(self, symbols: &[&str]) -> Result<Self, Error> {
        let find = |symbol| if symbols.contains(&symbol) { None } else { self.api.entry(symbol) };
        // SAFETY: each is the function that this table has for the symbol, and callable as long as this table's are.
        let api = unsafe { Api::from_symbols(find) };
        let api = api.map_err(|missing| Error::MissingSymbols { library: "the table".to_owned(), missing })?;
        Ok(Self { api })
    }
}

/// A loaded and initialized driver. Clones are the same driver.
#[derive(Clone, Debug)]
pub struct Driver {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    api: Api,
    version: u32,
    /// Keeps the functions where they are. `None` if they came from outside.
    _library: Option<Library>,
}

impl Driver {
    /// Loads the installed driver: `libcuda.so.1`, then `libcuda.so`; on Windows `nvcuda.dll`.
    ///
    /// # Errors
    /// [`Error::NoDriver`] with each name tried, [`Error::MissingSymbols`], or [`Error::Driver`] from `cuInit` (for example because there is
    /// no device).
    ///
    /// # Example
    /// ```
    /// use tilewright_ffi::Driver;
    /// match Driver::load() {
    ///     Ok(driver) => println!("CUDA {}.{}", driver.version() / 1000, driver.version() % 1000 / 10),
    ///     Err(error) => println!("{error}"),
    /// }
    /// ```
    pub fn load() -> Result<Self, Error> {
        // SAFETY: these are the names of NVIDIA's driver, whose initialization may run anywhere.
        unsafe { Self::load_from(LIBRARIES) }
    }

    /// Loads the first of the named libraries that there is.
    ///
    /// # Safety
    /// Each library that can be found under these names is a CUDA driver: loading it is sound, and its functions keep the driver's contract.
    ///
    /// # Errors
    /// As [`Driver::load`].
    pub unsafe fn load_from(names: &[&str]) -> Result<Self, Error> {
        let mut attempts = Vec::new();
        for name in names {
            // SAFETY: promised by the caller.
            match unsafe { Library::new(*name) } {
                Ok(library) => {
                    // SAFETY: the symbol is only looked up; it is a function, as the caller promises of the library.
                    let find = |symbol| unsafe { library.get::<Entry>(symbol) }.ok().map(|found| *found);
                    // SAFETY: they are the driver's, promised by the caller, and the library stays loaded next to them.
                    let api = unsafe { Api::from_symbols(find) }
                        .map_err(|missing| Error::MissingSymbols { library: (*name).to_owned(), missing })?;
                    return Self::start(api, Some(library));
                }
                Err(error) => attempts.push(((*name).to_owned(), error.to_string())),
            }
        }
        Err(Error::NoDriver { attempts })
    }

    /// Uses functions from elsewhere, such as a simulator's.
    ///
    /// # Errors
    /// [`Error::Driver`] from `cuInit`.
    pub fn from_api(table: Table) -> Result<Self, Error> {
        Self::start(table.api, None)
    }

    fn start(api: Api, library: Option<Library>) -> Result<Self, Error> {
        // SAFETY: the flags must be 0.
        api.check("cuInit", unsafe { (api.init)(0) })?;
        let mut version = 0;
        // SAFETY: the result is a local variable.
        api.check("cuDriverGetVersion", unsafe { (api.driver_get_version)(&raw mut version) })?;
        let version = u32::try_from(version).unwrap_or(0);
        Ok(Self { inner: Arc::new(Inner { api, version, _library: library }) })
    }

    /// The driver's functions.
    #[must_use]
    pub fn api(&self) -> &Api {
        &self.inner.api
    }

    /// The newest CUDA that it supports: 1000 major + 10 minor.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.inner.version
    }

    /// How many devices there are.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn device_count(&self) -> Result<u32, Error> {
        let mut count: c_int = 0;
        // SAFETY: the result is a local variable.
        self.check("cuDeviceGetCount", unsafe { (self.api().device_get_count)(&raw mut count) })?;
        Ok(u32::try_from(count).unwrap_or(0))
    }

    /// Device `ordinal`, from 0.
    ///
    /// # Errors
    /// [`Error::Driver`] if there is no such device.
    pub fn device(&self, ordinal: u32) -> Result<Device, Error> {
        let mut device = 0;
        let number = c_int::try_from(ordinal).unwrap_or(c_int::MAX);
        // SAFETY: the result is a local variable.
        self.check("cuDeviceGet", unsafe { (self.api().device_get)(&raw mut device, number) })?;
        Ok(Device::new(self.clone(), device, ordinal))
    }

    /// Whether both are the same loaded driver.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn check(&self, call: &'static str, code: CUresult) -> Result<(), Error> {
        self.api().check(call, code)
    }

    /// A function that older drivers lack.
    pub(crate) fn optional<F>(&self, symbol: &'static str, function: Option<F>) -> Result<F, Error> {
        function.ok_or(Error::MissingSymbol { symbol, driver_version: self.version() })
    }
}

impl Api {
    pub(crate) fn check(&self, call: &'static str, code: CUresult) -> Result<(), Error> {
        if code.is_success() {
            return Ok(());
        }
        let (name, text) = self.describe(code);
        Err(Error::Driver { call, code, name, text })
    }

    /// The code's name and the driver's sentence about it.
    pub(crate) fn describe(&self, code: CUresult) -> (String, String) {
        let mut name = std::ptr::null();
        let mut text = std::ptr::null();
        // SAFETY: the result is a local variable. A code that the driver does not know leaves it null.
        let _ = unsafe { (self.get_error_name)(code, &raw mut name) };
        // SAFETY: as above.
        let _ = unsafe { (self.get_error_string)(code, &raw mut text) };
        let read = |text: *const std::ffi::c_char, otherwise: &str| {
            if text.is_null() {
                return otherwise.to_owned();
            }
            // SAFETY: not null, so a string of the driver that ends with a zero and lives for ever.
            unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
        };
        (read(name, "unknown error"), read(text, "the driver has no text for this code"))
    }
}
