//! Addresses: width of the base, constant bounds and alignment.

use super::error::Reason;
use crate::ir::{Address, Base, Inst, Kernel, Op, RegClass, SharedSize, Space};

pub(super) fn check(kernel: &Kernel, inst: &Inst, report: &mut impl FnMut(Reason)) {
    match &inst.op {
        Op::Load { space, ty, dsts, address, .. } => {
            check_access(kernel, *space, *address, ty.bytes() * u32::try_from(dsts.len()).unwrap_or(u32::MAX), report);
        }
        Op::Store { space, ty, srcs, address, .. } => {
            check_access(kernel, *space, *address, ty.bytes() * u32::try_from(srcs.len()).unwrap_or(u32::MAX), report);
        }
        Op::Atomic { space, ty, address, .. } => check_access(kernel, *space, *address, ty.bytes(), report),
        Op::CpAsync { bytes, dst, src, .. } => {
            check_access(kernel, Space::Shared, *dst, *bytes, report);
            check_access(kernel, Space::Global, *src, *bytes, report);
        }
        Op::Prefetch { address, .. } => check_access(kernel, Space::Global, *address, 1, report),
        Op::LdMatrix { address, .. } => check_access(kernel, Space::Shared, *address, 16, report),
        Op::SharedAddress { array, .. } if array.0 as usize >= kernel.shared.len() => {
            report(Reason::Undeclared { what: "shared array", index: array.0 });
        }
        _ => {}
    }
}

fn check_access(kernel: &Kernel, space: Space, address: Address, bytes: u32, report: &mut impl FnMut(Reason)) {
    match address.base {
        Base::Reg(reg) => {
            let fits = match space {
                Space::Shared => matches!(reg.class, RegClass::B32 | RegClass::B64),
                _ => reg.class == RegClass::B64,
            };
            if !fits || space == Space::Param {
                report(Reason::AddressWidth { reg });
            }
            if bytes.is_power_of_two() && address.offset % bytes.cast_signed() != 0 {
                report(Reason::MisalignedOffset { bytes, offset: address.offset, reg });
            }
        }
        Base::Param(index) => match kernel.params.get(index.0 as usize) {
            Some(param) if space == Space::Param => {
                check_constant(&param.name, param.bytes, param.align, address.offset, bytes, report)
            }
            _ => report(Reason::Undeclared { what: "parameter", index: index.0 }),
        },
        Base::Shared(index) => match kernel.shared.get(index.0 as usize) {
            Some(array) if space == Space::Shared => {
                // How large a dynamic array is, the launch decides.
                let size = if let SharedSize::Static(size) = array.size { size } else { u32::MAX };
                check_constant(&array.name, size, array.align, address.offset, bytes, report);
            }
            _ => report(Reason::Undeclared { what: "shared array", index: index.0 }),
        },
    }
}

fn check_constant(name: &str, size: u32, align: u32, offset: i32, bytes: u32, report: &mut impl FnMut(Reason)) {
    let (offset, end) = (i64::from(offset), i64::from(offset) + i64::from(bytes));
    if offset < 0 || end > i64::from(size) {
        report(Reason::OutOfBounds { name: name.to_owned(), offset, end, bytes: size });
    }
    if bytes > 1 && (offset % i64::from(bytes) != 0 || !align.is_multiple_of(bytes)) {
        report(Reason::Misaligned { name: name.to_owned(), bytes, offset, align });
    }
}
