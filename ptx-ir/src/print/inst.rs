//! One instruction, one line.

mod cache;
mod matrix;
mod mbarrier;

use std::fmt::{self, Display, Formatter};

use cache::L1;

use crate::ir::{
    Address, Base, Cache, Condition, Immediate, Inst, Kernel, Label, LocalIndex, Op, Operand, Param, Reg, RegClass,
    Rounding, Scope, SharedSize, Symbol, TernaryOp, Type,
};

/// An instruction with the kernel whose names it uses.
pub(super) struct Line<'a> {
    pub(super) kernel: &'a Kernel,
    /// The results of the function, if it is one.
    pub(super) results: Option<&'a [Param]>,
    pub(super) inst: &'a Inst,
}

impl Display for Line<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(guard) = self.inst.guard {
            write!(f, "@{}{} ", if guard.negate { "!" } else { "" }, guard.pred)?;
        }
        self.op(f, &self.inst.op)?;
        f.write_str(";")
    }
}

impl Line<'_> {
    fn op(&self, f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
        match op {
            Op::Load { .. } | Op::Store { .. } | Op::Atomic { .. } | Op::AtomicVector { .. } | Op::Fence { .. } => {
                self.memory(f, op)
            }
            Op::CpAsync { .. }
            | Op::CpAsyncCommit
            | Op::CpAsyncWait { .. }
            | Op::CpAsyncWaitAll
            | Op::LdMatrix { .. } => self.copy(f, op),
            Op::MmaForm { .. }
            | Op::MoveMatrix { .. }
            | Op::StMatrix { .. }
            | Op::Elect { .. }
            | Op::GridDependency { .. } => self.matrix(f, op),
            Op::MbarrierInit { .. }
            | Op::MbarrierInvalidate { .. }
            | Op::MbarrierArrive { .. }
            | Op::MbarrierWait { .. }
            | Op::MbarrierPendingCount { .. }
            | Op::CpAsyncMbarrierArrive { .. } => self.mbarrier(f, op),
            Op::CreatePolicy { .. }
            | Op::CreatePolicyRange { .. }
            | Op::CreatePolicyFrom { .. }
            | Op::Prefetch { .. }
            | Op::PrefetchUniform { .. }
            | Op::ApplyPriority { .. }
            | Op::Discard { .. }
            | Op::PerformanceEvent { .. } => self.cache(f, op),
            Op::Mov { .. }
            | Op::ReadSpecial { .. }
            | Op::SharedAddress { .. }
            | Op::LocalAddress { .. }
            | Op::SymbolAddress { .. }
            | Op::Pack { .. }
            | Op::Unpack { .. }
            | Op::Cvta { .. }
            | Op::Select { .. } => self.movement(f, op),
            Op::Cvt { .. }
            | Op::CvtPair { .. }
            | Op::CvtFp8Pair { .. }
            | Op::CvtFp8 { .. }
            | Op::CvtPackS8 { .. }
            | Op::CvtTf32 { .. } => conversion(f, op),
            Op::Unary { .. }
            | Op::Binary { .. }
            | Op::Ternary { .. }
            | Op::Mul { .. }
            | Op::Mad { .. }
            | Op::Lop3 { .. }
            | Op::BitFieldInsert { .. }
            | Op::TestProperty { .. }
            | Op::IsSpace { .. } => arithmetic(f, op),
            Op::SetPredicate { .. } | Op::SetPredicates { .. } | Op::Set { .. } => super::compare::compare(f, op),
            Op::Call { .. } => self.call(f, op),
            Op::CarrySum { .. }
            | Op::CarryMad { .. }
            | Op::CvtPack { .. }
            | Op::VideoParts { .. }
            | Op::Video { .. }
            | Op::Pair { .. }
            | Op::Rectified { .. }
            | Op::Mul24 { .. }
            | Op::Mad24 { .. }
            | Op::Dp2a { .. }
            | Op::Permute { .. }
            | Op::SelectBySign { .. } => super::integer::integer(f, op),
            _ => together(f, op),
        }
    }

    fn movement(&self, f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
        match op {
            Op::Mov { ty, dst, src } => write!(f, "mov.{ty} {dst}, {src}"),
            Op::ReadSpecial { dst, src } => {
                write!(f, "mov.{} {dst}, {}", if src.is_wide() { "u64" } else { "u32" }, src.name())
            }
            Op::SharedAddress { dst, array, offset } => variable(f, *dst, &self.shared_name(array.0), *offset),
            Op::LocalAddress { dst, local, offset } => variable(f, *dst, self.local_name(*local), *offset),
            Op::SymbolAddress { dst, symbol, offset } => variable(f, *dst, self.symbol_name(*symbol), *offset),
            Op::Pack { ty, dst, srcs } => write!(f, "mov.{ty} {dst}, {}", Braces(srcs)),
            Op::Unpack { ty, dsts, src } => write!(f, "mov.{ty} {}, {src}", Braces(dsts)),
            Op::Cvta { space, to_generic, dst, src } => {
                write!(f, "cvta{}{}.u64 {dst}, {src}", if *to_generic { "" } else { ".to" }, space.modifier())
            }
            Op::Select { ty, dst, a, b, pred } => write!(f, "selp.{ty} {dst}, {a}, {b}, {pred}"),
            _ => Err(fmt::Error),
        }
    }

    fn call(&self, f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
        let Op::Call { uniform, function, results, arguments } = op else { return Err(fmt::Error) };
        write!(f, "call{} ", Flag(*uniform, ".uni"))?;
        let list =
            |locals: &[LocalIndex]| locals.iter().map(|local| self.local_name(*local)).collect::<Vec<_>>().join(", ");
        if !results.is_empty() {
            write!(f, "({}), ", list(results))?;
        }
        f.write_str(self.symbol_name(*function))?;
        if !arguments.is_empty() {
            write!(f, ", ({})", list(arguments))?;
        }
        Ok(())
    }

    fn memory(&self, f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
        match op {
            Op::Load { space, ty, order, scope, cache, l1, l2_prefetch, policy, dsts, address } => {
                let (name, cache) = match cache {
                    Cache::Uniform => ("ldu", ""),
                    cache => ("ld", cache.name()),
                };
                let (order, scope) = (Dot(order.name()), Dot(scope_name(*scope)));
                write!(f, "{name}{order}{scope}{}{}{}", space.modifier(), Dot(cache), L1(*l1))?;
                print_l2(f, policy.is_some(), *l2_prefetch)?;
                write!(
                    f,
                    "{}.{ty} {}, {}{}",
                    Vector(dsts.len()),
                    OneOrBraces(dsts),
                    self.address(*address),
                    Tail(*policy)
                )
            }
            Op::Store { space, ty, order, scope, cache, l1, policy, srcs, address } => {
                let (order, scope) = (Dot(order.name()), Dot(scope_name(*scope)));
                write!(f, "st{order}{scope}{}{}{}", space.modifier(), Dot(cache.name()), L1(*l1))?;
                print_l2(f, policy.is_some(), None)?;
                write!(
                    f,
                    "{}.{ty} {}, {}{}",
                    Vector(srcs.len()),
                    self.address(*address),
                    OneOrBraces(srcs),
                    Tail(*policy)
                )
            }
            Op::Atomic { op, space, ty, order, scope, dst, address, a, b, policy } => {
                let order = order.map_or("", |order| order.name());
                let noftz =
                    if matches!(ty, Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2) { ".noftz" } else { "" };
                let hint = Flag(policy.is_some(), ".L2::cache_hint");
                write!(
                    f,
                    "{}{}{}{}.{}{noftz}{hint}.{ty} ",
                    if dst.is_some() { "atom" } else { "red" },
                    Dot(order),
                    Dot(scope_name(*scope)),
                    space.modifier(),
                    op.name()
                )?;
                if let Some(dst) = dst {
                    write!(f, "{dst}, ")?;
                }
                write!(f, "{}, {a}{}{}", self.address(*address), Tail(*b), Tail(*policy))
            }
            Op::AtomicVector { op, space, ty, order, scope, dsts, address, srcs, policy } => {
                let (order, scope) = (Dot(order.map_or("", |order| order.name())), Dot(scope_name(*scope)));
                let name = if dsts.is_empty() { "red" } else { "atom" };
                let (noftz, hint) = (Flag(*ty != Type::F32, ".noftz"), Flag(policy.is_some(), ".L2::cache_hint"));
                let (space, width, address) = (space.modifier(), Vector(srcs.len()), self.address(*address));
                write!(f, "{name}{order}{scope}{space}.{}{noftz}{hint}{width}.{ty} ", op.name())?;
                if !dsts.is_empty() {
                    write!(f, "{}, ", Braces(dsts))?;
                }
                write!(f, "{address}, {}{}", Braces(srcs), Tail(*policy))
            }
            Op::Fence { order, scope } => write!(f, "fence.{}.{}", order.name(), scope.name()),
            _ => Err(fmt::Error),
        }
    }

    fn copy(&self, f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
        match op {
            Op::CpAsync { cache, bytes, l2_prefetch, dst, src, source_bytes, ignored, policy } => {
                write!(f, "cp.async.{}.shared.global", cache.name())?;
                print_l2(f, policy.is_some(), *l2_prefetch)?;
                write!(f, " {}, {}, {bytes}{}", self.address(*dst), self.address(*src), Tail(*source_bytes))?;
                if let Some(guard) = ignored {
                    write!(f, ", {}{}", Flag(guard.negate, "!"), guard.pred)?;
                }
                write!(f, "{}", Tail(*policy))
            }
            Op::CpAsyncCommit => f.write_str("cp.async.commit_group"),
            Op::CpAsyncWait { pending } => write!(f, "cp.async.wait_group {pending}"),
            Op::CpAsyncWaitAll => f.write_str("cp.async.wait_all"),
            Op::LdMatrix { transpose, dsts, address } => {
                let trans = if *transpose { ".trans" } else { "" };
                write!(
                    f,
                    "ldmatrix.sync.aligned.m8n8.x{}{trans}.shared.b16 {}, {}",
                    dsts.len(),
                    Braces(dsts),
                    self.address(*address)
                )
            }
            _ => Err(fmt::Error),
        }
    }

    fn address(&self, address: Address) -> String {
        let base = match address.base {
            Base::Reg(reg) => reg.to_string(),
            Base::Shared(array) => self.shared_name(array.0),
            Base::Param(param) => self.parameter_name(&self.kernel.params, param.0),
            Base::Result(result) => self.parameter_name(self.results.unwrap_or_default(), result.0),
            Base::Local(local) => self.local_name(local).to_owned(),
            Base::Symbol(symbol) => self.symbol_name(symbol).to_owned(),
        };
        match address.offset {
            0 => format!("[{base}]"),
            // PTX has sums only: a negative offset is added.
            offset => format!("[{base}+{offset}]"),
        }
    }

    fn parameter_name(&self, params: &[Param], index: u32) -> String {
        let name = params.get(index as usize).map_or("?", |param| &param.name);
        format!("{}_{name}", self.kernel.name)
    }

    fn local_name(&self, local: LocalIndex) -> &str {
        self.kernel.locals.get(local.0 as usize).map_or("?", |local| &local.name)
    }

    fn symbol_name(&self, symbol: Symbol) -> &str {
        self.kernel.symbols.get(symbol.0 as usize).map_or("?", String::as_str)
    }

    fn shared_name(&self, index: u32) -> String {
        match self.kernel.shared.get(index as usize) {
            Some(array) if array.size == SharedSize::Dynamic => format!("{}_{}", self.kernel.name, array.name),
            Some(array) => array.name.clone(),
            None => "?".to_owned(),
        }
    }
}

/// The address of a variable.
fn variable(f: &mut Formatter<'_>, dst: Reg, name: &str, offset: i32) -> fmt::Result {
    write!(f, "mov.{} {dst}, {name}", if dst.class == RegClass::B64 { "u64" } else { "u32" })?;
    if offset == 0 { Ok(()) } else { write!(f, "+{offset}") }
}

fn conversion(f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
    match op {
        Op::Cvt { to, from, rounding, ftz, sat, dst, src } => {
            write!(
                f,
                "cvt{}{}{}.{to}.{from} {dst}, {src}",
                Dot(rounding_name(*rounding)),
                Flag(*ftz, ".ftz"),
                Flag(*sat, ".sat")
            )
        }
        Op::CvtPair { to, rounding, relu, dst, high, low } => {
            write!(f, "cvt.{}{}.{to}.f32 {dst}, {high}, {low}", rounding.name(), Flag(*relu, ".relu"))
        }
        Op::CvtFp8Pair { format, relu, dst, high, low } => {
            write!(f, "cvt.rn.satfinite{}.{}.f32 {dst}, {high}, {low}", Flag(*relu, ".relu"), format.name())
        }
        Op::CvtFp8 { format, widens: true, relu, dst, src } => {
            write!(f, "cvt.rn{}.f16x2.{} {dst}, {src}", Flag(*relu, ".relu"), format.name())
        }
        Op::CvtFp8 { format, relu, dst, src, .. } => {
            write!(f, "cvt.rn.satfinite{}.{}.f16x2 {dst}, {src}", Flag(*relu, ".relu"), format.name())
        }
        Op::CvtTf32 { dst, src } => write!(f, "cvt.rna.tf32.f32 {dst}, {src}"),
        Op::CvtPackS8 { dst, a, b, c } => write!(f, "cvt.pack.sat.s8.s32.b32 {dst}, {a}, {b}, {c}"),
        _ => Err(fmt::Error),
    }
}

fn arithmetic(f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
    match op {
        Op::Unary { op, ty, rounding, approx, ftz, dst, a } => {
            let approx = Flag(*approx, ".approx");
            write!(f, "{}{approx}{}{}.{ty} {dst}, {a}", op.name(), Dot(rounding_name(*rounding)), Flag(*ftz, ".ftz"))
        }
        Op::Binary { op, ty, rounding, ftz, sat, approx, full, nan, dst, a, b } => {
            let form = Dot(rounding_name(*rounding));
            let (approx, full, ftz, sat, nan) = (
                Flag(*approx, ".approx"),
                Flag(*full, ".full"),
                Flag(*ftz, ".ftz"),
                Flag(*sat, ".sat"),
                Flag(*nan, ".NaN"),
            );
            write!(f, "{}{approx}{full}{form}{ftz}{sat}{nan}.{ty} {dst}, {a}, {b}", op.name())
        }
        Op::Ternary { op: TernaryOp::Dp4aSigned, dst, a, b, c, .. } => write!(f, "dp4a.s32.s32 {dst}, {a}, {b}, {c}"),
        Op::Ternary { op: TernaryOp::Dp4aUnsigned, dst, a, b, c, .. } => write!(f, "dp4a.u32.u32 {dst}, {a}, {b}, {c}"),
        Op::Ternary { op: TernaryOp::Dp4aSignedUnsigned, dst, a, b, c, .. } => {
            write!(f, "dp4a.s32.u32 {dst}, {a}, {b}, {c}")
        }
        Op::Ternary { op: TernaryOp::Dp4aUnsignedSigned, dst, a, b, c, .. } => {
            write!(f, "dp4a.u32.s32 {dst}, {a}, {b}, {c}")
        }
        Op::TestProperty { test, ty, dst, a } => write!(f, "testp.{}.{ty} {dst}, {a}", test.name()),
        Op::IsSpace { space, dst, src } => write!(f, "isspacep{} {dst}, {src}", space.modifier()),
        Op::Ternary { op, ty, rounding, ftz, sat, relu, dst, a, b, c } => {
            let (ftz, sat, relu) = (Flag(*ftz, ".ftz"), Flag(*sat, ".sat"), Flag(*relu, ".relu"));
            write!(f, "{}{}{ftz}{sat}{relu}.{ty} {dst}, {a}, {b}, {c}", op.name(), Dot(rounding_name(*rounding)))
        }
        Op::Mul { part, ty, dst, a, b } => write!(f, "mul.{}.{ty} {dst}, {a}, {b}", part.name()),
        Op::Mad { part, ty, dst, a, b, c } => write!(f, "mad.{}.{ty} {dst}, {a}, {b}, {c}", part.name()),
        Op::Lop3 { table, dst, a, b, c } => write!(f, "lop3.b32 {dst}, {a}, {b}, {c}, {table}"),
        Op::BitFieldInsert { ty, dst, a, b, start, length } => write!(f, "bfi.{ty} {dst}, {a}, {b}, {start}, {length}"),
        _ => Err(fmt::Error),
    }
}

/// What lanes and threads do together, and control.
fn together(f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
    match op {
        Op::Shuffle { mode, dst, pred, src, lane, clamp, mask } => {
            let pred = pred.map_or(String::new(), |pred| format!("|{pred}"));
            write!(f, "shfl.sync.{}.b32 {dst}{pred}, {src}, {lane}, {clamp}, {mask}", mode.name())
        }
        Op::Vote { mode, dst, src, mask } => {
            let ty = if dst.class == RegClass::Pred { "pred" } else { "b32" };
            write!(f, "vote.sync.{}.{ty} {dst}, {src}, {mask}", mode.name())
        }
        Op::MatchAny { ty, dst, src, mask } => write!(f, "match.any.sync.{ty} {dst}, {src}, {mask}"),
        Op::MatchAll { ty, dst, pred, src, mask } => {
            let pred = pred.map_or(String::new(), |pred| format!("|{pred}"));
            write!(f, "match.all.sync.{ty} {dst}{pred}, {src}, {mask}")
        }
        Op::Redux { op, ty, dst, src, mask } => write!(f, "redux.sync.{}.{ty} {dst}, {src}, {mask}", op.name()),
        Op::ActiveMask { dst } => write!(f, "activemask.b32 {dst}"),
        Op::WarpSync { mask } => write!(f, "bar.warp.sync {mask}"),
        Op::Mma { shape, satfinite, dsts, a, b, c } => {
            let mnemonic = shape.mnemonic();
            let mnemonic = if *satfinite { mnemonic.replace(".row.col.", ".row.col.satfinite.") } else { mnemonic };
            write!(f, "{mnemonic} {}, {}, {}, {}", Braces(dsts), Braces(a), Braces(b), Braces(c))
        }
        Op::BarrierSync { aligned, id, threads } => {
            write!(f, "{} {id}{}", if *aligned { "bar.sync" } else { "barrier.sync" }, Tail(*threads))
        }
        Op::BarrierArrive { aligned, id, threads } => {
            write!(f, "{} {id}, {threads}", if *aligned { "bar.arrive" } else { "barrier.arrive" })
        }
        Op::BarrierReduce { aligned, op, dst, id, threads, src, negate } => {
            let name = if *aligned { "bar.red" } else { "barrier.red" };
            let ty = if dst.class == RegClass::Pred { "pred" } else { "u32" };
            write!(f, "{name}.{}.{ty} {dst}, {id}{}, {}{src}", op.name(), Tail(*threads), Flag(*negate, "!"))
        }
        Op::BranchIndexed { uniform, index, labels } => {
            write!(f, "brx.idx{} {index}, {}", Flag(*uniform, ".uni"), table_name(labels))
        }
        Op::Branch { uniform, label } => write!(f, "bra{} {label}", Flag(*uniform, ".uni")),
        Op::Return => f.write_str("ret"),
        Op::Exit => f.write_str("exit"),
        Op::Trap => f.write_str("trap"),
        Op::Nanosleep { duration } => write!(f, "nanosleep.u32 {duration}"),
        _ => Err(fmt::Error),
    }
}

/// The name of a list of branch targets: the targets' numbers, so that the same list has the same name.
pub(super) fn table_name(labels: &[Label]) -> String {
    labels.iter().fold("$T".to_owned(), |name, label| format!("{name}_{}", label.0))
}

fn print_l2(f: &mut Formatter<'_>, hint: bool, prefetch: Option<u32>) -> fmt::Result {
    write!(f, "{}", Flag(hint, ".L2::cache_hint"))?;
    prefetch.map_or(Ok(()), |bytes| write!(f, ".L2::{bytes}B"))
}

fn rounding_name(rounding: Option<Rounding>) -> &'static str {
    rounding.map_or("", Rounding::name)
}

fn scope_name(scope: Option<Scope>) -> &'static str {
    scope.map_or("", Scope::name)
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pred { pred, negate } => write!(f, "{}{pred}", Flag(*negate, "!")),
            Self::Constant(holds) => u8::from(*holds).fmt(f),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reg(reg) => reg.fmt(f),
            Self::Imm(Immediate::Int(value)) => value.fmt(f),
            Self::Imm(Immediate::F32(bits)) => write!(f, "0f{bits:08X}"),
            Self::Imm(Immediate::F64(bits)) => write!(f, "0d{bits:016X}"),
        }
    }
}

/// A modifier with its dot, or nothing.
pub(super) struct Dot(pub(super) &'static str);

impl Display for Dot {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ".{}", self.0) }
    }
}

/// A text if a flag is set.
pub(super) struct Flag(pub(super) bool, pub(super) &'static str);

impl Display for Flag {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { self.1 } else { "" })
    }
}

/// `.v2` or `.v4`, nothing for one element.
struct Vector(usize);

impl Display for Vector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0 == 1 { Ok(()) } else { write!(f, ".v{}", self.0) }
    }
}

/// A trailing operand, if there is one.
pub(super) struct Tail<T>(pub(super) Option<T>);

impl<T: Display> Display for Tail<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |operand| write!(f, ", {operand}"))
    }
}

/// `{a, b}`.
struct Braces<'a, T>(&'a [T]);

impl<T: Display> Display for Braces<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
        }
        f.write_str("}")
    }
}

/// `a` alone, `{a, b}` when there are more.
struct OneOrBraces<'a, T>(&'a [T]);

impl<T: Display> Display for OneOrBraces<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            [one] => one.fmt(f),
            many => Braces(many).fmt(f),
        }
    }
}
