//! Random modules that the verifier accepts.
//!
//! Every kernel starts by writing a few registers of each class. What follows is drawn loosely, field by field, and kept if the verifier takes
//! it, so that the modules reach every form the verifier knows and nothing else limits them.

mod draw;
mod hints;
mod op;

use tilewright_ptx_ir::ir::{
    Address, Base, Cache, Compare, EvictionPriority, Function, Guard, Immediate, Inst, Kernel, Label, Limits,
    LoadOrder, Local, LocalKind, Module, Op, Operand, Param, ParamIndex, Pointer, Reg, RegClass, SharedArray,
    SharedSize, Space, Statement, StoreOrder, Symbol, Type, Variable,
};
use tilewright_ptx_ir::{Target, verify};

pub(crate) use draw::Draw;
use draw::REGISTERS;
pub(crate) use op::KINDS;

/// Labels of a random kernel.
pub(crate) const LABELS: u32 = 3;

/// One kernel: a seed for its declarations, and the kind and seed of each statement. Shrinking drops statements.
type Plan = (u64, Vec<(usize, u64)>);

/// The module of these plans.
pub(crate) fn module(target: Target, plans: &[Plan]) -> Module {
    let kernels = (0..).zip(plans).map(|(index, plan)| kernel(target, index, plan)).collect();
    with_surroundings(target, kernels)
}

fn kernel(target: Target, index: u32, (seed, statements): &Plan) -> Kernel {
    let mut draw = Draw::new(*seed);
    let mut kernel = Kernel {
        params: params(&mut draw),
        shared: shared(&mut draw),
        limits: limits(&mut draw),
        locals: locals(),
        symbols: SYMBOLS.map(str::to_owned).to_vec(),
        ..Kernel::new(&format!("k{index}"))
    };
    kernel.body = preamble();
    let frame = kernel.clone();
    let mut inner: Vec<Statement> =
        statements.iter().filter_map(|(kind, seed)| accepted(target, &frame, *kind, *seed)).collect();
    for label in 0..LABELS {
        let place = draw.below(u32::try_from(inner.len()).unwrap() + 1) as usize;
        inner.insert(place, Statement::Label(Label(label)));
    }
    kernel.body.append(&mut inner);
    kernel.body.push(statement(Op::Return));
    keep_mentioned(&mut kernel);
    kernel
}

/// The first draw of an instruction of `kind` that the verifier takes after the preamble of `frame`.
fn accepted(target: Target, frame: &Kernel, kind: usize, seed: u64) -> Option<Statement> {
    let mut draw = Draw::new(seed);
    (0..400).find_map(|_| {
        let op = op::draw(kind, frame, &mut draw);
        let guard = draw.rarely().then(|| Guard { pred: draw.register(RegClass::Pred), negate: draw.flag() });
        let statement = Statement::Inst(Inst { guard, op });
        let mut trial = frame.clone();
        trial.body.push(statement.clone());
        trial.body.extend((0..LABELS).map(|label| Statement::Label(Label(label))));
        trial.body.push(self::statement(Op::Return));
        verify(&with_surroundings(target, vec![trial])).is_ok().then_some(statement)
    })
}

/// Writes every register that the rest may read.
pub(crate) fn preamble() -> Vec<Statement> {
    let mut body = Vec::new();
    for number in 0..REGISTERS {
        let reg = |class| Reg { class, number };
        let int = |value: u32| Operand::Imm(Immediate::Int(i64::from(value)));
        for class in [RegClass::B16, RegClass::B32, RegClass::B64] {
            body.push(statement(Op::Mov { ty: class.declared(), dst: reg(class), src: int(number) }));
        }
        let (f32, f64) = (Immediate::F32(1.5f32.to_bits()), Immediate::F64(1.5f64.to_bits()));
        body.push(statement(Op::Mov { ty: Type::F32, dst: reg(RegClass::F32), src: Operand::Imm(f32) }));
        body.push(statement(Op::Mov { ty: Type::F64, dst: reg(RegClass::F64), src: Operand::Imm(f64) }));
        body.push(statement(Op::SetPredicate {
            compare: Compare::Lt,
            ty: Type::U32,
            ftz: false,
            dst: reg(RegClass::Pred),
            a: reg(RegClass::B32).into(),
            b: int(2),
            combine: None,
        }));
    }
    body
}

/// What every random module declares besides its kernels.
const SYMBOLS: [&str; 4] = ["counter", "weights", "pointers", "twice"];

fn with_surroundings(target: Target, kernels: Vec<Kernel>) -> Module {
    let variable = |name: &str, space, align, bytes, data: &[u8], pointers| Variable {
        name: name.to_owned(),
        space,
        align,
        bytes,
        data: data.to_vec(),
        pointers,
    };
    let pointer = |at, offset| Pointer { at, to: "counter".to_owned(), offset };
    let param = |name: &str, ty: Type| Param { name: name.to_owned(), ty, bytes: ty.bytes(), align: ty.bytes() };
    let address = |base| Address { base, offset: 0 };
    let sum = Reg { class: RegClass::B32, number: 0 };
    let load = |base| Op::Load {
        space: Space::Param,
        ty: Type::B32,
        order: LoadOrder::Weak,
        scope: None,
        cache: Cache::Default,
        l1: EvictionPriority::Normal,
        l2_prefetch: None,
        policy: None,
        dsts: vec![sum],
        address: address(base),
    };
    let store = Op::Store {
        space: Space::Param,
        ty: Type::B32,
        order: StoreOrder::Weak,
        scope: None,
        cache: Cache::Default,
        l1: EvictionPriority::Normal,
        policy: None,
        srcs: vec![sum.into()],
        address: address(Base::Result(ParamIndex(0))),
    };
    let twice = Function {
        results: vec![param("answer", Type::B32)],
        code: Kernel {
            params: vec![param("a", Type::B32), param("b", Type::B64)],
            body: vec![statement(load(Base::Param(ParamIndex(0)))), statement(store), statement(Op::Return)],
            ..Kernel::new("twice")
        },
        is_external: false,
    };
    let elsewhere = Function {
        results: vec![param("answer", Type::B32)],
        code: Kernel { params: vec![param("format", Type::B64)], ..Kernel::new("vprintf") },
        is_external: true,
    };
    Module {
        variables: vec![
            variable("counter", Space::Global, 8, 64, &[], Vec::new()),
            variable("weights", Space::Const, 16, 32, &[1, 2, 255], Vec::new()),
            variable(
                "pointers",
                Space::Global,
                8,
                32,
                &[7, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                vec![pointer(8, 16), pointer(16, 0)],
            ),
        ],
        functions: vec![twice, elsewhere],
        ..Module::new(target, kernels)
    }
}

/// Arguments that fit `twice`, and an array.
fn locals() -> Vec<Local> {
    let local = |name: &str, kind, align, bytes| Local { name: name.to_owned(), kind, align, bytes };
    vec![
        local("stack", LocalKind::Stack, 16, 64),
        local("a0", LocalKind::Argument, 4, 4),
        local("a1", LocalKind::Argument, 8, 8),
        local("a2", LocalKind::Argument, 4, 4),
        local("a3", LocalKind::Argument, 8, 24),
    ]
}

/// Names only what the body mentions, in the order of the first mention, as the parser does.
fn keep_mentioned(kernel: &mut Kernel) {
    let old = std::mem::take(&mut kernel.symbols);
    let mut kept: Vec<u32> = Vec::new();
    let mut renumber = |symbol: &mut Symbol| {
        let place = kept.iter().position(|known| *known == symbol.0).unwrap_or_else(|| {
            kept.push(symbol.0);
            kept.len() - 1
        });
        *symbol = Symbol(place.try_into().unwrap());
    };
    for statement in &mut kernel.body {
        let Statement::Inst(inst) = statement else { continue };
        match &mut inst.op {
            Op::SymbolAddress { symbol, .. } | Op::Call { function: symbol, .. } => renumber(symbol),
            Op::Load { address, .. }
            | Op::Store { address, .. }
            | Op::Atomic { address, .. }
            | Op::Prefetch { address, .. }
            | Op::PrefetchUniform { address }
            | Op::AtomicVector { address, .. }
            | Op::CreatePolicyRange { address, .. }
            | Op::ApplyPriority { address, .. }
            | Op::Discard { address, .. }
            | Op::CpAsync { src: address, .. } => {
                if let Base::Symbol(symbol) = &mut address.base {
                    renumber(symbol);
                }
            }
            _ => {}
        }
    }
    kernel.symbols = kept.iter().map(|index| old[*index as usize].clone()).collect();
}

fn statement(op: Op) -> Statement {
    Statement::Inst(Inst { guard: None, op })
}

fn params(draw: &mut Draw) -> Vec<Param> {
    let count = draw.below(5);
    (0..count)
        .map(|index| {
            let name = format!("p{index}");
            if draw.rarely() {
                let align = 1 << draw.below(8);
                Param { name, ty: Type::B8, bytes: 2 + draw.below(127), align }
            } else {
                let ty = draw.of(&PARAMETERS);
                Param { name, ty, bytes: ty.bytes(), align: ty.bytes() }
            }
        })
        .collect()
}

const PARAMETERS: [Type; 14] = [
    Type::B8,
    Type::B16,
    Type::B32,
    Type::B64,
    Type::U8,
    Type::U16,
    Type::U32,
    Type::U64,
    Type::S8,
    Type::S16,
    Type::S32,
    Type::S64,
    Type::F32,
    Type::F64,
];

/// Dynamic arrays first, as the text has them.
fn shared(draw: &mut Draw) -> Vec<SharedArray> {
    let (dynamic, fixed) = (draw.below(3), draw.below(3));
    let array = |draw: &mut Draw, name: String, size| SharedArray { name, align: 1 << draw.below(9), size };
    let mut arrays: Vec<_> = (0..dynamic).map(|index| array(draw, format!("d{index}"), SharedSize::Dynamic)).collect();
    for index in 0..fixed {
        let size = SharedSize::Static(16 + draw.below(4096));
        arrays.push(array(draw, format!("s{index}"), size));
    }
    arrays
}

fn limits(draw: &mut Draw) -> Limits {
    let extent = |draw: &mut Draw| [32 << draw.below(3), 1 + draw.below(2), 1 + draw.below(2)];
    let mut limits = Limits::default();
    match draw.below(4) {
        0 => limits.required_threads = Some(extent(draw)),
        1 => limits.max_threads = Some(extent(draw)),
        _ => {}
    }
    if limits != Limits::default() && draw.flag() {
        limits.min_blocks = Some(1 + draw.below(3));
    } else if draw.rarely() {
        limits.max_registers = Some(64 + draw.below(64));
    }
    limits
}
