//! Calls: the body of a function stands once for every place that calls it, so that a kernel is one list of instructions.
//!
//! Registers, labels and memory of a body belong to its frame, one for each such place. Parameters and results of a function are the memory that its
//! caller passes. A recursive call cannot be unrolled and is not modelled.

use std::collections::HashMap;
use std::sync::LazyLock;

use tilewright_ptx_ir::ir::{Guard, Inst, Kernel, Label, LocalIndex, Module, Op, Statement};

/// Instructions that a kernel may have after its calls were unrolled.
const MAX_ITEMS: usize = 1 << 20;

/// What `printf` calls. Nothing is printed.
static PRINTF: LazyLock<Option<Kernel>> = LazyLock::new(|| {
    let text = ".version 7.0 .target sm_80 .address_size 64
        .func (.param .b32 count) vprintf(.param .b64 format, .param .b64 values) { st.param.b32 [count], 0; ret; }";
    let source = tilewright_ptx_ir::parse(text).ok()?;
    source.module.functions.into_iter().next().map(|function| function.code)
});

/// A body at the place where it runs.
pub(super) struct Frame<'m> {
    pub(super) code: &'m Kernel,
    pub(super) caller: Option<Caller>,
    /// Where each of its locals starts in the thread's memory.
    pub(super) locals: Vec<u32>,
}

/// Who calls, and what it passes.
pub(super) struct Caller {
    pub(super) frame: usize,
    pub(super) arguments: Vec<LocalIndex>,
    pub(super) results: Vec<LocalIndex>,
}

/// One instruction of the list.
pub(super) struct Item<'m> {
    pub(super) frame: usize,
    pub(super) line: u32,
    pub(super) what: What<'m>,
}

pub(super) enum What<'m> {
    Inst(&'m Inst),
    /// Jumps behind the body of `frame`: the return from it, or the way around it where a call's guard is false.
    Leave {
        frame: usize,
        guard: Option<Guard>,
    },
    /// A call that ends the launch.
    Fail {
        guard: Option<Guard>,
    },
}

/// A kernel with its calls unrolled.
#[derive(Default)]
pub(super) struct Unrolled<'m> {
    pub(super) frames: Vec<Frame<'m>>,
    pub(super) items: Vec<Item<'m>>,
    pub(super) labels: HashMap<(usize, Label), u32>,
    /// The position behind each frame's body.
    pub(super) ends: Vec<u32>,
    /// Bytes of memory of each thread.
    pub(super) local_bytes: u32,
    /// Calls that cannot be unrolled: line and reason.
    pub(super) refused: Vec<(u32, String)>,
}

/// Where functions and their lines are found.
pub(crate) struct Surroundings<'m> {
    pub(crate) module: &'m Module,
    pub(crate) function_lines: &'m [Vec<u32>],
}

impl<'m> Unrolled<'m> {
    pub(super) fn new(kernel: &'m Kernel, lines: &'m [u32], surroundings: &Surroundings<'m>) -> Self {
        let mut unrolled = Self::default();
        unrolled.add(kernel, lines, None, surroundings);
        unrolled
    }

    fn add(&mut self, code: &'m Kernel, lines: &'m [u32], caller: Option<Caller>, surroundings: &Surroundings<'m>) {
        let number = self.frames.len();
        let mut locals = Vec::with_capacity(code.locals.len());
        for local in &code.locals {
            let start = self.local_bytes.next_multiple_of(local.align.max(1));
            locals.push(start);
            self.local_bytes = start.saturating_add(local.bytes);
        }
        let is_kernel = caller.is_none();
        self.frames.push(Frame { code, caller, locals });
        self.ends.push(0);
        for (index, statement) in code.body.iter().enumerate() {
            let line = lines.get(index).copied().unwrap_or(0);
            match statement {
                Statement::Label(label) => {
                    self.labels.insert((number, *label), self.position());
                }
                Statement::Inst(inst) => match &inst.op {
                    Op::Call { .. } => self.call(number, inst, line, surroundings),
                    Op::Return if !is_kernel => {
                        self.items.push(Item {
                            frame: number,
                            line,
                            what: What::Leave { frame: number, guard: inst.guard },
                        });
                    }
                    _ => self.items.push(Item { frame: number, line, what: What::Inst(inst) }),
                },
                _ => self.refused.push((line, "an unknown statement".to_owned())),
            }
        }
        let end = self.position();
        if let Some(slot) = self.ends.get_mut(number) {
            *slot = end;
        }
    }

    fn call(&mut self, number: usize, inst: &'m Inst, line: u32, surroundings: &Surroundings<'m>) {
        let Op::Call { function, results, arguments, .. } = &inst.op else { return };
        let frame = &self.frames[number];
        let name = frame.code.symbols.get(function.0 as usize);
        let found = surroundings.module.functions.iter().zip(surroundings.function_lines);
        let Some((callee, lines)) = found.into_iter().find(|(function, _)| Some(&function.code.name) == name) else {
            self.refused.push((line, "a call of a function that is not here".to_owned()));
            return;
        };
        if callee.code.name == "__assertfail" {
            self.items.push(Item { frame: number, line, what: What::Fail { guard: inst.guard } });
            return;
        }
        let (code, lines): (&'m Kernel, &'m [u32]) = match &*PRINTF {
            Some(printf) if callee.is_external && callee.code.name == printf.name => (printf, &[]),
            _ if callee.is_external => {
                self.refused.push((line, format!("a call of `{}`", callee.code.name)));
                return;
            }
            _ => (&callee.code, lines),
        };
        if self.is_active(number, code) || self.items.len() > MAX_ITEMS {
            self.refused.push((line, format!("a call of `{}`", callee.code.name)));
            return;
        }
        let frame = self.frames.len();
        if let Some(Guard { pred, negate }) = inst.guard {
            let guard = Some(Guard { pred, negate: !negate });
            self.items.push(Item { frame: number, line, what: What::Leave { frame, guard } });
        }
        let caller = Caller { frame: number, arguments: arguments.clone(), results: results.clone() };
        self.add(code, lines, Some(caller), surroundings);
    }

    /// Whether `code` runs in `frame` or in one that called it.
    fn is_active(&self, frame: usize, code: &Kernel) -> bool {
        let mut at = Some(frame);
        while let Some(frame) = at.and_then(|at| self.frames.get(at)) {
            if std::ptr::eq(frame.code, code) {
                return true;
            }
            at = frame.caller.as_ref().map(|caller| caller.frame);
        }
        false
    }

    fn position(&self) -> u32 {
        u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }
}
