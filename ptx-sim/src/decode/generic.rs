//! Instructions that are evaluated lane by lane through [`arith`](crate::arith).

use std::fmt;

use super::operand::Source;
use super::plain::Plain;
use crate::arith::Jitter;

/// The bits of up to four operands to those of the result.
type Function = dyn Fn(&[u64; 4], Jitter) -> Option<u64> + Send + Sync;

/// A function of up to four operands and where they come from.
pub(crate) struct Generic {
    pub(crate) inputs: Vec<Source>,
    /// The same for 32 lanes and correctly rounded answers.
    pub(crate) whole: Option<Plain>,
    function: Box<Function>,
}

impl Generic {
    /// `None` if `function` does not model the instruction, which it says for any operands.
    pub(crate) fn new(
        inputs: Vec<Source>,
        function: impl Fn(&[u64; 4], Jitter) -> Option<u64> + Send + Sync + 'static,
    ) -> Option<Self> {
        function(&[0; 4], Jitter::default())?;
        Some(Self { inputs, whole: None, function: Box::new(function) })
    }

    pub(crate) fn evaluate(&self, operands: &[u64; 4], jitter: Jitter) -> u64 {
        // That it answers was seen at decoding, and does not depend on the values.
        (self.function)(operands, jitter).unwrap_or(0)
    }
}

impl fmt::Debug for Generic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generic").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}
