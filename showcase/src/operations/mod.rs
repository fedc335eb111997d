//! The operations: what each is called, how it is checked, what its kernels are.

mod attention;
mod matmul_f16;
mod matmul_int4;
mod matmul_int8;
mod qkv;
mod quantize;
mod rows;

use anyhow::Result;
use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::ir::Module;
use tilewright_tile::Budget;

use crate::device::Session;
use crate::run::{self, Run};
use crate::table::Row;

/// One operation.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) computes: &'static str,
    /// Tensors of `showcase run`.
    pub(crate) tensors: &'static str,
    /// Runs it on a few shapes that straddle tile edges, against its oracle.
    pub(crate) check: fn(&Session) -> Result<Vec<Row>>,
    /// Runs it on the user's tensors.
    pub(crate) run: Run,
    /// A module for each of its plans, with the plan's description.
    pub(crate) modules: fn(Target) -> Result<Vec<Described>>,
    /// What its kernels may use.
    pub(crate) budgets: &'static [Budget],
    /// The names of the numbers of a shape, and the module of the plan that it gets (f16, int4 groups of 128, scales for each row).
    pub(crate) shape: &'static [&'static str],
    pub(crate) planned: fn(Target, &[usize]) -> Result<Described>,
}

/// A module and the plan it is for.
pub(crate) struct Described {
    pub(crate) plan: String,
    pub(crate) module: Module,
    /// Dynamic shared memory of a launch.
    pub(crate) shared_bytes: u32,
}

const MNK: &[&str] = &["M", "N", "K"];
const QKV: &[&str] = &["M", "N_q", "N_kv", "K"];
const ATTENTION: &[&str] = &["B", "H_q", "H_kv", "S_q", "S_kv", "D"];
const ROWS: &[&str] = &["R", "C"];

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "matmul-f16",
        computes: "y = x · wᵀ + bias",
        tensors: "x, w, optional bias F16 (or all BF16) → y",
        check: matmul_f16::check,
        run: run::matmul_f16,
        modules: matmul_f16::modules,
        budgets: tilewright_matmul_f16::BUDGETS,
        shape: MNK,
        planned: matmul_f16::planned,
    },
    Operation {
        name: "matmul-int8",
        computes: "y = x_scale · w_scale · (x · wᵀ), int8 by int8",
        tensors: "x, w I8, x_scale, w_scale F32 → y (--out f16|f32|i32)",
        check: matmul_int8::check_w8a8,
        run: run::matmul_int8,
        modules: matmul_int8::modules_w8a8,
        budgets: tilewright_matmul_int8::BUDGETS,
        shape: MNK,
        planned: matmul_int8::planned_w8a8,
    },
    Operation {
        name: "matmul-w8a16",
        computes: "y = x · (w_scale · w)ᵀ, f16 by int8",
        tensors: "x F16, w I8, w_scale F32 → y F16",
        check: matmul_int8::check_w8a16,
        run: run::matmul_w8a16,
        modules: matmul_int8::modules_w8a16,
        budgets: tilewright_matmul_int8::BUDGETS,
        shape: MNK,
        planned: matmul_int8::planned_w8a16,
    },
    Operation {
        name: "matmul-int4",
        computes: "y = x · dequantize(w)ᵀ, f16 by int4",
        tensors: "x F16, qweight I32, scales F16, optional qzeros, g_idx I32 → y F16",
        check: matmul_int4::check,
        run: run::matmul_int4,
        modules: matmul_int4::modules,
        budgets: tilewright_matmul_int4::BUDGETS,
        shape: MNK,
        planned: matmul_int4::planned,
    },
    Operation {
        name: "qkv-int8",
        computes: "q, k, v in one launch, f16 by int8",
        tensors: "x F16, w_q, w_k, w_v I8, scale_q, scale_k, scale_v F32 → q, k, v F16",
        check: qkv::check_int8,
        run: run::qkv_int8,
        modules: qkv::modules_int8,
        budgets: tilewright_qkv_fused::BUDGETS,
        shape: QKV,
        planned: qkv::planned_int8,
    },
    Operation {
        name: "qkv-int4",
        computes: "q, k, v in one launch, f16 by int4",
        tensors: "x F16, {q,k,v}_qweight I32, {q,k,v}_scales F16 → q, k, v F16",
        check: qkv::check_int4,
        run: run::qkv_int4,
        modules: qkv::modules_int4,
        budgets: tilewright_qkv_fused::BUDGETS,
        shape: QKV,
        planned: qkv::planned_int4,
    },
    Operation {
        name: "attention",
        computes: "o = softmax(scale · q · kᵀ + mask) · v",
        tensors: "q, k, v F16 (or BF16) → o (--causal, --scale S)",
        check: attention::check,
        run: run::attention,
        modules: attention::modules,
        budgets: tilewright_attention::BUDGETS,
        shape: ATTENTION,
        planned: attention::planned,
    },
    Operation {
        name: "softmax",
        computes: "y = exp(x - max x) / Σ exp(x - max x)",
        tensors: "x F16 or F32 → y",
        check: rows::check_softmax,
        run: run::softmax,
        modules: rows::modules_softmax,
        budgets: tilewright_reduce::BUDGETS,
        shape: ROWS,
        planned: rows::planned_softmax,
    },
    Operation {
        name: "rms-norm",
        computes: "y = x / sqrt(mean x² + ε) · weight",
        tensors: "x F16 or F32, weight → y (--eps E)",
        check: rows::check_rms_norm,
        run: run::rms_norm,
        modules: rows::modules_rms_norm,
        budgets: tilewright_reduce::BUDGETS,
        shape: ROWS,
        planned: rows::planned_rms_norm,
    },
    Operation {
        name: "layer-norm",
        computes: "y = (x - mean x) / sqrt(var x + ε) · weight + bias",
        tensors: "x F16 or F32, weight, optional bias → y (--eps E)",
        check: rows::check_layer_norm,
        run: run::layer_norm,
        modules: rows::modules_layer_norm,
        budgets: tilewright_reduce::BUDGETS,
        shape: ROWS,
        planned: rows::planned_layer_norm,
    },
    Operation {
        name: "quantize-rows",
        computes: "y = round(x / y_scale), y_scale[r] = max |x[r, :]| / 127",
        tensors: "x F16, BF16 or F32 → y I8, y_scale F32",
        check: quantize::check,
        run: run::quantize,
        modules: quantize::modules_plain,
        budgets: tilewright_reduce::BUDGETS,
        shape: ROWS,
        planned: quantize::planned_plain,
    },
    Operation {
        name: "rms-norm-quantize",
        computes: "rms-norm, then quantize, in one launch",
        tensors: "x F16, BF16 or F32, weight → y I8, y_scale F32 (--eps E)",
        check: quantize::check_normalized,
        run: run::rms_norm_quantize,
        modules: quantize::modules_normalized,
        budgets: tilewright_reduce::BUDGETS,
        shape: ROWS,
        planned: quantize::planned_normalized,
    },
    Operation {
        name: "reduce-sum",
        computes: "y[r] = Σ x[r, :]",
        tensors: "x F32 → y F32",
        check: rows::check_sum,
        run: run::reduce_sum,
        modules: rows::modules_sum,
        budgets: tilewright_reduce::BUDGETS,
        shape: ROWS,
        planned: rows::planned_sum,
    },
    Operation {
        name: "reduce-max",
        computes: "y[r] = max x[r, :]",
        tensors: "x F32 → y F32",
        check: rows::check_max,
        run: run::reduce_max,
        modules: rows::modules_max,
        budgets: tilewright_reduce::BUDGETS,
        shape: ROWS,
        planned: rows::planned_max,
    },
    Operation {
        name: "reduce-min",
        computes: "y[r] = min x[r, :]",
        tensors: "x F32 → y F32",
        check: rows::check_min,
        run: run::reduce_min,
        modules: rows::modules_min,
        budgets: tilewright_reduce::BUDGETS,
        shape: ROWS,
        planned: rows::planned_min,
    },
];

/// 16-bit floats as f32.
pub(crate) fn floats(values: &[half::f16]) -> Vec<f32> {
    values.iter().map(|value| value.to_f32()).collect()
}
