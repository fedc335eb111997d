//! What host code promises of a kernel's arguments: it checks shapes before it launches.

use tilewright_ptx_ir::ir::{Inst, Kernel, Op, Space, Statement};
use tilewright_tile::problem::MAX_K;

use super::value::Value;
use crate::case::Group;

/// The arguments and grids that a kernel may be launched with.
#[derive(Clone, Debug)]
pub(super) struct Domain {
    /// The most blocks along each axis.
    pub(super) grid: [u64; 3],
    parameters: Vec<(&'static str, Value)>,
    /// Parameters of which the product is limited too.
    product: Option<([&'static str; 2], u64)>,
}

impl Domain {
    /// The domain of a kernel.
    pub(super) fn of(group: Group, kernel: &Kernel, depths: Option<[u64; 2]>) -> Self {
        let multiple = depth_multiple(group, kernel);
        let [least, most] = depths.unwrap_or([1, MAX_K as u64]);
        let depth = |name| {
            let k = Value::range(least.next_multiple_of(multiple), most / multiple * multiple);
            (name, Value { zeros: k.zeros | (multiple - 1), ..k })
        };
        let paired = stores_pairs(kernel);
        let kernel = kernel.name.as_str();
        let upto = |name, end| (name, Value::range(1, end));
        let columns = |name, end| {
            let (lowest, odd) = if paired { (2, 1) } else { (1, 0) };
            let value = Value::range(lowest, end);
            (name, Value { zeros: value.zeros | odd, ..value })
        };
        let rows = |wide: bool| if wide { (1 << 31) - 256 } else { 16 };
        match group {
            // reduce/src/problem.rs: MAX_ROWS, MAX_COLUMNS; which columns a kernel is for is in reduce/src/plan.rs.
            Group::Reduce => Self {
                // A warp a row, four rows a block; or a block a row.
                grid: [if kernel.contains("_32x") { 1 << 29 } else { (1 << 31) - 1 }, 1, 1],
                parameters: vec![upto("rows", (1 << 31) - 1), ("columns", columns_of(kernel))],
                product: None,
            },
            // tile/src/problem.rs: MAX_M, MAX_N, MAX_K. The narrow tiles are for up to 16 rows.
            Group::MatmulF16 | Group::MatmulInt8 | Group::MatmulInt4 => {
                let is_wide = !kernel.contains("_16x");
                Self {
                    grid: [if is_wide { 1 << 25 } else { 1 }, 65_535 * 64 / 48 + 1, 1],
                    parameters: vec![upto("m", rows(is_wide)), columns("n", 65_535 * 64), depth("k")],
                    product: None,
                }
            }
            // qkv-fused/src/problem.rs: n_q + 2 n_kv is at most MAX_N / 2.
            Group::QkvFused => {
                let is_wide = !kernel.contains("_16x");
                let limit = 65_535 * 64 / 2;
                Self {
                    grid: [if is_wide { 1 << 25 } else { 1 }, limit / 32 + 3, 1],
                    parameters: vec![
                        upto("m", rows(is_wide)),
                        columns("n_q", limit),
                        columns("n_kv", limit),
                        depth("depth"),
                    ],
                    product: None,
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
                // Of few queries up to 16 of each of the heads that share keys, 16 a block; else up to MAX_LEN.
                let rows = |name: &str, rows: u64| kernel.ends_with(name).then_some((1 << 30) / rows);
                let blocks = rows("_m64", 64).or_else(|| rows("_m128", 128)).unwrap_or(1 << 26);
                // attention/src/rope/launch.rs: 256 pairs a block, of len · dim elements, which are 2^31 at most.
                let is_rope = kernel.starts_with("rope_");
                let product = is_rope.then_some((["len", "half"], 1 << 30));
                let blocks = if is_rope { 1 << 22 } else { blocks };
                Self { grid: [if few { 65_535 } else { blocks }, 65_535, 65_535], parameters, product }
            }
        }
    }

    /// The most that the product of two parameters is, if less than their own limits say.
    pub(super) fn product(&self, factors: [&str; 2]) -> Option<u64> {
        self.product.filter(|(names, _)| *names == factors).map(|(_, most)| most)
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

/// Whether results of 16 bits are stored two at a time, which the plans choose where all columns are even (`paired_store`).
fn stores_pairs(kernel: &Kernel) -> bool {
    let halves = !kernel.name.contains("w8a8") || kernel.name.contains("_f16_");
    let mut stores = kernel.body.iter().filter_map(|statement| match statement {
        Statement::Inst(Inst { op: Op::Store { space: Space::Global, ty, .. }, .. }) => Some(ty.bytes()),
        _ => None,
    });
    halves && stores.all(|bytes| bytes == 4)
}

/// The columns for which a row kernel is chosen, by its name: the edges of `arrangements`, and whole steps where it reads 16 bytes at a time.
fn columns_of(kernel: &str) -> Value {
    let mut words = kernel.split('_').skip_while(|word| !["f32", "f16", "bf16"].contains(word));
    let is_single = words.next() == Some("f32");
    let team = words.find(|word| word.starts_with(|first: char| first.is_ascii_digit())).unwrap_or_default();
    let streams = kernel.contains("_streaming");
    let (low, high) = match (is_single, team, streams) {
        (true, "32x1", _) => (0, 128),
        (true, "32x8", _) => (128, 1024),
        (true, "128x4", _) => (1024, 2048),
        (true, "256x4", _) => (2048, 4096),
        (true, "512x4", _) => (4096, 8192),
        (true, "512x8", _) => (8192, 16_384),
        (true, _, false) if team.starts_with("1024") => (16_384, 65_536),
        (true, "1024", true) => (16_384, 1 << 30),
        (false, "32x1", _) => (0, 256),
        (false, "32x4", _) => (256, 1024),
        (false, "128x4", _) => (1024, 4096),
        (false, "256x4", _) => (4096, 8192),
        (false, "512x4", _) => (8192, 16_384),
        (false, "512x3s5", _) => (16_384, 32_768),
        (false, "512x6s10", _) => (32_768, 65_536),
        (false, "512", true) => (16_384, 65_536),
        (false, "1024", true) => (65_536, 1 << 30),
        _ => (0, 1 << 30),
    };
    let step = match (kernel.ends_with("_vector"), is_single) {
        (true, true) => 4,
        (true, false) => 8,
        (false, _) => 1,
    };
    let value = Value::range(low + step, high);
    Value { zeros: value.zeros | (step - 1), ..value }
}
