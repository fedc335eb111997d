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

    /// Takes a tile of scores; the weights as packed pairs, [16 rows][tile of eight][query]. Sums and `outputs` are brought down to the new maximum.
    pub(super) fn update(
        &self,
        scores: &[Vec<Accumulator<'k, f32>>],
        outputs: &[Vec<Accumulator<'k, f32>>],
    ) -> Vec<Vec<[Value<'k, u32>; 2]>> {
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
        let Some(kept) = kept else { return Vec::new() };
        self.k.if_(!kept.all(), || {
            for ((shrinks, sums), outputs) in shrinks.iter().zip(&self.sums).zip(outputs) {
                for half in [0usize, 1] {
                    sums[half].scale(shrinks[half]);
                    for output in outputs {
                        output[2 * half].scale(shrinks[half]);
                        output[2 * half + 1].scale(shrinks[half]);
                    }
                }
            }
        });
        (0..scores.len()).map(|rows| self.weights(&scores[rows], bases[rows], rows)).collect()
    }

    /// A query's maximum so far and in this tile.
    fn peak(&self, scores: &[Accumulator<'k, f32>], rows: usize, half: usize) -> Value<'k, f32> {
        let own = scores.iter().flat_map(|tile| [tile[2 * half], tile[2 * half + 1]]).map(Local::now);
        let own = own.reduce(Value::max).unwrap_or(self.k.constant(f32::NEG_INFINITY));
        let pair = own.max(own.shuffle_xor(1));
        let tile = pair.max(pair.shuffle_xor(2)) * self.scale;
        self.peaks[rows][half].now().max(tile)
    }

    fn weights(
        &self,
        scores: &[Accumulator<'k, f32>],
        bases: [Value<'k, f32>; 2],
        rows: usize,
    ) -> Vec<[Value<'k, u32>; 2]> {
        let below = bases.map(|base| -base);
        let mut sums = self.sums[rows].map(Local::now);
        let packed = scores
            .iter()
            .map(|tile| {
                [0usize, 1].map(|half| {
                    let [left, right] =
                        [0usize, 1].map(|side| tile[2 * half + side].fma(self.scale, below[half]).exp2());
                    sums[half] = sums[half] + left + right;
                    self.plan.dtype.pack(self.k, left, right)
                })
            })
            .collect();
        for half in [0usize, 1] {
            self.sums[rows][half].set(sums[half]);
        }
        packed
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
