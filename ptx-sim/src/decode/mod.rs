//! From the IR to what the executor runs: registers become slots, labels become positions, types become functions.

mod address;
mod code;
mod compare;
mod fast;
mod generic;
mod inline;
mod integer;
mod lanes;
mod mbarrier;
mod operand;
mod plain;
mod polling;
mod strength;
mod trace;
mod translate;
mod unwritten;
mod written;

use std::collections::HashMap;

pub(crate) use address::{LOCAL_WINDOW, Place, SHARED_WINDOW, THREAD_SHIFT, Window};
pub(crate) use code::{Access, Code, Combine, Condition, Instruction, MbarrierAct, SyncMask};
pub(crate) use generic::Generic;
pub(crate) use inline::Surroundings;
use inline::{Unrolled, What};
pub(crate) use lanes::{Lanes, WideLanes};
pub(crate) use mbarrier::COUNT_BITS;
pub(crate) use operand::{Destination, Narrow, Slots, Source, Wide};
pub(crate) use plain::Straight;
pub(crate) use strength::{Reach, Strength};
use tilewright_ptx_ir::ir::{Kernel, Limits, SharedSize, Symbol};
pub(crate) use trace::{Bits, Trace};
pub(crate) use unwritten::Unwritten;

use crate::kernel::{KernelInfo, ParamInfo};
use crate::statistics::Class;

/// A kernel ready to run.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) info: KernelInfo,
    pub(crate) limits: Limits,
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) straight: Straight,
    /// What each instruction does with a source that nobody has written.
    pub(crate) unwritten: Vec<Unwritten>,
    pub(crate) slots: Slots,
    /// Bytes of local memory of each thread.
    pub(crate) local_bytes: u32,
    /// Whether blocks may wait for each other, or order their accesses.
    pub(crate) communicates: bool,
    /// Offset and size of the parameters through which device memory may be written; `None` if it may be written otherwise.
    pub(crate) written: Option<Vec<(u32, u32)>>,
}

/// What the translation of an instruction needs to know of its kernel.
pub(crate) struct Context<'m> {
    pub(crate) slots: Slots,
    unrolled: Unrolled<'m>,
    /// The frame of the instruction that is being translated.
    pub(crate) frame: usize,
    /// Where the variables of the module lie.
    variables: &'m HashMap<String, u64>,
    /// Where each shared array starts.
    pub(crate) shared: Vec<u32>,
    /// Where each parameter starts.
    pub(crate) params: Vec<u32>,
}

/// Translates a verified kernel; `lines` are those of its statements. The places of instructions that are not modelled are added to
/// `unmodelled`.
pub(crate) fn decode<'m>(
    kernel: &'m Kernel,
    lines: &'m [u32],
    surroundings: &Surroundings<'m>,
    variables: &'m HashMap<String, u64>,
    unmodelled: &mut Vec<(u32, String)>,
) -> Decoded {
    let (shared, static_shared_bytes) = shared_layout(kernel);
    let info = kernel_info(kernel, static_shared_bytes);
    let params = info.params.iter().map(|param| param.offset).collect();
    let mut unrolled = Unrolled::new(kernel, lines, surroundings);
    unmodelled.append(&mut unrolled.refused);
    let items = std::mem::take(&mut unrolled.items);
    let local_bytes = unrolled.local_bytes;
    let written = written::written_parameters(&unrolled, &items).map(|params| {
        let params = params.iter().filter_map(|param| info.params.get(*param as usize));
        params.map(|param| (param.offset, param.bytes)).collect()
    });
    let polling = polling::polling_loads(&unrolled, &items);
    let mut context = Context { slots: Slots::default(), unrolled, frame: 0, variables, shared, params };
    let (mut instructions, mut unwritten) = (Vec::new(), Vec::new());
    for (index, item) in items.iter().enumerate() {
        context.enter(item.frame);
        let line = item.line;
        let (guard, code, class) = match &item.what {
            What::Inst(inst) => match translate::translate(&inst.op, &mut context) {
                Some(mut code) => {
                    if let Code::Load { access, .. } = &mut code {
                        // Who waits for a value does not count on lanes that run in lockstep.
                        access.strength.is_volatile &= !polling.contains(&index);
                    }
                    let class = code.class(&inst.op);
                    (inst.guard, code, class)
                }
                None => {
                    unmodelled.push((line, format!("{:?}", inst.op)));
                    continue;
                }
            },
            What::Leave { frame, guard } => {
                let target = context.unrolled.ends.get(*frame).copied().unwrap_or(u32::MAX);
                (*guard, Code::Branch { target }, Class::Control)
            }
            What::Fail { guard } => (*guard, Code::Trap, Class::Control),
        };
        let guard = guard.map(|guard| (context.slots.pred(guard.pred), guard.negate));
        unwritten.push(match &item.what {
            What::Inst(inst) => Unwritten::of(&inst.op, &mut context),
            _ => Unwritten::Used,
        });
        instructions.push(Instruction { guard, class, code, line });
    }
    let communicates = instructions.iter().any(|instruction| instruction.code.communicates());
    let straight = Straight::new(&instructions);
    let (limits, slots) = (kernel.limits, context.slots);
    Decoded { info, limits, instructions, straight, unwritten, slots, local_bytes, communicates, written }
}

impl Context<'_> {
    fn enter(&mut self, frame: usize) {
        self.frame = frame;
        self.slots.frame = u32::try_from(frame).unwrap_or(u32::MAX);
    }

    /// The position of a label of the current frame.
    pub(crate) fn label(&self, label: tilewright_ptx_ir::ir::Label) -> Option<u32> {
        self.unrolled.labels.get(&(self.frame, label)).copied()
    }

    /// The address of a variable of the module.
    pub(crate) fn variable(&self, symbol: Symbol) -> Option<u64> {
        let name = self.unrolled.frames.get(self.frame)?.code.symbols.get(symbol.0 as usize)?;
        self.variables.get(name).copied()
    }

    /// Where memory of the thread starts.
    pub(crate) fn local(&self, local: tilewright_ptx_ir::ir::LocalIndex) -> Option<u32> {
        self.unrolled.frames.get(self.frame)?.locals.get(local.0 as usize).copied()
    }

    /// Where the caller keeps a parameter (or a result) of the current frame's function; `None` in the kernel itself.
    pub(crate) fn passed(&self, index: u32, is_result: bool) -> Option<u32> {
        let caller = self.unrolled.frames.get(self.frame)?.caller.as_ref()?;
        let passed = if is_result { &caller.results } else { &caller.arguments };
        let local = passed.get(index as usize)?;
        self.unrolled.frames.get(caller.frame)?.locals.get(local.0 as usize).copied()
    }

    /// Whether the current frame is the kernel's own.
    pub(crate) fn is_kernel(&self) -> bool {
        self.unrolled.frames.get(self.frame).is_some_and(|frame| frame.caller.is_none())
    }
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
