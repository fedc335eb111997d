//! Kernels on a GPU.
#![expect(unsafe_code, reason = "launches are unsafe")]

use tilewright_ffi::{Arguments, Context, Driver, Launch};

use crate::check::{Failure, difference, simulate};
use crate::generate::Case;

/// A GPU.
#[derive(Debug)]
pub struct Device {
    context: Context,
    name: String,
}

impl Device {
    /// Device `ordinal` of the installed driver.
    ///
    /// # Errors
    /// If there is none.
    pub fn open(ordinal: u32) -> Result<Self, tilewright_ffi::Error> {
        let device = Driver::load()?.device(ordinal)?;
        Ok(Self { context: device.primary_context()?, name: device.name()? })
    }

    /// What the driver calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a kernel here and on the simulator. Which NaN an f64 register holds does not count: the ISA leaves it open, and what a chip answers depends on
    /// how the assembler orders operands.
    ///
    /// # Errors
    /// [`Failure`]: they differ, or one of them does not run it.
    pub fn check(&self, case: &Case) -> Result<(), Failure> {
        let text = case.module.to_string();
        let simulated = simulate(case, &text)?;
        let here = self.run(case, &text)?;
        difference(case, &here, &simulated, false).map_or(Ok(()), |difference| Err(Failure::DeviceDiffers(difference)))
    }

    fn run(&self, case: &Case, text: &str) -> Result<Vec<u8>, tilewright_ffi::Error> {
        let stream = self.context.stream()?;
        let kernel = self.context.load_ptx(text)?.function(&case.kernel().name, &[8, 8])?;
        let input = stream.upload(&case.input)?;
        let mut output = stream.upload(&vec![0u8; case.input.len()])?;
        let mut arguments = Arguments::new();
        arguments.pointer(input.as_slice()).pointer_mut(&mut output.as_slice_mut());
        let launch = Launch::new([case.blocks, 1, 1], case.threads, 0);
        // SAFETY:
        // - the kernel has two parameters, pointers to the slots of every thread: both buffers have that size.
        // - it accesses them at its thread's slots only, and shared memory at its threads' elements: the simulator has just run it and found nothing.
        unsafe { kernel.launch(&stream, &launch, &arguments)? };
        stream.download(output.as_slice())
    }
}
