//! One instruction of the IR to one of the executor. `None` where it is not modelled.

use tilewright_ptx_ir::ir::{Base, BinaryOp, Cache, MulPart, Op, Operand, Reg, Space, TernaryOp, Type};

use super::Context;
use super::address::{LOCAL_WINDOW, Place, SHARED_WINDOW, Window};
use super::code::{Access, Code, Combine};
use super::fast::{fast, whole_unary};
use super::generic::Generic;
use super::operand::{Destination, Narrow, Source, Wide};
use super::strength::{Reach, Strength};
use crate::arith::{self, BinaryForm, TernaryForm, fp8};

pub(super) fn translate(op: &Op, context: &mut Context<'_>) -> Option<Code> {
    if let Some(code) = fast(op, context) {
        return Some(code);
    }
    match op {
        Op::Mov { ty, dst, src } => {
            Some(Code::Move { dst: context.slots.destination(*dst), src: context.slots.source(*src, *ty)? })
        }
        Op::ReadSpecial { dst, src } => Some(Code::Special { dst: context.slots.destination(*dst), special: *src }),
        Op::SharedAddress { dst, array, offset } => {
            let start = *context.shared.get(array.0 as usize)?;
            Some(address_of(context.slots.destination(*dst), start, *offset))
        }
        Op::LocalAddress { dst, local, offset } => {
            Some(address_of(context.slots.destination(*dst), context.local(*local)?, *offset))
        }
        Op::SymbolAddress { dst, symbol, offset } => {
            let start = context.variable(*symbol)?.wrapping_add(i64::from(*offset).cast_unsigned());
            Some(Code::Move { dst: context.slots.destination(*dst), src: Source::Wide(Wide::Constant(start)) })
        }
        Op::IsSpace { space, dst, src } => Some(Code::IsSpace {
            window: match space {
                Space::Global => Window::Global,
                Space::Shared => Window::Shared,
                Space::Local => Window::Local,
                _ => return None,
            },
            dst: context.slots.pred(*dst),
            src: context.slots.register(*src),
        }),
        Op::TestProperty { test, ty, dst, a } => {
            let (test, ty) = (*test, *ty);
            let inputs = vec![context.slots.source(*a, ty)?];
            let holds = Generic::new(inputs, move |v, _| arith::test(test, ty, v[0]).map(u64::from))?;
            Some(Code::CompareGeneric { compare: holds, dst: context.slots.pred(*dst), combine: None })
        }
        Op::Pack { ty, dst, srcs } => {
            let part_bits = 8 * ty.bytes() / u32::try_from(srcs.len()).ok()?;
            let part = part_type(part_bits)?;
            let srcs = srcs.iter().map(|src| context.slots.source(*src, part)).collect::<Option<_>>()?;
            Some(Code::Pack { dst: context.slots.destination(*dst), srcs, part_bits })
        }
        Op::Unpack { ty, dsts, src } => Some(Code::Unpack {
            part_bits: 8 * ty.bytes() / u32::try_from(dsts.len()).ok()?,
            dsts: dsts.iter().map(|dst| context.slots.destination(*dst)).collect(),
            src: context.slots.register(*src),
        }),
        Op::Cvta { space, to_generic, dst, src } => cvta(context, *space, *to_generic, *dst, *src),
        Op::Select { ty, dst, a, b, pred } => Some(Code::Select {
            a: context.slots.source(*a, *ty)?,
            b: context.slots.source(*b, *ty)?,
            pred: context.slots.pred(*pred),
            dst: context.slots.destination(*dst),
        }),
        Op::SetPredicate { compare, ty, ftz, dst, a, b, combine } => {
            let (compare, ty, ftz) = (*compare, *ty, *ftz);
            let inputs = vec![context.slots.source(*a, ty)?, context.slots.source(*b, ty)?];
            let holds = Generic::new(inputs, move |v, _| arith::compare(compare, ty, ftz, v[0], v[1]).map(u64::from))?;
            let combine = combine.map(|(op, pred)| (op, context.slots.pred(pred)));
            Some(Code::CompareGeneric { compare: holds, dst: context.slots.pred(*dst), combine })
        }
        Op::SetPredicates { .. } | Op::Set { .. } => super::compare::compare(op, context),
        Op::Unary { .. }
        | Op::Binary { .. }
        | Op::Ternary { .. }
        | Op::Mul { .. }
        | Op::Mad { .. }
        | Op::BitFieldInsert { .. }
        | Op::Cvt { .. }
        | Op::CvtPair { .. }
        | Op::CvtFp8Pair { .. }
        | Op::CvtFp8 { .. }
        | Op::CvtTf32 { .. }
        | Op::CvtPackS8 { .. } => generic(op, context),
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
        | Op::SelectBySign { .. } => super::integer::integer(op, context),
        Op::AtomicVector { .. } => atomic_vector(op, context),
        Op::Load { .. } | Op::Store { .. } | Op::Atomic { .. } | Op::CpAsync { .. } | Op::LdMatrix { .. } => {
            memory(op, context)
        }
        Op::CpAsyncCommit => Some(Code::CopyCommit),
        Op::CpAsyncWait { pending } => Some(Code::CopyWait { pending: Some(*pending) }),
        Op::CpAsyncWaitAll => Some(Code::CopyWait { pending: None }),
        Op::CreatePolicy { .. } | Op::CreatePolicyRange { .. } | Op::CreatePolicyFrom { .. } => policy(op, context),
        Op::Fence { scope, .. } => Some(Code::Fence { reach: Reach::of(Some(*scope))? }),
        Op::Prefetch { .. }
        | Op::PrefetchUniform { .. }
        | Op::ApplyPriority { .. }
        | Op::PerformanceEvent { .. }
        // Nothing overlaps with the one grid of a launch.
        | Op::GridDependency { .. }
        | Op::Nanosleep { .. } => Some(Code::Nothing),
        Op::Discard { space, address } => {
            Some(Code::Discard { window: Window::new(*space)?, place: context.place(address)? })
        }
        Op::Shuffle { .. }
        | Op::Vote { .. }
        | Op::MatchAny { .. }
        | Op::MatchAll { .. }
        | Op::Redux { .. }
        | Op::ActiveMask { .. }
        | Op::WarpSync { .. }
        | Op::Elect { .. }
        | Op::Mma { .. } => warp(op, context),
        Op::MmaForm { .. } | Op::MoveMatrix { .. } | Op::StMatrix { .. } => matrix(op, context),
        Op::MbarrierInit { .. }
        | Op::MbarrierInvalidate { .. }
        | Op::MbarrierArrive { .. }
        | Op::MbarrierWait { .. }
        | Op::MbarrierPendingCount { .. }
        | Op::CpAsyncMbarrierArrive { .. } => super::mbarrier::mbarrier(op, context),
        Op::BarrierSync { aligned, id, threads } => {
            let threads = match threads {
                Some(threads) => Some(context.slots.narrow(*threads, Type::U32)?),
                None => None,
            };
            let id = context.slots.narrow(*id, Type::U32)?;
            Some(Code::Barrier { aligned: *aligned, arrives_only: false, id, threads, combine: None })
        }
        Op::BarrierArrive { aligned, id, threads } => {
            let threads = Some(context.slots.narrow(*threads, Type::U32)?);
            let id = context.slots.narrow(*id, Type::U32)?;
            Some(Code::Barrier { aligned: *aligned, arrives_only: true, id, threads, combine: None })
        }
        Op::BarrierReduce { aligned, op, dst, id, threads, src, negate } => {
            let threads = match threads {
                Some(threads) => Some(context.slots.narrow(*threads, Type::U32)?),
                None => None,
            };
            let (id, dst) = (context.slots.narrow(*id, Type::U32)?, context.slots.destination(*dst));
            let combine = Some(Combine { op: *op, dst, src: context.slots.pred(*src), negate: *negate });
            Some(Code::Barrier { aligned: *aligned, arrives_only: false, id, threads, combine })
        }
        Op::Branch { label, .. } => Some(Code::Branch { target: context.label(*label)? }),
        Op::BranchIndexed { index, labels, .. } => Some(Code::BranchIndexed {
            index: context.slots.narrow_slot(*index)?,
            targets: labels.iter().map(|label| context.label(*label)).collect::<Option<_>>()?,
        }),
        Op::Return | Op::Exit => Some(Code::Exit),
        Op::Trap => Some(Code::Trap),
        // Whatever the IR learns before this does.
        _ => None,
    }
}

pub(super) const fn binary_form(op: &Op) -> Option<BinaryForm> {
    match *op {
        Op::Binary { rounding, ftz, sat, approx, full, nan, .. } => {
            Some(BinaryForm { rounding, ftz, sat, approx, full, nan })
        }
        _ => None,
    }
}

pub(super) const fn ternary_form(op: &Op) -> Option<TernaryForm> {
    match *op {
        Op::Ternary { rounding, ftz, sat, relu, .. } => Some(TernaryForm { rounding, ftz, sat, relu }),
        _ => None,
    }
}

/// A policy is a number that nothing but the caches reads, of which there are none here.
fn policy(op: &Op, context: &mut Context<'_>) -> Option<Code> {
    let slots = &mut context.slots;
    let (dst, inputs) = match op {
        Op::CreatePolicy { dst, .. } => {
            return Some(Code::Move { dst: slots.destination(*dst), src: Source::Wide(Wide::Constant(0)) });
        }
        Op::CreatePolicyFrom { dst, src } => (*dst, vec![slots.source(*src, Type::U64)?]),
        Op::CreatePolicyRange { dst, address, primary_bytes, total_bytes, .. } => {
            let mut inputs = vec![slots.source(*primary_bytes, Type::U32)?, slots.source(*total_bytes, Type::U32)?];
            inputs.extend(address.reg().map(|reg| slots.register(reg)));
            (*dst, inputs)
        }
        _ => return None,
    };
    Some(Code::Generic { f: Generic::new(inputs, |_, _| Some(0))?, dst: slots.destination(dst) })
}

/// The untyped type of a part of a packed register.
const fn part_type(bits: u32) -> Option<Type> {
    match bits {
        8 => Some(Type::B8),
        16 => Some(Type::B16),
        32 => Some(Type::B32),
        _ => None,
    }
}

/// Device addresses are the same everywhere; shared memory has a window among the generic ones.
fn cvta(context: &mut Context<'_>, space: Space, to_generic: bool, dst: Reg, src: Reg) -> Option<Code> {
    let (src, dst) = (context.slots.register(src), context.slots.destination(dst));
    match space {
        Space::Global => Some(Code::Move { dst, src }),
        Space::Shared => {
            let window = if to_generic { SHARED_WINDOW } else { SHARED_WINDOW.wrapping_neg() };
            let f = Generic::new(vec![src], move |v, _| Some(v[0].wrapping_add(window)))?;
            Some(Code::Generic { f, dst })
        }
        Space::Const => Some(Code::Move { dst, src }),
        Space::Local => {
            let window = if to_generic { LOCAL_WINDOW } else { 0 };
            let (dst, src) = match (dst, src) {
                (Destination::Wide(dst), Source::Wide(src)) => (dst, src),
                _ => return None,
            };
            Some(Code::LocalWindow { enter: window != 0, dst, src })
        }
        _ => None,
    }
}

/// Arithmetic that goes through `arith` lane by lane.
pub(super) fn generic(op: &Op, context: &mut Context<'_>) -> Option<Code> {
    let slots = &mut context.slots;
    let mut sources = |operands: &[(Operand, Type)]| {
        operands.iter().map(|(operand, ty)| slots.source(*operand, *ty)).collect::<Option<Vec<_>>>()
    };
    let (f, dst) = match *op {
        Op::Unary { op, ty, rounding, approx, ftz, dst, a } => {
            let function = move |v: &[u64; 4], jitter| arith::unary(op, ty, rounding, approx, ftz, v[0], jitter);
            let mut f = Generic::new(sources(&[(a, ty)])?, function)?;
            f.whole = whole_unary(slots, (op, ty, rounding, approx, ftz), dst, a);
            (f, dst)
        }
        Op::Binary { op: operation, ty, dst, a, b, .. } => {
            let form = binary_form(op)?;
            let shifts =
                matches!(operation, BinaryOp::Shl | BinaryOp::Shr | BinaryOp::ExtendClamp | BinaryOp::ExtendWrap);
            let b_type = if shifts { Type::U32 } else { ty };
            let function = move |v: &[u64; 4], jitter| arith::binary(operation, ty, form, v[0], v[1], jitter);
            (Generic::new(sources(&[(a, ty), (b, b_type)])?, function)?, dst)
        }
        Op::Ternary { op: operation, ty, dst, a, b, c, .. } => {
            let form = ternary_form(op)?;
            // Positions and lengths of bit fields are 32 bits wide.
            let fields = operation == TernaryOp::BitFieldExtract;
            let rest = if fields { Type::U32 } else { ty };
            let function = move |v: &[u64; 4], _| arith::ternary(operation, ty, form, v[0], v[1], v[2]);
            (Generic::new(sources(&[(a, ty), (b, rest), (c, rest)])?, function)?, dst)
        }
        Op::Mul { part, ty, dst, a, b } => {
            let function = move |v: &[u64; 4], _| arith::multiply(part, ty, v[0], v[1]);
            (Generic::new(sources(&[(a, ty), (b, ty)])?, function)?, dst)
        }
        Op::Mad { part, ty, dst, a, b, c } => {
            let c_type = if part == MulPart::Wide { twice(ty)? } else { ty };
            let function = move |v: &[u64; 4], _| arith::multiply_add(part, ty, v[0], v[1], v[2]);
            (Generic::new(sources(&[(a, ty), (b, ty), (c, c_type)])?, function)?, dst)
        }
        Op::BitFieldInsert { ty, dst, a, b, start, length } => {
            let function = move |v: &[u64; 4], _| arith::bit_field_insert(ty, v[0], v[1], low(v[2]), low(v[3]));
            let operands = [(a, ty), (b, ty), (start, Type::U32), (length, Type::U32)];
            (Generic::new(sources(&operands)?, function)?, dst)
        }
        Op::Cvt { to, from, rounding, ftz, sat, dst, src } => {
            let function = move |v: &[u64; 4], _| arith::cvt(to, from, rounding, ftz, sat, v[0]);
            (Generic::new(sources(&[(src, from)])?, function)?, dst)
        }
        Op::CvtPair { to, rounding, relu, dst, high, low: low_half } => {
            let function =
                move |v: &[u64; 4], _| arith::cvt_pair(to, rounding, relu, low(v[0]), low(v[1])).map(u64::from);
            (Generic::new(sources(&[(high, Type::F32), (low_half, Type::F32)])?, function)?, dst)
        }
        Op::CvtFp8Pair { format, relu, dst, high, low: low_half } => {
            let function = move |v: &[u64; 4], _| Some(fp8::from_f32(format, relu, low(v[0]), low(v[1])));
            (Generic::new(sources(&[(high, Type::F32), (low_half, Type::F32)])?, function)?, dst)
        }
        Op::CvtFp8 { format, widens, relu, dst, src } => {
            let function = move |v: &[u64; 4], _| {
                Some(if widens { fp8::to_f16(format, relu, v[0]) } else { fp8::from_f16(format, relu, v[0]) })
            };
            let ty = if widens { Type::B16 } else { Type::F16x2 };
            (Generic::new(sources(&[(src.into(), ty)])?, function)?, dst)
        }
        Op::CvtTf32 { dst, src } => {
            let function = move |v: &[u64; 4], _| Some(u64::from(arith::cvt_tf32(low(v[0]))));
            (Generic::new(sources(&[(src, Type::F32)])?, function)?, dst)
        }
        Op::CvtPackS8 { dst, a, b, c } => {
            let function = move |v: &[u64; 4], _| Some(u64::from(arith::cvt_pack_s8(low(v[0]), low(v[1]), low(v[2]))));
            (Generic::new(sources(&[(a, Type::S32), (b, Type::S32), (c, Type::B32)])?, function)?, dst)
        }
        _ => return None,
    };
    Some(Code::Generic { f, dst: context.slots.destination(dst) })
}

const fn twice(ty: Type) -> Option<Type> {
    match ty {
        Type::U16 => Some(Type::U32),
        Type::S16 => Some(Type::S32),
        Type::U32 => Some(Type::U64),
        Type::S32 => Some(Type::S64),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "32-bit operands are read from the low half")]
const fn low(bits: u64) -> u32 {
    bits as u32
}

fn memory(op: &Op, context: &mut Context<'_>) -> Option<Code> {
    match op {
        Op::Load { space, ty, dsts, address, order, scope, cache, .. } => {
            let strength = Strength::of_load(*order, *scope);
            let is_constant = matches!(cache, Cache::NonCoherent | Cache::Uniform);
            let access = Access { element_bytes: ty.bytes(), is_signed: ty.is_signed(), strength, is_constant };
            let place = context.place(address)?;
            let dsts = dsts.iter().map(|dst| context.slots.destination(*dst)).collect();
            if *space == Space::Param && !(context.is_kernel() && matches!(address.base, Base::Param(_))) {
                // What calls pass lies in the thread's own memory.
                let is_memory = matches!(address.base, Base::Param(_) | Base::Result(_) | Base::Local(_));
                return is_memory.then_some(Code::Load { window: Window::Local, access, dsts, place });
            }
            if *space == Space::Param {
                // Addresses of parameters are known; `place` is that of a register otherwise.
                return place.base.is_none().then_some(Code::LoadParam { dsts, offset: place.offset, access });
            }
            Some(Code::Load { window: Window::new(*space)?, access, dsts, place })
        }
        Op::Store { space, ty, srcs, address, order, scope, .. } => Some(Code::Store {
            window: if *space == Space::Param { Window::Local } else { Window::new(*space)? },
            access: Access {
                element_bytes: ty.bytes(),
                is_signed: false,
                strength: Strength::of_store(*order, *scope),
                is_constant: false,
            },
            srcs: srcs.iter().map(|src| context.slots.source(*src, *ty)).collect::<Option<_>>()?,
            place: context.place(address)?,
        }),
        Op::Atomic { op, space, ty, dst, address, a, b, order, scope, .. } => {
            arith::atomic(*op, *ty, 0, 0, 0)?;
            let b = match b {
                Some(b) => Some(context.slots.source(*b, *ty)?),
                None => None,
            };
            Some(Code::Atomic {
                window: Window::new(*space)?,
                strength: Strength::of_atomic(*order, *scope),
                op: *op,
                ty: *ty,
                place: context.place(address)?,
                a: context.slots.source(*a, *ty)?,
                b,
                dst: dst.map(|dst| context.slots.destination(dst)),
            })
        }
        Op::CpAsync { bytes, dst, src, source_bytes, ignored, .. } => {
            let source_bytes = match source_bytes {
                Some(bytes) => Some(context.slots.narrow(*bytes, Type::U32)?),
                None => None,
            };
            let ignored = ignored.map(|guard| (context.slots.pred(guard.pred), guard.negate));
            let (to, from) = (context.place(dst)?, context.place(src)?);
            Some(Code::Copy { bytes: *bytes, to, from, source_bytes, ignored })
        }
        Op::LdMatrix { transpose, dsts, address } => Some(Code::LoadMatrix {
            transpose: *transpose,
            place: context.place(address)?,
            dsts: dsts.iter().map(|dst| context.slots.narrow_slot(*dst)).collect::<Option<_>>()?,
        }),
        _ => None,
    }
}

fn warp(op: &Op, context: &mut Context<'_>) -> Option<Code> {
    let slots = &mut context.slots;
    match op {
        Op::Shuffle { mode, dst, pred, src, lane, clamp, mask } => Some(Code::Shuffle {
            mode: *mode,
            src: slots.narrow(*src, Type::B32)?,
            lane: slots.narrow(*lane, Type::B32)?,
            clamp: slots.narrow(*clamp, Type::B32)?,
            mask: slots.narrow(*mask, Type::B32)?,
            dst: slots.narrow_slot(*dst)?,
            pred: pred.map(|pred| slots.pred(pred)),
        }),
        Op::Vote { mode, dst, src, mask } => Some(Code::Vote {
            mode: *mode,
            src: slots.condition(*src),
            mask: slots.narrow(*mask, Type::B32)?,
            dst: slots.destination(*dst),
        }),
        Op::MatchAny { ty, dst, src, mask } => Some(Code::MatchAny {
            src: slots.source(*src, *ty)?,
            mask: slots.narrow(*mask, Type::B32)?,
            dst: slots.narrow_slot(*dst)?,
        }),
        Op::MatchAll { ty, dst, pred, src, mask } => Some(Code::MatchAll {
            src: slots.source(*src, *ty)?,
            mask: slots.narrow(*mask, Type::B32)?,
            dst: slots.narrow_slot(*dst)?,
            pred: pred.map(|pred| slots.pred(pred)),
        }),
        Op::Redux { op, ty, dst, src, mask } => {
            arith::atomic(*op, *ty, 0, 0, 0)?;
            Some(Code::Reduce {
                op: *op,
                ty: *ty,
                src: slots.narrow(*src, *ty)?,
                mask: slots.narrow(*mask, Type::B32)?,
                dst: slots.narrow_slot(*dst)?,
            })
        }
        Op::Elect { dst, pred, mask } => Some(Code::Elect {
            dst: slots.narrow_slot(*dst)?,
            pred: slots.pred(*pred),
            mask: slots.narrow(*mask, Type::B32)?,
        }),
        Op::ActiveMask { dst } => Some(Code::ActiveMask { dst: slots.narrow_slot(*dst)? }),
        Op::WarpSync { mask } => Some(Code::WarpSync { mask: slots.narrow(*mask, Type::B32)? }),
        Op::Mma { shape, .. } if !crate::tensor_core::is_modelled(*shape) => None,
        Op::Mma { shape, satfinite, dsts, a, b, c } => {
            let mut registers =
                |registers: &[Reg]| registers.iter().map(|reg| slots.narrow_slot(*reg)).collect::<Option<Vec<_>>>();
            Some(Code::Mma {
                shape: *shape,
                satfinite: *satfinite,
                a: registers(a)?,
                b: registers(b)?,
                c: registers(c)?,
                dsts: registers(dsts)?,
            })
        }
        _ => None,
    }
}

fn atomic_vector(op: &Op, context: &mut Context<'_>) -> Option<Code> {
    let Op::AtomicVector { op, space, ty, order, scope, dsts, address, srcs, .. } = op else { return None };
    arith::atomic(*op, *ty, 0, 0, 0)?;
    let (window, place) = (Window::new(*space)?, context.place(address)?);
    let parts = srcs.iter().enumerate().map(|(index, src)| {
        let offset = place.offset.wrapping_add(u64::from(ty.bytes()) * index as u64);
        Some(Code::Atomic {
            window,
            strength: Strength::of_atomic(*order, *scope),
            op: *op,
            ty: *ty,
            place: Place { offset, ..place },
            a: context.slots.source(*src, *ty)?,
            b: None,
            dst: dsts.get(index).map(|dst| context.slots.destination(*dst)),
        })
    });
    let parts: Vec<Code> = parts.collect::<Option<_>>()?;
    let bytes = ty.bytes() * u32::try_from(parts.len()).ok()?;
    Some(Code::AtomicVector { parts, window, place, bytes })
}

fn matrix(op: &Op, context: &mut Context<'_>) -> Option<Code> {
    match op {
        Op::MmaForm { form, satfinite, dsts, a, b, c } => {
            let slots = &mut context.slots;
            let dsts = dsts.iter().map(|dst| slots.destination(*dst)).collect();
            let [a, b, c] = [a, b, c].map(|registers| registers.iter().map(|reg| slots.register(*reg)).collect());
            Some(Code::MmaForm { form: *form, satfinite: *satfinite, dsts, a, b, c })
        }
        Op::MoveMatrix { dst, src } => {
            Some(Code::MoveMatrix { src: context.slots.narrow_slot(*src)?, dst: context.slots.narrow_slot(*dst)? })
        }
        Op::StMatrix { transpose, srcs, address } => Some(Code::StoreMatrix {
            transpose: *transpose,
            srcs: srcs.iter().map(|src| context.slots.narrow_slot(*src)).collect::<Option<_>>()?,
            place: context.place(address)?,
        }),
        _ => None,
    }
}

/// A variable's address in its space: zero-extended in a register of 64 bits, to which the offset is then added.
fn address_of(dst: Destination, start: u32, offset: i32) -> Code {
    let src = match dst {
        Destination::Wide(_) => Source::Wide(Wide::Constant(u64::from(start).wrapping_add_signed(offset.into()))),
        _ => Source::Narrow(Narrow::Constant(start.wrapping_add_signed(offset))),
    };
    Code::Move { dst, src }
}
