//! The books of the fake driver.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use tilewright_ffi::sys::CUstreamCaptureMode;

/// What a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Context,
    Stream,
    Event,
    Module,
    Graph,
    Executable,
    DeviceMemory,
    PinnedMemory,
}

/// A kernel that was launched, with its arguments' bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Launched {
    pub(crate) kernel: String,
    pub(crate) arguments: Vec<Vec<u8>>,
    pub(crate) has_cluster: bool,
}

/// A copy that has not been performed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) stream: u64,
    pub(crate) number: u64,
    pub(crate) host: usize,
    pub(crate) device: u64,
    pub(crate) bytes: usize,
    pub(crate) to_device: bool,
}

pub(crate) struct Function {
    pub(crate) module: u64,
    pub(crate) name: String,
    pub(crate) parameters: Vec<usize>,
}

pub(crate) struct State {
    pub(crate) calls: Vec<&'static str>,
    pub(crate) counted: usize,
    pub(crate) fail_at: Option<usize>,
    pub(crate) fail_symbol: Option<&'static str>,
    pub(crate) fail_with: u32,
    pub(crate) failure_stays: bool,
    pub(crate) failed: Option<&'static str>,
    pub(crate) misuse: Vec<String>,
    pub(crate) is_busy: bool,
    pub(crate) launches: Vec<Launched>,
    next: u64,
    handles: BTreeMap<u64, Kind>,
    /// Primary contexts of the devices, and how often each was retained.
    pub(crate) primary: [(u64, usize); 2],
    pub(crate) modules: BTreeMap<u64, String>,
    pub(crate) functions: BTreeMap<u64, Function>,
    pub(crate) device: BTreeMap<u64, Vec<u8>>,
    pub(crate) pinned: BTreeMap<usize, Vec<u8>>,
    pub(crate) pending: Vec<Pending>,
    pub(crate) copies: u64,
    /// Stream and number of the last copy before each recorded event.
    pub(crate) events: BTreeMap<u64, (u64, u64)>,
    pub(crate) capturing: Vec<u64>,
    /// What the capturing thread may do.
    pub(crate) capture_mode: CUstreamCaptureMode,
    /// Captures that a forbidden call has spoilt.
    pub(crate) spoilt: Vec<u64>,
}

thread_local! {
    /// The current context of this thread, 0 for none.
    pub(crate) static CURRENT: Cell<u64> = const { Cell::new(0) };
}

pub(crate) static STATE: LazyLock<Mutex<State>> = LazyLock::new(|| Mutex::new(State::new()));

pub(crate) const INVALID_VALUE: u32 = 1;
pub(crate) const INVALID_CONTEXT: u32 = 201;
pub(crate) const INVALID_HANDLE: u32 = 400;

impl State {
    pub(crate) fn new() -> Self {
        Self {
            calls: Vec::new(),
            counted: 0,
            fail_at: None,
            fail_symbol: None,
            fail_with: 0,
            failure_stays: false,
            failed: None,
            misuse: Vec::new(),
            is_busy: false,
            launches: Vec::new(),
            next: 0x1000,
            handles: BTreeMap::new(),
            primary: [(0, 0); 2],
            modules: BTreeMap::new(),
            functions: BTreeMap::new(),
            device: BTreeMap::new(),
            pinned: BTreeMap::new(),
            pending: Vec::new(),
            copies: 0,
            events: BTreeMap::new(),
            capturing: Vec::new(),
            capture_mode: CUstreamCaptureMode::GLOBAL,
            spoilt: Vec::new(),
        }
    }

    pub(crate) fn create(&mut self, kind: Kind) -> u64 {
        self.next += 0x100;
        self.handles.insert(self.next, kind);
        self.next
    }

    pub(crate) fn add(&mut self, handle: u64, kind: Kind) {
        self.handles.insert(handle, kind);
    }

    /// A handle that is dead or of another kind is noted.
    pub(crate) fn check(&mut self, handle: u64, kind: Kind) -> Result<(), u32> {
        if self.handles.get(&handle) == Some(&kind) {
            return Ok(());
        }
        self.misuse.push(format!("{handle:#x} is no {kind:?}: {:?}", self.calls.last()));
        Err(INVALID_HANDLE)
    }

    pub(crate) fn destroy(&mut self, handle: u64, kind: Kind) -> Result<(), u32> {
        self.check(handle, kind)?;
        self.handles.remove(&handle);
        Ok(())
    }

    pub(crate) fn live(&self) -> Vec<(Kind, usize)> {
        let mut counts = BTreeMap::new();
        for kind in self.handles.values() {
            *counts.entry(*kind).or_insert(0) += 1;
        }
        counts.into_iter().collect()
    }

    /// A call that needs a context and has none is noted.
    pub(crate) fn check_context(&mut self) -> Result<(), u32> {
        let current = CURRENT.get();
        if self.handles.get(&current) == Some(&Kind::Context) {
            return Ok(());
        }
        self.misuse.push(format!("no context is current: {:?}", self.calls.last()));
        Err(INVALID_CONTEXT)
    }

    /// The device memory that begins at or before `address`, from there on.
    pub(crate) fn memory(&mut self, address: u64, bytes: usize) -> Result<&mut [u8], u32> {
        let found = self.device.range_mut(..=address).next_back().and_then(|(start, memory)| {
            let offset = usize::try_from(address - start).ok()?;
            memory.get_mut(offset..offset.checked_add(bytes)?)
        });
        found.ok_or(INVALID_VALUE)
    }

    /// Performs what was enqueued on `stream`, up to copy `last`.
    pub(crate) fn perform(&mut self, is_meant: impl Fn(&Pending) -> bool) {
        let (now, later) = self.pending.iter().partition(|copy| is_meant(copy));
        self.pending = later;
        let now: Vec<Pending> = now;
        for copy in now {
            if let Err(code) = self.copy(copy) {
                self.misuse.push(format!("a copy of freed memory: {copy:?}: {code}"));
            }
        }
    }

    /// Copies between device memory and pinned memory, or host memory that the caller waits for.
    fn copy(&mut self, copy: Pending) -> Result<(), u32> {
        let Pending { host, device, bytes, to_device, .. } = copy;
        if to_device {
            let mut from = vec![0; bytes];
            // SAFETY: the caller of the copy keeps the memory until it has waited for it; pinned memory is checked when it is freed.
            unsafe { std::ptr::copy_nonoverlapping(host as *const u8, from.as_mut_ptr(), bytes) };
            self.memory(device, bytes)?.copy_from_slice(&from);
        } else {
            let from = self.memory(device, bytes)?.to_vec();
            // SAFETY: as above, for writes.
            unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), host as *mut u8, bytes) };
        }
        Ok(())
    }
}
