//! Addresses, vectors, stores and copies.

use tilewright_ptx_ir::ir::{Address, Base, Immediate, Op, Operand, ParamIndex, Space};

use super::Site;
use crate::edit::Edit;

pub(super) fn parameter(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        let Op::Load { space: Space::Param, address: Address { base: Base::Param(param), .. }, .. } = op else {
            return;
        };
        let params = &site.kernel.params;
        let bytes = |index: u32| params.get(index as usize).map(|param| param.bytes);
        let count = u32::try_from(params.len()).unwrap_or(0);
        let others = (1..count).map(|step| (param.0 + step) % count);
        if let Some(other) = others.into_iter().find(|other| bytes(*other) == bytes(param.0)) {
            *param = ParamIndex(other);
        }
    })
}

pub(super) fn offset_element(site: &Site<'_>) -> Vec<Edit> {
    shifted(site, |bytes| Some(bytes))
}

pub(super) fn offset_back(site: &Site<'_>) -> Vec<Edit> {
    shifted(site, |bytes| Some(-bytes))
}

pub(super) fn offset_row(site: &Site<'_>) -> Vec<Edit> {
    match site.op() {
        Op::Load { space: Space::Shared, .. }
        | Op::Store { space: Space::Shared, .. }
        | Op::CpAsync { .. }
        | Op::LdMatrix { .. } => shifted(site, |_| Some(128)),
        _ => Vec::new(),
    }
}

/// The same with each address moved by what `by` says for the bytes of an access.
fn shifted(site: &Site<'_>, by: impl Fn(i32) -> Option<i32>) -> Vec<Edit> {
    let bytes = |bytes: u32, count: usize| {
        let count = i32::try_from(count).unwrap_or(1);
        by(bytes.cast_signed() * count).unwrap_or(0)
    };
    let moved = |change: &dyn Fn(&mut Op)| site.change(change);
    match site.op() {
        Op::Load { space: Space::Global | Space::Shared, ty, dsts, .. } => {
            let by = bytes(ty.bytes(), dsts.len());
            moved(&|op| {
                if let Op::Load { address, .. } = op {
                    address.offset += by;
                }
            })
        }
        Op::Store { space: Space::Global | Space::Shared, ty, srcs, .. } => {
            let by = bytes(ty.bytes(), srcs.len());
            moved(&|op| {
                if let Op::Store { address, .. } = op {
                    address.offset += by;
                }
            })
        }
        Op::LdMatrix { .. } => {
            let by = bytes(16, 1);
            moved(&|op| {
                if let Op::LdMatrix { address, .. } = op {
                    address.offset += by;
                }
            })
        }
        Op::CpAsync { bytes: size, .. } => {
            let by = bytes(*size, 1);
            let mut edits = moved(&|op| {
                if let Op::CpAsync { dst, .. } = op {
                    dst.offset += by;
                }
            });
            edits.extend(moved(&|op| {
                if let Op::CpAsync { src, .. } = op {
                    src.offset += by;
                }
            }));
            edits
        }
        _ => Vec::new(),
    }
}

pub(super) fn vector_swap(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| match op {
        Op::Load { dsts, .. } => {
            if let [first, second, ..] = dsts.as_mut_slice() {
                std::mem::swap(first, second);
            }
        }
        Op::Store { srcs, .. } => {
            if let [first, second, ..] = srcs.as_mut_slice() {
                std::mem::swap(first, second);
            }
        }
        _ => {}
    })
}

/// The last element is the first one too.
pub(super) fn vector_last(site: &Site<'_>) -> Vec<Edit> {
    let Op::Store { srcs, .. } = site.op() else { return Vec::new() };
    let (Some(first), true) = (srcs.first().copied(), srcs.len() > 1) else { return Vec::new() };
    site.change(|op| {
        if let Op::Store { srcs, .. } = op
            && let Some(last) = srcs.last_mut()
        {
            *last = first;
        }
    })
}

pub(super) fn drop_store(site: &Site<'_>) -> Vec<Edit> {
    if matches!(site.op(), Op::Store { .. }) { vec![Edit::remove(site.at)] } else { Vec::new() }
}

pub(super) fn drop_copy(site: &Site<'_>) -> Vec<Edit> {
    if matches!(site.op(), Op::CpAsync { .. }) { vec![Edit::remove(site.at)] } else { Vec::new() }
}

/// Half of the bytes that there are: the rest is zeros, so only the size of the source says what was lost.
pub(super) fn short_copy(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::CpAsync { bytes, source_bytes, .. } = op
            && source_bytes.is_none_or(|operand| operand.reg().is_none())
        {
            *source_bytes = Some(Operand::Imm(Immediate::Int(i64::from(*bytes / 2))));
        }
    })
}

pub(super) fn drop_zero_fill(site: &Site<'_>) -> Vec<Edit> {
    site.change(|op| {
        if let Op::CpAsync { source_bytes, .. } = op {
            *source_bytes = None;
        }
    })
}
