//! The driver as ordinary Rust: handles are numbers, errors are [`Code`]s, nothing is a pointer.
//!
//! One noun a file. There is one driver a profile in a process, as there is one `libcuda.so` in a process.

pub(crate) mod attributes;
mod balance;
mod capture;
mod context;
mod event;
mod memory;
mod module;
mod operation;
mod stream;

use std::cell::RefCell;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tilewright_ptx_sim::{Profile, Statistics};

pub use balance::Balance;
pub(crate) use context::Context;
pub(crate) use event::Event;
pub(crate) use memory::PointerKind;
pub(crate) use module::{Function, KernelFacts, LoadFailure, Module};
pub(crate) use operation::{Graph, Launch, LaunchShape, Operation};
pub(crate) use stream::Stream;

use crate::code::{Code, Result};
use crate::handles::Handles;
use crate::host::Pinned;
use crate::options::Rewrite;
use crate::{Options, Report, environment};

/// One simulated driver with one device.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) profile: Profile,
    pub(crate) pinned: Pinned,
    /// Whether it is the chip's driver whose calls can be made to fail.
    faulty: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    initialized: bool,
    objects: Handles<Object>,
    primary: Option<Primary>,
    /// What died with a context because nobody gave it back.
    lost: Balance,
    /// What was set, if anything was; the environment's otherwise.
    options: Option<Options>,
    /// What becomes of modules before they are loaded.
    rewrite: Option<Rewrite>,
    reports: Vec<Report>,
    statistics: Statistics,
}

/// The primary context and how often it was retained.
#[derive(Clone, Copy, Debug)]
struct Primary {
    handle: u64,
    retained: u64,
}

/// What a handle stands for.
#[derive(Clone, Debug)]
enum Object {
    Context(Arc<Context>),
    Stream(Arc<Stream>),
    Event(Arc<Event>),
    Module(Arc<Module>),
    Function(Arc<Function>),
    /// A captured graph.
    Graph(Arc<Graph>),
    /// A graph that can be launched.
    Executable(Arc<Graph>),
}

thread_local! {
    /// The stack of current contexts of this thread, for each driver: two of each profile.
    static CURRENT: RefCell<[Vec<u64>; 2 * Profile::ALL.len()]> =
        const { RefCell::new([const { Vec::new() }; 2 * Profile::ALL.len()]) };
}

impl Driver {
    pub(crate) const fn new(profile: Profile, faulty: bool) -> Self {
        let state = State {
            initialized: false,
            objects: Handles::new(),
            primary: None,
            lost: Balance::ZERO,
            options: None,
            rewrite: None,
            reports: Vec::new(),
            statistics: Statistics::ZERO,
        };
        Self { profile, pinned: Pinned::new(), faulty, state: Mutex::new(state) }
    }

    /// Forgets everything, as a new process would; handles of before are dead, and pinned memory is left to whoever has it.
    pub(crate) fn reset(&self) {
        let mut state = self.state();
        state.initialized = false;
        state.objects.remove_if(|_| true);
        state.primary = None;
        state.lost = Balance::ZERO;
        state.options = None;
        state.rewrite = None;
        state.reports.clear();
        state.statistics = Statistics::ZERO;
        drop(state);
        self.pinned.forget();
        // A thread that is ending has nothing to forget.
        let _ = self.with_current(Vec::clear);
        let _ = self.exchange_capture_mode(0);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `cuInit`.
    pub(crate) fn initialize(&self, flags: u32) -> Result<()> {
        if flags != 0 {
            return Err(Code::INVALID_VALUE);
        }
        if let Err(error) = environment::verify() {
            writeln!(std::io::stderr(), "{error}").ok();
            return Err(Code::INVALID_VALUE);
        }
        self.state().initialized = true;
        Ok(())
    }

    /// An error unless `cuInit` has been called.
    pub(crate) fn check_initialized(&self) -> Result<()> {
        if self.state().initialized { Ok(()) } else { Err(Code::NOT_INITIALIZED) }
    }

    /// An error unless `device` is 0, the only one.
    pub(crate) fn check_device(&self, device: i32) -> Result<()> {
        self.check_initialized()?;
        if device == 0 { Ok(()) } else { Err(Code::INVALID_DEVICE) }
    }

    pub(crate) fn set_options(&self, options: Options) {
        self.state().options = Some(options);
    }

    pub(crate) fn options(&self) -> Options {
        self.state().options.unwrap_or_else(Options::from_environment)
    }

    pub(crate) fn set_rewrite(&self, rewrite: Option<Rewrite>) {
        self.state().rewrite = rewrite;
    }

    pub(crate) fn rewrite(&self) -> Option<Rewrite> {
        self.state().rewrite.clone()
    }

    /// The reports since the last call.
    pub(crate) fn take_reports(&self) -> Vec<Report> {
        std::mem::take(&mut self.state().reports)
    }

    /// What kernels have done since the last call.
    pub(crate) fn take_statistics(&self) -> Statistics {
        std::mem::take(&mut self.state().statistics)
    }

    fn add_statistics(&self, statistics: &Statistics) {
        self.state().statistics.add(statistics);
    }

    fn keep_report(&self, report: Report) {
        /// So many are kept for a program that never asks.
        const KEPT: usize = 256;
        let mut state = self.state();
        if state.reports.len() < KEPT {
            state.reports.push(report);
        }
    }

    fn insert(&self, object: Object) -> Result<u64> {
        self.state().objects.insert(object)
    }

    fn with_current<T>(&self, act: impl FnOnce(&mut Vec<u64>) -> T) -> Result<T> {
        let profile = Profile::ALL.iter().position(|profile| *profile == self.profile).ok_or(Code::UNKNOWN)?;
        let index = 2 * profile + usize::from(self.faulty);
        CURRENT
            .try_with(|current| current.borrow_mut().get_mut(index).map(act))
            .ok()
            .flatten()
            // A thread that is ending has no current context any more.
            .ok_or(Code::INVALID_CONTEXT)
    }
}

/// Ways from a handle to its object; every kind of object has one, and a handle of another kind is refused.
macro_rules! lookups {
    ($($name:ident, $variant:ident, $object:ty, $error:ident;)+) => {
        impl Driver {
            $(pub(crate) fn $name(&self, handle: u64) -> Result<Arc<$object>> {
                match self.state().objects.object(handle) {
                    Some(Object::$variant(object)) => Ok(Arc::clone(object)),
                    _ => Err(Code::$error),
                }
            })+
        }
    };
}

lookups! {
    context, Context, Context, INVALID_CONTEXT;
    created_stream, Stream, Stream, INVALID_HANDLE;
    event, Event, Event, INVALID_HANDLE;
    module, Module, Module, INVALID_HANDLE;
    function, Function, Function, INVALID_HANDLE;
    graph, Graph, Graph, INVALID_VALUE;
    executable, Executable, Graph, INVALID_VALUE;
}
