//! Whether the cases of a kernel notice a fault in it.

use std::fmt;

use tilewright_libcuda_sim::{Profile, Report, Simulator};

use crate::case::{Case, Failure, Gpu};
use crate::edit::Mutant;
use crate::kernel::Subject;

/// The simulated driver that all trials of a process share.
pub(crate) const fn simulator() -> Simulator {
    Simulator::new(Profile::Sm90)
}

/// By what a mutant is noticed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Kill {
    /// A result is not what the oracle says.
    Value(String),
    /// The simulator finds a fault in the execution, of this kind.
    Finding(String),
    /// The verifier refuses the kernel, or the driver a launch of it.
    Refused(String),
}

impl Kill {
    /// A word for it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Value(_) => "value",
            Self::Finding(kind) => kind,
            Self::Refused(_) => "refused",
        }
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(what) | Self::Refused(what) => write!(f, "{}: {what}", self.name()),
            Self::Finding(kind) => f.write_str(kind),
        }
    }
}

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Outcome {
    /// Noticed, by this case.
    Killed {
        /// By what.
        by: Kill,
        /// The position of the case among all.
        case: usize,
    },
    /// Every case holds.
    Survived,
}

/// By what one case notices that something is wrong.
pub(crate) fn run(case: &Case, gpu: &Gpu) -> Option<Kill> {
    let outcome = case.check(gpu);
    let finding = simulator().take_reports().iter().find_map(first_finding);
    match (finding, outcome) {
        (Some(kind), _) => Some(Kill::Finding(kind)),
        (None, Ok(())) => None,
        (None, Err(failure @ (Failure::Wrong { .. } | Failure::Written { .. }))) => {
            Some(Kill::Value(failure.to_string()))
        }
        (None, Err(failure)) => Some(Kill::Refused(failure.to_string())),
    }
}

fn first_finding(report: &Report) -> Option<String> {
    report.findings.first().map(|finding| finding.kind.name().to_owned())
}

/// More instructions than a warp takes in any case.
const LONGEST: u64 = 1 << 20;

/// Runs the cases of `subject`, cheapest first, on the mutant until one notices it; with `by_finding` until the simulator finds something, so that a value that
/// happens to be wrong is not enough.
#[must_use]
pub fn judge(subject: &Subject, cases: &[Case], mutant: &Mutant, by_finding: bool) -> Outcome {
    let Some(kernel) = subject.kernel() else { return Outcome::Survived };
    let mut mutated = subject.module.clone();
    mutated.kernels = vec![mutant.edit.apply(kernel)];
    let original = subject.module.clone();
    simulator().set_rewrite(move |module| if module == original { mutated.clone() } else { module });
    let mut options = simulator().options();
    let before = options;
    // A mutant whose loop does not end is noticed soon.
    options.max_instructions = Some(LONGEST);
    simulator().set_options(options);
    let outcome = judge_cases(subject, cases, by_finding);
    simulator().set_options(before);
    simulator().clear_rewrite();
    outcome
}

fn judge_cases(subject: &Subject, cases: &[Case], by_finding: bool) -> Outcome {
    let mut by_value = None;
    let mut gpu = None;
    for index in &subject.cases {
        let Some(case) = cases.get(*index) else { continue };
        let opened = match gpu.take() {
            Some(opened) => opened,
            None => match Gpu::open(simulator()) {
                Ok(opened) => opened,
                Err(error) => return Outcome::Killed { by: Kill::Refused(error.to_string()), case: *index },
            },
        };
        match run(case, &opened) {
            None => gpu = Some(opened),
            Some(by @ Kill::Value(_)) if by_finding => {
                by_value.get_or_insert(Outcome::Killed { by, case: *index });
                gpu = Some(opened);
            }
            Some(by) => return Outcome::Killed { by, case: *index },
        }
    }
    by_value.unwrap_or(Outcome::Survived)
}
