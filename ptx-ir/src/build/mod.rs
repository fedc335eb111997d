//! The typed builder: values with operators, locals, loops, memory.
//!
//! Everything is emitted where it is written: `a + b` appends one instruction and hands back the [`Value`] that names its result. Nothing is
//! reordered and nothing is contracted (`add.rn`, `mul.rn`), so the arithmetic of a kernel is what its source says, on the chip and on
//! the simulator alike.

mod control;
mod convert;
mod local;
mod math;
mod memory;
mod operators;
mod scalar;
mod shared;
mod special;
mod tensor;
mod value;
mod warp;

use std::cell::RefCell;
use std::fmt;

use crate::ir::{
    Guard, Inst, Kernel, Label, Module, Op, Param, Reg, RegClass, SharedArray as SharedDeclaration, Statement,
};
use crate::target::Target;
use crate::verify::{VerifyErrors, verify};

pub use convert::{Half, Packed};
pub use local::Local;
pub use memory::{Place, Pointer};
pub use operators::{Bitwise, Negate};
pub use scalar::{Bf16x2, Element, F16x2, Float, Integer, Number, Scalar, Word};
pub use shared::SharedArray;
pub use special::Index3;
pub use tensor::{Accumulator, CopyHint};
pub use value::{Source, Value};
pub use warp::Reducible;

impl Module {
    /// Builds a module of one kernel and verifies it.
    ///
    /// # Errors
    /// Everything the verifier finds, see [`verify`].
    ///
    /// # Example
    /// ```
    /// use tilewright_ptx_ir::{Target, ir::Module};
    ///
    /// // y[i] = a · x[i], one thread an element.
    /// let module = Module::kernel("scale", Target::Sm80, |k| {
    ///     let (x, y) = (k.pointer::<f32>("x"), k.pointer::<f32>("y"));
    ///     let (a, n) = (k.param::<f32>("a"), k.param::<u32>("n"));
    ///     let i = k.block_idx().x() * 128 + k.thread_idx().x();
    ///     k.if_(i.lt(n), || y.at(i).store(x.at(i).load() * a));
    /// })?;
    /// assert!(module.to_string().contains("mul.rn.f32"));
    /// # Ok::<(), tilewright_ptx_ir::VerifyErrors>(())
    /// ```
    pub fn kernel(name: &str, target: Target, build: impl FnOnce(&Builder)) -> Result<Self, VerifyErrors> {
        let builder = Builder::new(name, target);
        build(&builder);
        let module = Self::new(target, vec![builder.finish()]);
        verify(&module)?;
        Ok(module)
    }
}

/// Collects the statements of one kernel. Values borrow it, so they cannot leave the kernel they belong to.
pub struct Builder {
    target: Target,
    state: RefCell<State>,
}

struct State {
    kernel: Kernel,
    next_register: [u32; RegClass::ALL.len()],
    next_label: u32,
}

impl Builder {
    fn new(name: &str, target: Target) -> Self {
        let kernel = Kernel::new(name);
        Self { target, state: RefCell::new(State { kernel, next_register: [0; RegClass::ALL.len()], next_label: 0 }) }
    }

    fn finish(self) -> Kernel {
        let mut kernel = self.state.into_inner().kernel;
        kernel.body.push(Statement::Inst(Inst { guard: None, op: Op::Return }));
        kernel
    }

    /// The target the kernel is built for.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// Appends an instruction. The typed methods cover what kernels need; this one is for what they do not.
    pub fn emit(&self, op: Op) {
        self.emit_guarded(None, op);
    }

    /// Appends an instruction that only the threads execute whose guard holds.
    pub fn emit_guarded(&self, guard: Option<Guard>, op: Op) {
        self.state.borrow_mut().kernel.body.push(Statement::Inst(Inst { guard, op }));
    }

    /// A new register of `class`.
    #[must_use]
    pub fn register(&self, class: RegClass) -> Reg {
        let mut state = self.state.borrow_mut();
        let next = &mut state.next_register[class as usize];
        let number = *next;
        *next += 1;
        Reg { class, number }
    }

    /// A new label, to be placed once.
    #[must_use]
    pub fn label(&self) -> Label {
        let mut state = self.state.borrow_mut();
        let label = Label(state.next_label);
        state.next_label += 1;
        label
    }

    /// Puts `label` here.
    pub fn place(&self, label: Label) {
        self.state.borrow_mut().kernel.body.push(Statement::Label(label));
    }

    /// Declares that every launch has blocks of exactly `x` by `y` by `z` threads.
    pub fn require_threads(&self, x: u32, y: u32, z: u32) {
        self.state.borrow_mut().kernel.limits.required_threads = Some([x, y, z]);
    }

    /// Declares how many blocks a multiprocessor should hold at once, which bounds the registers of a thread.
    pub fn min_blocks(&self, blocks: u32) {
        self.state.borrow_mut().kernel.limits.min_blocks = Some(blocks);
    }

    /// Bounds the registers of a thread.
    pub fn max_registers(&self, registers: u32) {
        self.state.borrow_mut().kernel.limits.max_registers = Some(registers);
    }

    fn declare_param(&self, param: Param) -> u32 {
        let params = &mut self.state.borrow_mut().kernel.params;
        params.push(param);
        u32::try_from(params.len() - 1).unwrap_or(u32::MAX)
    }

    fn declare_shared(&self, array: SharedDeclaration) -> u32 {
        let shared = &mut self.state.borrow_mut().kernel.shared;
        shared.push(array);
        u32::try_from(shared.len() - 1).unwrap_or(u32::MAX)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("target", &self.target).finish_non_exhaustive()
    }
}
