//! What one process does for the campaign: a simulated driver is one a process, so every core has a process of its own.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use crate::case::{Case, Group};
use crate::equivalence;
use crate::judge::{Outcome, judge};
use crate::kernel::{Seen, Subject, discover, verify};
use crate::operator::{OPERATORS, sampled};

/// What a process is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Job {
    /// Which kernels cases run.
    Discover {
        /// Their crate.
        group: Group,
        /// Positions among the crate's cases.
        cases: Vec<usize>,
    },
    /// What becomes of the mutants of one kernel.
    Judge(Work),
}

/// Mutants of one kernel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Work {
    /// Its crate.
    pub(crate) group: Group,
    /// Positions of its cases among the crate's, cheapest first.
    pub(crate) cases: Vec<usize>,
    /// Whether mutants that are proved not to matter are run too, to see whether the proof is right.
    pub(crate) doubts: bool,
    /// Positions of operators.
    pub(crate) operators: Vec<usize>,
    /// So many mutants of each operator.
    pub(crate) sample: usize,
    /// Where the sample starts: another place in every kernel.
    pub(crate) phase: usize,
}

/// What it answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// For each case.
    Discovered(Vec<Result<Seen, String>>),
    /// For each mutant.
    Judged(Result<Vec<Judged>, String>),
}

/// A mutant and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Judged {
    /// Its operator.
    pub operator: String,
    /// The statement that was changed.
    pub statement: usize,
    /// What was changed.
    pub change: String,
    /// Whether a case noticed it.
    pub outcome: Outcome,
    /// Why it cannot matter, if that is proved.
    pub equivalent: Option<String>,
}

/// Answers jobs, one a line, until there are no more.
///
/// # Errors
/// If the other process has gone or does not speak the language.
pub fn serve(jobs: impl BufRead, mut answers: impl Write) -> io::Result<()> {
    for line in jobs.lines() {
        let answer = match serde_json::from_str(&line?)? {
            Job::Discover { group, cases: wanted } => {
                let cases = Case::of(group);
                let seen = |index: &usize| {
                    let case = cases.get(*index).ok_or("no such case")?;
                    discover(case).map(|(_, seen)| seen)
                };
                Answer::Discovered(wanted.iter().map(seen).collect())
            }
            Job::Judge(work) => Answer::Judged(judge_all(&Case::of(work.group), &work)),
        };
        serde_json::to_writer(&mut answers, &answer)?;
        writeln!(answers)?;
        answers.flush()?;
    }
    Ok(())
}

/// Every k for which host code chooses the kernel of these cases, if not all.
fn depths(cases: &[Case], own: &[usize]) -> Option<[u64; 2]> {
    let each = own.iter().filter_map(|index| cases.get(*index)).map(Case::depths);
    each.reduce(|all, one| all.zip(one).map(|([low, high], [least, most])| [low.min(least), high.max(most)])).flatten()
}

fn judge_all(cases: &[Case], work: &Work) -> Result<Vec<Judged>, String> {
    let case = work.cases.first().and_then(|index| cases.get(*index)).ok_or("a kernel without cases")?;
    let (module, _) = discover(case)?;
    let subject = Subject { module, cases: work.cases.clone() };
    let kernel = subject.kernel().ok_or("a module without kernels")?;
    let facts = equivalence::Facts::of(kernel, work.group, depths(cases, &work.cases));
    let (mut judged, mut verified) = (Vec::new(), BTreeSet::new());
    for operator in work.operators.iter().filter_map(|index| OPERATORS.get(*index)) {
        for mutant in sampled(operator.mutants(kernel), work.sample, work.phase) {
            let equivalent = facts.proof(&mutant);
            let outcome = if equivalent.is_some() && !work.doubts {
                Outcome::Survived
            } else {
                judge(&subject, cases, &mutant, operator.is_sync)
            };
            // What notices a fault must not see one where there is none.
            if let Outcome::Killed { case, .. } = &outcome
                && verified.insert(*case)
            {
                verify(cases.get(*case).ok_or("no such case")?)?;
            }
            judged.push(Judged {
                operator: operator.name.to_owned(),
                statement: mutant.edit.at,
                change: mutant.edit.describe(kernel),
                equivalent,
                outcome,
            });
        }
    }
    Ok(judged)
}
