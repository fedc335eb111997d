//! From scores to weights: the softmax that goes along with the tiles of keys.

use tilewright_ptx_ir::build::{Accumulator, Builder, Local, Value};

use crate::plan::Plan;

/// How many keys a query sees: `keys + more`, none if negative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight<'k> {
    pub(super) keys: Value<'k, i32>,
    pub(super) more: i32,
}

/// The running maximum and sum of the two queries of each 16 rows that a lane has scores of: rows lane / 4 and lane / 4 + 8.
///
/// Maxima are in units of log2, scaled; scores come as they are. The four lanes of a query keep the same maximum, and each the sum of its own weights.
#[derive(Debug)]
pub(super) struct Softmax<'k> {
    k: &'k Builder,
    plan: Plan,
    /// Not negative.
    scale: Value<'k, f32>,
    sights: Vec<[Sight<'k>; 2]>,
    /// The first of the two columns that the lane has in every tile of eight.
    column: Value<'k, i32>,
    peaks: Vec<[Local<'k, f32>; 2]>,
    sums: Vec<[Local<'k, f32>; 2]>,
}

impl<'k> Softmax<'k> {
    /// For `sights.len()` times 16 rows.
    pub(super) fn new(
        k: &'k Builder,
        plan: &Plan,
        scale: Value<'k, f32>,
        sights: Vec<[Sight<'k>; 2]>,
        lane: Value<'k, u32>,
    ) -> Self {
        Self {
            k,
            plan: *plan,
            scale,
            column: (lane % 4 * 2).cast(),
            peaks: sights.iter().map(|_| k.locals(f32::NEG_INFINITY)).collect(),
            sums: sights.iter().map(|_| k.locals(0f32)).collect(),
            sights,
        }
    }

    /// Makes the scores of keys that a query does not see -inf; the tile starts with key `first`. [16 rows][tile of eight].
    pub(super) fn mask(&self, scores: &[Vec<Accumulator<'k, f32>>], first: Value<'k, u32>) {
        let first = first.cast::<i32>() + self.column;
        for (scores, sights) in scores.iter().zip(&self.sights) {
            let left = sights.map(|sight| sight.keys - first);
            for (tile, scores) in (0i32..).zip(scores) {
                for (score, (half, side)) in scores.iter().zip([(0usize, 0), (0, 1), (1, 0), (1, 1)]) {
                    score.set_if(left[half].le(8 * tile + side - sights[half].more), f32::NEG_INFINITY);
                }
            }
        }
    }

    /// Takes a tile of scores, [16 rows][tile of eight], and gives its weights. Sums and `outputs` are brought down to the new maximum.
    pub(super) fn update<'s>(
        &'s self,
        scores: &'s [Vec<Accumulator<'k, f32>>],
        outputs: &[Vec<Accumulator<'k, f32>>],
    ) -> Weights<'s, 'k> {
        let peaks: Vec<[Value<'k, f32>; 2]> =
            (0..scores.len()).map(|rows| [0usize, 1].map(|half| self.peak(&scores[rows], rows, half))).collect();
        // A query that has seen nothing yet must not subtract -inf from -inf.
        let base = |peak: Value<'k, f32>| peak.eq(f32::NEG_INFINITY).select(0f32, peak);
        let bases: Vec<[Value<'k, f32>; 2]> = peaks.iter().map(|peaks| peaks.map(base)).collect();
        let shrinks: Vec<[Value<'k, f32>; 2]> = (bases.iter().zip(&self.peaks))
            .map(|(bases, peaks)| [0usize, 1].map(|half| (peaks[half].now() - bases[half]).exp2()))
            .collect();
        for (running, peaks) in self.peaks.iter().zip(peaks) {
            running[0].set(peaks[0]);
            running[1].set(peaks[1]);
        }
        // Mostly no maximum of the warp's rows grows, and a product with 1 changes nothing. NaN is not 1.
        let kept = shrinks.iter().flatten().map(|shrink| shrink.eq(1f32)).reduce(|all, one| all & one);
        let shrink = || {
            for ((shrinks, sums), outputs) in shrinks.iter().zip(&self.sums).zip(outputs) {
                for half in [0usize, 1] {
                    sums[half].scale(shrinks[half]);
                    for output in outputs {
                        output[2 * half].scale(shrinks[half]);
                        output[2 * half + 1].scale(shrinks[half]);
                    }
                }
            }
        };
        if let Some(kept) = kept {
            self.k.if_(!kept.all(), shrink);
        }
        Weights { softmax: self, scores, below: bases.iter().map(|bases| bases.map(|base| -base)).collect() }
    }

    /// A query's maximum so far and in this tile.
    fn peak(&self, scores: &[Accumulator<'k, f32>], rows: usize, half: usize) -> Value<'k, f32> {
        let own = scores.iter().flat_map(|tile| [tile[2 * half], tile[2 * half + 1]]).map(Local::now);
        let own = own.reduce(Value::max).unwrap_or(self.k.constant(f32::NEG_INFINITY));
        let pair = own.max(own.shuffle_xor(1));
        let tile = pair.max(pair.shuffle_xor(2)) * self.scale;
        self.peaks[rows][half].now().max(tile)
    }

    /// 1 / sum of each query, over its four lanes; 0 for one that has seen nothing.
    pub(super) fn inverse_sums(&self) -> Vec<[Value<'k, f32>; 2]> {
        let inverse = |sum: Local<'k, f32>| {
            let own = sum.now();
            let pair = own + own.shuffle_xor(1);
            let sum = pair + pair.shuffle_xor(2);
            sum.eq(0f32).select(0f32, self.k.constant(1f32).to_local() / sum)
        };
        self.sums.iter().map(|sums| sums.map(inverse)).collect()
    }
}

/// The weights of a tile: computed when they are asked for, so that the caller says what they overlap with. Each is to be asked for once, those of a query in
/// the order of its keys, because that is also the order of its sum.
#[derive(Debug)]
pub(super) struct Weights<'s, 'k> {
    softmax: &'s Softmax<'k>,
    scores: &'s [Vec<Accumulator<'k, f32>>],
    /// What the exponents are moved by, [16 rows][query].
    below: Vec<[Value<'k, f32>; 2]>,
}

impl<'k> Weights<'_, 'k> {
    /// Registers of the fragments of 16 keys: four for each 16 rows.
    pub(super) const fn registers(&self) -> usize {
        4 * self.scores.len()
    }

    /// Register `register` of the fragments of keys 16 `step` on: the weights of two neighbours of eight keys, added to their query's sum.
    pub(super) fn register(&self, step: u32, register: usize) -> Value<'k, u32> {
        let first = usize::try_from(2 * step).unwrap_or(0);
        let (rows, tile, half) = (register / 4, first + register % 4 / 2, register % 2);
        let Softmax { k, plan, scale, sums, .. } = self.softmax;
        let exponent = |side: usize| self.scores[rows][tile][2 * half + side].fma(*scale, self.below[rows][half]);
        let [left, right] = [0usize, 1].map(|side| exponent(side).exp2());
        let sum = sums[rows][half];
        sum.add(left);
        sum.add(right);
        plan.dtype.pack(k, left, right)
    }

    /// The fragments of keys 16 `step` on, one for each 16 rows.
    pub(super) fn fragments(&self, step: u32) -> Vec<[Value<'k, u32>; 4]> {
        let all: Vec<_> = (0..self.registers()).map(|register| self.register(step, register)).collect();
        all.as_chunks::<4>().0.to_vec()
    }
}
