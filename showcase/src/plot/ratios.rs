//! The file of ratios that `bench/peers.py` writes; `docs/bench.md` describes it.

use std::path::Path;

use anyhow::{Result, bail};
use serde::Deserialize;

use crate::bench::record::{Report, Spread};

/// The version of the schema that is read here.
const SCHEMA: u32 = 1;

#[derive(Debug, Deserialize)]
pub(crate) struct Ratios {
    schema: u32,
    pub(super) device: String,
    pub(super) rows: Vec<Row>,
}

/// One of our rows, with the best peer if one ran.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) operation: String,
    pub(super) variant: String,
    pub(super) shape: String,
    kernel_us: Spread,
    pub(super) best: Option<String>,
    /// The peer's median over ours.
    pub(super) ratio: Option<f64>,
    pub(super) verdict: Option<RatioVerdict>,
}

/// What can be said beyond the spread of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RatioVerdict {
    Faster,
    Equal,
    Slower,
}

impl Ratios {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let ratios: Self = super::read(path)?;
        if ratios.schema != SCHEMA {
            bail!("{} has schema {}, not {SCHEMA}", path.display(), ratios.schema);
        }
        Ok(ratios)
    }

    /// Refuses ratios of another run.
    pub(super) fn must_be_of(&self, report: &Report) -> Result<()> {
        let ours =
            report.rows.iter().map(|row| (&row.operation, &row.variant, &row.shape, row.kernel_us.median.to_bits()));
        let theirs =
            self.rows.iter().map(|row| (&row.operation, &row.variant, &row.shape, row.kernel_us.median.to_bits()));
        if self.device != report.device || !ours.eq(theirs) {
            bail!("the ratios are of another run than the times: their rows differ");
        }
        Ok(())
    }
}
