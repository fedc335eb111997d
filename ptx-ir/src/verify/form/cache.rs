//! Policies, prefetches and what else is said to the caches.

use super::{operand, register};
use crate::ir::{EvictionPriority, Immediate, Op, Operand, PrefetchLevel, Space, Type};
use crate::verify::error::Reason;

pub(super) fn cache(op: &Op, report: &mut impl FnMut(Reason)) {
    match op {
        Op::CreatePolicy { priority, secondary, fraction, dst } => {
            priorities(*priority, *secondary, report);
            let fraction = f32::from_bits(*fraction);
            if !(fraction > 0.0 && fraction <= 1.0) {
                report(Reason::Modifier { what: "the fraction of a createpolicy is above 0 and at most 1" });
            }
            register("d", *dst, Type::U64, report);
        }
        Op::CreatePolicyRange { space, priority, secondary, dst, primary_bytes, total_bytes, .. } => {
            device(*space, report);
            priorities(*priority, *secondary, report);
            register("d", *dst, Type::U64, report);
            operand("primary-size", *primary_bytes, Type::U32, report);
            operand("total-size", *total_bytes, Type::U32, report);
            if let (Operand::Imm(Immediate::Int(primary)), Operand::Imm(Immediate::Int(total))) =
                (primary_bytes, total_bytes)
                && !(0..=*total).contains(primary)
            {
                report(Reason::Modifier { what: "the primary part of a range is at most all of it" });
            }
        }
        Op::CreatePolicyFrom { dst, src } => {
            register("d", *dst, Type::U64, report);
            operand("a", *src, Type::U64, report);
        }
        Op::Prefetch { space, level, .. } => {
            let plain = matches!(level, PrefetchLevel::L1 | PrefetchLevel::L2);
            if !(matches!(space, Space::Global | Space::Generic) || (plain && *space == Space::Local)) {
                report(Reason::Modifier {
                    what: "prefetch reads global, local or generic addresses, local ones without a priority",
                });
            }
        }
        Op::ApplyPriority { space, .. } | Op::Discard { space, .. } => device(*space, report),
        Op::PerformanceEvent { is_mask, event } if *event > if *is_mask { 0xFFFF } else { 15 } => {
            report(Reason::Modifier { what: "there are 16 events for profilers" });
        }
        _ => {}
    }
}

fn priorities(priority: EvictionPriority, secondary: Option<EvictionPriority>, report: &mut impl FnMut(Reason)) {
    if priority == EvictionPriority::NoAllocate {
        report(Reason::Modifier {
            what: "createpolicy wants evict_last, evict_normal, evict_first or evict_unchanged",
        });
    }
    if !matches!(secondary, None | Some(EvictionPriority::EvictFirst | EvictionPriority::Unchanged)) {
        report(Reason::Modifier { what: "the second priority of a createpolicy is evict_first or evict_unchanged" });
    }
}

fn device(space: Space, report: &mut impl FnMut(Reason)) {
    if !matches!(space, Space::Global | Space::Generic) {
        report(Reason::Modifier { what: "this belongs to global and generic addresses" });
    }
}
