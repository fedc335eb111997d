//! One instruction for the lanes that execute it.

use tilewright_ptx_ir::ir::Special;

use super::access::Site;
use super::barrier::Arrival;
use super::scene::Scene;
use super::warp::Warp;
use super::{ALL, access, atomic, copy, discard, exchange, matrix, mbarrier, rows};
use crate::arith::Jitter;
use crate::decode::{
    Code, Destination, Generic, Instruction, LOCAL_WINDOW, SHARED_WINDOW, THREAD_SHIFT, WideLanes, Window,
};
use crate::report::{Action, Kind, Location};

/// Where the lanes go from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    Jump(u32),
    /// Each lane goes its own way.
    Scatter(Box<[u32; 32]>),
    Exit,
    Barrier {
        id: u32,
        generation: u32,
    },
    /// Lanes that the instruction names have not arrived.
    WaitForLanes,
    /// The whole warp must be here.
    WaitForWarp,
}

pub(crate) fn step(warp: &mut Warp, scene: &mut Scene<'_>, instruction: &Instruction, pc: u32, lanes: u32) -> Flow {
    match &instruction.code {
        Code::Plain(plain) => {
            (plain.run)(&mut warp.registers, plain, lanes);
            Flow::Next
        }
        Code::Branch { target } => Flow::Jump(*target),
        Code::Load { window, access, dsts, place } => {
            let site = Site { window: *window, access: *access, place: *place, pc };
            access::load(warp, scene, site, dsts, lanes);
            Flow::Next
        }
        Code::Store { window, access, srcs, place } => {
            let site = Site { window: *window, access: *access, place: *place, pc };
            access::store(warp, scene, site, srcs, lanes);
            Flow::Next
        }
        _ => step_other(warp, scene, instruction, pc, lanes),
    }
}

/// An instruction that is more than a function of 32 lanes, a branch, or a load or store.
#[inline(never)]
fn step_other(warp: &mut Warp, scene: &mut Scene<'_>, instruction: &Instruction, pc: u32, lanes: u32) -> Flow {
    let registers = &mut warp.registers;
    match &instruction.code {
        Code::Move { dst, src } => {
            let values = registers.any(*src, lanes);
            registers.set(*dst, &values, lanes);
        }
        Code::Special { dst, special } => {
            let values = std::array::from_fn(|lane| value_of(*special, lane, warp, scene));
            warp.registers.set(*dst, &values, lanes);
        }
        Code::Pack { dst, srcs, part_bits } => {
            let mut values = [0; 32];
            for (part, src) in srcs.iter().enumerate() {
                let more = registers.any(*src, lanes);
                for (value, more) in values.iter_mut().zip(more) {
                    *value |= (more & low_bits(*part_bits)) << (*part_bits as usize * part);
                }
            }
            registers.set(*dst, &values, lanes);
        }
        Code::Unpack { dsts, src, part_bits } => {
            let whole = registers.any(*src, lanes);
            for (part, dst) in dsts.iter().enumerate() {
                let values = whole.map(|value| value >> (*part_bits as usize * part) & low_bits(*part_bits));
                registers.set(*dst, &values, lanes);
            }
        }
        Code::Select { dst, a, b, pred } => {
            let holds = registers.pred(*pred, lanes);
            // The source that is not chosen is not used.
            let (a, b) = (registers.any(*a, lanes & holds), registers.any(*b, lanes & !holds));
            let values = std::array::from_fn(|lane| if holds >> lane & 1 == 1 { a[lane] } else { b[lane] });
            registers.set(*dst, &values, lanes);
        }
        Code::CompareGeneric { compare, dst, combine } => {
            let holds = evaluate(warp, scene, compare, lanes);
            let holds = (0..32).fold(0, |mask, lane| mask | u32::from(holds[lane] != 0) << lane);
            warp.registers.set_combined(*dst, holds, *combine, lanes);
        }
        Code::Generic { f: Generic { whole: Some(plain), .. }, .. } if scene.context.options.jitter.is_none() => {
            (plain.run)(registers, plain, lanes);
        }
        Code::Generic { f, dst } => {
            let values = evaluate(warp, scene, f, lanes);
            warp.registers.set(*dst, &values, lanes);
        }
        Code::Both { first, dst, second, other } => {
            let (values, others) = (evaluate(warp, scene, first, lanes), evaluate(warp, scene, second, lanes));
            warp.registers.set(*dst, &values, lanes);
            warp.registers.set(*other, &others, lanes);
        }

        Code::LocalWindow { enter, dst, src } => {
            let addresses = registers.wide(*src, lanes);
            let first = warp.first_thread(1);
            let values: WideLanes = std::array::from_fn(|lane| {
                let thread = u64::from(first) + lane as u64;
                let window = LOCAL_WINDOW + (thread << THREAD_SHIFT);
                if *enter {
                    addresses[lane].wrapping_add(window)
                } else {
                    addresses[lane].wrapping_sub(window) & 0xFFFF_FFFF
                }
            });
            warp.registers.set_wide(*dst, &values, lanes);
        }
        Code::IsSpace { window, dst, src } => {
            let addresses = registers.any(*src, lanes);
            let is_inside = |address: u64| match window {
                Window::Shared => address >= SHARED_WINDOW,
                Window::Local => (LOCAL_WINDOW..SHARED_WINDOW).contains(&address),
                _ => address < LOCAL_WINDOW,
            };
            let holds = (0..32).fold(0, |mask, lane| mask | u32::from(is_inside(addresses[lane])) << lane);
            registers.set_pred(*dst, holds, lanes);
        }
        Code::LoadParam { dsts, offset, access } => load_param(warp, scene, dsts, *offset, *access, lanes, pc),
        Code::AtomicVector { .. } => atomic::atomics(warp, scene, &instruction.code, lanes, pc),
        Code::Atomic { .. } => atomic::atomic(warp, scene, &instruction.code, lanes, pc),
        Code::LoadMatrix { transpose, dsts, place } => match is_whole(warp, scene, lanes, ALL, pc) {
            Presence::Yes => matrix::load_matrix(warp, scene, *transpose, dsts, *place, pc),
            Presence::NotYet => return Flow::WaitForWarp,
            Presence::No => {}
        },
        Code::StoreMatrix { .. } | Code::MoveMatrix { .. } | Code::MmaForm { .. } => {
            match is_whole(warp, scene, lanes, ALL, pc) {
                Presence::Yes => match &instruction.code {
                    Code::StoreMatrix { transpose, srcs, place } => {
                        rows::store_matrix(warp, scene, *transpose, srcs, *place, pc);
                    }
                    Code::MoveMatrix { dst, src } => rows::move_matrix(warp, *dst, *src),
                    code => rows::multiply_form(warp, code),
                },
                Presence::NotYet => return Flow::WaitForWarp,
                Presence::No => {}
            }
        }
        Code::Copy { .. } => copy::start(warp, scene, &instruction.code, lanes, pc),
        Code::Discard { window, place } => discard::discard(warp, scene, *window, *place, lanes, pc),
        Code::CopyCommit => warp.copies.commit(lanes),
        Code::CopyWait { pending } => copy::wait(warp, scene, *pending, lanes),

        Code::Shuffle { .. }
        | Code::Vote { .. }
        | Code::MatchAny { .. }
        | Code::MatchAll { .. }
        | Code::Reduce { .. }
        | Code::Elect { .. }
        | Code::WarpSync { .. } => return exchange::exchange(warp, scene, &instruction.code, lanes, pc),
        Code::ActiveMask { dst } => registers.set_narrow(*dst, &[lanes; 32], lanes),
        Code::Mma { .. } => {
            let whole = is_whole(warp, scene, lanes, ALL, pc);
            if whole == Presence::NotYet {
                return Flow::WaitForWarp;
            }
            if whole == Presence::Yes {
                matrix::multiply(&mut warp.registers, scene.context.profile, &instruction.code);
            }
        }

        Code::Mbarrier { .. } => mbarrier::mbarrier(warp, scene, &instruction.code, lanes, pc),
        Code::Barrier { aligned, arrives_only, id, threads, combine } => {
            let id = registers.narrow(*id, lanes)[lanes.trailing_zeros() as usize % 32];
            let threads = threads.map(|threads| registers.narrow(threads, lanes)[lanes.trailing_zeros() as usize % 32]);
            warp.come_to_barrier(lanes, pc);
            let wanted = warp.wanted_at_barrier(pc);
            let whole = if *aligned { is_whole(warp, scene, lanes, wanted, pc) } else { Presence::Yes };
            if whole == Presence::NotYet {
                return Flow::WaitForWarp;
            }
            let holds = combine.as_ref().map(|combine| {
                let holds = warp.registers.pred(combine.src, lanes);
                if combine.negate { !holds } else { holds }
            });
            let arrival = Arrival { id, threads, arrives_only: *arrives_only, aligned: *aligned, holds };
            if whole == Presence::Yes
                && let Some(generation) = scene.arrive(&arrival, lanes, warp, pc)
                && !arrives_only
            {
                return Flow::Barrier { id, generation };
            }
        }
        Code::Fence { reach } => {
            for lane in (0..32).filter(|lane| lanes >> lane & 1 == 1) {
                let actor = warp.actor(lane, pc);
                scene.fence(actor, *reach);
            }
        }
        // Done already.
        Code::Branch { .. } | Code::Load { .. } | Code::Store { .. } | Code::Plain(_) => {}
        Code::BranchIndexed { index, targets } => {
            let indices = registers.narrow(crate::decode::Narrow::Register(*index), lanes);
            let outside = (0..32usize).find(|lane| lanes >> lane & 1 == 1 && indices[*lane] as usize >= targets.len());
            if let Some(lane) = outside {
                let here = (Action::Execute, warp.first_thread(1u32 << lane), pc);
                let count = u32::try_from(targets.len()).unwrap_or(u32::MAX);
                scene.report_and_stop(Kind::BranchIndex { index: indices[lane], count }, None, here);
                return Flow::Next;
            }
            let target = |lane: usize| targets.get(indices[lane] as usize).copied().unwrap_or(0);
            return Flow::Scatter(Box::new(std::array::from_fn(target)));
        }
        Code::Exit => return Flow::Exit,
        Code::Trap => scene.report_and_stop(Kind::Trap, None, (Action::Execute, warp.first_thread(lanes), pc)),
        Code::Nothing => {}
    }
    Flow::Next
}

/// Whether all lanes that must be here are. Lanes that have exited never will be: whether they had by now is the schedule's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Yes,
    /// The others may still come.
    NotYet,
    /// They passed by, which was reported.
    No,
}

fn is_whole(warp: &Warp, scene: &mut Scene<'_>, lanes: u32, wanted: u32, pc: u32) -> Presence {
    if lanes == wanted {
        return Presence::Yes;
    }
    // Lanes that a guard keeps away are here, and go on without the instruction.
    if warp.together(lanes) == lanes && wanted == warp.live {
        return Presence::NotYet;
    }
    let here = (Action::Execute, warp.first_thread(lanes), pc);
    scene.report_and_stop(Kind::Divergence { lanes, wanted }, None, here);
    Presence::No
}

const fn low_bits(bits: u32) -> u64 {
    (1 << bits) - 1
}

fn evaluate(warp: &mut Warp, scene: &Scene<'_>, generic: &Generic, lanes: u32) -> WideLanes {
    let mut inputs = [[0; 32]; 4];
    for (input, source) in inputs.iter_mut().zip(&generic.inputs) {
        *input = warp.registers.any(*source, lanes);
    }
    let jitter = Jitter { seed: scene.context.options.jitter };
    std::array::from_fn(|lane| {
        if lanes >> lane & 1 == 0 {
            return 0;
        }
        generic.evaluate(&[inputs[0][lane], inputs[1][lane], inputs[2][lane], inputs[3][lane]], jitter)
    })
}

fn load_param(
    warp: &mut Warp,
    scene: &mut Scene<'_>,
    dsts: &[Destination],
    offset: u64,
    access: crate::decode::Access,
    lanes: u32,
    pc: u32,
) {
    for (index, dst) in dsts.iter().enumerate() {
        let bytes = access.element_bytes as usize;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).saturating_add(index * bytes);
        let Some(found) = scene.context.params.get(start..start.saturating_add(bytes)) else {
            let limit_bytes = Some(scene.context.params.len() as u64);
            let location = Location::Param { offset: u32::try_from(start).unwrap_or(u32::MAX) };
            let here = (Action::Read(access.element_bytes), warp.first_thread(lanes), pc);
            scene.report_and_stop(Kind::OutOfBounds { limit_bytes, was_freed: false }, Some(location), here);
            return;
        };
        let mut value = [0; 8];
        value[..bytes].copy_from_slice(found);
        let value = access.extend(u64::from_le_bytes(value));
        warp.registers.set(*dst, &[value; 32], lanes);
    }
}

/// The value of a special register.
fn value_of(special: Special, lane: usize, warp: &Warp, scene: &Scene<'_>) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "a lane's number")]
    let lane = lane as u32;
    let context = scene.context;
    let [width, height, _] = context.launch.block;
    let thread = warp.index() * super::LANES + lane;
    let below = (1u32 << lane) - 1;
    let narrow = match special {
        Special::TidX => thread % width,
        Special::TidY => thread / width % height,
        Special::TidZ => thread / (width * height),
        Special::NtidX => context.launch.block[0],
        Special::NtidY => context.launch.block[1],
        Special::NtidZ => context.launch.block[2],
        Special::CtaidX => scene.block[0],
        Special::CtaidY => scene.block[1],
        Special::CtaidZ => scene.block[2],
        Special::NctaidX => context.launch.grid[0],
        Special::NctaidY => context.launch.grid[1],
        Special::NctaidZ => context.launch.grid[2],
        Special::LaneId => lane,
        Special::WarpId => warp.index(),
        Special::SmId => scene.block[0] % context.profile.limits().multiprocessors,
        Special::LaneMaskLt => below,
        Special::LaneMaskLe => below | 1 << lane,
        Special::LaneMaskGt => !(below | 1 << lane),
        Special::LaneMaskGe => !below,
        Special::LaneMaskEq => 1 << lane,
        Special::WarpCount => context.profile.limits().warps_per_multiprocessor,
        Special::SmCount => context.profile.limits().multiprocessors,
        // Each block is a cluster of its own.
        Special::ClusterIdX => scene.block[0],
        Special::ClusterIdY => scene.block[1],
        Special::ClusterIdZ => scene.block[2],
        Special::ClusterCountX => context.launch.grid[0],
        Special::ClusterCountY => context.launch.grid[1],
        Special::ClusterCountZ => context.launch.grid[2],
        Special::ClusterBlockX | Special::ClusterBlockY | Special::ClusterBlockZ | Special::ClusterRank => 0,
        Special::ClusterSizeX | Special::ClusterSizeY | Special::ClusterSizeZ | Special::ClusterBlocks => 1,
        Special::GridId => return 0,
        Special::DynamicSharedSize => context.launch.dynamic_shared_bytes,
        Special::TotalSharedSize => context.shared_bytes(),
        // Time goes on with each instruction.
        _ => return warp.executed(),
    };
    u64::from(narrow)
}
