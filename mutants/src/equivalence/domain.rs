//! What host code promises of a kernel's arguments: it checks shapes before it launches.

use tilewright_ptx_ir::ir::{Kernel, Op, Space, Statement};

use super::value::Value;
use crate::case::Group;

/// The arguments and grids that a kernel may be launched with.
#[derive(Clone, Debug)]
pub(super) struct Domain {
    /// The most blocks along each axis.
    pub(super) grid: [u64; 3],
    parameters: Vec<(&'static str, Value)>,
}

impl Domain {
    /// The domain of a kernel.
    pub(super) fn of(group: Group, kernel: &Kernel) -> Self {
        let multiple = depth_multiple(group, kernel);
        let depth = || {
            let k = Value::range(multiple, (1 << 30) - 256);
            ("k", Value { zeros: k.zeros | (multiple - 1), ..k })
        };
        let kernel = kernel.name.as_str();
        let upto = |name, end| (name, Value::range(1, end));
        let rows = |wide: bool| if wide { (1 << 31) - 256 } else { 16 };
        match group {
            // reduce/src/problem.rs: MAX_ROWS, MAX_COLUMNS.
            Group::Reduce => Self {
                grid: [(1 << 31) - 1, 1, 1],
                parameters: vec![upto("rows", (1 << 31) - 1), upto("columns", 1 << 30)],
            },
            // tile/src/problem.rs: MAX_M, MAX_N, MAX_K. The narrow tiles are for up to 16 rows.
            Group::MatmulF16 | Group::MatmulInt8 | Group::MatmulInt4 => {
                let is_wide = !kernel.contains("_16x");
                Self {
                    grid: [if is_wide { 1 << 25 } else { 1 }, 65_535 * 64 / 48 + 1, 1],
                    parameters: vec![upto("m", rows(is_wide)), upto("n", 65_535 * 64), depth()],
                }
            }
            // qkv-fused/src/problem.rs: n_q + 2 n_kv is at most MAX_N / 2.
            Group::QkvFused => {
                let is_wide = !kernel.contains("_16x");
                let columns = 65_535 * 64 / 2;
                Self {
                    grid: [if is_wide { 1 << 25 } else { 1 }, columns / 32 + 3, 1],
                    parameters: vec![upto("m", rows(is_wide)), upto("n_q", columns), upto("n_kv", columns), depth()],
                }
            }
            // attention/src/problem.rs: MAX_GRID, MAX_LEN; strides of heads and rows are below 2^31.
            Group::Attention => {
                let few = kernel.ends_with("_m16");
                let mut parameters = vec![
                    upto("len_q", if few { 16 } else { 1 << 30 }),
                    upto("len_kv", 1 << 30),
                    upto("sharers", 65_535),
                    upto("len", 1 << 30),
                    upto("half", 1 << 15),
                ];
                for tensor in ["q_head_stride", "k_head_stride", "v_head_stride", "o_head_stride", "q_row_stride"] {
                    parameters.push((tensor, Value::range(0, (1 << 31) - 1)));
                }
                for tensor in ["k_row_stride", "v_row_stride", "o_row_stride"] {
                    parameters.push((tensor, Value::range(0, (1 << 31) - 1)));
                }
                for tensor in ["x_head_stride", "y_head_stride", "x_row_stride", "y_row_stride"] {
                    parameters.push((tensor, Value::range(0, (1 << 31) - 1)));
                }
                // Rows of 16 and more in a block, of heads that share keys too.
                Self { grid: [1 << 26, 65_535, 65_535], parameters }
            }
        }
    }

    pub(super) fn parameter(&self, name: &str) -> Option<Value> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Of what k is a multiple. Copies of 16 bytes are chosen where rows are a multiple of 16 bytes long (`CopyMode::choose`), and int4 weights come in words of eight
/// (`Problem::new`); a kernel that copies elements one by one puts them into shared memory by stores.
fn depth_multiple(group: Group, kernel: &Kernel) -> u64 {
    let has = |wanted: fn(&Op) -> bool| {
        kernel.body.iter().any(|statement| matches!(statement, Statement::Inst(inst) if wanted(&inst.op)))
    };
    let copies = has(|op| matches!(op, Op::CpAsync { .. }));
    let stores = has(|op| matches!(op, Op::Store { space: Space::Shared, .. }));
    match group {
        Group::MatmulF16 if copies => 8,
        Group::MatmulInt8 if kernel.name.contains("w8a8") && copies => 16,
        Group::MatmulInt8 if !stores && !kernel.name.contains("w8a8") => 8,
        Group::MatmulInt4 => 8,
        Group::QkvFused if kernel.name.contains("w4a16") || !stores => 8,
        _ => 1,
    }
}
