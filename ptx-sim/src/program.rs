//! Programs: loaded PTX text.

use std::sync::Arc;

use tilewright_ptx_ir::ir::Module;
use tilewright_ptx_ir::{Reason, Source, VerifyErrors, parse, parse_kernel, verify};

use crate::decode::{Decoded, Surroundings, decode};
use crate::error::{LaunchError, LoadError};
use crate::execute::{self, Request};
use crate::kernel::KernelInfo;
use crate::launch::{Launch, Options, Outcome};
use crate::memory::{Memory, Variables};
use crate::profile::Profile;
use crate::variable;

/// A module that was parsed, verified and found to be modelled as a whole.
///
/// # Example
/// ```
/// use tilewright_ptx_sim::{Launch, Memory, Options, Profile, Program};
/// let program = Program::load(
///     ".version 7.0
///      .target sm_80
///      .address_size 64
///      .visible .entry count(.param .u64 out)
///      {
///          .reg .b32 %r<1>;
///          .reg .b64 %rd<3>;
///          ld.param.u64 %rd0, [out];
///          mov.u32 %r0, %tid.x;
///          mul.wide.u32 %rd1, %r0, 4;
///          add.u64 %rd2, %rd0, %rd1;
///          st.global.u32 [%rd2], %r0;
///          ret;
///      }",
///     Profile::Sm80,
/// )?;
/// let memory = Memory::new(1 << 20);
/// let out = memory.allocate(4 * 40)?;
/// // 64 threads write to memory for 40.
/// let launch = Launch { grid: [1, 1, 1], block: [64, 1, 1], dynamic_shared_bytes: 0 };
/// let outcome = program.launch(&memory, "count", launch, &out.to_le_bytes(), &Options::default())?;
/// assert!(outcome.report.to_string().contains("access past the end (0xa0 bytes)"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Program {
    profile: Profile,
    kernels: Vec<Decoded>,
    variables: Arc<Variables>,
    /// The text by lines, for reports.
    lines: Arc<Vec<String>>,
}

impl Program {
    /// Loads PTX text for a chip.
    ///
    /// # Errors
    /// [`LoadError`]: what is malformed, wrong, written for another chip or not modelled, with lines.
    pub fn load(text: &str, profile: Profile) -> Result<Self, LoadError> {
        Self::new(text, &parse(text)?, profile)
    }

    /// Loads of a text one kernel and the functions that it calls: what other kernels have need not be modelled. There is no kernel if none has this name.
    ///
    /// # Errors
    /// [`LoadError`], as [`load`](Self::load), of what is loaded.
    pub fn load_kernel(text: &str, name: &str, profile: Profile) -> Result<Self, LoadError> {
        Self::new(text, &parse_kernel(text, name)?, profile)
    }

    fn new(text: &str, source: &Source, profile: Profile) -> Result<Self, LoadError> {
        let module = &source.module;
        if !profile.accepts(module.target) {
            return Err(LoadError::Target { target: module.target, profile: profile.name() });
        }
        check_module(module)?;
        let (variables, addresses) = variable::place(module)?;
        let surroundings = Surroundings { module, function_lines: &source.function_lines };
        let mut places = Vec::new();
        let kernels = module
            .kernels
            .iter()
            .zip(&source.lines)
            .map(|(kernel, lines)| decode(kernel, lines, &surroundings, &addresses, &mut places))
            .collect();
        let lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
        if !places.is_empty() {
            for (line, what) in &mut places {
                if let Some(text) = (*line as usize).checked_sub(1).and_then(|index| lines.get(index)) {
                    what.clone_from(text);
                }
            }
            return Err(LoadError::NotModelled { places });
        }
        Ok(Self { profile, kernels, variables: Arc::new(variables), lines: Arc::new(lines) })
    }

    /// The chip.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// The kernel called `name`.
    #[must_use]
    pub fn kernel(&self, name: &str) -> Option<&KernelInfo> {
        self.decoded(name).map(|kernel| &kernel.info)
    }

    /// All kernels.
    pub fn kernels(&self) -> impl Iterator<Item = &KernelInfo> {
        self.kernels.iter().map(|kernel| &kernel.info)
    }

    /// Runs a kernel to its end, blocks in parallel on all cores.
    ///
    /// `arguments` holds all parameters at their offsets ([`KernelInfo::params`]).
    ///
    /// # Errors
    /// [`LaunchError`] for what a driver would refuse. What goes wrong in the kernel is in the report.
    pub fn launch(
        &self,
        memory: &Memory,
        kernel: &str,
        launch: Launch,
        arguments: &[u8],
        options: &Options,
    ) -> Result<Outcome, LaunchError> {
        self.start(memory, kernel, Request { launch, params: arguments, options, counts_lines: false })
    }

    /// The same, counting what each line of the text does.
    ///
    /// # Errors
    /// [`LaunchError`], as [`launch`](Self::launch).
    pub fn launch_by_line(
        &self,
        memory: &Memory,
        kernel: &str,
        launch: Launch,
        arguments: &[u8],
        options: &Options,
    ) -> Result<Outcome, LaunchError> {
        self.start(memory, kernel, Request { launch, params: arguments, options, counts_lines: true })
    }

    /// A line of the text, without the space around it.
    #[must_use]
    pub fn line(&self, number: u32) -> Option<&str> {
        self.lines.get((number as usize).checked_sub(1)?).map(String::as_str)
    }

    /// The variable of the module that an allocation of this number is ([`Location::Global`](crate::Location::Global)).
    #[must_use]
    pub fn variable(&self, allocation: u64) -> Option<&str> {
        self.variables.name(allocation)
    }

    fn start(&self, memory: &Memory, kernel: &str, request: Request<'_>) -> Result<Outcome, LaunchError> {
        let decoded = self.decoded(kernel).ok_or_else(|| LaunchError::NoKernel { name: kernel.to_owned() })?;
        self.check(decoded, request.launch, request.params)?;
        Ok(execute::run(self.profile, decoded, &self.lines, (memory, &self.variables), request))
    }

    fn check(&self, kernel: &Decoded, launch: Launch, arguments: &[u8]) -> Result<(), LaunchError> {
        let limits = self.profile.limits();
        let wanted = kernel.info.param_bytes as usize;
        if arguments.len() != wanted {
            return Err(LaunchError::Arguments { got: arguments.len(), wanted });
        }
        let [x, y, z] = launch.grid;
        if x == 0 || x > 0x7FFF_FFFF || ![y, z].iter().all(|extent| (1..=65_535).contains(extent)) {
            return Err(LaunchError::Extents { what: "grid", got: launch.grid });
        }
        let threads = launch.block.iter().map(|extent| u64::from(*extent)).product::<u64>();
        let required = kernel.limits.required_threads.is_none_or(|required| required == launch.block);
        let allowed = kernel
            .limits
            .max_threads
            .is_none_or(|[x, y, z]| threads <= u64::from(x).saturating_mul(u64::from(y)).saturating_mul(u64::from(z)));
        if threads == 0 || threads > u64::from(limits.threads_per_block) || !required || !allowed {
            return Err(LaunchError::Extents { what: "block", got: launch.block });
        }
        let shared = kernel.info.static_shared_bytes.saturating_add(launch.dynamic_shared_bytes);
        if shared > limits.shared_bytes_per_block_opt_in {
            return Err(LaunchError::Shared { got: shared, limit: limits.shared_bytes_per_block_opt_in });
        }
        Ok(())
    }

    fn decoded(&self, name: &str) -> Option<&Decoded> {
        self.kernels.iter().find(|kernel| kernel.info.name == name)
    }
}

/// The verifier's rules, without those that are no condition of a driver. A register that is not written on every path: compilers leave such where the value
/// does not matter. An access whose place says that it may not be aligned: it may well be, as an array of bytes is where dynamic shared memory begins. Who
/// does wrong by either is told lane by lane.
fn check_module(module: &Module) -> Result<(), VerifyErrors> {
    let is_told_later = |reason: &Reason| {
        matches!(reason, Reason::Undefined { .. } | Reason::Misaligned { .. } | Reason::MisalignedOffset { .. })
    };
    match verify(module) {
        Err(errors) if errors.errors().iter().all(|error| is_told_later(&error.reason)) => Ok(()),
        result => result,
    }
}
