//! What is said to the caches.

use std::fmt::{self, Display, Formatter};

use super::{Flag, Line};
use crate::ir::{EvictionPriority, Op};

impl Line<'_> {
    pub(super) fn cache(&self, f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
        match op {
            Op::CreatePolicy { priority, secondary, fraction, dst } => {
                let (priority, secondary) = (L2(Some(*priority)), L2(*secondary));
                write!(f, "createpolicy.fractional{priority}{secondary}.b64 {dst}, 0f{fraction:08X}")
            }
            Op::CreatePolicyRange { space, priority, secondary, dst, address, primary_bytes, total_bytes } => {
                let (space, priority, secondary) = (space.modifier(), L2(Some(*priority)), L2(*secondary));
                let address = self.address(*address);
                write!(
                    f,
                    "createpolicy.range{space}{priority}{secondary}.b64 {dst}, {address}, {primary_bytes}, {total_bytes}"
                )
            }
            Op::CreatePolicyFrom { dst, src } => write!(f, "createpolicy.cvt.L2.b64 {dst}, {src}"),
            Op::Prefetch { space, level, address } => {
                write!(f, "prefetch{}.{} {}", space.modifier(), level.name(), self.address(*address))
            }
            Op::PrefetchUniform { address } => write!(f, "prefetchu.L1 {}", self.address(*address)),
            Op::ApplyPriority { space, address } => {
                write!(f, "applypriority{}.L2::evict_normal {}, 128", space.modifier(), self.address(*address))
            }
            Op::Discard { space, address } => {
                write!(f, "discard{}.L2 {}, 128", space.modifier(), self.address(*address))
            }
            Op::PerformanceEvent { is_mask, event } => write!(f, "pmevent{} {event}", Flag(*is_mask, ".mask")),
            _ => Err(fmt::Error),
        }
    }
}

/// The priority of a load or store in L1, unless it is as everything else's.
pub(super) struct L1(pub(super) EvictionPriority);

impl Display for L1 {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0 == EvictionPriority::Normal { Ok(()) } else { write!(f, ".L1::{}", self.0.name()) }
    }
}

/// A priority of a policy.
struct L2(Option<EvictionPriority>);

impl Display for L2 {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |priority| write!(f, ".L2::{}", priority.name()))
    }
}
