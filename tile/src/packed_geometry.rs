//! Which tiles products with packed weights are made in: a pure function of the problem.
//!
//! Tiles do not change results: each element is summed over k in the same order in all of them.

use tilewright_ptx_ir::Target;

use crate::geometry::Geometry;
use crate::packed::PackedOrder;
use crate::packed_product;
use crate::rows::CopyMode;
use crate::weight_format::{Grouping, WeightFormat};

/// The tile for few rows and for x that is copied by elements. An int4 weight is made an f16 by one warp only; int8 costs less to convert than x does to load.
const fn medium(order: PackedOrder) -> Geometry {
    let (warps_m, warps_n) = match order {
        PackedOrder::Int4 => (1, 4),
        PackedOrder::Int8 => (2, 2),
    };
    Geometry { block_m: 64, block_n: 64, warps_m, warps_n, warps_k: 1, stages: 4, stage_tiles: 2 }
}

/// Columns of the tiles for many rows, best first: 64 rows, four warps side by side. int4 keeps the sums of a group beside those of all groups, which leaves
/// registers for 32 columns a warp, and for less where a K tile has two groups.
const fn wide_columns(format: WeightFormat) -> &'static [u32] {
    match (format.order, format.grouping) {
        (PackedOrder::Int4, Grouping::Of32(_)) => &[],
        (PackedOrder::Int4, _) => &[128],
        (PackedOrder::Int8, _) => &[256, 192, 128],
    }
}

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct Choice<F> {
    /// What the device can do.
    pub target: Target,
    /// What the weights are.
    pub format: WeightFormat,
    /// Rows of x.
    pub m: u32,
    /// Columns of x.
    pub k: u32,
    /// How x is copied.
    pub x_copy: CopyMode,
    /// Blocks along the columns of the result, if they are so wide.
    pub blocks: F,
}

impl<F: Fn(u32) -> u64> Choice<F> {
    /// The tiles.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        if self.m <= 16 {
            let groups = self.format.grouping.count(self.k);
            return shared(&self.blocks, self.target, self.format, groups)
                .unwrap_or_else(|| narrow(self.format.order, Geometry::narrow_width(&self.blocks)));
        }
        let medium = medium(self.format.order);
        if self.x_copy != CopyMode::Async16 {
            return medium;
        }
        let cost = |geometry: &Geometry| {
            let blocks = u64::from(self.m.div_ceil(geometry.block_m)) * (self.blocks)(geometry.block_n);
            // The small tile takes about a quarter longer for each element.
            geometry.busiest(blocks) * if *geometry == medium { 5 } else { 4 }
        };
        let wide = wide_columns(self.format).iter().map(|columns| wide(*columns, self.target, self.format));
        wide.chain([medium]).min_by_key(cost).unwrap_or(medium)
    }
}

/// Every geometry that is chosen for such weights on a device of `target`, and whether rows of x that start anywhere may come with it: copying by elements needs
/// registers that a large tile does not leave.
#[must_use]
pub fn all(target: Target, format: WeightFormat) -> Vec<(Geometry, bool)> {
    let mut geometries = vec![(medium(format.order), true)];
    let mut add = |geometry, with_elements| {
        if !geometries.contains(&(geometry, with_elements)) {
            geometries.push((geometry, with_elements));
        }
    };
    for width in Geometry::NARROW_WIDTHS {
        add(narrow(format.order, width), true);
    }
    for (width, warps_n) in SHARED_WIDTHS {
        for groups in [2, u32::MAX] {
            if let Some(shared) = shared_of_width(width, warps_n, target, format, groups) {
                add(shared, true);
            }
        }
    }
    for columns in wide_columns(format) {
        add(wide(*columns, target, format), false);
    }
    geometries
}

/// Registers that a thread of the kernel may use: two blocks of 128 threads share a multiprocessor, whatever they use.
#[must_use]
pub const fn max_registers(geometry: &Geometry) -> u32 {
    if !geometry.has_few_rows() && geometry.threads() <= 128 { 255 } else { geometry.max_registers() }
}

/// A tile for many rows, with as many stages as let two blocks share a multiprocessor's shared memory.
fn wide(columns: u32, target: Target, format: WeightFormat) -> Geometry {
    let with_stages =
        |stages| Geometry { block_m: 64, block_n: columns, warps_m: 1, warps_n: 4, warps_k: 1, stages, stage_tiles: 1 };
    let fits =
        |geometry: &Geometry| packed_product::shared_bytes(geometry, format) <= target.shared_bytes_of_two_blocks();
    [4, 3].map(with_stages).into_iter().find(fits).unwrap_or(with_stages(2))
}

/// A stage of several K tiles makes fewer barriers and more bytes on their way.
const fn narrow(order: PackedOrder, width: u32) -> Geometry {
    let narrow = Geometry { stage_tiles: 4, ..Geometry::narrow(width, 4) };
    match order {
        // A warp takes one unit of columns.
        PackedOrder::Int8 => Geometry { warps_n: width / 8, ..narrow },
        PackedOrder::Int4 => narrow,
    }
}

/// Columns of the tiles whose groups several warps share out, and how many warps stand side by side: with 32 columns or more a fragment of x serves four products or more.
const SHARED_WIDTHS: [(u32, u32); 4] = [(96, 3), (64, 2), (48, 1), (32, 1)];

/// The tile for few rows whose groups four warps share out, or two, with as many stages as fit; none where there are too few groups, or too little shared memory.
fn shared(blocks: impl Fn(u32) -> u64, target: Target, format: WeightFormat, groups: u32) -> Option<Geometry> {
    // What a block costs beside its columns, as columns.
    const START: u64 = 8;
    let cost = |(width, _): &(u32, u32)| Geometry::rounds(blocks(*width)) * (u64::from(*width) + START);
    let (width, warps_n) = SHARED_WIDTHS.into_iter().min_by_key(cost)?;
    shared_of_width(width, warps_n, target, format, groups)
}

fn shared_of_width(width: u32, warps_n: u32, target: Target, format: WeightFormat, groups: u32) -> Option<Geometry> {
    let sizes: &[(u32, u32)] = match format.grouping {
        _ if !format.grouping.can_be_shared() => &[],
        // A warp goes through two tiles of a group between barriers.
        Grouping::OfTiles(tiles) if tiles.is_multiple_of(2) => &[(4, 2), (4, 1), (2, 1)],
        _ => &[(4, 1), (2, 1)],
    };
    sizes.iter().filter(|(parts, _)| groups >= *parts).find_map(|&(warps_k, stage_tiles)| {
        [5, 4, 3]
            .into_iter()
            .map(|stages| Geometry { warps_n, warps_k, stage_tiles, ..Geometry::narrow(width, stages) })
            .find(|geometry| packed_product::shared_bytes(geometry, format) <= target.shared_bytes_per_block())
    })
}
