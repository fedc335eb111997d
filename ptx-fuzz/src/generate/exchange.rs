//! What lanes and threads do together; every lane of every warp is here.

use tilewright_ptx_ir::ir::{
    Address, AtomicOp, BarrierOp, Base, BinaryOp, MulPart, Op, Operand, Reg, RegClass, Shared, ShuffleMode, Space,
    Special, Type, VoteMode,
};

use super::{Builder, ROW_BYTES, SCRATCH, SCRATCH_WIDE, THREAD, int};
use crate::registers::{Kind, SLOT_BYTES};

pub(super) const EVERY_LANE: Operand = int(0xFFFF_FFFF);

/// The shared arrays: an element, or a row, for each thread.
const TILE: (Shared, u32) = (Shared(0), SLOT_BYTES);
pub(super) const ROWS: (Shared, u32) = (Shared(1), ROW_BYTES);

pub(super) const ATOMICS: [(AtomicOp, Type); 23] = [
    (AtomicOp::Add, Type::U32),
    (AtomicOp::Add, Type::S32),
    (AtomicOp::Add, Type::U64),
    (AtomicOp::Add, Type::F32),
    (AtomicOp::Add, Type::F32),
    (AtomicOp::Add, Type::F64),
    (AtomicOp::Add, Type::F16),
    (AtomicOp::Add, Type::F16x2),
    (AtomicOp::Min, Type::U32),
    (AtomicOp::Min, Type::S32),
    (AtomicOp::Min, Type::S64),
    (AtomicOp::Max, Type::U32),
    (AtomicOp::Max, Type::U64),
    (AtomicOp::And, Type::B32),
    (AtomicOp::Or, Type::B64),
    (AtomicOp::Xor, Type::B32),
    (AtomicOp::Exchange, Type::B32),
    (AtomicOp::Exchange, Type::B64),
    (AtomicOp::CompareSwap, Type::B16),
    (AtomicOp::CompareSwap, Type::B32),
    (AtomicOp::CompareSwap, Type::B64),
    (AtomicOp::Increment, Type::U32),
    (AtomicOp::Decrement, Type::U32),
];

impl Builder {
    pub(super) fn exchange(&mut self) {
        match self.draw.below(13) {
            0 | 1 => self.shuffle(),
            2 => self.vote(),
            3 => self.matching(),
            4 => self.reduction(),
            5 => self.barrier_reduction(),
            6 => self.special(),
            7 => self.atomic(),
            8 => self.matrix(),
            9 => self.product_of_matrices(),
            10 => self.copies(),
            11 => self.row(),
            _ => self.through_shared(),
        }
    }

    fn shuffle(&mut self) {
        let mode = self.draw.of(ShuffleMode::ALL);
        let (dst, src) = (self.dst(Type::B32), self.operand(Type::B32));
        let pred = if self.draw.flag() { Some(self.predicate()) } else { None };
        // The lane and the clamp of whole warps, of parts of them, or anything.
        let lane = if self.draw.flag() { int(i64::from(self.draw.below(32))) } else { self.source(Type::U32).into() };
        let clamp = match self.draw.below(3) {
            0 => int(if mode == ShuffleMode::Up { 0 } else { 31 }),
            1 => int(i64::from(self.draw.of(&[0x1000u32, 0x1800, 0x1C00]) | self.draw.below(32))),
            _ => self.source(Type::U32).into(),
        };
        self.emit(Op::Shuffle { mode, dst, pred, src, lane, clamp, mask: EVERY_LANE });
    }

    fn vote(&mut self) {
        let mode = self.draw.of(VoteMode::ALL);
        let dst = if mode == VoteMode::Ballot { self.dst(Type::B32) } else { self.predicate() };
        let src = self.condition();
        self.emit(Op::Vote { mode, dst, src, mask: EVERY_LANE });
    }

    fn matching(&mut self) {
        let ty = self.draw.of(&[Type::B32, Type::B64]);
        let (dst, mask) = (self.dst(Type::B32), EVERY_LANE);
        // Few values, so that some are alike.
        let (class, scratch) = if ty == Type::B32 { (Type::B32, SCRATCH[0]) } else { (Type::B64, SCRATCH_WIDE) };
        let (source, few) = (self.source(ty), self.draw.of(&[0i64, 1, 3]));
        self.binary(BinaryOp::And, class, scratch, source.into(), int(few));
        let src = scratch.into();
        if self.draw.flag() {
            return self.emit(Op::MatchAny { ty, dst, src, mask });
        }
        let pred = if self.draw.flag() { Some(self.predicate()) } else { None };
        self.emit(Op::MatchAll { ty, dst, pred, src, mask });
    }

    fn reduction(&mut self) {
        let (op, ty) = if self.draw.flag() {
            (self.draw.of(&[AtomicOp::And, AtomicOp::Or, AtomicOp::Xor]), Type::B32)
        } else {
            (self.draw.of(&[AtomicOp::Add, AtomicOp::Min, AtomicOp::Max]), self.draw.of(&[Type::U32, Type::S32]))
        };
        let (dst, src) = (self.dst(Type::U32), self.source(Type::U32).into());
        self.emit(Op::Redux { op, ty, dst, src, mask: EVERY_LANE });
    }

    fn barrier_reduction(&mut self) {
        let op = self.draw.of(BarrierOp::ALL);
        let dst = if op == BarrierOp::PopulationCount { self.dst(Type::U32) } else { self.predicate() };
        let (id, src, negate) = (int(i64::from(self.draw.below(3))), self.predicate(), self.draw.flag());
        self.emit(Op::BarrierReduce { aligned: true, op, dst, id, threads: None, src, negate });
    }

    fn special(&mut self) {
        let src = self.draw.of(&[
            Special::TidX,
            Special::NtidX,
            Special::CtaidX,
            Special::NctaidX,
            Special::TidY,
            Special::NtidZ,
            Special::CtaidY,
            Special::NctaidZ,
            Special::LaneId,
            Special::LaneMaskLt,
            Special::LaneMaskLe,
            Special::LaneMaskGt,
            Special::LaneMaskGe,
            Special::LaneMaskEq,
        ]);
        let dst = self.dst(Type::U32);
        self.emit(Op::ReadSpecial { dst, src });
    }

    /// Each thread stores one of its registers and loads another thread's, between barriers.
    fn through_shared(&mut self) {
        let kind = self.draw.of(&[Kind::I16, Kind::F16, Kind::I32, Kind::Bf16x2, Kind::I64, Kind::F32, Kind::F64]);
        let (ty, src, dst) = (kind.memory_type(), self.register(kind), self.register(kind));
        let [own, other] = self.elements(TILE);
        self.barrier();
        self.store(Space::Shared, ty, src, Address { base: Base::Reg(own), offset: 0 });
        self.barrier();
        let (space, base) = self.reached(other);
        self.load(space, ty, vec![dst], Address { base, offset: 0 });
    }

    /// An address in shared memory, now and then as a generic one.
    fn reached(&mut self, address: Reg) -> (Space, Base) {
        if !self.draw.once_in(3) {
            return (Space::Shared, Base::Reg(address));
        }
        let (to, from, dst) = (Type::U64, Type::U32, SCRATCH_WIDE);
        self.emit(Op::Cvt { to, from, rounding: None, ftz: false, sat: false, dst, src: address.into() });
        self.emit(Op::Cvta { space: Space::Shared, to_generic: true, dst, src: dst });
        self.ask(dst);
        if self.draw.flag() {
            return (Space::Generic, Base::Reg(dst));
        }
        // And back.
        self.emit(Op::Cvta { space: Space::Shared, to_generic: false, dst, src: dst });
        (Space::Shared, Base::Reg(dst))
    }

    /// Each thread stores one of its registers, changes another thread's element at once, which nobody else does, and loads its own.
    fn atomic(&mut self) {
        let (op, ty) = self.draw.of(&ATOMICS);
        let kind = Kind::of(ty);
        let (src, a) = (self.register(kind), self.register(kind).into());
        let [own, other] = self.elements(TILE);
        self.barrier();
        self.store(Space::Shared, kind.memory_type(), src, Address { base: Base::Reg(own), offset: 0 });
        self.barrier();
        let (space, base) = self.reached(other);
        self.atomic_on(op, ty, space, Address { base, offset: 0 }, a);
        self.barrier();
        let result = self.register(kind);
        self.load(Space::Shared, kind.memory_type(), vec![result], Address { base: Base::Reg(own), offset: 0 });
    }

    /// The addresses of the thread's own element of a shared array and of another thread's, a different one for each thread.
    pub(super) fn elements(&mut self, (array, bytes): (Shared, u32)) -> [Reg; 2] {
        let [own, other, size] = SCRATCH;
        let base = Reg { class: RegClass::B32, number: 25 };
        let (factor, shift) = (1 + 2 * self.draw.below(16), self.draw.below(64));
        self.emit(Op::SharedAddress { dst: base, array, offset: 0 });
        let (part, scale) = (MulPart::Lo, int(i64::from(bytes)));
        self.emit(Op::Mad { part, ty: Type::U32, dst: own, a: THREAD.into(), b: scale, c: base.into() });
        // The other thread: an odd factor and a shift, modulo the block's size, which is a power of two.
        self.emit(Op::ReadSpecial { dst: size, src: Special::NtidX });
        self.binary(BinaryOp::Sub, Type::U32, size, size.into(), int(1));
        let (a, b, c) = (THREAD.into(), int(i64::from(factor)), int(i64::from(shift)));
        self.emit(Op::Mad { part, ty: Type::U32, dst: other, a, b, c });
        self.binary(BinaryOp::And, Type::B32, other, other.into(), size.into());
        self.emit(Op::Mad { part, ty: Type::U32, dst: other, a: other.into(), b: scale, c: base.into() });
        [own, other]
    }

    pub(super) fn barrier(&mut self) {
        let id = int(i64::from(self.draw.below(3)));
        self.emit(Op::BarrierSync { aligned: true, id, threads: None });
    }
}
