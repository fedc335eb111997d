//! What can go wrong.

use crate::sys::CUresult;

/// Why a call failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// None of the driver's libraries could be loaded: there is no driver on this machine, or it is not where libraries are.
    #[error("no CUDA driver: {}", attempts.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join("; "))]
    NoDriver {
        /// Each name that was tried, and what the loader said.
        attempts: Vec<(String, String)>,
    },
    /// The library lacks functions that are always needed: it is not a driver, or one older than CUDA 11.
    #[error("{library} lacks {}", missing.join(", "))]
    MissingSymbols {
        /// The library.
        library: String,
        /// All that are missing.
        missing: Vec<&'static str>,
    },
    /// This driver is too old for the function that was asked for.
    #[error("the driver (CUDA {}.{}) has no {symbol}", driver_version / 1000, driver_version % 1000 / 10)]
    MissingSymbol {
        /// The function.
        symbol: &'static str,
        /// The driver's version, 1000 major + 10 minor.
        driver_version: u32,
    },
    /// The driver refused a call.
    #[error("{call}: {name} ({}): {text}", code.0)]
    Driver {
        /// The function.
        call: &'static str,
        /// What it answered.
        code: CUresult,
        /// The code's name.
        name: String,
        /// What the driver says about it.
        text: String,
    },
    /// The driver refused a module.
    #[error("module refused: {name} ({}){explanation}\n{log}", code.0)]
    Module {
        /// What the driver answered.
        code: CUresult,
        /// The code's name.
        name: String,
        /// What that means for PTX, if there is more to say than the name.
        explanation: String,
        /// What its compiler wrote.
        log: String,
    },
    /// An earlier fault on the device spoilt the context; nothing in it works any more.
    #[error("the context was spoilt by an earlier error: {name} ({}) from {call}", cause.0)]
    Poisoned {
        /// The first fault.
        cause: CUresult,
        /// Its name.
        name: String,
        /// The call that reported it.
        call: &'static str,
    },
    /// Something belongs to another context than the stream or buffer it is used with.
    #[error("{what} belongs to another context")]
    ForeignContext {
        /// What it is.
        what: &'static str,
    },
    /// An argument of a launch belongs to another context than the kernel.
    #[error("argument {index} of `{kernel}` belongs to another context")]
    ForeignArgument {
        /// The kernel.
        kernel: String,
        /// The argument's position, from 0.
        index: usize,
    },
    /// A launch has the wrong number of arguments.
    #[error("`{kernel}` takes {wanted} arguments, got {got}")]
    ArgumentCount {
        /// The kernel.
        kernel: String,
        /// Arguments passed.
        got: usize,
        /// Arguments wanted.
        wanted: usize,
    },
    /// A kernel has more parameters than a launch can pass.
    #[error("`{kernel}` has {got} parameters, at most {limit} can be passed")]
    TooManyParameters {
        /// The kernel.
        kernel: String,
        /// Parameters that it has.
        got: usize,
        /// The most there can be.
        limit: usize,
    },
    /// An argument has the wrong size.
    #[error("argument {index} of `{kernel}` has {got} bytes, wanted {wanted}")]
    ArgumentSize {
        /// The kernel.
        kernel: String,
        /// The argument's position, from 0.
        index: usize,
        /// Bytes passed.
        got: usize,
        /// Bytes wanted.
        wanted: usize,
    },
    /// The driver's idea of a kernel's parameters differs from the caller's.
    #[error("parameter {index} of `{kernel}` has {actual} bytes in the module, {declared} were declared")]
    Signature {
        /// The kernel.
        kernel: String,
        /// The parameter's position, from 0.
        index: usize,
        /// Bytes that the module has there, 0 for no parameter.
        actual: usize,
        /// Bytes declared, 0 for no parameter.
        declared: usize,
    },
    /// A grid or block that no device can run.
    #[error("{what} {} x {} x {} is outside 1 to {} x {} x {}", got[0], got[1], got[2], limit[0], limit[1], limit[2])]
    LaunchSize {
        /// `grid`, `block`, or `threads of a block`.
        what: &'static str,
        /// Asked for.
        got: [u32; 3],
        /// The most there can be along each axis.
        limit: [u32; 3],
    },
    /// Two extents that must agree do not.
    #[error("{what} has {got} elements, wanted {wanted}")]
    WrongLength {
        /// What it is.
        what: &'static str,
        /// Elements that it has.
        got: usize,
        /// Elements wanted.
        wanted: usize,
    },
    /// A part of a buffer reaches past its end, or ends before it begins.
    #[error("elements {start} to {end} of a buffer of {len}")]
    OutOfRange {
        /// First element.
        start: usize,
        /// One past the last.
        end: usize,
        /// Elements of the buffer.
        len: usize,
    },
    /// An address does not suit the type at it.
    #[error("address {address:#x} is not a multiple of {align} bytes")]
    Misaligned {
        /// The address.
        address: u64,
        /// What it must be a multiple of.
        align: usize,
    },
    /// A size in bytes that does not fit an address.
    #[error("{len} elements of {element_bytes} bytes do not fit an address space")]
    SizeOverflow {
        /// Elements.
        len: usize,
        /// Bytes of one.
        element_bytes: usize,
    },
    /// A name or text with a zero byte, which C takes for its end.
    #[error("{what} holds a zero byte")]
    ZeroByte {
        /// What it is.
        what: &'static str,
    },
    /// A number of a tensor map that the hardware cannot do.
    #[error("tensor map: {what} is {got}, wanted {wanted}")]
    TensorMap {
        /// Which number.
        what: &'static str,
        /// What came.
        got: u64,
        /// What is possible.
        wanted: &'static str,
    },
    /// The driver said it worked and returned nothing.
    #[error("{call} succeeded without a result")]
    NoResult {
        /// The function.
        call: &'static str,
    },
}
