//! Memory that a thread shares with nobody: its local array, its slots of the output; and tables that nobody changes.

use tilewright_ptx_ir::ir::{
    Address, AtomicOp, Base, Cache, EvictionPriority, FenceOrder, FloatTest, Immediate, Kernel, LoadOrder, Local,
    LocalIndex, LocalKind, MulPart, Op, Operand, ParamIndex, PrefetchLevel, Reg, Scope, Space, Statement, StoreOrder,
    Symbol, Type, Variable,
};

use super::exchange::ROWS;
use super::{Builder, INPUT, OUTPUT, SCRATCH, SCRATCH_DOUBLE, SCRATCH_PRED, SCRATCH_SINGLE, SCRATCH_WIDE, THREAD, int};
use crate::registers::{Kind, SLOT_BYTES, slots, thread_bytes};

const ELEMENTS: [Type; 11] = [
    Type::U8,
    Type::S8,
    Type::U16,
    Type::S16,
    Type::B16,
    Type::U32,
    Type::B32,
    Type::S32,
    Type::B64,
    Type::F32,
    Type::F64,
];

/// The thread's array and the module's tables have so many bytes.
const ARRAY_BYTES: u32 = 64;

/// The thread's array.
pub(super) fn stack() -> Local {
    Local { name: "stack".to_owned(), kind: LocalKind::Stack, align: 16, bytes: ARRAY_BYTES }
}

/// The module's tables: the same for every kernel, so that many kernels make a module.
pub(super) fn tables() -> Vec<Variable> {
    [("constants", Space::Const, 37u8), ("globals", Space::Global, 91)]
        .map(|(name, space, factor)| Variable {
            name: name.to_owned(),
            space,
            align: 16,
            bytes: ARRAY_BYTES,
            // The last 16 bytes are the zeros that an initialiser leaves.
            data: (0..48).map(|index: u8| index.wrapping_mul(factor).wrapping_add(131)).collect(),
            pointers: Vec::new(),
        })
        .into()
}

/// Keeps the symbols that the body mentions, in that order: so the parser numbers them.
pub(crate) fn number_symbols(kernel: &mut Kernel) {
    let mut names = Vec::new();
    for statement in &mut kernel.body {
        let Statement::Inst(inst) = statement else { continue };
        let symbol = match &mut inst.op {
            Op::SymbolAddress { symbol, .. } | Op::Call { function: symbol, .. } => symbol,
            Op::Load { address: Address { base: Base::Symbol(symbol), .. }, .. } => symbol,
            _ => continue,
        };
        let Some(name) = kernel.symbols.get(symbol.0 as usize) else { continue };
        let place = names.iter().position(|found| found == name).unwrap_or_else(|| {
            names.push(name.clone());
            names.len() - 1
        });
        *symbol = Symbol(place as u32);
    }
    kernel.symbols = names;
}

/// What is moved at once: so many registers of one type.
struct Vector {
    ty: Type,
    registers: Vec<Reg>,
    bytes: u32,
}

impl Builder {
    /// An instruction on memory.
    pub(super) fn private(&mut self) {
        match self.draw.below(9) {
            7 => self.uniform_input(),
            0 | 1 => self.local(),
            2 | 3 => self.input(),
            4 => self.table(),
            5 => self.own_atomic(),
            6 => self.own_slot(),
            _ => self.without_effect(),
        }
    }

    /// Stores the array, all of it: what is never stored may not be loaded.
    pub(super) fn fill_stack(&mut self) {
        let words: Vec<Reg> = Kind::I64.registers().collect();
        for (step, offset) in (0..ARRAY_BYTES.cast_signed()).step_by(16).enumerate() {
            let srcs = [words[step % 4].into(), words[step % 4 + 1].into()].into();
            let address = Address { base: Base::Local(LocalIndex(0)), offset };
            self.put(Space::Local, Type::B64, srcs, address);
        }
    }

    fn vector(&mut self) -> Vector {
        let ty = self.draw.of(&ELEMENTS);
        let kind = match ty.bytes() {
            1 => self.draw.of(&[Kind::I16, Kind::I32, Kind::I64]),
            2 if ty != Type::B16 => self.draw.of(&[Kind::I16, Kind::I32]),
            _ => Kind::of(ty),
        };
        let most = (16 / ty.bytes()).min(4);
        let count = self.draw.of(&[1, 2, 4]).min(most);
        Vector { ty, registers: self.neighbours(kind, count as usize), bytes: count * ty.bytes() }
    }

    /// Registers behind one another, none of them twice.
    pub(super) fn neighbours(&mut self, kind: Kind, count: usize) -> Vec<Reg> {
        let registers: Vec<Reg> = kind.registers().collect();
        let first = self.draw.below(registers.len() as u32) as usize;
        (0..count).map(|step| registers[(first + step) % registers.len()]).collect()
    }

    /// A place of `bytes` bytes in `limit`, aligned.
    fn place(&mut self, bytes: u32, limit: u32) -> i32 {
        (self.draw.below(limit / bytes) * bytes).cast_signed()
    }

    /// The array: by its name, by an address of 32 or 64 bits, by a generic one.
    fn local(&mut self) {
        let vector = self.vector();
        let whole = self.place(vector.bytes, ARRAY_BYTES);
        let local = LocalIndex(0);
        // The register points into the array, before or behind the place.
        let offset = self.place(vector.bytes, ARRAY_BYTES);
        let (space, base) = match self.draw.below(4) {
            0 => (Space::Local, Base::Local(local)),
            1 => (Space::Local, self.local_address(SCRATCH[0], offset)),
            2 => (Space::Local, self.local_address(SCRATCH_WIDE, offset)),
            _ => {
                self.local_address(SCRATCH_WIDE, offset);
                let (to_generic, dst, src) = (true, SCRATCH_WIDE, SCRATCH_WIDE);
                self.emit(Op::Cvta { space: Space::Local, to_generic, dst, src });
                self.ask(SCRATCH_WIDE);
                (Space::Generic, Base::Reg(SCRATCH_WIDE))
            }
        };
        let offset = if base == Base::Local(local) { whole } else { whole - offset };
        let address = Address { base, offset };
        if self.draw.flag() {
            return self.load(space, vector.ty, vector.registers, address);
        }
        let srcs = vector.registers.iter().map(|reg| (*reg).into()).collect();
        let srcs = if vector.ty == Type::F64 { self.known(&vector) } else { srcs };
        self.put(space, vector.ty, srcs, address);
    }

    fn local_address(&mut self, dst: Reg, offset: i32) -> Base {
        self.emit(Op::LocalAddress { dst, local: LocalIndex(0), offset });
        Base::Reg(dst)
    }

    /// f64s whose NaN does not show where they are loaded as integers: copies of one.
    fn known(&mut self, vector: &Vector) -> Vec<Operand> {
        let value = self.plain(Type::F64);
        vector.registers.iter().map(|_| value).collect()
    }

    /// Asks of a generic address what it is, now and then.
    pub(super) fn ask(&mut self, src: Reg) {
        if self.draw.flag() {
            let (space, dst) = (self.draw.of(&[Space::Global, Space::Shared, Space::Local]), self.predicate());
            self.emit(Op::IsSpace { space, dst, src });
        }
    }

    /// Some of the thread's input again, or of that of others, by every kind of load.
    fn input(&mut self) {
        let Vector { ty, registers: dsts, bytes } = self.vector();
        let offset = self.place(bytes, thread_bytes());
        let space = self.draw.of(&[Space::Global, Space::Global, Space::Generic]);
        let base = if self.draw.flag() { self.in_a_row(INPUT, bytes) } else { INPUT };
        if space == Space::Generic {
            self.ask(base);
        }
        let address = Address { base: Base::Reg(base), offset };
        let (mut order, mut scope, mut cache, mut l1) =
            (LoadOrder::Weak, None, Cache::Default, EvictionPriority::Normal);
        let (mut l2_prefetch, mut policy) = (None, None);
        match self.draw.below(6) {
            0 => order = LoadOrder::Volatile,
            1 => (order, scope) = (self.draw.of(&[LoadOrder::Relaxed, LoadOrder::Acquire]), Some(self.scope())),
            4 if dsts.len() == 1 => (order, scope) = (LoadOrder::Mmio, Some(Scope::Sys)),
            2 => cache = self.draw.of(&[Cache::All, Cache::Global, Cache::Streaming, Cache::LastUse, Cache::Volatile]),
            3 if space == Space::Global => {
                cache = self.draw.of(&[Cache::Default, Cache::NonCoherent]);
                l1 = self.priority();
                l2_prefetch = self.draw.of(&[None, Some(64), Some(128), Some(256)]);
                policy = if base == INPUT && self.draw.flag() { Some(self.policy()) } else { None };
            }
            _ => {}
        }
        self.emit(Op::Load { space, ty, order, scope, cache, l1, l2_prefetch, policy, dsts, address });
    }

    /// The first thread's input by the load that is for one address of all lanes.
    fn uniform_input(&mut self) {
        let Vector { ty, registers: dsts, bytes } = self.vector();
        let parameter = Address { base: Base::Param(ParamIndex(0)), offset: 0 };
        self.load(Space::Param, Type::U64, vec![SCRATCH_WIDE], parameter);
        let (space, offset) = (self.device(), self.place(bytes, thread_bytes()));
        let (order, scope, cache, l1) = (LoadOrder::Weak, None, Cache::Uniform, EvictionPriority::Normal);
        let (l2_prefetch, policy, address) = (None, None, Address { base: Base::Reg(SCRATCH_WIDE), offset });
        self.emit(Op::Load { space, ty, order, scope, cache, l1, l2_prefetch, policy, dsts, address });
    }

    /// An address in the block's input or output such that threads behind one another access `bytes` bytes behind one another.
    fn in_a_row(&mut self, own: Reg, bytes: u32) -> Reg {
        let (dst, a, b) = (SCRATCH_WIDE, THREAD.into(), int(i64::from(bytes) - i64::from(thread_bytes())));
        self.emit(Op::Mad { part: MulPart::Wide, ty: Type::S32, dst, a, b, c: own.into() });
        dst
    }

    /// All threads of a block store behind one another, between barriers, and load what they or others have stored.
    pub(super) fn row(&mut self) {
        let vector = self.vector();
        let srcs = if vector.ty == Type::F64 {
            self.known(&vector)
        } else {
            vector.registers.iter().map(|reg| (*reg).into()).collect()
        };
        let is_shared = self.draw.flag();
        let (space, base, from) = if is_shared {
            let [own, other] = self.elements((ROWS.0, vector.bytes));
            (Space::Shared, own, if self.draw.flag() { own } else { other })
        } else {
            let own = self.in_a_row(OUTPUT, vector.bytes);
            (self.draw.of(&[Space::Global, Space::Generic]), own, own)
        };
        let offset = if is_shared { 0 } else { self.place(vector.bytes, thread_bytes()) };
        self.barrier();
        self.put(space, vector.ty, srcs, Address { base: Base::Reg(base), offset });
        self.barrier();
        let dsts = self.neighbours(Kind::of(vector.ty), vector.registers.len());
        self.load(space, vector.ty, dsts, Address { base: Base::Reg(from), offset });
        // The slots are their threads' own again.
        self.barrier();
    }

    pub(super) fn policy(&mut self) -> Reg {
        let dst = SCRATCH_WIDE;
        let priority = self.draw.of(&[
            EvictionPriority::EvictLast,
            EvictionPriority::Normal,
            EvictionPriority::EvictFirst,
            EvictionPriority::Unchanged,
        ]);
        let secondary = self.draw.of(&[None, Some(EvictionPriority::EvictFirst), Some(EvictionPriority::Unchanged)]);
        let op = match self.draw.below(4) {
            0 => {
                let (space, address) = (self.device(), Address { base: Base::Reg(INPUT), offset: 8 });
                let (primary_bytes, total_bytes) = (int(i64::from(self.draw.below(4096))), int(4096));
                Op::CreatePolicyRange { space, priority, secondary, dst, address, primary_bytes, total_bytes }
            }
            1 => {
                // A policy out of any number is none: a chip takes its use for no instruction. It is written over.
                let src = self.operand(Type::U64);
                self.emit(Op::CreatePolicyFrom { dst, src });
                Op::CreatePolicy { priority, secondary, fraction: 0.5f32.to_bits(), dst }
            }
            _ => Op::CreatePolicy { priority, secondary, fraction: self.draw.of(&[1.0f32, 0.5]).to_bits(), dst },
        };
        self.emit(op);
        dst
    }

    fn device(&mut self) -> Space {
        self.draw.of(&[Space::Global, Space::Generic])
    }

    /// A priority in L1 of a load or store.
    fn priority(&mut self) -> EvictionPriority {
        self.draw.of(EvictionPriority::ALL)
    }

    fn scope(&mut self) -> Scope {
        self.draw.of(&[Scope::Cta, Scope::Gpu, Scope::Sys])
    }

    /// A table: by its name or by its address.
    fn table(&mut self) {
        let Vector { ty, registers: dsts, bytes } = self.vector();
        let (index, space) = self.draw.of(&[(0, Space::Const), (1, Space::Global)]);
        let (symbol, offset) = (Symbol(index), self.place(bytes, ARRAY_BYTES));
        if self.draw.flag() {
            return self.load(space, ty, dsts, Address { base: Base::Symbol(symbol), offset });
        }
        let before = self.place(bytes, ARRAY_BYTES);
        self.emit(Op::SymbolAddress { dst: SCRATCH_WIDE, symbol, offset: before });
        let base = Base::Reg(SCRATCH_WIDE);
        self.load(space, ty, dsts, Address { base, offset: offset - before });
    }

    /// Stores a register to a slot of the output in another way than the end does, and loads it.
    fn own_slot(&mut self) {
        let Vector { ty, registers, bytes } = self.vector();
        let address = Address { base: Base::Reg(OUTPUT), offset: self.place(bytes, thread_bytes()) };
        let (mut order, mut scope, mut cache, mut policy) = (StoreOrder::Weak, None, Cache::Default, None);
        let mut l1 = EvictionPriority::Normal;
        match self.draw.below(7) {
            0 => order = StoreOrder::Volatile,
            4 => l1 = self.priority(),
            5 if registers.len() == 1 => (order, scope) = (StoreOrder::Mmio, Some(Scope::Sys)),
            1 => (order, scope) = (self.draw.of(&[StoreOrder::Relaxed, StoreOrder::Release]), Some(self.scope())),
            2 => {
                cache = self.draw.of(&[Cache::WriteBack, Cache::Global, Cache::Streaming, Cache::WriteThrough]);
            }
            3 => policy = Some(self.policy()),
            _ => {}
        }
        let vector = Vector { ty, registers, bytes };
        let srcs = if ty == Type::F64 {
            self.known(&vector)
        } else {
            vector.registers.iter().map(|reg| (*reg).into()).collect()
        };
        let space = self.draw.of(&[Space::Global, Space::Generic]);
        self.emit(Op::Store { space, ty, order, scope, cache, l1, policy, srcs, address });
        let dsts = self.neighbours(Kind::of(ty), vector.registers.len());
        self.load(Space::Global, ty, dsts, address);
    }

    /// A slot of the output stored, changed at once, and loaded.
    fn own_atomic(&mut self) {
        let (op, ty) = self.draw.of(&super::exchange::ATOMICS);
        let (src, a) = match ty {
            // Elsewhere than in an SM a NaN of them may be another one, too.
            Type::F16 | Type::F16x2 => return,
            // What becomes of a NaN, the ISA does not say, and elsewhere than in an SM it may be another one.
            Type::F32 | Type::F64 => {
                let src = self.finite(ty);
                let own = self.dst(ty);
                self.emit(Op::Mov { ty, dst: own, src });
                (own, self.finite(ty))
            }
            _ => (self.register(Kind::of(ty)), self.register(Kind::of(ty)).into()),
        };
        let offset = self.slot(Kind::of(ty));
        let address = Address { base: Base::Reg(OUTPUT), offset };
        self.store(Space::Global, Kind::of(ty).memory_type(), src, address);
        self.atomic_on(op, ty, Space::Global, address, a);
        let result = self.register(Kind::of(ty));
        self.load(Space::Global, Kind::of(ty).memory_type(), vec![result], address);
    }

    /// An atomic operation with any order, with or without a result.
    pub(super) fn atomic_on(&mut self, op: AtomicOp, ty: Type, space: Space, address: Address, a: Operand) {
        let kind = Kind::of(ty);
        let answers = matches!(op, AtomicOp::Exchange | AtomicOp::CompareSwap) || self.draw.flag();
        let b = if op == AtomicOp::CompareSwap { Some(self.register(kind).into()) } else { None };
        let dst = if answers { Some(self.register(kind)) } else { None };
        let orders: &[FenceOrder] = if answers {
            &[FenceOrder::Relaxed, FenceOrder::Acquire, FenceOrder::Release, FenceOrder::AcqRel]
        } else {
            &[FenceOrder::Relaxed, FenceOrder::Release]
        };
        let (order, scope) = match self.draw.below(3) {
            0 => (Some(self.draw.of(orders)), Some(self.scope())),
            1 => (None, Some(self.scope())),
            _ => (None, None),
        };
        // The policy's register may hold the address.
        let hinted = space != Space::Shared && b.is_none() && address.reg() != Some(SCRATCH_WIDE);
        let policy = if hinted && self.draw.once_in(3) { Some(self.policy()) } else { None };
        self.emit(Op::Atomic { op, space, ty, order, scope, dst, address, a, b, policy });
    }

    /// A source of f32 or f64 that is 1 if it is not finite.
    fn finite(&mut self, ty: Type) -> Operand {
        let (dst, one) = match ty {
            Type::F32 => (SCRATCH_SINGLE, Immediate::F32(1.0f32.to_bits())),
            _ => (SCRATCH_DOUBLE, Immediate::F64(1.0f64.to_bits())),
        };
        let (a, test, pred) = (self.operand(ty), FloatTest::Finite, SCRATCH_PRED);
        self.emit(Op::TestProperty { test, ty, dst: pred, a });
        self.emit(Op::Select { ty, dst, a, b: Operand::Imm(one), pred });
        dst.into()
    }

    /// The offset of a slot of `kind`.
    fn slot(&mut self, kind: Kind) -> i32 {
        let own = (0..).zip(slots()).filter(|(_, (of, _))| *of == kind).map(|(index, _)| index * SLOT_BYTES);
        let own: Vec<u32> = own.collect();
        self.draw.of(&own).cast_signed()
    }

    /// What changes no register.
    fn without_effect(&mut self) {
        let op = match self.draw.below(6) {
            0 => Op::Fence { order: self.draw.of(&[FenceOrder::AcqRel, FenceOrder::SeqCst]), scope: self.scope() },
            1 => {
                let (space, level) = (self.device(), self.draw.of(PrefetchLevel::ALL));
                Op::Prefetch { space, level, address: self.somewhere() }
            }
            2 => Op::PrefetchUniform { address: self.somewhere() },
            3 => Op::ApplyPriority { space: self.device(), address: self.somewhere() },
            4 => Op::PerformanceEvent { is_mask: self.draw.flag(), event: self.draw.below(16) },
            _ => Op::Nanosleep { duration: int(i64::from(self.draw.below(50))) },
        };
        self.emit(op);
    }

    /// A byte of the thread's input.
    fn somewhere(&mut self) -> Address {
        Address { base: Base::Reg(INPUT), offset: self.place(1, thread_bytes()) }
    }
}
