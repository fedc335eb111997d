//! Modules, kernels and statements.

use super::op::Op;
use super::operand::{Label, Reg};
use super::types::{RegClass, Type};
use super::variable::{Local, Variable};
use crate::target::Target;

/// A translation unit: what one PTX text holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The architecture it is written for.
    pub target: Target,
    /// Its variables in device and constant memory, names distinct.
    pub variables: Vec<Variable>,
    /// Its device functions, names distinct from the variables' and each other's.
    pub functions: Vec<Function>,
    /// Its entry points, names distinct.
    pub kernels: Vec<Kernel>,
}

/// A device function: what `call` runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// What it answers, in parameter space; PTX has at most one.
    pub results: Vec<Param>,
    /// Its name, parameters and body. It has no limits, and its parameters are in parameter space, where the caller puts them.
    pub code: Kernel,
    /// Whether the body is elsewhere: `.extern .func`.
    pub is_external: bool,
}

/// One entry point, or the code of a device function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The name that `cuModuleGetFunction` finds.
    pub name: String,
    /// Parameters in order.
    pub params: Vec<Param>,
    /// Shared arrays in order.
    pub shared: Vec<SharedArray>,
    /// What each thread has to itself, in order: arrays in local memory, and the parameters of calls.
    pub locals: Vec<Local>,
    /// The module's variables and functions that the body names, each once, in the order of their first mention.
    pub symbols: Vec<String>,
    /// Launch limits that the kernel declares.
    pub limits: Limits,
    /// The code.
    pub body: Vec<Statement>,
}

impl Module {
    /// A module of these kernels, without variables and functions.
    #[must_use]
    pub const fn new(target: Target, kernels: Vec<Kernel>) -> Self {
        Self { target, variables: Vec::new(), functions: Vec::new(), kernels }
    }

    /// The code of every function and kernel, functions first.
    pub fn bodies(&self) -> impl Iterator<Item = &Kernel> {
        self.functions.iter().map(|function| &function.code).chain(&self.kernels)
    }
}

impl Kernel {
    /// A kernel without parameters and statements.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            params: Vec::new(),
            shared: Vec::new(),
            locals: Vec::new(),
            symbols: Vec::new(),
            limits: Limits::default(),
            body: Vec::new(),
        }
    }

    /// Size in bytes of each parameter, as a launch must pass them.
    #[must_use]
    pub fn parameter_bytes(&self) -> Vec<usize> {
        self.params.iter().map(|param| param.bytes as usize).collect()
    }

    /// Bytes of statically sized shared memory, with alignment gaps in declaration order.
    #[must_use]
    pub fn static_shared_bytes(&self) -> u32 {
        self.shared.iter().fold(0, |end, array| match array.size {
            SharedSize::Static(bytes) => {
                end.checked_next_multiple_of(array.align.max(1)).unwrap_or(u32::MAX).saturating_add(bytes)
            }
            SharedSize::Dynamic => end,
        })
    }

    /// One more than the highest register number of `class` that the body names.
    #[must_use]
    pub fn register_count(&self, class: RegClass) -> u32 {
        let mut count = 0;
        for statement in &self.body {
            if let Statement::Inst(inst) = statement {
                inst.for_each_register(|reg, _| {
                    if reg.class == class {
                        count = count.max(reg.number.saturating_add(1));
                    }
                });
            }
        }
        count
    }
}

/// A kernel parameter: a scalar of `ty`, or with `ty` `B8` and more than one byte an aligned byte array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name; the printer prefixes the kernel's.
    pub name: String,
    /// The declared type; `B8` stands for a byte array.
    pub ty: Type,
    /// Size in bytes.
    pub bytes: u32,
    /// Alignment in bytes.
    pub align: u32,
}

/// A declaration in shared memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedArray {
    /// Its name, unique in the kernel.
    pub name: String,
    /// Alignment in bytes, a power of two.
    pub align: u32,
    /// How large it is.
    pub size: SharedSize,
}

/// The size of a shared array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SharedSize {
    /// So many bytes, inside the kernel.
    Static(u32),
    /// What the launch asks for: an `.extern` array at module level. All dynamic arrays start at the same address.
    Dynamic,
}

/// Directives between a kernel's parameters and its body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// `.reqntid`: the block size that every launch must have.
    pub required_threads: Option<[u32; 3]>,
    /// `.maxntid`: the largest block size.
    pub max_threads: Option<[u32; 3]>,
    /// `.minnctapersm`: blocks a multiprocessor should hold.
    pub min_blocks: Option<u32>,
    /// `.maxnreg`: registers a thread may use.
    pub max_registers: Option<u32>,
}

/// One line of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Statement {
    /// A branch target.
    Label(Label),
    /// An instruction.
    Inst(Inst),
}

/// An instruction, possibly guarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inst {
    /// Threads where the guard is false skip the instruction.
    pub guard: Option<Guard>,
    /// What it does.
    pub op: Op,
}

/// A guard predicate: `@%p1` or `@!%p1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The predicate register.
    pub pred: Reg,
    /// Whether the guard holds where the predicate is false.
    pub negate: bool,
}
