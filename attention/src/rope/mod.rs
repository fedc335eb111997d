//! Rotary position embedding: pairs of elements of q and k turned by an angle that grows with the position.
//!
//! (x₀, x₁) becomes (x₀ cos a - x₁ sin a, x₁ cos a + x₀ sin a) with a = position · θ^(-2i / dim) for pair i.
//!
//! # Source
//! Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021, section 3.2.2.

mod kernel;
mod launch;
mod tables;

pub use kernel::module;
pub use launch::{Rope, RopeProblem, RopeShape};
pub use tables::{Angles, Tables};

use crate::dtype::Dtype;

/// Which elements of a head are a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Pairs {
    /// Neighbours: 2i and 2i + 1.
    Interleaved,
    /// Halves: i and i + dim / 2.
    Halves,
}

/// Everything that decides which rotation kernel is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct RopePlan {
    /// Element type.
    pub dtype: Dtype,
    /// Which elements are a pair.
    pub pairs: Pairs,
}

impl RopePlan {
    /// Threads of a block, one pair each.
    pub const THREADS: u32 = 256;

    /// Every plan.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let pairs = [Pairs::Interleaved, Pairs::Halves];
        Dtype::ALL.into_iter().flat_map(|dtype| pairs.map(|pairs| Self { dtype, pairs })).collect()
    }

    /// The kernel's name.
    #[must_use]
    pub fn name(&self) -> String {
        let pairs = match self.pairs {
            Pairs::Interleaved => "interleaved",
            Pairs::Halves => "halves",
        };
        format!("rope_{}_{pairs}", self.dtype.name())
    }
}
