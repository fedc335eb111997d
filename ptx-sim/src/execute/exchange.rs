//! Instructions by which lanes of a warp exchange registers.
//!
//! Every lane names the lanes that take part. The instruction is executed once all of them that have not exited are here; a lane that does
//! not name itself, or that reads from a lane that does not take part, is a finding.
//!
//! # Source
//! PTX ISA 9.0, sections 9.7.9.6 (`shfl.sync`), 9.7.13.12 to 9.7.13.16 (`bar.warp.sync`, `vote.sync`, `match.sync`, `redux.sync`).

use tilewright_ptx_ir::ir::{ShuffleMode, VoteMode};

use super::scene::Scene;
use super::step::Flow;
use super::warp::Warp;
use crate::arith;
use crate::decode::{Code, Destination, Lanes, Source, SyncMask};
use crate::report::{Action, Kind};

pub(super) fn exchange(warp: &mut Warp, scene: &mut Scene<'_>, code: &Code, lanes: u32, pc: u32) -> Flow {
    let (Code::Shuffle { mask, .. }
    | Code::Vote { mask, .. }
    | Code::MatchAny { mask, .. }
    | Code::MatchAll { mask, .. }
    | Code::Reduce { mask, .. }
    | Code::Elect { mask, .. }
    | Code::WarpSync { mask }) = code
    else {
        return Flow::Next;
    };
    let groups = match groups(warp, scene, *mask, lanes, pc) {
        Meeting::Here(groups) => groups,
        Meeting::Waiting => return Flow::WaitForLanes,
        Meeting::Wrong => return Flow::Next,
    };
    for group in groups {
        match code {
            Code::Shuffle { .. } => shuffle(warp, scene, code, group, pc),
            Code::WarpSync { .. } => {
                // Lanes that exited have nothing left to order.
                let moments: Vec<_> = if scene.watches_shared() {
                    (0..32)
                        .filter(|lane| group >> lane & 1 == 1)
                        .map(|lane| scene.moment(warp.actor(lane, pc)))
                        .collect()
                } else {
                    Vec::new()
                };
                scene.meet(&moments, &moments);
                if group == warp.live {
                    warp.turn += 1;
                }
            }
            _ => combine(warp, code, group),
        }
    }
    Flow::Next
}

/// Whether the lanes that are named have met.
enum Meeting {
    /// Groups that name the same lanes.
    Here(Vec<u32>),
    Waiting,
    Wrong,
}

fn groups(warp: &mut Warp, scene: &mut Scene<'_>, mask: SyncMask, lanes: u32, pc: u32) -> Meeting {
    let masks = warp.registers.narrow(mask, lanes);
    let mut groups = Vec::with_capacity(1);
    let mut rest = lanes;
    while rest != 0 {
        let named = masks[rest.trailing_zeros() as usize];
        let group = (0..32u32)
            .filter(|lane| rest >> lane & 1 == 1 && masks[*lane as usize] == named)
            .fold(0, |group, lane| group | 1 << lane);
        if group & !named != 0 {
            let here = (Action::Execute, warp.first_thread(group & !named), pc);
            scene.report_and_stop(Kind::LaneMask { mask: named }, None, here);
            return Meeting::Wrong;
        }
        if named & warp.live & !group != 0 {
            return Meeting::Waiting;
        }
        groups.push(group);
        rest &= !group;
    }
    Meeting::Here(groups)
}

fn shuffle(warp: &mut Warp, scene: &mut Scene<'_>, code: &Code, group: u32, pc: u32) {
    let Code::Shuffle { mode, dst, pred, src, lane, clamp, mask: _ } = code else { return };
    let registers = &mut warp.registers;
    // What nobody has written is as unwritten where it arrives.
    let (values, written) = registers.peek(*src);
    let (offsets, clamps) = (registers.narrow(*lane, group), registers.narrow(*clamp, group));
    let mut results: Lanes = [0; 32];
    let mut in_range = 0;
    let (mut stranger, mut sources) = (0, [0u32; 32]);
    let mut unwritten = 0;
    for own in (0..32u32).filter(|own| group >> own & 1 == 1) {
        let (offset, control) = (offsets[own as usize] & 31, clamps[own as usize]);
        let segment = control >> 8 & 31;
        let limit = own & segment | control & 31 & !segment;
        let (source, is_inside) = match mode {
            ShuffleMode::Up => {
                let source = own.wrapping_sub(offset);
                (source, source.cast_signed() >= limit.cast_signed())
            }
            ShuffleMode::Down => (own + offset, own + offset <= limit),
            ShuffleMode::Butterfly => (own ^ offset, own ^ offset <= limit),
            _ => {
                let source = own & segment | offset & !segment;
                (source, source <= limit)
            }
        };
        let source = if is_inside { source & 31 } else { own };
        in_range |= u32::from(is_inside) << own;
        if group >> source & 1 == 0 {
            stranger |= 1 << own;
        }
        unwritten |= (!written >> source & 1) << own;
        sources[own as usize] = source;
        results[own as usize] = values[source as usize];
    }
    registers.set_narrow(*dst, &results, group);
    if let Some(pred) = pred {
        registers.set_pred(*pred, in_range, group);
    }
    if unwritten != 0 {
        let lanes = (0..32usize).filter(|own| unwritten >> own & 1 == 1);
        let arriving = lanes.map(|own| {
            let (source, from) = (Source::Narrow(*src), sources[own] as usize);
            (own, warp.registers.shade(source, from).bits, warp.origin(source, from, pc))
        });
        for (own, bits, origin) in arriving.collect::<Vec<_>>() {
            warp.registers.unwrite(Destination::Narrow(*dst, u32::MAX), own, bits, origin);
        }
    }
    if stranger != 0 {
        let here = (Action::Execute, warp.first_thread(stranger), pc);
        scene.report(Kind::LaneMask { mask: group }, None, vec![here]);
    }
}

/// Votes, matches and sums over a group.
fn combine(warp: &mut Warp, code: &Code, group: u32) {
    let registers = &mut warp.registers;
    match code {
        Code::Vote { mode, dst, src, mask: _ } => {
            let holds = registers.condition(*src, group) & group;
            let answer = match mode {
                VoteMode::All => u64::from(holds == group),
                VoteMode::Any => u64::from(holds != 0),
                VoteMode::Uniform => u64::from(holds == group || holds == 0),
                _ => u64::from(holds),
            };
            registers.set(*dst, &[answer; 32], group);
        }
        // Any of the lanes will do, always the same one.
        Code::Elect { dst, pred, mask: _ } => {
            let leader = group.trailing_zeros();
            registers.set_narrow(*dst, &[leader; 32], group);
            registers.set_pred(*pred, 1u32.checked_shl(leader).unwrap_or(0), group);
        }
        Code::MatchAny { dst, src, mask: _ } => {
            let values = registers.any(*src, group);
            let same = std::array::from_fn(|own| {
                (0..32)
                    .filter(|lane| group >> lane & 1 == 1 && values[*lane] == values[own])
                    .fold(0, |same, lane| same | 1 << lane)
            });
            registers.set_narrow(*dst, &same, group);
        }
        Code::MatchAll { dst, pred, src, mask: _ } => {
            let values = registers.any(*src, group);
            let first = values[group.trailing_zeros() as usize % 32];
            let agree = (0..32).all(|lane| group >> lane & 1 == 0 || values[lane] == first);
            registers.set_narrow(*dst, &[if agree { group } else { 0 }; 32], group);
            if let Some(pred) = pred {
                registers.set_pred(*pred, if agree { group } else { 0 }, group);
            }
        }
        Code::Reduce { op, ty, dst, src, mask: _ } => {
            let values = registers.narrow(*src, group);
            let combined = (0..32usize)
                .filter(|lane| group >> lane & 1 == 1)
                .map(|lane| u64::from(values[lane]))
                // Modelled for any values: seen when the program was loaded.
                .reduce(|sum, value| arith::atomic(*op, *ty, sum, value, 0).unwrap_or(0));
            #[expect(clippy::cast_possible_truncation, reason = "a 32-bit operation")]
            registers.set_narrow(*dst, &[combined.unwrap_or(0) as u32; 32], group);
        }
        _ => {}
    }
}
