//! The types that weights come in.

use half::{bf16, f16};

use crate::error::Error;
use crate::shape::Shape;

/// A type that weights come in: f32, f16 or bf16. Each converts to f32 exactly.
pub trait Weight: Copy + Send + Sync + sealed::Sealed {
    /// The same value as f32.
    fn to_f32(self) -> f32;
}

mod sealed {
    #[expect(unnameable_types, reason = "nobody else may implement the trait above it")]
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for half::f16 {}
    impl Sealed for half::bf16 {}
}

impl Weight for f32 {
    fn to_f32(self) -> f32 {
        self
    }
}

impl Weight for f16 {
    fn to_f32(self) -> f32 {
        Self::to_f32(self)
    }
}

impl Weight for bf16 {
    fn to_f32(self) -> f32 {
        Self::to_f32(self)
    }
}

/// Refuses weights that are not `shape` or not finite.
pub(crate) fn check<W: Weight>(weights: &[W], shape: Shape) -> Result<(), Error> {
    let wanted = shape.elements("weights")?;
    shape.expect_length("weights", weights.len(), wanted)?;
    match weights.iter().position(|weight| !weight.to_f32().is_finite()) {
        None => Ok(()),
        Some(place) => {
            let value = weights.get(place).map_or(f32::NAN, |weight| weight.to_f32());
            Err(Error::NotFinite { row: place / shape.k, column: place % shape.k, value })
        }
    }
}
