//! The row kernels: x is [rows, columns], and each row is computed by one team of threads, see [`Team`](crate::Team).
//!
//! Thread t of a team of T takes elements tV to tV + V - 1 of the row, V elements being 16 bytes, then those T·V further on, and so on. It folds them one by
//! one, and the team folds the threads' results by a tree; so the order of every sum follows from the type of x and the columns alone.

mod codes;
mod layer_norm;
mod quantize;
mod reduction;
mod rms_norm;
mod row;
mod softmax;
mod step;
mod team;
mod tensor;

use tilewright_ptx_ir::ir::{Kernel, Module};
use tilewright_ptx_ir::{Target, VerifyErrors};

use crate::{Operation, Plan};

/// The module of the one kernel that `plan` names.
///
/// # Errors
/// What the verifier finds, which would be a fault of this crate.
///
/// # Example
/// ```
/// use tilewright_ptx_ir::Target;
/// use tilewright_reduce::{Dtype, Operation, Plan, Shape, module};
///
/// let problem = Shape { rows: 64, columns: 576 }.check()?;
/// let plan = Plan::new(Operation::Softmax, Dtype::F16, problem, true);
/// assert_eq!(plan.name(), "softmax_f16_32x4_vector");
/// assert!(module(&plan, Target::Sm80)?.to_string().contains("ex2.approx.ftz.f32"));
/// # Ok::<(), tilewright_reduce::Error>(())
/// ```
pub fn module(plan: &Plan, target: Target) -> Result<Module, VerifyErrors> {
    Module::kernel(&plan.name(), target, |k| match plan.operation {
        Operation::Softmax => softmax::emit(k, plan),
        Operation::RmsNorm { weight } => rms_norm::emit(k, plan, weight),
        Operation::LayerNorm { weight, bias } => layer_norm::emit(k, plan, weight, bias),
        Operation::Quantize => quantize::emit(k, plan),
        Operation::RmsNormQuantize { weight } => rms_norm::emit_quantized(k, plan, weight),
        Operation::Sum | Operation::Max | Operation::Min => reduction::emit(k, plan),
    })
}

/// The kernel of a module that [`module`] made.
pub(crate) fn entry(module: &Module) -> Option<&Kernel> {
    module.kernels.first()
}
