//! What the lanes of a warp do together, and barriers. Every method here must be reached by all 32 lanes.

use super::{Builder, Scalar, Source, Value, Word};
use crate::ir::{AtomicOp, Immediate, Op, Operand, RegClass, ShuffleMode, Type, VoteMode};

const FULL_MASK: Operand = Operand::Imm(Immediate::Int(0xFFFF_FFFF));
const LAST_LANE: Operand = Operand::Imm(Immediate::Int(31));

impl<'k, T: Word> Value<'k, T> {
    /// The value that lane `own ^ mask` holds.
    #[must_use]
    pub fn shuffle_xor(self, mask: u32) -> Self {
        self.shuffle(ShuffleMode::Butterfly, mask.value(self.k).operand)
    }

    /// The value that `lane` holds.
    #[must_use]
    pub fn shuffle_from(self, lane: impl Source<'k, u32>) -> Self {
        self.shuffle(ShuffleMode::Index, lane.value(self.k).operand)
    }

    /// The value that lane `own + distance` holds; the last lanes keep their own.
    #[must_use]
    pub fn shuffle_down(self, distance: u32) -> Self {
        self.shuffle(ShuffleMode::Down, distance.value(self.k).operand)
    }

    fn shuffle(self, mode: ShuffleMode, lane: Operand) -> Self {
        let src = self.register().into();
        self.k.produce(|dst| Op::Shuffle { mode, dst, pred: None, src, lane, clamp: LAST_LANE, mask: FULL_MASK })
    }
}

impl<'k> Value<'k, bool> {
    /// The lanes where it is true, as a mask.
    #[must_use]
    pub fn ballot(self) -> Value<'k, u32> {
        let src = self.register();
        let dst = self
            .k
            .write(|dst| Op::Vote { mode: VoteMode::Ballot, dst, src: src.into(), mask: FULL_MASK }, RegClass::B32);
        Value::from_register(self.k, dst)
    }

    /// Whether it is true in any lane.
    #[must_use]
    pub fn any(self) -> Self {
        self.vote(VoteMode::Any)
    }

    /// Whether it is true in all lanes.
    #[must_use]
    pub fn all(self) -> Self {
        self.vote(VoteMode::All)
    }

    fn vote(self, mode: VoteMode) -> Self {
        let src = self.register();
        self.k.produce(|dst| Op::Vote { mode, dst, src: src.into(), mask: FULL_MASK })
    }
}

/// 32-bit integers that `redux.sync` combines.
pub trait Reducible: Word {}
impl Reducible for u32 {}
impl Reducible for i32 {}

impl<T: Reducible> Value<'_, T> {
    /// `op` over all lanes, in every lane, by one `redux.sync`.
    #[must_use]
    pub fn reduce_lanes(self, op: AtomicOp) -> Self {
        let ty = if matches!(op, AtomicOp::And | AtomicOp::Or | AtomicOp::Xor) { Type::B32 } else { T::TYPE };
        let src = self.register().into();
        self.k.produce(|dst| Op::Redux { op, ty, dst, src, mask: FULL_MASK })
    }
}

impl Builder {
    /// Waits for every thread of the block (`bar.sync 0`) and makes their shared memory writes visible.
    pub fn barrier(&self) {
        self.emit(Op::BarrierSync { aligned: true, id: Operand::Imm(Immediate::Int(0)), threads: None });
    }

    /// Waits for every lane of the warp and makes their writes visible to each other.
    pub fn warp_sync(&self) {
        self.emit(Op::WarpSync { mask: FULL_MASK });
    }
}

const _: () = assert!(matches!(<bool as Scalar>::CLASS, RegClass::Pred));
