//! Whether a GPTQ file stores its zero points less one. Its label says, but labels lie.
//!
//! In the first of GPTQ's formats the stored value is z − 1, in the second z. Files exist whose label says the first and whose data is the second; read so,
//! every weight is one step off, and the model talks nonsense. Two things in the data tell:
//!
//! - Symmetric weights have z = 8 throughout: all stored values are 7, or all are 8.
//! - Weights of a layer are about zero on average, so q is about z on average: q − stored is about 1 or about 0. The mean over groups has a standard
//!   error, and if half lies within four of them the data does not tell.

use super::{Format, FormatError, Grid};
use crate::int4::{NIBBLES, nibble};

/// How zero points are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ZeroConvention {
    /// z − 1, GPTQ's first format.
    LessOne,
    /// z, GPTQ's second format.
    AsIs,
}

/// What is said about how zero points are stored, apart from the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Claim {
    /// Nothing: the data must tell.
    #[default]
    None,
    /// A label in the file, which the data may contradict.
    Label(ZeroConvention),
    /// Somebody who knows; the data is not asked.
    Certain(ZeroConvention),
}

/// What the data tells about how zero points are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Evidence {
    /// All stored values are 7, or all are 8: symmetric weights, and no doubt.
    Symmetric(ZeroConvention),
    /// The mean of q − stored is clearly nearer to 1 or to 0.
    Likely {
        /// The nearer one.
        convention: ZeroConvention,
        /// The mean.
        offset: f64,
        /// Four standard errors of it.
        spread: f64,
    },
    /// It is not.
    Ambiguous {
        /// The mean of q − stored.
        offset: f64,
        /// Four standard errors of it.
        spread: f64,
    },
}

/// The convention that a weight was read by, and whether that is what its label says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// How zero points were read.
    pub convention: ZeroConvention,
    /// What the data tells.
    pub evidence: Evidence,
    /// The label, if it is wrong.
    pub false_label: Option<ZeroConvention>,
}

impl ZeroConvention {
    /// The format that stores zero points so.
    #[must_use]
    pub const fn format(self) -> Format {
        match self {
            Self::LessOne => Format::Gptq,
            Self::AsIs => Format::GptqV2,
        }
    }
}

/// What the data of a layer tells. `qweight` [K / 8, N] and `qzeros` [groups, N / 8] as the file holds them, `group_of` each column's group, \[K\].
pub(super) fn detect(qweight: &Grid<i32>, qzeros: &Grid<i32>, group_of: &[usize]) -> Evidence {
    for (word, convention) in [(0x7777_7777, ZeroConvention::LessOne), (0x8888_8888, ZeroConvention::AsIs)] {
        if qzeros.values().iter().all(|found| found.cast_unsigned() == word) {
            return Evidence::Symmetric(convention);
        }
    }
    let n = qweight.columns();
    let (mut sums, mut counts) = (vec![0_i64; qzeros.rows() * n], vec![0_i64; qzeros.rows()]);
    for (column, &group) in group_of.iter().enumerate() {
        counts[group] += 1;
        for row in 0..n {
            let stored = nibble(qzeros.at(group, row / NIBBLES), row % NIBBLES);
            let q = nibble(qweight.at(column / NIBBLES, row), column % NIBBLES);
            sums[group * n + row] += i64::from(q) - i64::from(stored);
        }
    }
    let means: Vec<f64> = sums.iter().zip(0..).map(|(&sum, place)| ratio(sum, counts[place / n])).collect();
    let count = means.len() as f64;
    let offset = means.iter().sum::<f64>() / count;
    let variance = means.iter().map(|mean| (mean - offset).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    // A single group has no spread of its own; a step is more than any.
    let spread = if means.len() < 2 { 1.0 } else { 4.0 * (variance / count).sqrt() };
    if (offset - 0.5).abs() <= spread {
        return Evidence::Ambiguous { offset, spread };
    }
    let convention = if offset > 0.5 { ZeroConvention::LessOne } else { ZeroConvention::AsIs };
    Evidence::Likely { convention, offset, spread }
}

/// Decides between what is said and what the data tells.
pub(super) fn decide(claim: Claim, evidence: Evidence) -> Result<Verdict, FormatError> {
    let of = |convention, false_label| Ok(Verdict { convention, evidence, false_label });
    match (claim, evidence) {
        (Claim::Certain(convention), _) => of(convention, None),
        (Claim::Label(label), Evidence::Symmetric(convention)) => {
            of(convention, (label != convention).then_some(label))
        }
        (Claim::None, Evidence::Symmetric(convention) | Evidence::Likely { convention, .. }) => of(convention, None),
        (Claim::None, Evidence::Ambiguous { offset, spread }) => Err(FormatError::ZerosAmbiguous { offset, spread }),
        (Claim::Label(label), Evidence::Likely { convention, offset, spread }) if label != convention => {
            // Weights may be off centre by half a step, so this is a suspicion and no proof.
            Err(FormatError::ZerosContradicted { label: label.format(), offset, spread })
        }
        (Claim::Label(label), _) => of(label, None),
    }
}

fn ratio(sum: i64, count: i64) -> f64 {
    sum as f64 / count.max(1) as f64
}
