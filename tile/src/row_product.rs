//! The mainloop of products whose operands both lie in rows along k: f16, bf16 and W8A8.

use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::build::{Builder, Pointer, Source, Value, Word};
use tilewright_ptx_ir::ir::MmaShape;

use crate::geometry::{Geometry, Warp};
use crate::ring::{Place, Ring};
use crate::rows::{CopyMode, RowTile, Rows};
use crate::sweep::{Accumulators, Fragments};
use crate::swizzle::ROW_BYTES;

/// Stages of the narrow tiles.
const NARROW_STAGES: u32 = 8;
/// 64 x 64, four warps of 32 x 32.
const MEDIUM: Geometry =
    Geometry { block_m: 64, block_n: 64, warps_m: 2, warps_n: 2, warps_k: 1, stages: 6, stage_tiles: 1 };
/// 128 x 128, eight warps of 64 x 32; 96 KiB of shared memory, which every target since sm_80 has.
const WIDE: Geometry =
    Geometry { block_m: 128, block_n: 128, warps_m: 2, warps_n: 4, warps_k: 1, stages: 3, stage_tiles: 1 };
/// The same for a block that has a multiprocessor for itself, which needs its own copies further ahead; 128 KiB.
const WIDE_ALONE: Geometry = Geometry { stages: 4, ..WIDE };
/// 128 x 256, eight warps of 64 x 64; 192 KiB of shared memory, or 144 with three stages.
const HUGE: Geometry =
    Geometry { block_m: 128, block_n: 256, warps_m: 2, warps_n: 4, warps_k: 1, stages: 4, stage_tiles: 1 };
const HUGE_3: Geometry = Geometry { stages: 3, ..HUGE };
/// 128 x 192, eight warps of 64 x 48; 160 KiB of shared memory, or 120 with three stages.
const LARGE: Geometry = Geometry { block_n: 192, ..HUGE };
const LARGE_3: Geometry = Geometry { stages: 3, ..LARGE };

/// Bytes of one stage: tiles of x and of w.
#[must_use]
pub const fn stage_bytes(geometry: &Geometry) -> u32 {
    (geometry.block_m + geometry.block_n) * ROW_BYTES
}

/// Bytes of shared memory that [`RowProduct::accumulate`] uses.
#[must_use]
pub const fn shared_bytes(geometry: &Geometry) -> u32 {
    geometry.stages * stage_bytes(geometry)
}

/// The tiles in which a product [m, n] is made on a device of `target`: a pure function. Tiles do not change results: each element is summed over k in the same
/// order in all of them.
#[must_use]
pub fn geometry(target: Target, m: u32, n: u32, copies: [CopyMode; 2]) -> Geometry {
    let tiles = |of: Geometry| u64::from(m.div_ceil(of.block_m)) * u64::from(n.div_ceil(of.block_n));
    // Large tiles only where there are enough of them to fill a chip. Copying by elements needs registers that a large tile does not leave.
    let is_fast = copies == [CopyMode::Async16; 2];
    match (m, fitting(target, [HUGE, HUGE_3])) {
        (0..=16, _) => {
            let width = Geometry::narrow_width(|width| u64::from(n.div_ceil(width)));
            Geometry::narrow(width, NARROW_STAGES)
        }
        (65.., Some(huge)) if is_fast && tiles(huge) >= 96 => {
            // The smaller one takes about an eighth longer for each element.
            let cost = |(geometry, weight): &(Geometry, u64)| geometry.busiest(tiles(*geometry)) * weight;
            let large = fitting(target, [LARGE, LARGE_3]).map(|large| (large, 9));
            large.into_iter().chain([(huge, 8)]).min_by_key(cost).map_or(huge, |(geometry, _)| geometry)
        }
        // Where no multiprocessor gets a second block, one may use all registers.
        (65.., _) if is_fast && tiles(WIDE) >= 64 => {
            fitting(target, [WIDE_ALONE, WIDE]).filter(|_| Geometry::rounds(tiles(WIDE)) == 1).unwrap_or(WIDE)
        }
        _ => MEDIUM,
    }
}

/// The first that fits the shared memory of a device of `target`.
fn fitting(target: Target, sizes: [Geometry; 2]) -> Option<Geometry> {
    sizes.into_iter().find(|geometry| shared_bytes(geometry) <= target.shared_bytes_per_block())
}

/// Every geometry that is chosen on a device of `target`, with every way to copy x and w that comes with it.
#[must_use]
pub fn all(target: Target) -> Vec<(Geometry, [CopyMode; 2])> {
    use CopyMode::{Async16, Elements};
    let narrow = Geometry::NARROW_WIDTHS.map(|width| Geometry::narrow(width, NARROW_STAGES));
    let mut all = Vec::new();
    for geometry in narrow.into_iter().chain([MEDIUM]) {
        let copies = [[Async16, Async16], [Async16, Elements], [Elements, Async16], [Elements, Elements]];
        all.extend(copies.map(|copies| (geometry, copies)));
    }
    let large = [[WIDE; 2], [WIDE_ALONE, WIDE], [LARGE, LARGE_3], [HUGE, HUGE_3]];
    for geometry in large.into_iter().filter_map(|sizes| fitting(target, sizes)) {
        if !all.contains(&(geometry, [Async16; 2])) {
            all.push((geometry, [Async16; 2]));
        }
    }
    all
}

/// Registers that a thread of the kernel may use: with 128, two blocks of 256 threads share a multiprocessor, if `fits` says that the kernel does with so many; the
/// larger tiles need all.
#[must_use]
pub fn max_registers(geometry: &Geometry, fits: bool) -> u32 {
    match *geometry {
        _ if is_alone(geometry) => 255,
        WIDE if fits => 128,
        MEDIUM => 208,
        _ => geometry.max_registers(),
    }
}

/// Whether a block has a multiprocessor for itself.
const fn is_alone(geometry: &Geometry) -> bool {
    geometry.block_n > WIDE.block_n || (geometry.block_n == WIDE.block_n && geometry.stages == WIDE_ALONE.stages)
}

/// A product to be made.
#[derive(Clone, Copy, Debug)]
pub struct RowProduct<'k> {
    /// x, [m, depth], row-major.
    pub x: Pointer<'k, u8>,
    /// w, [n, depth], row-major.
    pub w: Pointer<'k, u8>,
    /// How x and w are copied.
    pub copies: [CopyMode; 2],
    /// Bytes of an element of either.
    pub element_bytes: u32,
    /// Rows of x.
    pub m: Value<'k, u32>,
    /// Rows of w.
    pub n: Value<'k, u32>,
    /// K.
    pub depth: Value<'k, u32>,
    /// The instruction.
    pub shape: MmaShape,
}

impl<'k> RowProduct<'k> {
    /// Sums the block's tile from row `first_row` and column `first_column` on, starting from `zero`.
    ///
    /// K tiles of 128 bytes of x and w run through a ring of stages in shared memory: every thread copies its share of 16-byte chunks ahead of time, every warp
    /// loads fragments of its rows of x and of w by `ldmatrix` and multiplies them into its accumulators.
    pub fn accumulate<T: Word>(
        &self,
        k: &'k Builder,
        geometry: &Geometry,
        warp: &Warp<'k>,
        [first_row, first_column]: [Value<'k, u32>; 2],
        zero: impl Source<'k, T> + Copy,
    ) -> Accumulators<'k, T> {
        let rows =
            |base, count| Rows { base, count, columns: self.depth, element_bytes: self.element_bytes, order: None };
        let threads = geometry.threads();
        let [x_copy, w_copy] = self.copies;
        let x = RowTile::new(k, x_copy, rows(self.x, self.m), first_row, geometry.block_m, threads, warp.thread);
        let x = if geometry.has_few_rows() { x.with_present_rows_only(first_row) } else { x };
        let w = RowTile::new(k, w_copy, rows(self.w, self.n), first_column, geometry.block_n, threads, warp.thread);
        let (a_offsets, b_offsets) = (x.a_offsets(warp.row), w.b_offsets(warp.column));

        let accumulators = Accumulators::new(k, geometry, zero);
        let ring = Ring {
            base: k.dynamic_shared::<u8>("stages").address(),
            stage_bytes: stage_bytes(geometry),
            stages: geometry.stages,
        };
        let per_tile = ROW_BYTES / self.element_bytes;
        let tiles = (self.depth + (per_tile - 1)) / per_tile;
        let copy = |stage: Value<'k, u32>, tile| {
            x.copy(stage, tile);
            w.copy(stage + x.stage_bytes(), tile);
        };
        let load = |Place { stage, step, .. }: Place<'k>| {
            let step = step as usize;
            let w_stage = stage + x.stage_bytes();
            let b =
                (0..geometry.tiles_n() / 2).flat_map(|pair| w.b_fragments(w_stage, b_offsets[step], pair)).collect();
            let a = (0..geometry.tiles_m()).map(|tile| x.a_fragment(stage, a_offsets[step], tile)).collect();
            Fragments { a, b }
        };
        let multiply = |fragments: &Fragments<'k>| {
            accumulators.multiply(k, self.shape, |tile| fragments.a[tile as usize], &fragments.b);
        };
        if is_alone(geometry) {
            ring.run_ahead(k, (tiles, 4), copy, load, |fragments, _, next| {
                let next = load(next);
                multiply(fragments);
                next
            });
        } else {
            ring.run(k, tiles, copy, |stage, _| (0..4).for_each(|step| multiply(&load(Place { stage, step }))));
        }
        accumulators
    }
}
