//! Random kernels.
//!
//! A kernel loads all its registers from its thread's slots of the input, computes with them, and stores them all to the thread's slots of the output. The
//! verifier accepts it, the PTX ISA says what it computes, and no thread waits for one that does not come:
//!
//! - Every register is written before anything reads it.
//! - No division by zero, no place or length of a bit field above 255, which the ISA leaves open, and no approximate function.
//! - Where the ISA leaves the pattern of a NaN open, it does not show: those of f64 in f64 registers alone, and `neg` and `abs` of f32 get none.
//! - Left out, so that a GPU can be compared, is what ptxas 13.0 gets wrong: guards of `testp` and `set`; bit fields whose place and length are literals and do not fit;
//!   shifts of a literal by a literal, and of 16 bits by one of more than 16; `cvt.sat.f64.f16`; `neg` and `abs` of the least s16, which the ISA does not mention.

pub(crate) mod calls;
mod comparisons;
mod conversions;
mod exchange;
mod extended;
mod floats;
mod integers;
mod matrices;
pub(crate) mod memory;

use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::ir::{
    Address, Base, BinaryOp, Cache, Compare, EvictionPriority, Guard, Immediate, Inst, Kernel, Label, LoadOrder,
    Module, MulPart, Op, Operand, Param, ParamIndex, Reg, RegClass, SharedArray, SharedSize, Space, Special, Statement,
    StoreOrder, Type,
};

use crate::draw::Draw;
use crate::registers::{Kind, SLOT_BYTES, slots, thread_bytes};

/// A kernel and how it is launched.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// The seed that it follows from.
    pub seed: u64,
    /// One kernel, called `fuzz`.
    pub module: Module,
    /// Blocks.
    pub blocks: u32,
    /// Threads of a block: whole warps.
    pub threads: u32,
    /// Each thread's slots.
    pub input: Vec<u8>,
    /// Statements in front of and behind those that may be left out.
    pub(crate) frame: (usize, usize),
}

impl Case {
    /// The kernel of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut draw = Draw::new(seed);
        let (blocks, threads) = (draw.of(&[1, 1, 2]), draw.of(&[32, 32, 64]));
        let input = input(&mut draw, blocks * threads);
        let mut builder = Builder { draw, body: Vec::new(), labels: 0, depth: 0, parted: false };
        let function = builder.function();
        builder.prologue();
        let front = builder.body.len();
        for _ in 0..12 + builder.draw.below(36) {
            builder.statement();
        }
        let behind = builder.body.len();
        builder.epilogue();
        let frame = (front, builder.body.len() - behind);
        let mut kernel = Kernel::new("fuzz");
        for name in ["input", "output"] {
            kernel.params.push(Param { name: name.to_owned(), ty: Type::U64, bytes: 8, align: 8 });
        }
        for (name, bytes) in [("tile", SLOT_BYTES), ("rows", ROW_BYTES)] {
            let size = SharedSize::Static(bytes * threads);
            kernel.shared.push(SharedArray { name: name.to_owned(), align: 16, size });
        }
        kernel.locals.push(memory::stack());
        kernel.locals.extend(calls::arguments());
        kernel.body = builder.body;
        let mut module = Module::new(Target::Sm80, Vec::new());
        module.variables = memory::tables();
        kernel.symbols.extend(module.variables.iter().map(|variable| variable.name.clone()));
        kernel.symbols.push(calls::FUNCTION.to_owned());
        memory::number_symbols(&mut kernel);
        module.functions.push(function);
        module.kernels.push(kernel);
        Self { seed, module, blocks, threads, input, frame }
    }

    /// The kernel.
    pub(crate) fn kernel(&self) -> &Kernel {
        &self.module.kernels[0]
    }
}

fn input(draw: &mut Draw, threads: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for thread in 1..=threads {
        for (kind, _) in slots() {
            bytes.extend(draw.value(kind).to_le_bytes());
        }
        bytes.resize((thread * thread_bytes()) as usize, 0);
    }
    bytes
}

/// Registers besides the pools: their numbers lie above.
const LANE: Reg = Reg { class: RegClass::B32, number: 20 };
const THREAD: Reg = Reg { class: RegClass::B32, number: 21 };
/// Element of another thread in shared memory, and other short-lived values.
const SCRATCH: [Reg; 3] = [
    Reg { class: RegClass::B32, number: 22 },
    Reg { class: RegClass::B32, number: 23 },
    Reg { class: RegClass::B32, number: 24 },
];
const SCRATCH_WIDE: Reg = Reg { class: RegClass::B64, number: 22 };
const SCRATCH_SHORT: Reg = Reg { class: RegClass::B16, number: 22 };
const SCRATCH_SINGLE: Reg = Reg { class: RegClass::F32, number: 20 };
const SCRATCH_DOUBLE: Reg = Reg { class: RegClass::F64, number: 20 };
/// The NaN that instructions answer with.
const CANONICAL_F32: Immediate = Immediate::F32(0x7FFF_FFFF);
const CANONICAL_F64: Immediate = Immediate::F64(0x7FF8_0000_0000_0000);
const SCRATCH_PRED: Reg = Reg { class: RegClass::Pred, number: FIRST_LOOP + 4 };
/// Bytes of a thread's row of the shared array of rows.
const ROW_BYTES: u32 = 16;
const INPUT: Reg = Reg { class: RegClass::B64, number: 20 };
const OUTPUT: Reg = Reg { class: RegClass::B64, number: 21 };
pub(crate) const FIRST_COUNTER: u32 = 30;
const FIRST_LOOP: u32 = 10;

struct Builder {
    draw: Draw,
    body: Vec<Statement>,
    labels: u32,
    /// How many branches and loops are open.
    depth: u32,
    /// Whether only some lanes may be here.
    parted: bool,
}

impl Builder {
    fn emit(&mut self, op: Op) {
        self.body.push(Statement::Inst(Inst { guard: None, op }));
    }

    fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }

    /// A register that an instruction of `ty` writes.
    fn dst(&mut self, ty: Type) -> Reg {
        self.register(Kind::of(ty))
    }

    fn register(&mut self, kind: Kind) -> Reg {
        let registers: Vec<Reg> = kind.registers().collect();
        self.draw.of(&registers)
    }

    /// A register that an instruction of `ty` reads: mostly one whose values are meant so.
    fn source(&mut self, ty: Type) -> Reg {
        let own = Kind::of(ty);
        let others: &[Kind] = match own {
            Kind::I16 => &[Kind::F16, Kind::Bf16],
            Kind::F16 => &[Kind::I16, Kind::Bf16],
            Kind::Bf16 => &[Kind::I16, Kind::F16],
            Kind::I32 => &[Kind::F16x2, Kind::Bf16x2],
            Kind::F16x2 => &[Kind::I32, Kind::Bf16x2],
            Kind::Bf16x2 => &[Kind::I32, Kind::F16x2],
            Kind::F32 => &[Kind::I32, Kind::F16x2],
            Kind::F64 => &[Kind::I64],
            Kind::I64 | Kind::Pred => &[],
        };
        if others.is_empty() || !self.draw.once_in(8) {
            return self.register(own);
        }
        let other = self.draw.of(others);
        self.register(other)
    }

    /// What an instruction of `ty` reads.
    fn operand(&mut self, ty: Type) -> Operand {
        let literal = (ty.is_integer() || ty.is_bits() || matches!(ty, Type::F32 | Type::F64)) && ty.bytes() > 1;
        if literal && self.draw.once_in(6) { self.draw.literal(ty) } else { self.source(ty).into() }
    }

    /// A source of f32 or f64 whose NaN is 1 or always the same one.
    fn plain(&mut self, ty: Type) -> Operand {
        self.without_nan(ty, if ty == Type::F32 { Immediate::F32(0x3F80_0000) } else { CANONICAL_F64 })
    }

    /// A source of f32 or f64 in which `nan` stands for every NaN.
    fn without_nan(&mut self, ty: Type, nan: Immediate) -> Operand {
        let dst = if ty == Type::F32 { SCRATCH_SINGLE } else { SCRATCH_DOUBLE };
        let (source, ftz, combine) = (self.operand(ty), false, None);
        let (compare, pred, a, b) = (Compare::Nan, SCRATCH_PRED, source, source);
        self.emit(Op::SetPredicate { compare, ty, ftz, dst: pred, a, b, combine });
        self.emit(Op::Select { ty, dst, a: Operand::Imm(nan), b: source, pred });
        dst.into()
    }

    fn predicate(&mut self) -> Reg {
        self.register(Kind::Pred)
    }

    fn prologue(&mut self) {
        let [block, size, global] = SCRATCH;
        self.emit(Op::ReadSpecial { dst: THREAD, src: Special::TidX });
        self.emit(Op::ReadSpecial { dst: LANE, src: Special::LaneId });
        self.emit(Op::ReadSpecial { dst: block, src: Special::CtaidX });
        self.emit(Op::ReadSpecial { dst: size, src: Special::NtidX });
        let (part, ty) = (MulPart::Lo, Type::U32);
        self.emit(Op::Mad { part, ty, dst: global, a: block.into(), b: size.into(), c: THREAD.into() });
        for (index, dst) in [(0, INPUT), (1, OUTPUT)] {
            let base = Base::Param(ParamIndex(index));
            self.load(Space::Param, Type::U64, vec![dst], Address { base, offset: 0 });
            let (a, b) = (global.into(), int(i64::from(thread_bytes())));
            self.emit(Op::Mad { part: MulPart::Wide, ty, dst, a, b, c: dst.into() });
        }
        for ((kind, register), offset) in slots().zip(offsets()) {
            let address = Address { base: Base::Reg(INPUT), offset };
            if kind == Kind::Pred {
                self.load(Space::Global, Type::U32, vec![block], address);
                let (a, b) = (block.into(), int(0));
                let (compare, ty) = (Compare::Ne, Type::U32);
                self.emit(Op::SetPredicate { compare, ty, ftz: false, dst: register, a, b, combine: None });
            } else {
                self.load(Space::Global, kind.memory_type(), vec![register], address);
            }
        }
        self.fill_stack();
    }

    fn epilogue(&mut self) {
        for ((kind, register), offset) in slots().zip(offsets()) {
            let address = Address { base: Base::Reg(OUTPUT), offset };
            if kind == Kind::Pred {
                let [dst, ..] = SCRATCH;
                self.emit(Op::Select { ty: Type::U32, dst, a: int(1), b: int(0), pred: register });
                self.store(Space::Global, Type::U32, dst, address);
            } else {
                self.store(Space::Global, kind.memory_type(), register, address);
            }
        }
        let returns = self.draw.flag();
        self.emit(if returns { Op::Return } else { Op::Exit });
    }

    fn load(&mut self, space: Space, ty: Type, dsts: Vec<Reg>, address: Address) {
        self.emit(Op::Load {
            space,
            ty,
            order: LoadOrder::Weak,
            scope: None,
            cache: Cache::Default,
            l1: EvictionPriority::Normal,
            l2_prefetch: None,
            policy: None,
            dsts,
            address,
        });
    }

    fn store(&mut self, space: Space, ty: Type, src: Reg, address: Address) {
        self.put(space, ty, vec![src.into()], address);
    }

    fn put(&mut self, space: Space, ty: Type, srcs: Vec<Operand>, address: Address) {
        let order = StoreOrder::Weak;
        let (cache, l1) = (Cache::Default, EvictionPriority::Normal);
        self.emit(Op::Store { space, ty, order, scope: None, cache, l1, policy: None, srcs, address });
    }

    /// A statement: mostly one instruction, sometimes a branch, a loop or an exchange.
    fn statement(&mut self) {
        match self.draw.below(27) {
            0 if self.depth < 2 => self.branch(),
            1 if self.depth < 2 => self.counted_loop(),
            2 if self.depth < 2 && self.draw.flag() => self.switch(),
            3..8 if !self.parted => self.exchange(),
            3..6 | 8 | 9 => self.private(),
            10 => self.call(),
            _ => self.instruction(),
        }
    }

    fn statements(&mut self, most: u32) {
        self.depth += 1;
        for _ in 0..=self.draw.below(most) {
            self.statement();
        }
        self.depth -= 1;
    }

    /// An instruction of one lane, with a guard now and then.
    fn instruction(&mut self) {
        let start = self.body.len();
        match self.draw.below(20) {
            0..9 => self.integer(),
            9..16 => self.float(),
            _ => self.conversion(),
        }
        if self.draw.once_in(6) {
            let guard = Guard { pred: self.predicate(), negate: self.draw.flag() };
            if let Some(Statement::Inst(inst)) = self.body.get_mut(start..).and_then(<[Statement]>::last_mut)
                // ptxas 13.0 drops the guard of `testp`, and converts what `set` should leave to a floating-point number.
                && !matches!(inst.op, Op::TestProperty { .. } | Op::Set { .. })
            {
                inst.guard = Some(guard);
            }
        }
    }

    /// `if`, with or without `else`, on a predicate that differs from lane to lane.
    fn branch(&mut self) {
        let (otherwise, end) = (self.label(), self.label());
        let guard = Guard { pred: self.predicate(), negate: self.draw.flag() };
        let outside = std::mem::replace(&mut self.parted, true);
        self.jump(otherwise, Some(guard));
        self.statements(4);
        if self.draw.flag() {
            self.jump(end, None);
            self.body.push(Statement::Label(otherwise));
            self.statements(4);
        } else {
            self.body.push(Statement::Label(otherwise));
        }
        self.body.push(Statement::Label(end));
        self.parted = outside;
    }

    /// One of two or four places, by the lane.
    fn switch(&mut self) {
        let (count, end) = (self.draw.of(&[2u32, 4]), self.label());
        let labels: Vec<Label> = (0..count).map(|_| self.label()).collect();
        let [index, ..] = SCRATCH;
        let source = self.source(Type::U32).into();
        self.binary(BinaryOp::And, Type::B32, index, source, int(i64::from(count - 1)));
        let outside = std::mem::replace(&mut self.parted, true);
        // Some places are reached by two numbers, and some by none.
        let targets = labels.iter().map(|label| if self.draw.once_in(4) { labels[0] } else { *label }).collect();
        self.emit(Op::BranchIndexed { uniform: false, index, labels: targets });
        for label in labels {
            self.body.push(Statement::Label(label));
            self.statements(2);
            if self.draw.flag() {
                self.jump(end, None);
            }
        }
        self.body.push(Statement::Label(end));
        self.parted = outside;
    }

    fn jump(&mut self, label: Label, guard: Option<Guard>) {
        self.body.push(Statement::Inst(Inst { guard, op: Op::Branch { uniform: false, label } }));
    }

    /// A loop: as many turns for every lane, or one to four by the lane.
    fn counted_loop(&mut self) {
        let (counter, pred) = (
            Reg { class: RegClass::B32, number: FIRST_COUNTER + 2 * self.depth },
            Reg { class: RegClass::Pred, number: FIRST_LOOP + self.depth },
        );
        let by_lane = self.draw.once_in(3);
        let turns: Operand = if by_lane {
            let turns = Reg { number: counter.number + 1, ..counter };
            self.binary(BinaryOp::And, Type::B32, turns, LANE.into(), int(3));
            turns.into()
        } else {
            int(i64::from(self.draw.below(3)))
        };
        let start = self.label();
        self.emit(Op::Mov { ty: Type::U32, dst: counter, src: int(0) });
        self.body.push(Statement::Label(start));
        let outside = self.parted;
        self.parted |= by_lane;
        self.statements(3);
        self.parted = outside;
        let (compare, ty) = (Compare::Lt, Type::U32);
        self.emit(Op::SetPredicate { compare, ty, ftz: false, dst: pred, a: counter.into(), b: turns, combine: None });
        self.binary(BinaryOp::Add, Type::U32, counter, counter.into(), int(1));
        self.jump(start, Some(Guard { pred, negate: false }));
    }

    /// A plain instruction of two operands.
    fn binary(&mut self, op: BinaryOp, ty: Type, dst: Reg, a: Operand, b: Operand) {
        let (rounding, ftz, sat, approx, full, nan) = (None, false, false, false, false, false);
        self.emit(Op::Binary { op, ty, rounding, ftz, sat, approx, full, nan, dst, a, b });
    }
}

const fn int(value: i64) -> Operand {
    Operand::Imm(Immediate::Int(value))
}

/// The offsets of a thread's slots.
pub(crate) fn offsets() -> impl Iterator<Item = i32> {
    (0..).step_by(SLOT_BYTES as usize)
}
