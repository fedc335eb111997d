//! A device and what it can do.

use std::ffi::{CStr, c_char, c_int};
use std::fmt;

use crate::context::Context;
use crate::driver::Driver;
use crate::error::Error;
use crate::sys::{CUdevice, CUdevice_attribute};

/// A device, not yet in use.
#[derive(Clone, Debug)]
pub struct Device {
    driver: Driver,
    raw: CUdevice,
    ordinal: u32,
}

/// The architecture of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "two numbers")]
pub struct ComputeCapability {
    /// The number before the point.
    pub major: u32,
    /// The number after it.
    pub minor: u32,
}

impl fmt::Display for ComputeCapability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Device {
    pub(crate) const fn new(driver: Driver, raw: CUdevice, ordinal: u32) -> Self {
        Self { driver, raw, ordinal }
    }

    /// The driver it belongs to.
    #[must_use]
    pub const fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Its position among the devices, from 0.
    #[must_use]
    pub const fn ordinal(&self) -> u32 {
        self.ordinal
    }

    /// The driver's handle.
    #[must_use]
    pub const fn raw(&self) -> CUdevice {
        self.raw
    }

    /// Its name.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn name(&self) -> Result<String, Error> {
        let mut name = [0 as c_char; 256];
        // One byte less than there are, so that the text ends inside whatever the driver does.
        // SAFETY: `name` is valid for writes of 255 bytes.
        let code = unsafe { (self.driver.api().device_get_name)(name.as_mut_ptr(), 255, self.raw) };
        self.driver.check("cuDeviceGetName", code)?;
        // SAFETY: the last byte is 0: the driver was told of fewer bytes.
        Ok(unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned())
    }

    /// Bytes of device memory.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn total_memory(&self) -> Result<usize, Error> {
        let mut bytes = 0;
        // SAFETY: the result is a local variable.
        let code = unsafe { (self.driver.api().device_total_mem)(&raw mut bytes, self.raw) };
        self.driver.check("cuDeviceTotalMem", code)?;
        Ok(bytes)
    }

    /// One attribute.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn attribute(&self, attribute: CUdevice_attribute) -> Result<i32, Error> {
        let mut value: c_int = 0;
        // SAFETY: the result is a local variable.
        let code = unsafe { (self.driver.api().device_get_attribute)(&raw mut value, attribute, self.raw) };
        self.driver.check("cuDeviceGetAttribute", code)?;
        Ok(value)
    }

    /// Its architecture.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn compute_capability(&self) -> Result<ComputeCapability, Error> {
        let number = |attribute| self.attribute(attribute).map(|value| u32::try_from(value).unwrap_or(0));
        Ok(ComputeCapability {
            major: number(CUdevice_attribute::COMPUTE_CAPABILITY_MAJOR)?,
            minor: number(CUdevice_attribute::COMPUTE_CAPABILITY_MINOR)?,
        })
    }

    /// Retains the primary context: the one that the CUDA runtime, and with it most other libraries, use.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn primary_context(&self) -> Result<Context, Error> {
        Context::retain_primary(self)
    }
}
