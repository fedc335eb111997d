//! Kernels that were built once and are kept.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use crate::context::Context;
use crate::error::Error;
use crate::function::Function;

/// What a kernel is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct KernelSource {
    /// The module's PTX text.
    pub text: String,
    /// The kernel's name in it.
    pub entry: String,
    /// Bytes of each of its parameters.
    pub parameters: Vec<usize>,
}

/// The kernels of one context by the plans they were built for.
///
/// The first demand for a plan builds and loads the kernel; every later one is a lock and a look into a table.
#[derive(Debug)]
pub struct KernelCache<P> {
    context: Context,
    functions: Mutex<HashMap<P, Arc<Function>>>,
}

impl<P: Eq + Hash + Clone> KernelCache<P> {
    /// An empty cache.
    #[must_use]
    pub fn new(context: &Context) -> Self {
        Self { context: context.clone(), functions: Mutex::new(HashMap::new()) }
    }

    /// The context the kernels are loaded in.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The kernel for `plan`; `build` writes it when it is asked for the first time.
    ///
    /// # Errors
    /// What `build` returns, and what loading the text can return. Nothing is kept then.
    pub fn function<E: From<Error>>(
        &self,
        plan: &P,
        build: impl FnOnce() -> Result<KernelSource, E>,
    ) -> Result<Arc<Function>, E> {
        // Held while building, so that a kernel is built once however many threads ask for it.
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = functions.get(plan) {
            return Ok(Arc::clone(function));
        }
        let KernelSource { text, entry, parameters } = build()?;
        let function = Arc::new(self.context.load_ptx(&text)?.function(&entry, &parameters)?);
        functions.insert(plan.clone(), Arc::clone(&function));
        Ok(function)
    }
}
