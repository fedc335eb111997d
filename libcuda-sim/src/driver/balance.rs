//! What was created and not given back.

use super::{Driver, Object, State};

/// How much of each kind a driver has given out and not got back. What died with its context, because nobody gave it back before, still counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Balance {
    /// How often the primary context was retained and not released.
    pub contexts: usize,
    /// Streams.
    pub streams: usize,
    /// Events.
    pub events: usize,
    /// Modules.
    pub modules: usize,
    /// Graphs.
    pub graphs: usize,
    /// Graphs that can be launched.
    pub executables: usize,
    /// Allocations of device memory.
    pub device_allocations: usize,
    /// Allocations of pinned host memory.
    pub pinned_allocations: usize,
    /// Captures that were begun and not ended.
    pub captures: usize,
}

impl Balance {
    /// Nothing.
    pub const ZERO: Self = Self {
        contexts: 0,
        streams: 0,
        events: 0,
        modules: 0,
        graphs: 0,
        executables: 0,
        device_allocations: 0,
        pinned_allocations: 0,
        captures: 0,
    };

    /// All kinds together.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.contexts
            + self.streams
            + self.events
            + self.modules
            + self.graphs
            + self.executables
            + self.device_allocations
            + self.pinned_allocations
            + self.captures
    }

    fn count(&mut self, object: &Object) {
        match object {
            Object::Context(context) => {
                let mut state = context.state();
                state.captures.retain(|capture| capture.is_active());
                self.device_allocations += state.allocations.len();
                self.captures += state.captures.len();
            }
            Object::Stream(_) => self.streams += 1,
            Object::Event(_) => self.events += 1,
            Object::Module(_) => self.modules += 1,
            // It goes with its module.
            Object::Function(_) => {}
            Object::Graph(_) => self.graphs += 1,
            Object::Executable(_) => self.executables += 1,
        }
    }
}

impl State {
    /// Everything that lives in the context, and what was lost with earlier ones.
    pub(super) fn not_given_back(&self) -> Balance {
        let mut balance = self.lost;
        self.objects.objects().for_each(|object| balance.count(object));
        balance
    }
}

impl Driver {
    /// What was created and not given back.
    pub(crate) fn balance(&self) -> Balance {
        let state = self.state();
        let retained = state.primary.map_or(0, |primary| primary.retained);
        Balance {
            contexts: usize::try_from(retained).unwrap_or(usize::MAX),
            pinned_allocations: self.pinned.count(),
            ..state.not_given_back()
        }
    }
}
