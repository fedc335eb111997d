//! Instructions that say something to the caches or to profilers, matrices in forms of their own, and barriers in shared memory.

use tilewright_ptx_ir::ir::{
    AtomicOp, EvictionPriority, FenceOrder, Fp8Pair, Kernel, MmaForm, Op, RegClass, Scope, Space, Type,
};

use super::draw::Draw;
use super::op::{SPACES, address};

/// Number of variants of [`Op`] that are drawn here.
pub(super) const KINDS: usize = 20;

/// An instruction of `kind`, which the verifier may refuse.
pub(super) fn draw(kind: usize, kernel: &Kernel, draw: &mut Draw) -> Op {
    let (space, dst) = (draw.of(&SPACES), draw.register(RegClass::B64));
    let place = address(space, 128, kernel, draw);
    match kind {
        0 => Op::CreatePolicyRange {
            space,
            priority: draw.of(EvictionPriority::ALL),
            secondary: draw.maybe(EvictionPriority::ALL),
            dst,
            address: place,
            primary_bytes: draw.operand(Type::U32),
            total_bytes: draw.operand(Type::U32),
        },
        1 => Op::CreatePolicyFrom { dst, src: draw.operand(Type::U64) },
        2 => Op::PrefetchUniform { address: address(Space::Generic, 1, kernel, draw) },
        3 => Op::ApplyPriority { space, address: place },
        4 => Op::Discard { space, address: place },
        6 => {
            let forms: Vec<MmaForm> = MmaForm::all().collect();
            let form = draw.of(&forms);
            let class = if form.is_f64() { draw.of(&[RegClass::F64, RegClass::B64]) } else { RegClass::B32 };
            let count = form.accumulator_registers();
            let (dsts, c) = (draw.registers(class, count), draw.registers(class, count));
            let (a, b) = (draw.registers(class, form.a_registers()), draw.registers(class, form.b_registers()));
            Op::MmaForm { form, satfinite: draw.rarely(), dsts, a, b, c }
        }
        7 => Op::MoveMatrix { dst: draw.register(RegClass::B32), src: draw.register(RegClass::B32) },
        8 => {
            let count = draw.of(&[1, 2, 4]);
            let (transpose, srcs) = (draw.flag(), draw.registers(RegClass::B32, count));
            Op::StMatrix { transpose, srcs, address: address(Space::Shared, 16, kernel, draw) }
        }
        9 => {
            let (dst, pred) = (draw.register(RegClass::B32), draw.register(RegClass::Pred));
            Op::Elect { dst, pred, mask: draw.operand(Type::U32) }
        }
        11 => {
            let (op, ty) =
                (draw.of(AtomicOp::ALL), draw.of(&[Type::F32, Type::F16, Type::F16x2, Type::Bf16, Type::Bf16x2]));
            let (count, class) = (draw.of(&[2, 4, 8]), draw.class_for(ty));
            let (srcs, answers) = (draw.registers(class, count), draw.flag());
            Op::AtomicVector {
                op,
                space,
                ty,
                order: draw.maybe(FenceOrder::ALL),
                scope: draw.maybe(Scope::ALL),
                dsts: if answers { draw.registers(class, count) } else { Vec::new() },
                address: place,
                srcs: srcs.into_iter().map(Into::into).collect(),
                policy: draw.rarely().then_some(dst),
            }
        }
        12 => {
            let (format, relu) = (draw.of(Fp8Pair::ALL), draw.flag());
            let (high, low) = (draw.operand(Type::F32), draw.operand(Type::F32));
            Op::CvtFp8Pair { format, relu, dst: draw.register(RegClass::B16), high, low }
        }
        13 => {
            let (format, relu, widens) = (draw.of(Fp8Pair::ALL), draw.flag(), draw.flag());
            let (short, long) = (draw.register(RegClass::B16), draw.register(RegClass::B32));
            let (dst, src) = if widens { (long, short) } else { (short, long) };
            Op::CvtFp8 { format, widens, relu, dst, src }
        }
        14.. => mbarrier(kind - 14, kernel, draw),
        10 => Op::GridDependency { waits: draw.flag() },
        _ => Op::PerformanceEvent { is_mask: draw.flag(), event: draw.below(20) },
    }
}

fn mbarrier(kind: usize, kernel: &Kernel, draw: &mut Draw) -> Op {
    let space = if draw.rarely() { draw.of(&SPACES) } else { draw.of(&[Space::Shared, Space::Generic]) };
    let address = address(space, 8, kernel, draw);
    match kind {
        0 => Op::MbarrierInit { space, address, count: draw.operand(Type::U32) },
        1 => Op::MbarrierInvalidate { space, address },
        2 => Op::MbarrierArrive {
            space,
            drops: draw.flag(),
            no_complete: draw.flag(),
            state: draw.register_for(Type::B64),
            address,
            count: draw.flag().then(|| draw.operand(Type::U32)),
        },
        3 => {
            let parity = draw.flag();
            Op::MbarrierWait {
                space,
                tries: draw.flag(),
                parity,
                dst: draw.register(RegClass::Pred),
                address,
                phase: draw.operand(if parity { Type::U32 } else { Type::B64 }),
                time: draw.flag().then(|| draw.operand(Type::U32)),
            }
        }
        4 => Op::MbarrierPendingCount { dst: draw.register(RegClass::B32), state: draw.operand(Type::B64) },
        _ => Op::CpAsyncMbarrierArrive { space, increments: draw.flag(), address },
    }
}
