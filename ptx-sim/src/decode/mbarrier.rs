//! Barriers in shared memory.

use tilewright_ptx_ir::ir::{Op, Type};

use super::Context;
use super::address::Window;
use super::code::{Code, MbarrierAct};
use super::generic::Generic;

/// Bits of a state that hold how many arrivals were missing; the phase stands above.
pub(crate) const COUNT_BITS: u32 = 20;

pub(super) fn mbarrier(op: &Op, context: &mut Context<'_>) -> Option<Code> {
    let (space, address, act) = match op {
        Op::MbarrierInit { space, address, count } => {
            (space, address, MbarrierAct::Init { count: context.slots.narrow(*count, Type::U32)? })
        }
        Op::MbarrierInvalidate { space, address } => (space, address, MbarrierAct::Invalidate),
        Op::MbarrierArrive { space, drops, no_complete, state, address, count } => {
            let count = match count {
                Some(count) => Some(context.slots.narrow(*count, Type::U32)?),
                None => None,
            };
            let state = context.slots.destination(*state);
            (space, address, MbarrierAct::Arrive { drops: *drops, no_complete: *no_complete, count, state })
        }
        Op::CpAsyncMbarrierArrive { space, increments, address } => {
            (space, address, MbarrierAct::Copies { increments: *increments })
        }
        // How long it may wait is its own business: not at all.
        Op::MbarrierWait { space, parity, dst, address, phase, .. } => {
            let phase = context.slots.source(*phase, if *parity { Type::U32 } else { Type::U64 })?;
            (space, address, MbarrierAct::Wait { parity: *parity, phase, dst: context.slots.pred(*dst) })
        }
        Op::MbarrierPendingCount { dst, state } => {
            let state = context.slots.source(*state, Type::U64)?;
            let f = Generic::new(vec![state], |v, _| Some(v[0] & ((1 << COUNT_BITS) - 1)))?;
            return Some(Code::Generic { f, dst: context.slots.destination(*dst) });
        }
        _ => return None,
    };
    Some(Code::Mbarrier { window: Window::new(*space)?, place: context.place(address)?, act })
}
