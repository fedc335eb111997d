//! From scores to weights: the softmax that goes along with the tiles of keys.

use tilewright_ptx_ir::build::{Accumulator, Builder, Local, Value};

use crate::plan::Plan;

/// The running maximum and sum of the two queries that a lane has scores of: rows lane / 4 and lane / 4 + 8 of the warp's 16.
///
/// Scores are in units of log2. The four lanes of a query keep the same maximum, and each the sum of its own weights.
#[derive(Debug)]
pub(super) struct Softmax<'k> {
    k: &'k Builder,
    plan: Plan,
    scale: Value<'k, f32>,
    visible: [Value<'k, u32>; 2],
    /// The first of the two columns that the lane has in every tile of eight.
    column: Value<'k, u32>,
    peaks: [Local<'k, f32>; 2],
    sums: [Local<'k, f32>; 2],
}

impl<'k> Softmax<'k> {
    pub(super) fn new(
        k: &'k Builder,
        plan: &Plan,
        scale: Value<'k, f32>,
        visible: [Value<'k, u32>; 2],
        lane: Value<'k, u32>,
    ) -> Self {
        let column = lane % 4 * 2;
        Self { k, plan: *plan, scale, visible, column, peaks: k.locals(f32::NEG_INFINITY), sums: k.locals(0f32) }
    }

    /// Takes a tile of scores of the keys from `first` on; the weights as packed pairs, [tile of eight][query]. Sums and `outputs` are brought down to the
    /// new maximum.
    pub(super) fn update(
        &self,
        scores: &[Accumulator<'k, f32>],
        first: Value<'k, u32>,
        outputs: &[Accumulator<'k, f32>],
    ) -> Vec<[Value<'k, u32>; 2]> {
        let halves = [0usize, 1].map(|half| {
            let scores = self.masked(scores, first, half);
            let own = scores.iter().flatten().copied().reduce(Value::max).unwrap_or(self.k.constant(f32::NEG_INFINITY));
            let pair = own.max(own.shuffle_xor(1));
            let tile_peak = pair.max(pair.shuffle_xor(2));
            let peak = self.peaks[half].now().max(tile_peak);
            // A query that has seen nothing yet must not subtract -inf from -inf.
            let base = peak.eq(f32::NEG_INFINITY).select(0f32, peak);
            let shrink = (self.peaks[half].now() - base).exp2();
            let weights: Vec<[Value<'k, f32>; 2]> =
                scores.iter().map(|pair| pair.map(|score| (score - base).exp2())).collect();
            let sum = weights.iter().flatten().copied().reduce(|sum, weight| sum + weight);
            self.sums[half].scale(shrink);
            if let Some(sum) = sum {
                self.sums[half].add(sum);
            }
            self.peaks[half].set(peak);
            for output in outputs {
                output[2 * half].scale(shrink);
                output[2 * half + 1].scale(shrink);
            }
            weights
        });
        let [upper, lower] = halves;
        let pack = |pair: [Value<'k, f32>; 2]| self.plan.dtype.pack(self.k, pair[0], pair[1]);
        upper.into_iter().zip(lower).map(|(upper, lower)| [pack(upper), pack(lower)]).collect()
    }

    /// The scaled scores of one query, -inf for keys that it does not see.
    fn masked(&self, scores: &[Accumulator<'k, f32>], first: Value<'k, u32>, half: usize) -> Vec<[Value<'k, f32>; 2]> {
        (0u32..)
            .zip(scores)
            .map(|(tile, scores)| {
                [0u32, 1].map(|side| {
                    let key = first + self.column + (8 * tile + side);
                    let score = scores[2 * half + side as usize].now() * self.scale;
                    key.lt(self.visible[half]).select(score, f32::NEG_INFINITY)
                })
            })
            .collect()
    }

    /// 1 / sum of each query, over its four lanes; 0 for one that has seen nothing.
    pub(super) fn inverse_sums(&self) -> [Value<'k, f32>; 2] {
        self.sums.map(|sum| {
            let own = sum.now();
            let pair = own + own.shuffle_xor(1);
            let sum = pair + pair.shuffle_xor(2);
            sum.eq(0f32).select(0f32, self.k.constant(1f32).to_local() / sum)
        })
    }
}
