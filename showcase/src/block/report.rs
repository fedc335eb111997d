//! The block as a whole: how far its results are from the trained model's, and how much of that the kernels did.

use half::f16;

use super::pipeline::Results;
use super::{CALIBRATION, HIDDEN, Layer, Weights};
use crate::Verdict;
use crate::table;

/// What was found of one layer.
pub(crate) struct Report {
    layer: u32,
    rows: Vec<Vec<String>>,
    verdict: Verdict,
}

/// The distance of results from what they should be.
struct Distance {
    cosine: f64,
    largest: f64,
    /// Mean of |error| / |value| where the value is not small (a thousandth of the largest).
    mean_relative: f64,
}

impl Report {
    pub(super) const fn new(layer: u32) -> Self {
        Self { layer, rows: Vec::new(), verdict: Verdict::Right }
    }

    pub(super) fn add(&mut self, layer: &Layer, weights: Weights, results: &Results) {
        let (golden, exact) = (&layer.golden, &results.exact);
        let compared = [
            ("q", &results.q, &golden.q, &exact.q),
            ("k", &results.k, &golden.k, &exact.k),
            ("v", &results.v, &golden.v, &exact.v),
            ("q rope", &results.q_rope, &golden.q_rope, &exact.q_rope),
            ("k rope", &results.k_rope, &golden.k_rope, &exact.k_rope),
            ("attention", &results.attention, &golden.attention, &exact.attention),
        ];
        // Tokens that no calibration has seen.
        let unseen = CALIBRATION * HIDDEN;
        let rest = (
            "attention, second half",
            &results.attention[unseen..],
            &golden.attention[unseen..],
            &exact.attention[unseen..],
        );
        let compared = compared.map(|(name, result, golden, exact)| (name, &result[..], &golden[..], &exact[..]));
        for (name, result, golden, exact) in compared.into_iter().chain([rest]) {
            let golden: Vec<f64> = golden.iter().map(|value| f64::from(*value)).collect();
            let (total, kernel) = (Distance::of(result, &golden), Distance::of(result, exact));
            let mut verdict = String::new();
            if name == "attention" {
                let wanted = weights.wanted(self.layer);
                let is_right = total.cosine >= wanted;
                self.verdict = self.verdict.and(Verdict::of(is_right));
                verdict = format!("{} {wanted:.4}", if is_right { "≥" } else { "MISSED" });
            }
            self.rows.push(vec![
                format!("layer {}, {}: {name}", self.layer, weights.name()),
                format!("{:.6}", total.cosine),
                verdict,
                format!("{:.2e}", total.largest),
                format!("{:.2e}", total.mean_relative),
                format!("{:.8}", kernel.cosine),
                format!("{:.2e}", kernel.largest),
                format!("{:.2e}", kernel.mean_relative),
            ]);
        }
    }

    /// Prints it; whether every cosine is what it should be.
    pub(crate) fn print(&self) -> Verdict {
        let header = [
            "against the trained model (f32)",
            "cosine",
            "wanted",
            "largest error",
            "mean relative",
            "of it the kernels: cosine",
            "largest error",
            "mean relative",
        ];
        table::print_texts(&header, &self.rows);
        self.verdict
    }
}

impl Distance {
    fn of(result: &[f16], wanted: &[f64]) -> Self {
        let peak = wanted.iter().fold(0.0f64, |peak, value| peak.max(value.abs()));
        let (mut dot, mut left, mut right, mut largest, mut relative, mut count) = (0.0, 0.0, 0.0, 0.0f64, 0.0, 0u32);
        for (result, wanted) in result.iter().map(|value| value.to_f64()).zip(wanted) {
            dot += result * wanted;
            left += result * result;
            right += wanted * wanted;
            let error = (result - wanted).abs();
            // Written so that a NaN stays.
            largest = if error <= largest { largest } else { error };
            if wanted.abs() > peak / 1000.0 {
                relative += error / wanted.abs();
                count += 1;
            }
        }
        let cosine = dot / (left.sqrt() * right.sqrt());
        Self { cosine, largest, mean_relative: relative / f64::from(count.max(1)) }
    }
}
