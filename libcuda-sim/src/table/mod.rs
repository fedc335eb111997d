//! The driver's C functions: pointers are taken apart here, the rest is [`Driver`]'s.
//!
//! Every function checks its arguments as the driver does, catches panics and answers with a `CUresult`. Each is generic over the chip, so
//! that every chip has its own set of plain function pointers.
//!
//! # Safety
//! Every function here is `unsafe` for the one reason for which the driver's is: the caller promises what `cuda.h` and the driver's
//! documentation ask of it. A pointer to a result is null (which is refused) or valid for a write of its type and properly aligned; a pointer
//! to host memory is valid for the bytes that the call names until the operation has been performed; strings end with a zero; nobody else
//! writes to any of this meanwhile. Handles, device addresses, sizes and flags may be anything. The SAFETY comments of this folder call this
//! "the caller's contract".

mod api;
mod context;
mod device;
mod event;
mod graph;
mod launch;
mod memory;
mod module;
mod stream;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) use api::{faulty_table, table};
use tilewright_ffi::sys::CUresult;
use tilewright_ptx_sim::Profile;

use crate::code::{Code, Result};
use crate::driver::Driver;
use crate::seam::Seam;

/// A chip that has a driver of its own.
pub(crate) trait Chip: 'static {
    fn driver() -> &'static Driver;

    /// Where its calls can be made to fail.
    fn seam() -> Option<&'static Seam> {
        None
    }
}

macro_rules! chips {
    ($($chip:ident, $faulty:ident = $profile:ident;)+) => {
        $(
            #[derive(Debug)]
            pub(crate) struct $chip;

            impl Chip for $chip {
                fn driver() -> &'static Driver {
                    static DRIVER: Driver = Driver::new(Profile::$profile, false);
                    &DRIVER
                }
            }

            /// The same chip with another driver, whose calls can be made to fail.
            #[derive(Debug)]
            pub(crate) struct $faulty;

            impl Chip for $faulty {
                fn driver() -> &'static Driver {
                    static DRIVER: Driver = Driver::new(Profile::$profile, true);
                    &DRIVER
                }

                fn seam() -> Option<&'static Seam> {
                    Some(Self::own_seam())
                }
            }

            impl $faulty {
                fn own_seam() -> &'static Seam {
                    static SEAM: Seam = Seam::new();
                    &SEAM
                }
            }
        )+

        /// The driver of a chip.
        pub(crate) fn driver(profile: Profile) -> &'static Driver {
            match profile {
                $(Profile::$profile => $chip::driver(),)+
                _ => Sm90::driver(),
            }
        }

        /// The driver of a chip whose calls can be made to fail, and where.
        pub(crate) fn faulty(profile: Profile) -> (&'static Driver, &'static Seam) {
            match profile {
                $(Profile::$profile => ($faulty::driver(), $faulty::own_seam()),)+
                _ => (Faulty90::driver(), Faulty90::own_seam()),
            }
        }
    };
}

chips! {
    Sm80, Faulty80 = Sm80;
    Sm86, Faulty86 = Sm86;
    Sm89, Faulty89 = Sm89;
    Sm90, Faulty90 = Sm90;
}

/// The result of the call of a symbol; a panic inside becomes an error.
fn answer<C: Chip>(symbol: &'static str, act: impl FnOnce(&'static Driver) -> Result<()>) -> CUresult {
    let driver = C::driver();
    let act = || catch_unwind(AssertUnwindSafe(|| act(driver))).unwrap_or(Err(Code::UNKNOWN));
    let outcome = match C::seam() {
        None => act(),
        Some(seam) => seam.pass(symbol, driver, act),
    };
    CUresult(outcome.map_or_else(|code| code.0, |()| 0))
}

/// Writes a result to where the caller wants it.
///
/// # Safety
/// `place` is null or valid for a write of `T` and aligned for it.
unsafe fn put<T>(place: *mut T, value: T) -> Result<()> {
    if place.is_null() {
        return Err(Code::INVALID_VALUE);
    }
    // SAFETY: not null, so valid and aligned: promised by the caller.
    unsafe { place.write(value) };
    Ok(())
}

/// An error if a place for a result is null, before anything is done.
fn check_place<T>(place: *mut T) -> Result<()> {
    if place.is_null() { Err(Code::INVALID_VALUE) } else { Ok(()) }
}

/// Handles are opaque pointers to the caller and numbers here; they are never followed.
trait Handle {
    fn number(self) -> u64;
    fn from_number(number: u64) -> Self;
}

impl<T> Handle for *mut T {
    fn number(self) -> u64 {
        self.addr() as u64
    }

    fn from_number(number: u64) -> Self {
        // A 64-bit host: the driver has no other.
        #[expect(clippy::cast_possible_truncation, reason = "usize has 64 bits wherever there is a driver")]
        std::ptr::without_provenance_mut(number as usize)
    }
}
