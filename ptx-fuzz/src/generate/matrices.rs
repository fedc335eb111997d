//! Matrices in the lanes of a warp, and asynchronous copies.

use tilewright_ptx_ir::ir::{Address, Base, BinaryOp, Cache, Guard, MmaForm, MmaShape, Op, Operand, Space, Type};

use super::exchange::{EVERY_LANE, ROWS};
use super::{Builder, INPUT, ROW_BYTES, SCRATCH, int};
use crate::registers::{Kind, thread_bytes};

/// How a float's sum is rounded on the way, the ISA leaves open; integers' are exact.
const SHAPES: [MmaShape; 6] = [
    MmaShape::M16N8K16S8S32,
    MmaShape::M16N8K16U8S32,
    MmaShape::M16N8K32S8S32,
    MmaShape::M16N8K32U8S32,
    MmaShape::M16N8K32S4S32,
    MmaShape::M16N8K64S4S32,
];

impl Builder {
    /// Each thread stores a row of 16 bytes, and each warp loads matrices of them.
    pub(super) fn matrix(&mut self) {
        let [own, other] = self.elements(ROWS);
        let row = self.neighbours(Kind::I32, 4).into_iter().map(Into::into).collect();
        self.barrier();
        self.put(Space::Shared, Type::B32, row, Address { base: Base::Reg(own), offset: 0 });
        self.barrier();
        let (transpose, count) = (self.draw.flag(), self.draw.of(&[1, 2, 4]));
        let (dsts, address) = (self.neighbours(Kind::I32, count), Address { base: Base::Reg(other), offset: 0 });
        self.emit(Op::LdMatrix { transpose, dsts, address });
    }

    /// A product of matrices of integers.
    pub(super) fn product_of_matrices(&mut self) {
        match self.draw.below(5) {
            0 => {
                let (dst, src) = (self.dst(Type::B32), self.source(Type::B32));
                return self.emit(Op::MoveMatrix { dst, src });
            }
            1 | 2 => return self.product_of_form(),
            _ => {}
        }
        let shape = self.draw.of(&SHAPES);
        let (a, b) = (shape.a_registers(), shape.b_registers());
        let (a, b) = (self.neighbours(Kind::I32, a), self.neighbours(Kind::I32, b));
        let (c, dsts) = (self.neighbours(Kind::I32, 4), self.neighbours(Kind::I32, 4));
        // At which of its steps a sum of 4-bit products is clamped, the ISA does not say, and chips take several.
        let satfinite = shape.operand_bits() == 8 && self.draw.flag();
        self.emit(Op::Mma { shape, satfinite, dsts, a, b, c });
    }

    /// Of integers of two kinds, or of bits.
    fn product_of_form(&mut self) {
        let forms: Vec<MmaForm> = MmaForm::all().filter(|form| !form.is_f64()).collect();
        let form = self.draw.of(&forms);
        let (a, b) = (form.a_registers(), form.b_registers());
        let (a, b) = (self.neighbours(Kind::I32, a), self.neighbours(Kind::I32, b));
        let count = form.accumulator_registers();
        let (c, dsts) = (self.neighbours(Kind::I32, count), self.neighbours(Kind::I32, count));
        let satfinite = form.a().bits() == 8 && self.draw.flag();
        self.emit(Op::MmaForm { form, satfinite, dsts, a, b, c });
    }

    /// Two copies of a group each from the input to the thread's row, waited for one after the other.
    pub(super) fn copies(&mut self) {
        let [own, _] = self.elements(ROWS);
        self.barrier();
        let sizes = self.draw.of(&[[8, 8], [8, 4], [4, 8], [4, 4], [16, 0]]);
        let mut places = Vec::new();
        for (bytes, offset) in sizes.into_iter().zip([0, 8]).filter(|(bytes, _)| *bytes > 0) {
            let cache = if bytes == 16 { self.draw.of(&[Cache::All, Cache::Global]) } else { Cache::All };
            let from = (self.draw.below(thread_bytes() / bytes) * bytes).cast_signed();
            let source_bytes = self.source_bytes(bytes);
            let dst = Address { base: Base::Reg(own), offset };
            let src = Address { base: Base::Reg(INPUT), offset: from };
            let l2_prefetch = self.draw.of(&[None, None, Some(128)]);
            let policy = if self.draw.once_in(4) { Some(self.policy()) } else { None };
            let (source_bytes, ignored) = if self.draw.once_in(4) {
                (None, Some(Guard { pred: self.predicate(), negate: self.draw.flag() }))
            } else {
                (source_bytes, None)
            };
            self.emit(Op::CpAsync { cache, bytes, l2_prefetch, dst, src, source_bytes, ignored, policy });
            self.emit(Op::CpAsyncCommit);
            places.push((dst, bytes));
        }
        let count = places.len() as u32;
        for ((address, bytes), done) in places.into_iter().zip(1..) {
            let pending = count - done;
            let all = pending == 0 && self.draw.flag();
            self.emit(if all { Op::CpAsyncWaitAll } else { Op::CpAsyncWait { pending } });
            let (kind, parts) = if bytes == 4 { (Kind::I32, 1) } else { (Kind::I64, bytes as usize / 8) };
            let dsts = self.neighbours(kind, parts);
            self.load(Space::Shared, kind.memory_type(), dsts, address);
        }
        if self.draw.flag() {
            self.emit(Op::WarpSync { mask: EVERY_LANE });
        }
    }

    /// How much of a copy is read: all of it, or as a literal or the lane says.
    fn source_bytes(&mut self, bytes: u32) -> Option<Operand> {
        match self.draw.below(3) {
            0 => None,
            1 => Some(int(i64::from(self.draw.below(bytes + 1)))),
            _ => {
                let [.., register] = SCRATCH;
                let source = self.source(Type::U32).into();
                self.binary(BinaryOp::And, Type::B32, register, source, int(i64::from(bytes - 1)));
                Some(register.into())
            }
        }
    }
}

const _: () = assert!(ROW_BYTES == 16);
