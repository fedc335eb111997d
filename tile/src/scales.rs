//! The scales of quantized weights on their way to the warps that apply them.
//!
//! On the device the scales of a group are a row of [`row_length`] halves, so that every row starts on 16 bytes and can be copied as weights are: by `cp.async`,
//! into the stage of the K tile whose weights they belong to. Loads into registers would each be waited for: scales a group ahead share a scoreboard with
//! those just asked for.

use half::f16;
use tilewright_ptx_ir::build::{Builder, CopyHint, Value};

use crate::geometry::{Geometry, Warp};
use crate::packed::UNIT_K;
use crate::packed::ZeroPoint;
use crate::packed_product::Operands;
use crate::swizzle::ROW_BYTES;
use crate::weight_format::{Grouping, WeightFormat};

/// Halves that one copy moves.
const CHUNK: u32 = 8;

/// Halves in a row of scales on the device for `n` columns.
#[must_use]
pub const fn row_length(n: usize) -> usize {
    n.next_multiple_of(CHUNK as usize)
}

/// Scales [groups, n] as they lie on the device: [groups, [`row_length`]]; with zero points (0 to 15, [groups, n]) [groups, 2, [`row_length`]], 1024 + zero in the second
/// row of a group, which is how the kernels need it.
#[must_use]
pub fn padded(scales: &[f16], zeros: Option<&[u8]>, n: usize) -> Vec<f16> {
    let pad = |row: &[f16]| (0..row_length(n)).map(|column| row.get(column).copied().unwrap_or(f16::ZERO)).collect();
    let rows: Vec<Vec<f16>> = match zeros {
        None => scales.chunks(n.max(1)).map(pad).collect(),
        Some(zeros) => {
            let base = |zero: &u8| f16::from_f32(1024.0 + f32::from(*zero));
            let groups = scales.chunks(n.max(1)).zip(zeros.chunks(n.max(1)));
            groups.flat_map(|(scales, zeros)| [pad(scales), pad(&zeros.iter().map(base).collect::<Vec<_>>())]).collect()
        }
    };
    rows.concat()
}

/// Bytes of the scales, and zero points if there are any, that lie in a stage with a K tile of weights: padded, so that the next tile's rows start where their swizzle does.
#[must_use]
pub const fn stage_bytes(geometry: &Geometry, format: WeightFormat) -> u32 {
    (groups(format.grouping) * format.rows_per_group() * geometry.block_n * 2).next_multiple_of(ROW_BYTES)
}

/// Groups that a K tile may touch.
const fn groups(grouping: Grouping) -> u32 {
    match grouping {
        Grouping::Column => 0,
        Grouping::OfTiles(_) => 1,
        // Two units of 32, which may belong to two groups.
        Grouping::Of32(_) => 2,
    }
}

/// The scales of a block's columns for one K tile.
#[derive(Debug)]
pub(crate) struct ScaleTile<'k> {
    k: &'k Builder,
    format: WeightFormat,
    block_n: u32,
    thread: Value<'k, u32>,
    /// The group, counted from the K tile's first, that this thread copies a chunk of.
    group: Value<'k, u32>,
    /// Where that chunk lies in group 0.
    address: Value<'k, u64>,
    group_bytes: Value<'k, u32>,
    groups: Value<'k, u32>,
    /// Bytes from the start of a row to the scales of the lane's first two columns.
    lane_bytes: Value<'k, u32>,
    /// The same to the zero point of the lane's column of b, if there are any.
    zero_bytes: Option<Value<'k, u32>>,
}

impl<'k> ScaleTile<'k> {
    pub(crate) fn new(
        k: &'k Builder,
        geometry: &Geometry,
        format: WeightFormat,
        operands: &Operands<'k>,
        warp: &Warp<'k>,
    ) -> Self {
        let Operands { scales, n, depth, first_column, .. } = *operands;
        let length = (n + (CHUNK - 1)) & !(CHUNK - 1);
        let chunks = geometry.block_n / CHUNK;
        let column = first_column + warp.thread % chunks * CHUNK;
        // Rows follow each other in a stage and on the device: group, then scales or zero points.
        let (row, rows_per_group) = (warp.thread / chunks, format.rows_per_group());
        // Past the last column the last chunk stands in: what it gives is not stored.
        let first = scales.address().offset_by(column.min(length - CHUNK), 2);
        Self {
            k,
            format,
            block_n: geometry.block_n,
            thread: warp.thread,
            group: if format.has_zeros { row / rows_per_group } else { row },
            address: if format.has_zeros { first.offset_by(row % rows_per_group, length * 2) } else { first },
            group_bytes: length * (2 * rows_per_group),
            groups: group_count(depth, format.grouping),
            lane_bytes: (warp.column + warp.lane % 4 * 2) * 2,
            zero_bytes: format.has_zeros.then(|| (warp.column + warp.lane / 4) * 2),
        }
    }

    /// Starts copying the scales of K tile `tile` to shared address `to`.
    pub(crate) fn copy(&self, to: Value<'k, u32>, tile: Value<'k, u32>) {
        if self.format.grouping == Grouping::Column {
            return;
        }
        // A thread copies one chunk; the rows follow each other, so that chunk i of the stage is thread i's.
        self.k.if_(
            self.thread.lt(groups(self.format.grouping) * self.format.rows_per_group() * (self.block_n / CHUNK)),
            || {
                let group = match self.format.grouping {
                    Grouping::Of32(units) => (tile * 2 + self.group) / units,
                    Grouping::OfTiles(count) => tile / count,
                    Grouping::Column => tile,
                };
                // Past the last group, as past the last tile, nothing is read.
                let source = self.address.offset_by(group, self.group_bytes);
                let bytes = group.lt(self.groups).select(CHUNK * 2, 0);
                self.k.copy_async_16(to + self.thread * (CHUNK * 2), source, Some(bytes), CopyHint::default());
            },
        );
    }

    /// The scales of `column` (even, counted from the block's) and the next, packed in a word, from group `row` of the scales at shared address `from`.
    pub(crate) fn load_pair_packed(&self, from: Value<'k, u32>, row: u32, column: Value<'k, u32>) -> Value<'k, u32> {
        let first = (row * self.group_length() / 2).cast_signed();
        (from + column * 2).shared_place::<u32>().plus(first).load()
    }

    /// The scales of the lane's two columns of each of `tiles` n8 tiles, from group `row` of the scales at shared address `from`.
    pub(crate) fn load(&self, from: Value<'k, u32>, row: u32, tiles: u32) -> Vec<[Value<'k, f32>; 2]> {
        let base = (from + self.lane_bytes).shared_place::<f16>();
        (0..tiles)
            .map(|tile| {
                let first = (row * self.group_length() + tile * 8).cast_signed();
                base.plus(first).load_vector::<2>().map(Value::cast::<f32>)
            })
            .collect()
    }
}

impl<'k> ScaleTile<'k> {
    /// Halves of a group in a stage.
    const fn group_length(&self) -> u32 {
        self.format.rows_per_group() * self.block_n
    }

    /// The group, counted from the K tile's first, whose zero points a kernel must load before K step `step` (0 to 3) of the tile, if it must.
    pub(crate) const fn starts(&self, step: u32) -> Option<u32> {
        match self.format.grouping {
            _ if !self.format.has_zeros => None,
            Grouping::Of32(_) if step.is_multiple_of(2) => Some(step / 2),
            Grouping::OfTiles(_) if step == 0 => Some(0),
            _ => None,
        }
    }

    /// The zero points of the lane's column in each of `tiles` n8 tiles, from group `group` of those at shared address `from`; none if the weights have none.
    pub(crate) fn load_zeros(&self, from: Value<'k, u32>, group: u32, tiles: u32) -> Option<Vec<ZeroPoint<'k>>> {
        self.zero_bytes.map(|lane| {
            let base = (from + lane).shared_place::<u16>();
            let place = |tile: u32| base.plus((group * self.group_length() + self.block_n + tile * 8).cast_signed());
            let twice = |zero: Value<'k, u32>| (zero | zero << 16u32).bits();
            (0..tiles).map(|tile| twice(place(tile).load().cast::<u32>())).collect()
        })
    }

    /// As [`load`](Self::load), the two scales of a tile packed in a word.
    pub(crate) fn load_packed(&self, from: Value<'k, u32>, row: u32, tiles: u32) -> Vec<Value<'k, u32>> {
        let base = (from + self.lane_bytes).shared_place::<u32>();
        let pair = |tile: u32| base.plus((row * self.group_length() / 2 + tile * 4).cast_signed()).load();
        (0..tiles).map(pair).collect()
    }
}

fn group_count<'k>(depth: Value<'k, u32>, grouping: Grouping) -> Value<'k, u32> {
    let size = match grouping {
        Grouping::Column => return depth,
        Grouping::Of32(units) => units * 32,
        Grouping::OfTiles(tiles) => tiles * UNIT_K,
    };
    (depth + (size - 1)) / size
}
