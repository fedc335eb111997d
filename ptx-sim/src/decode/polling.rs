//! Loads by which a thread waits for another: volatile ones in a loop that goes round until the value that they load lets it end.

use std::collections::HashSet;

use tilewright_ptx_ir::ir::{Inst, LoadOrder, Op, Reg};

use super::inline::{Item, Unrolled, What};

/// The places of such loads.
pub(super) fn polling_loads(unrolled: &Unrolled<'_>, items: &[Item<'_>]) -> HashSet<usize> {
    let mut polling = HashSet::new();
    for (end, item) in items.iter().enumerate() {
        let What::Inst(inst) = &item.what else { continue };
        let Op::Branch { label, .. } = &inst.op else { continue };
        let Some(start) = unrolled.labels.get(&(item.frame, *label)).map(|start| *start as usize) else { continue };
        let Some(body) = items.get(start..=end) else { continue };
        let is_polling = |index: &usize| is_polling(unrolled, body, start, *index);
        polling.extend((0..body.len()).filter(is_polling).map(|index| start + index));
    }
    polling
}

/// Whether what the load at `index` of a loop loads decides whether the loop goes on, and the next round loads from the same place.
fn is_polling(unrolled: &Unrolled<'_>, body: &[Item<'_>], start: usize, index: usize) -> bool {
    let Some(Item { frame, what: What::Inst(load), .. }) = body.get(index) else { return false };
    let Op::Load { order: LoadOrder::Volatile, address, .. } = &load.op else { return false };
    let own = || body.iter().filter(|item| item.frame == *frame).filter_map(inst);
    let moves = |reg: Reg| {
        let mut is_written = false;
        own().for_each(|inst| inst.op.for_each_write(|written| is_written |= written == reg));
        is_written
    };
    if address.reg().is_some_and(moves) {
        return false;
    }
    let mut loaded = HashSet::new();
    load.op.for_each_write(|reg| {
        loaded.insert(reg);
    });
    let rest = body.iter().enumerate().skip(index + 1).filter(|(_, item)| item.frame == *frame);
    for (at, inst) in rest.filter_map(|(at, item)| Some((at, inst(item)?))) {
        if let (Op::Branch { label, .. }, Some(guard)) = (&inst.op, inst.guard)
            && loaded.contains(&guard.pred)
        {
            // The way back, or one out.
            let target = unrolled.labels.get(&(*frame, *label)).map_or(usize::MAX, |target| *target as usize);
            if at + 1 == body.len() || !(start..start + body.len()).contains(&target) {
                return true;
            }
        }
        let mut depends = false;
        inst.op.for_each_read(|reg| depends |= loaded.contains(&reg));
        inst.op.for_each_write(|reg| {
            if depends {
                loaded.insert(reg);
            } else if inst.guard.is_none() {
                loaded.remove(&reg);
            }
        });
    }
    false
}

const fn inst<'m>(item: &Item<'m>) -> Option<&'m Inst> {
    match &item.what {
        What::Inst(inst) => Some(inst),
        _ => None,
    }
}
