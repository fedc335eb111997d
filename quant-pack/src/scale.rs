//! How a scale is chosen.

pub(crate) mod half_scale;
pub(crate) mod single;

/// How a scale is chosen for the weights that share it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScaleRule {
    /// The largest magnitude becomes the largest integer: absmax / 7 for int4, absmax / 127 for int8. No weight is clipped.
    #[default]
    Max,
    /// The least sum of squared errors; it may clip the largest weights. Never worse than [`ScaleRule::Max`].
    ///
    /// - int4: the best of all f16 scales, found exactly.
    /// - int8: the best of 64 scales up to absmax / 127, then refined until it no longer improves.
    LeastSquares,
}
