//! Instructions drawn field by field, one arm a variant.

use tilewright_ptx_ir::ir::{
    Address, AtomicOp, BarrierOp, Base, BinaryOp, BoolOp, Cache, Compare, Condition, EvictionPriority, FenceOrder,
    FloatTest, Guard, Kernel, Label, LoadOrder, LocalIndex, MmaShape, MulPart, Op, Operand, PackedInteger, ParamIndex,
    PermuteMode, PrefetchLevel, RegClass, Rounding, Scope, Selected, Shared, ShuffleMode, Space, Special, StoreOrder,
    Symbol, TernaryOp, Type, UnaryOp, VideoAction, VideoOp, VideoPart, VideoSecond, VoteMode,
};

use super::draw::Draw;
use super::hints;

/// Number of variants of [`Op`] that are drawn here.
const HERE: usize = 66;

/// Number of variants of [`Op`].
pub(crate) const KINDS: usize = HERE + hints::KINDS;

pub(super) const SPACES: [Space; 6] =
    [Space::Param, Space::Global, Space::Shared, Space::Local, Space::Const, Space::Generic];
const L2_SIZES: [u32; 3] = [64, 128, 256];

/// An instruction of `kind`, which the verifier may refuse. `kernel` says what it may refer to.
pub(crate) fn draw(kind: usize, kernel: &Kernel, draw: &mut Draw) -> Op {
    match kind {
        kind if kind >= HERE => hints::draw(kind - HERE, kernel, draw),
        0..10 => movement(kind, kernel, draw),
        10..18 => arithmetic(kind, draw),
        18..28 => memory(kind, kernel, draw),
        28..35 => warp(kind, draw),
        61.. => packed(kind, draw),
        59.. => comparison(kind, draw),
        52.. => integer(kind, draw),
        43.. => compiled(kind, kernel, draw),
        _ => control(kind, draw),
    }
}

fn movement(kind: usize, kernel: &Kernel, draw: &mut Draw) -> Op {
    let ty = draw.of(&Type::ALL);
    let dst = draw.register_for(ty);
    match kind {
        0 => Op::Mov { ty, dst, src: draw.operand(ty) },
        1 => {
            let src = draw.of(&Special::ALL);
            Op::ReadSpecial { dst: draw.register(if src.is_wide() { RegClass::B64 } else { RegClass::B32 }), src }
        }
        2 => {
            let class = draw.of(&[RegClass::B32, RegClass::B64]);
            Op::SharedAddress {
                dst: draw.register(class),
                array: Shared(draw.below(some(kernel.shared.len()))),
                offset: draw.of(&[0, 8, -4]),
            }
        }
        3 | 4 => {
            let (ty, part, count) =
                draw.of(&[(Type::B32, Type::B16, 2), (Type::B64, Type::B32, 2), (Type::B64, Type::B16, 4)]);
            if kind == 3 {
                let srcs = (0..count).map(|_| draw.register_for(part).into()).collect();
                return Op::Pack { ty, dst: draw.register_for(ty), srcs };
            }
            let class = draw.class_for(part);
            Op::Unpack { ty, dsts: draw.registers(class, count), src: draw.register_for(ty) }
        }
        5 => {
            let (to, from) = (ty, draw.of(&Type::ALL));
            let rounding = if draw.flag() { Some(draw.of(Rounding::ALL)) } else { None };
            Op::Cvt { to, from, rounding, ftz: draw.rarely(), sat: draw.rarely(), dst, src: draw.operand(from) }
        }
        6 => {
            let (to, rounding, relu) = (ty, draw.of(Rounding::ALL), draw.rarely());
            Op::CvtPair { to, rounding, relu, dst, high: draw.operand(Type::F32), low: draw.operand(Type::F32) }
        }
        7 => Op::CvtPackS8 {
            dst: draw.register(RegClass::B32),
            a: draw.operand(Type::S32),
            b: draw.operand(Type::S32),
            c: draw.operand(Type::B32),
        },
        8 => Op::Cvta {
            space: draw.of(&SPACES),
            to_generic: draw.flag(),
            dst: draw.register(RegClass::B64),
            src: draw.register(RegClass::B64),
        },
        _ => Op::Select { ty, dst, a: draw.operand(ty), b: draw.operand(ty), pred: draw.register(RegClass::Pred) },
    }
}

fn arithmetic(kind: usize, draw: &mut Draw) -> Op {
    let ty = draw.of(&Type::ALL);
    let dst = draw.register_for(ty);
    let rounding = if draw.flag() { Some(draw.of(Rounding::ALL)) } else { None };
    let (ftz, sat) = (draw.rarely(), draw.rarely());
    match kind {
        10 => {
            let op = draw.of(UnaryOp::ALL);
            let dst = if matches!(op, UnaryOp::PopulationCount | UnaryOp::LeadingZeros) {
                draw.register(RegClass::B32)
            } else {
                dst
            };
            Op::Unary { op, ty, rounding, approx: draw.flag(), ftz, dst, a: draw.operand(ty) }
        }
        11 => {
            let op = draw.of(BinaryOp::ALL);
            let amount = if matches!(op, BinaryOp::Shl | BinaryOp::Shr) { Type::U32 } else { ty };
            let (approx, full, nan) = (draw.rarely(), draw.rarely(), draw.rarely());
            let (a, b) = (draw.operand(ty), draw.operand(amount));
            Op::Binary { op, ty, rounding, ftz, sat, approx, full, nan, dst, a, b }
        }
        12 => {
            let op = draw.of(TernaryOp::ALL);
            let field = if op == TernaryOp::BitFieldExtract { Type::U32 } else { ty };
            let (a, b, c) = (draw.operand(ty), draw.operand(field), draw.operand(field));
            Op::Ternary { op, ty, rounding, ftz, sat, relu: draw.rarely(), dst, a, b, c }
        }
        13 | 14 => {
            let part = draw.of(MulPart::ALL);
            let wide = match (part, ty) {
                (MulPart::Wide, Type::U16 | Type::S16) => Type::U32,
                (MulPart::Wide, Type::U32 | Type::S32) => Type::U64,
                _ => ty,
            };
            let (dst, a, b) = (draw.register(wide.class()), draw.operand(ty), draw.operand(ty));
            if kind == 13 {
                return Op::Mul { part, ty, dst, a, b };
            }
            Op::Mad { part, ty, dst, a, b, c: draw.operand(wide) }
        }
        15 => {
            let (a, b, c) = (draw.operand(Type::B32), draw.operand(Type::B32), draw.operand(Type::B32));
            Op::Lop3 { table: draw.next() as u8, dst: draw.register_for(Type::B32), a, b, c }
        }
        16 => {
            let (a, b) = (draw.operand(ty), draw.operand(ty));
            let (start, length) = (draw.operand(Type::U32), draw.operand(Type::U32));
            Op::BitFieldInsert { ty, dst, a, b, start, length }
        }
        _ => {
            let compare = draw.of(Compare::ALL);
            let combine = draw.flag().then(|| (draw.of(BoolOp::ALL), draw.register(RegClass::Pred)));
            let dst = draw.register(RegClass::Pred);
            Op::SetPredicate { compare, ty, ftz, dst, a: draw.operand(ty), b: draw.operand(ty), combine }
        }
    }
}

fn memory(kind: usize, kernel: &Kernel, draw: &mut Draw) -> Op {
    let (space, ty) = (draw.of(&SPACES), draw.of(&Type::ALL));
    let address = address(space, ty.bytes(), kernel, draw);
    let scope = draw.maybe(Scope::ALL);
    let policy = draw.rarely().then(|| draw.register(RegClass::B64));
    let l2_prefetch = draw.maybe(&L2_SIZES);
    match kind {
        18 => Op::Load {
            space,
            ty,
            order: draw.maybe(LoadOrder::ALL).unwrap_or(LoadOrder::Weak),
            scope,
            cache: draw.maybe(Cache::ALL).unwrap_or(Cache::Default),
            l1: draw.maybe(EvictionPriority::ALL).unwrap_or(EvictionPriority::Normal),
            l2_prefetch,
            policy,
            dsts: {
                let class = memory_class(ty, draw);
                let count = draw.of(&[1, 2, 4]);
                draw.registers(class, count)
            },
            address: vector_address(address, draw),
        },
        19 => Op::Store {
            space,
            ty,
            order: draw.maybe(StoreOrder::ALL).unwrap_or(StoreOrder::Weak),
            scope,
            cache: draw.maybe(Cache::ALL).unwrap_or(Cache::Default),
            l1: draw.maybe(EvictionPriority::ALL).unwrap_or(EvictionPriority::Normal),
            policy,
            srcs: {
                let count = draw.of(&[1, 2, 4]);
                (0..count)
                    .map(|_| {
                        let class = memory_class(ty, draw);
                        if draw.rarely() { Operand::Imm(draw.literal(ty)) } else { draw.register(class).into() }
                    })
                    .collect()
            },
            address: vector_address(address, draw),
        },
        20 => {
            let op = draw.of(AtomicOp::ALL);
            let (order, dst) = (draw.maybe(FenceOrder::ALL), draw.flag().then(|| draw.register_for(ty)));
            let b = (op == AtomicOp::CompareSwap).then(|| draw.operand(ty));
            Op::Atomic { op, space, ty, order, scope, dst, address, a: draw.operand(ty), b, policy }
        }
        21 => Op::Fence { order: draw.of(FenceOrder::ALL), scope: draw.of(Scope::ALL) },
        22 => {
            let bytes = draw.of(&[4, 8, 16]);
            Op::CpAsync {
                cache: draw.of(&[Cache::All, Cache::Global]),
                bytes,
                l2_prefetch,
                dst: self::address(Space::Shared, bytes, kernel, draw),
                src: self::address(Space::Global, bytes, kernel, draw),
                source_bytes: draw.flag().then(|| draw.register(RegClass::B32).into()),
                ignored: draw.rarely().then(|| Guard { pred: draw.register(RegClass::Pred), negate: draw.flag() }),
                policy,
            }
        }
        23 => Op::CpAsyncCommit,
        24 => Op::CpAsyncWait { pending: draw.below(8) },
        25 => Op::CpAsyncWaitAll,
        26 => Op::CreatePolicy {
            priority: draw.of(EvictionPriority::ALL),
            secondary: draw.maybe(EvictionPriority::ALL),
            fraction: draw.of(&[1.0f32, 0.5, 0.0625]).to_bits(),
            dst: draw.register(RegClass::B64),
        },
        _ => {
            if draw.flag() {
                let (space, level) = (draw.of(&SPACES), draw.of(PrefetchLevel::ALL));
                return Op::Prefetch { space, level, address: self::address(space, 1, kernel, draw) };
            }
            let count = draw.of(&[1, 2, 4]);
            let (transpose, dsts) = (draw.flag(), draw.registers(RegClass::B32, count));
            Op::LdMatrix { transpose, dsts, address: self::address(Space::Shared, 16, kernel, draw) }
        }
    }
}

fn warp(kind: usize, draw: &mut Draw) -> Op {
    let mask = draw.operand(Type::U32);
    match kind {
        28 => Op::Shuffle {
            mode: draw.of(ShuffleMode::ALL),
            dst: draw.register_for(Type::B32),
            pred: draw.flag().then(|| draw.register(RegClass::Pred)),
            src: draw.operand(Type::B32),
            lane: draw.operand(Type::U32),
            clamp: draw.operand(Type::U32),
            mask,
        },
        29 => {
            let mode = draw.of(VoteMode::ALL);
            let class = if mode == VoteMode::Ballot { RegClass::B32 } else { RegClass::Pred };
            Op::Vote { mode, dst: draw.register(class), src: condition(draw), mask }
        }
        30 => {
            let ty = draw.of(&Type::ALL);
            Op::MatchAny { ty, dst: draw.register(RegClass::B32), src: draw.operand(ty), mask }
        }
        31 => {
            let (op, ty) = (draw.of(AtomicOp::ALL), draw.of(&Type::ALL));
            Op::Redux { op, ty, dst: draw.register_for(ty), src: draw.operand(ty), mask }
        }
        32 => Op::ActiveMask { dst: draw.register(RegClass::B32) },
        33 => Op::WarpSync { mask },
        _ => {
            let shape = draw.of(&MmaShape::ALL);
            let (class, count) = (shape.accumulator_class(), shape.accumulator_registers());
            let satfinite = draw.rarely();
            let (dsts, c) = (draw.registers(class, count), draw.registers(class, count));
            let a = draw.registers(RegClass::B32, shape.a_registers());
            Op::Mma { shape, satfinite, dsts, a, b: draw.registers(RegClass::B32, shape.b_registers()), c }
        }
    }
}

fn control(kind: usize, draw: &mut Draw) -> Op {
    use tilewright_ptx_ir::ir::Immediate;
    let id = if draw.rarely() { draw.operand(Type::U32) } else { Operand::Imm(Immediate::Int(draw.below(16).into())) };
    let threads = match draw.flag() {
        true => Operand::Imm(Immediate::Int(i64::from(32 * (1 + draw.below(32))))),
        false => draw.register(RegClass::B32).into(),
    };
    match kind {
        35 => Op::BarrierSync { aligned: draw.flag(), id, threads: draw.flag().then_some(threads) },
        36 => Op::BarrierArrive { aligned: draw.flag(), id, threads },
        37 => Op::Branch { uniform: draw.flag(), label: Label(draw.below(super::LABELS)) },
        38 => Op::Return,
        39 => Op::Exit,
        40 => Op::Trap,
        41 => Op::Nanosleep { duration: draw.operand(Type::U32) },
        _ => Op::LdMatrix {
            transpose: draw.flag(),
            dsts: draw.registers(RegClass::B32, 4),
            address: Address { base: Base::Reg(draw.register(RegClass::B32)), offset: 32 },
        },
    }
}

/// What compilers write and the builder does not.
fn compiled(kind: usize, kernel: &Kernel, draw: &mut Draw) -> Op {
    use tilewright_ptx_ir::ir::Immediate;
    let (dst, wide, pred) = (draw.register(RegClass::B32), draw.register(RegClass::B64), draw.register(RegClass::Pred));
    match kind {
        43 => Op::LocalAddress {
            dst: draw.of(&[dst, wide]),
            local: LocalIndex(draw.below(2)),
            offset: draw.of(&[0, 8, -4]),
        },
        44 => Op::SymbolAddress { dst: wide, symbol: Symbol(draw.below(4)), offset: draw.of(&[0, 8, -4]) },
        45 => Op::CvtTf32 { dst, src: draw.operand(Type::F32) },
        46 => {
            let ty = draw.of(&[Type::F32, Type::F64]);
            Op::TestProperty { test: draw.of(FloatTest::ALL), ty, dst: pred, a: draw.operand(ty) }
        }
        47 => Op::IsSpace { space: draw.of(&SPACES), dst: pred, src: wide },
        48 => {
            let (ty, both) = (draw.of(&Type::ALL), draw.flag().then_some(pred));
            Op::MatchAll { ty, dst, pred: both, src: draw.operand(ty), mask: Operand::Imm(Immediate::Int(-1)) }
        }
        49 => {
            let op = draw.of(BarrierOp::ALL);
            let class = if op == BarrierOp::PopulationCount { RegClass::B32 } else { RegClass::Pred };
            let threads = draw.flag().then_some(Operand::Imm(Immediate::Int(64)));
            let (id, dst, negate) =
                (Operand::Imm(Immediate::Int(draw.below(16).into())), draw.register(class), draw.flag());
            Op::BarrierReduce { aligned: draw.flag(), op, dst, id, threads, src: pred, negate }
        }
        50 => {
            let labels = (0..1 + draw.below(3)).map(|_| Label(draw.below(super::LABELS))).collect();
            Op::BranchIndexed { uniform: draw.flag(), index: dst, labels }
        }
        _ => {
            let local = |index| LocalIndex(index % some(kernel.locals.len()));
            let results = vec![local(draw.of(&[1, 3]))];
            Op::Call { uniform: draw.flag(), function: Symbol(3), results, arguments: vec![local(1), local(2)] }
        }
    }
}

/// Integers side by side.
fn packed(kind: usize, draw: &mut Draw) -> Op {
    let regs = draw.registers(RegClass::B32, 4);
    let [dst, a, b, c] = [regs[0], regs[1], regs[2], regs[3]];
    let op = draw.of(&[BinaryOp::Add, BinaryOp::Min, BinaryOp::Max]);
    match kind {
        61 => {
            let (to, c) = (draw.of(PackedInteger::ALL), draw.flag().then(|| draw.operand(Type::B32)));
            Op::CvtPack { to, dst, a: draw.operand(Type::S32), b: draw.operand(Type::S32), c }
        }
        62 => {
            let types = [(); 3].map(|()| draw.of(&[Type::U32, Type::S32]));
            let (op, parts) = (draw.of(VideoOp::ALL), draw.of(&[2, 4]));
            Op::VideoParts { op, parts, types, sat: draw.flag(), sums: draw.flag(), dst, a, b, c }
        }
        63 => Op::Pair { op, signed: draw.flag(), relu: draw.flag(), dst, a, b },
        64 => {
            let [of_a, of_b, of_dst] = [(); 3].map(|()| draw.of(&[Type::U32, Type::S32]));
            let is_set = draw.rarely();
            let action =
                if is_set { VideoAction::Set(draw.of(Compare::ALL)) } else { VideoAction::Op(draw.of(VideoOp::ALL)) };
            let of_dst = if is_set { Type::U32 } else { of_dst };
            let (second, part) = (draw.maybe(VideoSecond::ALL), draw.maybe(VideoPart::ALL));
            let mut selected = || Selected { operand: draw.operand(Type::U32), part: draw.maybe(VideoPart::ALL) };
            let (a, b) = (selected(), selected());
            let c = (second.is_some() || part.is_some()).then(|| draw.operand(Type::U32));
            let sat = !is_set && draw.flag();
            Op::Video { action, types: [of_dst, of_a, of_b], sat, second, dst, part, a, b, c }
        }
        _ => Op::Rectified { op, dst, a: draw.operand(Type::S32), b: draw.operand(Type::S32) },
    }
}

fn condition(draw: &mut Draw) -> Condition {
    if draw.rarely() {
        return Condition::Constant(draw.flag());
    }
    Condition::Pred { pred: draw.register(RegClass::Pred), negate: draw.flag() }
}

/// Comparisons of more than one result, or with results other than predicates.
fn comparison(kind: usize, draw: &mut Draw) -> Op {
    let (compare, ty, ftz) = (draw.of(Compare::ALL), draw.of(&Type::ALL), draw.rarely());
    let (a, b) = (draw.operand(ty), draw.operand(ty));
    let combine = draw.flag().then(|| (draw.of(BoolOp::ALL), condition(draw)));
    if kind == 59 {
        let to = draw.of(&Type::ALL);
        return Op::Set { compare, to, ty, ftz, dst: draw.register_for(to), a, b, combine };
    }
    let preds = draw.registers(RegClass::Pred, 2);
    Op::SetPredicates { compare, ty, ftz, dst: preds[0], other: draw.flag().then_some(preds[1]), a, b, combine }
}

/// Integers with forms of their own.
fn integer(kind: usize, draw: &mut Draw) -> Op {
    let ty = draw.of(&Type::ALL);
    let (dst, a, b) = (draw.register_for(ty), draw.operand(ty), draw.operand(ty));
    let (carry_in, carry_out) = (draw.flag(), draw.flag());
    match kind {
        52 => Op::CarrySum { subtracts: draw.flag(), carry_in, carry_out, ty, dst, a, b },
        54 => Op::Mul24 { part: draw.of(MulPart::ALL), ty, dst, a, b },
        55 => {
            let (part, sat) = (draw.of(MulPart::ALL), draw.rarely());
            let ty = draw.of(&[Type::U32, Type::S32]);
            let [a, b, c] = [ty; 3].map(|ty| draw.operand(ty));
            Op::Mad24 { part, sat, ty, dst: draw.register_for(ty), a, b, c }
        }
        56 => {
            let [a_type, b_type] = [(); 2].map(|()| draw.of(&[Type::U32, Type::S32]));
            let (dst, c) = (draw.register_for(a_type), draw.operand(a_type));
            Op::Dp2a { high: draw.flag(), a_type, b_type, dst, a: draw.operand(a_type), b: draw.operand(b_type), c }
        }
        57 => {
            let [a, b, c] = [Type::B32; 3].map(|ty| draw.operand(ty));
            Op::Permute { mode: draw.of(PermuteMode::ALL), dst: draw.register_for(Type::B32), a, b, c }
        }
        58 => {
            let sign_type = draw.of(&[Type::S32, Type::F32, Type::U32]);
            Op::SelectBySign { ty, sign_type, ftz: draw.rarely(), dst, a, b, c: draw.operand(sign_type) }
        }
        _ => Op::CarryMad { part: draw.of(MulPart::ALL), carry_in, carry_out, ty, dst, a, b, c: draw.operand(ty) },
    }
}

/// Where an access of `bytes` may go: a register or what the kernel declares, at any multiple of `bytes`.
pub(super) fn address(space: Space, bytes: u32, kernel: &Kernel, draw: &mut Draw) -> Address {
    let offset = (i32::try_from(draw.below(9)).unwrap() - 4) * bytes.max(1).cast_signed();
    let declared = draw.flag();
    let base = match space {
        Space::Param if declared => Base::Local(LocalIndex(1 + draw.below(4))),
        Space::Param => Base::Param(ParamIndex(draw.below(some(kernel.params.len())))),
        Space::Local if declared => Base::Local(LocalIndex(0)),
        Space::Global if draw.rarely() => Base::Symbol(Symbol(draw.of(&[0, 2]))),
        Space::Const if declared => Base::Symbol(Symbol(1)),
        Space::Shared if declared => Base::Shared(Shared(draw.below(some(kernel.shared.len())))),
        Space::Shared => Base::Reg(draw.register(RegClass::B32)),
        _ => Base::Reg(draw.register(RegClass::B64)),
    };
    Address { base, offset }
}

/// The same address at a multiple of 4: vectors want it.
fn vector_address(address: Address, draw: &mut Draw) -> Address {
    if draw.flag() { Address { offset: address.offset * 4, ..address } } else { address }
}

/// Memory moves into the type's own class or a wider one of integers.
fn memory_class(ty: Type, draw: &mut Draw) -> RegClass {
    if draw.rarely() { draw.of(&[RegClass::B16, RegClass::B32, RegClass::B64]) } else { ty.class() }
}

fn some(length: usize) -> u32 {
    u32::try_from(length.max(1)).unwrap()
}
