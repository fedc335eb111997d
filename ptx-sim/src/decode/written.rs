//! Through which parameters a kernel may write to device memory.
//!
//! What is only read needs no record of who read it. The analysis follows values, not control: a value comes from the parameters that it was computed
//! from. Where a pointer may come out of memory, the answer is that everything may be written.

use std::collections::HashMap;

use tilewright_ptx_ir::ir::{Address, Base, Op, Reg, RegClass, Space};

use super::inline::{Unrolled, What};

/// The parameters whose pointers may be written through; `None` if others may be too.
pub(super) fn written_parameters(unrolled: &Unrolled<'_>, items: &[super::inline::Item<'_>]) -> Option<Vec<u32>> {
    let mut flow = Flow::default();
    loop {
        let before = flow.changes;
        for item in items {
            if let What::Inst(inst) = &item.what {
                let is_kernel = unrolled.frames.get(item.frame).is_some_and(|frame| frame.caller.is_none());
                flow.follow(item.frame, is_kernel, &inst.op);
            }
        }
        if flow.changes == before {
            break;
        }
    }
    let mut written = 0;
    for item in items {
        let What::Inst(inst) = &item.what else { continue };
        let (Op::Store { space, address, .. }
        | Op::Atomic { space, address, .. }
        | Op::AtomicVector { space, address, .. }
        | Op::Discard { space, address }) = &inst.op
        else {
            continue;
        };
        if matches!(space, Space::Global | Space::Generic) {
            written |= flow.of_address(item.frame, address);
        }
    }
    if written & ANYTHING != 0 {
        return None;
    }
    Some((0..63).filter(|bit| written >> bit & 1 == 1).collect())
}

/// A set of parameters by their numbers; the highest bit stands for everything else.
type Sources = u64;
const ANYTHING: Sources = 1 << 63;

#[derive(Default)]
struct Flow {
    registers: HashMap<(usize, Reg), Sources>,
    /// What was stored where it can be loaded from again.
    local: Sources,
    shared: Sources,
    changes: usize,
}

impl Flow {
    fn of(&self, frame: usize, reg: Reg) -> Sources {
        self.registers.get(&(frame, reg)).copied().unwrap_or(0)
    }

    fn of_address(&self, frame: usize, address: &Address) -> Sources {
        // Variables of the module are always watched.
        address.reg().map_or(0, |reg| self.of(frame, reg))
    }

    fn add(&mut self, frame: usize, reg: Reg, sources: Sources) {
        let known = self.registers.entry((frame, reg)).or_insert(0);
        if *known | sources != *known {
            *known |= sources;
            self.changes += 1;
        }
    }

    fn follow(&mut self, frame: usize, is_kernel: bool, op: &Op) {
        let mut sources = 0;
        match op {
            Op::Load { space, address, dsts, .. } => {
                sources = match (space, address.base) {
                    (Space::Param, Base::Param(param)) if is_kernel => {
                        1u64.checked_shl(param.0).map_or(ANYTHING, |bit| bit)
                    }
                    (Space::Param | Space::Local, _) => self.local,
                    (Space::Shared, _) => self.shared,
                    // A pointer out of device memory: the two halves of one are not followed, and are found when they are used.
                    (Space::Const | Space::Global, _) if dsts.iter().any(|dst| dst.class == RegClass::B64) => ANYTHING,
                    (Space::Generic, _) if dsts.iter().any(|dst| dst.class == RegClass::B64) => {
                        ANYTHING | self.local | self.shared
                    }
                    (Space::Generic, _) => self.local | self.shared,
                    _ => 0,
                };
            }
            Op::Store { space, srcs, .. } => {
                for reg in srcs.iter().filter_map(|src| src.reg()) {
                    let stored = self.of(frame, reg);
                    let (local, shared) = (self.local, self.shared);
                    if matches!(space, Space::Param | Space::Local | Space::Generic) {
                        self.local |= stored;
                    }
                    if matches!(space, Space::Shared | Space::Generic) {
                        self.shared |= stored;
                    }
                    self.changes += usize::from((local, shared) != (self.local, self.shared));
                }
            }
            _ => op.for_each_read(|reg| sources |= self.of(frame, reg)),
        }
        op.for_each_write(|reg| self.add(frame, reg, sources));
    }
}
