//! Barriers in shared memory.

use super::{operand, register};
use crate::ir::{Immediate, Op, Operand, Space, Type};
use crate::verify::error::Reason;

pub(super) fn mbarrier(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::MbarrierInit { space, count, .. } => {
            shared(*space, report);
            operand("count", *count, Type::U32, report);
        }
        Op::MbarrierInvalidate { space, .. } | Op::CpAsyncMbarrierArrive { space, .. } => shared(*space, report),
        Op::MbarrierArrive { space, no_complete, state, count, .. } => {
            shared(*space, report);
            register("state", *state, Type::U64, report);
            count.iter().for_each(|count| operand("count", *count, Type::U32, report));
            if matches!(count, Some(Operand::Imm(Immediate::Int(count))) if !(1..1 << 20).contains(count)) {
                report(Reason::Modifier { what: "an mbarrier counts from 1 to 1048575" });
            }
            if *no_complete && count.is_none() {
                report(Reason::Modifier { what: "arrivals that complete no phase are counted" });
            }
        }
        Op::MbarrierWait { space, tries, parity, dst, phase, time, .. } => {
            shared(*space, report);
            register("waitComplete", *dst, Type::Pred, report);
            state(*phase, if *parity { Type::U32 } else { Type::U64 }, report);
            if *parity && matches!(phase, Operand::Imm(Immediate::Int(parity)) if !(0..=1).contains(parity)) {
                report(Reason::Modifier { what: "a parity is 0 or 1" });
            }
            time.iter().for_each(|time| operand("suspendTimeHint", *time, Type::U32, report));
            if time.is_some() && !tries {
                report(Reason::Modifier { what: "test_wait does not wait for any time" });
            }
        }
        Op::MbarrierPendingCount { dst, state: of, .. } => {
            register("count", *dst, Type::U32, report);
            state(*of, Type::U64, report);
        }
        _ => {}
    }
}

fn state(value: Operand, ty: Type, report: &mut impl FnMut(Reason)) {
    operand("state", value, ty, report);
}

fn shared(space: Space, report: &mut impl FnMut(Reason)) {
    if !matches!(space, Space::Shared | Space::Generic) {
        report(Reason::Modifier { what: "an mbarrier lies in shared memory" });
    }
}
