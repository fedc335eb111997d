//! How strong an access is: among whom it is one step, and what it orders.
//!
//! # Source
//! PTX ISA 9.0, section 8 (Memory consistency model).

use tilewright_ptx_ir::ir::{FenceOrder, LoadOrder, Scope, StoreOrder};

/// Among whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reach {
    /// The threads of the block.
    Block,
    /// All threads of the device.
    Device,
}

impl Reach {
    /// The reach of a scope; all of the device where none is named. `None` for a cluster, which is not modelled.
    pub(crate) const fn of(scope: Option<Scope>) -> Option<Self> {
        match scope {
            Some(Scope::Cta) => Some(Self::Block),
            None | Some(Scope::Gpu | Scope::Sys) => Some(Self::Device),
            _ => None,
        }
    }
}

/// What else an access orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strength {
    /// `None` for an ordinary access, which orders nothing and must itself be ordered.
    pub(crate) reach: Option<Reach>,
    pub(crate) acquires: bool,
    pub(crate) releases: bool,
    /// One step by PTX's word, but written by people who mean less than that.
    pub(crate) is_volatile: bool,
}

impl Strength {
    pub(crate) const WEAK: Self = Self { reach: None, acquires: false, releases: false, is_volatile: false };

    const fn strong(scope: Option<Scope>, acquires: bool, releases: bool) -> Self {
        // A cluster of one block, which is what runs here, is its block: no more than that is taken to be ordered.
        let reach = match Reach::of(scope) {
            Some(reach) => reach,
            None => Reach::Block,
        };
        Self { reach: Some(reach), acquires, releases, is_volatile: false }
    }

    /// Volatile accesses are relaxed ones that everybody sees.
    pub(crate) const fn of_load(order: LoadOrder, scope: Option<Scope>) -> Self {
        match order {
            LoadOrder::Weak => Self::WEAK,
            LoadOrder::Acquire => Self::strong(scope, true, false),
            LoadOrder::Volatile => Self { is_volatile: true, ..Self::strong(scope, false, false) },
            _ => Self::strong(scope, false, false),
        }
    }

    pub(crate) const fn of_store(order: StoreOrder, scope: Option<Scope>) -> Self {
        match order {
            StoreOrder::Weak => Self::WEAK,
            StoreOrder::Release => Self::strong(scope, false, true),
            StoreOrder::Volatile => Self { is_volatile: true, ..Self::strong(scope, false, false) },
            _ => Self::strong(scope, false, false),
        }
    }

    pub(crate) const fn of_atomic(order: Option<FenceOrder>, scope: Option<Scope>) -> Self {
        let acquires = matches!(order, Some(FenceOrder::Acquire | FenceOrder::AcqRel | FenceOrder::SeqCst));
        let releases = matches!(order, Some(FenceOrder::Release | FenceOrder::AcqRel | FenceOrder::SeqCst));
        Self::strong(scope, acquires, releases)
    }
}
