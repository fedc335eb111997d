//! Cosines and sines, computed once on the CPU.

/// The angles of a rotation.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct Angles {
    /// The base θ of the frequencies, 10,000 in the paper.
    pub theta: f64,
    /// The position of the first row.
    pub first_position: usize,
    /// Rows.
    pub len: usize,
    /// Elements of a head, even.
    pub dim: usize,
}

/// Cosines and sines [len, dim / 2], rounded to f32 once.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Tables {
    /// cos(position · θ^(-2i / dim)).
    pub cos: Vec<f32>,
    /// sin of the same.
    pub sin: Vec<f32>,
}

impl Tables {
    /// The tables of `angles`.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "positions and dimensions are far below 2^53; the rounding to f32 is the purpose"
    )]
    pub fn new(angles: Angles) -> Self {
        let half = angles.dim / 2;
        let (mut cos, mut sin) = (Vec::with_capacity(angles.len * half), Vec::with_capacity(angles.len * half));
        for row in 0..angles.len {
            for pair in 0..half {
                let frequency = angles.theta.powf(-2.0 * pair as f64 / angles.dim as f64);
                let angle = (angles.first_position + row) as f64 * frequency;
                cos.push(angle.cos() as f32);
                sin.push(angle.sin() as f32);
            }
        }
        Self { cos, sin }
    }
}
