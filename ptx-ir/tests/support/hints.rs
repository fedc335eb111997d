//! Instructions that say something to the caches, or to profilers.

use tilewright_ptx_ir::ir::{EvictionPriority, Kernel, Op, RegClass, Space, Type};

use super::draw::Draw;
use super::op::{SPACES, address};

/// Number of variants of [`Op`] that are drawn here.
pub(super) const KINDS: usize = 6;

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
        _ => Op::PerformanceEvent { is_mask: draw.flag(), event: draw.below(20) },
    }
}
