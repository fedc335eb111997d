//! Entry points as a list, and how a program finds one by name.

use std::ffi::c_void;

/// An exported function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Its exact, versioned symbol.
    pub(crate) symbol: &'static str,
    /// The version of CUDA that brought it: 1000 major + 10 minor.
    pub(crate) since: u32,
    pub(crate) address: *const c_void,
}

impl Entry {
    pub(crate) const fn new(symbol: &'static str, since: u32, address: *const c_void) -> Self {
        Self { symbol, since, address }
    }

    /// The name without version and stream: what `cuGetProcAddress` is asked for.
    fn name(&self) -> &'static str {
        let plain = self.plain();
        match plain.rsplit_once("_v") {
            Some((name, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => plain,
        }
    }

    /// The symbol without what says whose stream 0 it takes.
    fn plain(&self) -> &'static str {
        let symbol = self.symbol;
        symbol.strip_suffix("_ptsz").or_else(|| symbol.strip_suffix("_ptds")).unwrap_or(symbol)
    }

    fn is_per_thread(&self) -> bool {
        self.plain().len() < self.symbol.len()
    }
}

/// What a search by name found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    Entry(Entry),
    /// It came with a later version than the program asked for.
    TooNew,
    Nothing,
}

/// The newest function `name` that CUDA `version` has; an exact symbol is found too, whatever its version.
pub(crate) fn find(entries: impl Iterator<Item = Entry> + Clone, name: &str, version: u32, per_thread: bool) -> Found {
    let named = entries.clone().filter(|entry| entry.name() == name);
    let fitting = named.clone().filter(|entry| entry.since <= version);
    // Among those of one version the one whose stream 0 is the wanted one counts.
    let newest = fitting.max_by_key(|entry| (entry.plain().len(), entry.plain(), entry.is_per_thread() == per_thread));
    let is_name = named.clone().next().is_some();
    match newest {
        Some(entry) => Found::Entry(entry),
        None if is_name => Found::TooNew,
        None => entries.clone().find(|entry| entry.symbol == name).map_or(Found::Nothing, Found::Entry),
    }
}
