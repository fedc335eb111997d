//! The kill table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};
use tilewright_ptx_ir::ir::Module;

use crate::campaign::Judgement;
use crate::case::{Case, Group};
use crate::judge::Outcome;
use crate::operator::{OPERATORS, Operator};
use crate::worker::Judged;

/// How many of some mutants were noticed, and by what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// All of them.
    pub made: usize,
    /// Noticed by a value.
    pub by_value: usize,
    /// Noticed by a finding of the simulator.
    pub by_finding: usize,
    /// Refused by the verifier or the driver.
    pub refused: usize,
    /// Not noticed, and proved not to matter.
    pub equivalent: usize,
    /// Not noticed.
    pub survived: usize,
    /// Noticed although a rule says that they do not matter: the rule is wrong.
    pub contradicted: usize,
}

/// The statements of a module's kernel with their numbers.
#[must_use]
pub fn text(name: &str, module: &Module) -> String {
    let mut text = format!("{name}\n");
    for kernel in &module.kernels {
        for at in 0..kernel.body.len() {
            writeln!(text, "{at:5}  {}", kernel.statement_text(at).unwrap_or_default()).ok();
        }
    }
    text
}

impl Tally {
    fn add(&mut self, mutant: &Judged) {
        self.made += 1;
        match (&mutant.outcome, &mutant.equivalent) {
            (Outcome::Survived, None) => self.survived += 1,
            (Outcome::Survived, Some(_)) => self.equivalent += 1,
            (Outcome::Killed { by, .. }, equivalent) => {
                match by {
                    crate::Kill::Value(_) => self.by_value += 1,
                    crate::Kill::Finding(_) => self.by_finding += 1,
                    crate::Kill::Refused(_) => self.refused += 1,
                }
                // What is refused is not run: that says nothing of the rule.
                let is_run = !matches!(by, crate::Kill::Refused(_));
                self.contradicted += usize::from(is_run && equivalent.is_some());
            }
        }
    }

    /// Those that were noticed.
    #[must_use]
    pub const fn killed(&self) -> usize {
        self.by_value + self.by_finding + self.refused
    }

    /// Noticed of those that matter, in percent.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    pub fn percent(&self) -> f64 {
        let matter = self.made - self.equivalent;
        if matter == 0 { 100.0 } else { 100.0 * self.killed() as f64 / matter as f64 }
    }

    fn row(&self, name: &str) -> Vec<String> {
        let mut row = vec![name.to_owned()];
        let counts =
            [self.made, self.by_value, self.by_finding, self.refused, self.equivalent, self.survived].into_iter();
        row.extend(counts.map(|count| count.to_string()));
        row.push(format!("{:.1}", self.percent()));
        row
    }
}

/// Whether a wrong value alone is not enough for a mutant of this operator.
fn is_sync(mutant: &Judged) -> bool {
    Operator::named(&mutant.operator).is_some_and(|operator| operator.is_sync)
}

/// The count of all mutants.
#[must_use]
pub fn total(judgements: &[Judgement]) -> Tally {
    let mut tally = Tally::default();
    mutants(judgements).for_each(|mutant| tally.add(mutant));
    tally
}

/// Those that drop synchronisation and that no checker noticed, or nobody, without a proof that they do not matter.
#[must_use]
pub fn unchecked(judgements: &[Judgement]) -> usize {
    let missed = |mutant: &&Judged| {
        let found =
            matches!(&mutant.outcome, Outcome::Killed { by: crate::Kill::Finding(_) | crate::Kill::Refused(_), .. });
        is_sync(mutant) && !found && mutant.equivalent.is_none()
    };
    mutants(judgements).filter(missed).count()
}

fn mutants(judgements: &[Judgement]) -> impl Iterator<Item = &Judged> {
    judgements.iter().flat_map(|judgement| &judgement.mutants)
}

const HEADER: [&str; 8] = ["", "made", "value", "finding", "refused", "equivalent", "survived", "killed %"];

fn table(rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(HEADER).add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The table by operator, and the one by crate.
#[must_use]
pub fn print(judgements: &[Judgement]) -> String {
    let mut by_operator: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut by_group: BTreeMap<_, (usize, Tally)> = BTreeMap::new();
    for judgement in judgements {
        let (kernels, tally) = by_group.entry(judgement.group).or_default();
        *kernels += 1;
        for mutant in &judgement.mutants {
            by_operator.entry(&mutant.operator).or_default().add(mutant);
            tally.add(mutant);
        }
    }
    let operators = OPERATORS.iter().filter_map(|operator| Some(by_operator.get(operator.name)?.row(operator.name)));
    let groups =
        by_group.iter().map(|(group, (kernels, tally))| tally.row(&format!("{}, {kernels} kernels", group.name())));
    let all = total(judgements).row(&format!("all, {} kernels", judgements.len()));
    format!("{}\n\n{}\n", table(operators), table(groups.chain([all])))
}

/// The cases of each kernel that has mutants that nobody noticed.
#[must_use]
pub fn cases(judgements: &[Judgement]) -> String {
    let mut text = String::new();
    let mut known: BTreeMap<Group, Vec<Case>> = BTreeMap::new();
    let survived = |mutant: &Judged| mutant.outcome == Outcome::Survived && mutant.equivalent.is_none();
    for judgement in judgements.iter().filter(|judgement| judgement.mutants.iter().any(survived)) {
        let cases = known.entry(judgement.group).or_insert_with(|| Case::of(judgement.group));
        let _ = writeln!(text, "{} {}:", judgement.group.name(), judgement.kernel);
        for case in judgement.cases.iter().filter_map(|index| cases.get(*index)) {
            let _ = writeln!(text, "    {}", case.name());
        }
    }
    text
}

/// Each mutant that nobody noticed: where it is, what it changes, and why that does not matter if that is known.
#[must_use]
pub fn survivors(judgements: &[Judgement], with_equivalent: bool) -> String {
    let mut text = String::new();
    for judgement in judgements {
        for mutant in &judgement.mutants {
            let left = match (&mutant.outcome, &mutant.equivalent) {
                (Outcome::Survived, None) => "survived".to_owned(),
                (Outcome::Survived, Some(reason)) if with_equivalent => format!("equivalent: {reason}"),
                (Outcome::Killed { by, .. }, Some(reason)) => format!("killed by {by}, and yet: {reason}"),
                (Outcome::Killed { by: by @ crate::Kill::Value(_), .. }, None) if is_sync(mutant) => {
                    format!("no checker noticed: {by}")
                }
                _ => continue,
            };
            let (group, kernel) = (judgement.group.name(), &judgement.kernel);
            let Judged { operator, statement, change, .. } = mutant;
            let _ = writeln!(text, "{group} {kernel}, statement {statement}, {operator}: {change} | {left}");
        }
    }
    text
}
