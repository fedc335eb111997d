//! From the IR to what the executor runs: registers become slots, labels become positions, types become functions.

mod address;
mod code;
mod generic;
mod lanes;
mod operand;
mod translate;

use std::collections::HashMap;

pub(crate) use address::{Place, SHARED_WINDOW, Window};
pub(crate) use code::{Access, Code, Instruction, SyncMask};
pub(crate) use generic::Generic;
pub(crate) use lanes::{Lanes, WideLanes};
pub(crate) use operand::{Destination, Narrow, Slots, Source, Wide};
use tilewright_ptx_ir::ir::{Kernel, Label, Limits, SharedSize, Statement};

use crate::kernel::{KernelInfo, ParamInfo};

/// A kernel ready to run.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) info: KernelInfo,
    pub(crate) limits: Limits,
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) slots: Slots,
}

/// What the translation of an instruction needs to know of its kernel.
pub(crate) struct Context {
    pub(crate) slots: Slots,
    pub(crate) labels: HashMap<Label, u32>,
    /// Where each shared array starts.
    pub(crate) shared: Vec<u32>,
    /// Where each parameter starts.
    pub(crate) params: Vec<u32>,
}

/// Translates a verified kernel; `lines` are those of its statements. The places of instructions that are not modelled are added to
/// `unmodelled`.
pub(crate) fn decode(kernel: &Kernel, lines: &[u32], unmodelled: &mut Vec<(u32, String)>) -> Decoded {
    let (shared, static_shared_bytes) = shared_layout(kernel);
    let info = kernel_info(kernel, static_shared_bytes);
    let params = info.params.iter().map(|param| param.offset).collect();
    let mut context = Context { slots: Slots::default(), labels: labels(kernel), shared, params };
    let mut instructions = Vec::new();
    for (index, statement) in kernel.body.iter().enumerate() {
        let line = lines.get(index).copied().unwrap_or(0);
        let Statement::Inst(inst) = statement else { continue };
        let guard = inst.guard.map(|guard| (context.slots.pred(guard.pred), guard.negate));
        match translate::translate(&inst.op, &mut context) {
            Some(code) => instructions.push(Instruction { guard, class: code.class(&inst.op), code, line }),
            None => unmodelled.push((line, format!("{:?}", inst.op))),
        }
    }
    Decoded { info, limits: kernel.limits, instructions, slots: context.slots }
}

fn kernel_info(kernel: &Kernel, static_shared_bytes: u32) -> KernelInfo {
    let mut end = 0u32;
    let params = kernel
        .params
        .iter()
        .map(|param| {
            let offset = end.next_multiple_of(param.align.max(1));
            end = offset + param.bytes;
            ParamInfo { name: param.name.clone(), offset, bytes: param.bytes }
        })
        .collect();
    KernelInfo { name: kernel.name.clone(), params, param_bytes: end, static_shared_bytes }
}

/// Where each shared array starts, and where the dynamic ones do: behind the static ones.
fn shared_layout(kernel: &Kernel) -> (Vec<u32>, u32) {
    let dynamic_align = kernel.shared.iter().filter(|array| array.size == SharedSize::Dynamic).map(|array| array.align);
    let end = kernel.static_shared_bytes();
    let end = dynamic_align.max().map_or(end, |align| end.next_multiple_of(align.max(1)));
    let mut next = 0u32;
    let starts = kernel
        .shared
        .iter()
        .map(|array| match array.size {
            SharedSize::Static(bytes) => {
                let start = next.next_multiple_of(array.align.max(1));
                next = start + bytes;
                start
            }
            _ => end,
        })
        .collect();
    (starts, end)
}

/// The position of the instruction behind each label.
fn labels(kernel: &Kernel) -> HashMap<Label, u32> {
    let mut labels = HashMap::new();
    let mut position = 0;
    for statement in &kernel.body {
        match statement {
            Statement::Label(label) => {
                labels.insert(*label, position);
            }
            _ => position += 1,
        }
    }
    labels
}
