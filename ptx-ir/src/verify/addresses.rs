//! Addresses: width of the base, constant bounds and alignment.

use super::error::Reason;
use crate::ir::{
    Address, Base, Function, Inst, Kernel, LocalIndex, LocalKind, Module, Op, Param, RegClass, SharedSize, Space,
    Symbol, Variable,
};

/// What addresses and calls of a body may name.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) kernel: &'a Kernel,
    /// The results, if the body is a function's.
    pub(super) results: Option<&'a [Param]>,
    pub(super) module: &'a Module,
}

pub(super) fn check(names: Names<'_>, inst: &Inst, report: &mut impl FnMut(Reason)) {
    match &inst.op {
        Op::Load { space, ty, dsts, address, .. } => {
            check_access(names, *space, *address, ty.bytes() * u32::try_from(dsts.len()).unwrap_or(u32::MAX), report);
        }
        Op::Store { space, ty, srcs, address, .. } => {
            if matches!(address.base, Base::Param(_)) {
                report(Reason::Modifier { what: "parameters of the kernel or function cannot be stored to" });
            }
            check_access(names, *space, *address, ty.bytes() * u32::try_from(srcs.len()).unwrap_or(u32::MAX), report);
        }
        Op::AtomicVector { space, ty, srcs, address, .. } => {
            check_access(names, *space, *address, ty.bytes() * u32::try_from(srcs.len()).unwrap_or(u32::MAX), report);
        }
        Op::Atomic { space, ty, address, .. } => check_access(names, *space, *address, ty.bytes(), report),
        Op::CpAsync { bytes, dst, src, .. } => {
            check_access(names, Space::Shared, *dst, *bytes, report);
            check_access(names, Space::Global, *src, *bytes, report);
        }
        Op::Prefetch { space, address, .. }
        | Op::ApplyPriority { space, address }
        | Op::Discard { space, address }
        | Op::CreatePolicyRange { space, address, .. } => check_access(names, *space, *address, 1, report),
        Op::PrefetchUniform { address } => check_access(names, Space::Generic, *address, 1, report),
        Op::MbarrierInit { space, address, .. }
        | Op::MbarrierInvalidate { space, address }
        | Op::MbarrierArrive { space, address, .. }
        | Op::MbarrierWait { space, address, .. }
        | Op::CpAsyncMbarrierArrive { space, address, .. } => check_access(names, *space, *address, 8, report),
        Op::LdMatrix { address, .. } | Op::StMatrix { address, .. } => {
            check_access(names, Space::Shared, *address, 16, report)
        }
        Op::SharedAddress { array, .. } if array.0 as usize >= names.kernel.shared.len() => {
            report(Reason::Undeclared { what: "shared array", index: array.0 });
        }
        Op::LocalAddress { local, .. } => match names.kernel.locals.get(local.0 as usize) {
            Some(found) if found.kind == LocalKind::Stack => {}
            _ => report(Reason::Undeclared { what: "local array", index: local.0 }),
        },
        Op::SymbolAddress { symbol, .. } if names.variable(*symbol).is_none() => {
            report(Reason::Undeclared { what: "variable", index: symbol.0 });
        }
        Op::Call { function, results, arguments, .. } => check_call(names, *function, results, arguments, report),
        _ => {}
    }
}

impl<'a> Names<'a> {
    fn variable(self, symbol: Symbol) -> Option<&'a Variable> {
        let name = self.kernel.symbols.get(symbol.0 as usize)?;
        self.module.variables.iter().find(|variable| variable.name == *name)
    }

    fn function(self, symbol: Symbol) -> Option<&'a Function> {
        let name = self.kernel.symbols.get(symbol.0 as usize)?;
        self.module.functions.iter().find(|function| function.code.name == *name)
    }
}

/// A call passes and receives what the function declares.
fn check_call(
    names: Names<'_>,
    function: Symbol,
    results: &[LocalIndex],
    arguments: &[LocalIndex],
    report: &mut impl FnMut(Reason),
) {
    let Some(callee) = names.function(function) else {
        return report(Reason::Undeclared { what: "function", index: function.0 });
    };
    for (operand, given, wanted) in [("result", results, &callee.results), ("argument", arguments, &callee.code.params)]
    {
        if given.len() != wanted.len() {
            report(Reason::Count { operand, found: given.len(), wanted: wanted.len() });
        }
        for (local, param) in given.iter().zip(wanted) {
            match names.kernel.locals.get(local.0 as usize) {
                Some(found) if found.kind == LocalKind::Argument => {
                    if found.bytes != param.bytes {
                        report(Reason::ArgumentSize {
                            name: found.name.clone(),
                            bytes: found.bytes,
                            wanted: param.bytes,
                        });
                    }
                }
                _ => report(Reason::Undeclared { what: "parameter of the call", index: local.0 }),
            }
        }
    }
}

fn check_access(names: Names<'_>, space: Space, address: Address, bytes: u32, report: &mut impl FnMut(Reason)) {
    match address.base {
        Base::Reg(reg) => {
            let fits = match space {
                Space::Shared => matches!(reg.class, RegClass::B32 | RegClass::B64),
                Space::Local | Space::Const => matches!(reg.class, RegClass::B32 | RegClass::B64),
                _ => reg.class == RegClass::B64,
            };
            if !fits || space == Space::Param {
                report(Reason::AddressWidth { reg });
            }
            if bytes.is_power_of_two() && address.offset % bytes.cast_signed() != 0 {
                report(Reason::MisalignedOffset { bytes, offset: address.offset, reg });
            }
        }
        Base::Param(index) => match names.kernel.params.get(index.0 as usize) {
            Some(param) if space == Space::Param => {
                check_constant(&param.name, param.bytes, param.align, address.offset, bytes, report)
            }
            _ => report(Reason::Undeclared { what: "parameter", index: index.0 }),
        },
        Base::Result(index) => match names.results.and_then(|results| results.get(index.0 as usize)) {
            Some(result) if space == Space::Param => {
                check_constant(&result.name, result.bytes, result.align, address.offset, bytes, report)
            }
            _ => report(Reason::Undeclared { what: "result", index: index.0 }),
        },
        Base::Local(index) => match (names.kernel.locals.get(index.0 as usize), space) {
            (Some(local), Space::Local | Space::Param)
                if (local.kind == LocalKind::Stack) == (space == Space::Local) =>
            {
                check_constant(&local.name, local.bytes, local.align, address.offset, bytes, report);
            }
            _ => report(Reason::Undeclared { what: "local array", index: index.0 }),
        },
        Base::Symbol(index) => match names.variable(index) {
            Some(variable) if space == variable.space => {
                check_constant(&variable.name, variable.bytes, variable.align, address.offset, bytes, report);
            }
            _ => report(Reason::Undeclared { what: "variable", index: index.0 }),
        },
        Base::Shared(index) => match names.kernel.shared.get(index.0 as usize) {
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
