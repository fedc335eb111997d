//! Which instructions ran, and how often.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tilewright_ptx_ir::ir::Statement;

use crate::generate::Case;
use crate::naive::{self, NaiveError};

/// How often every kind of instruction was executed, by all threads together.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// By the variant of the IR's `Op`, by the first word of the text.
    counts: BTreeMap<String, BTreeMap<String, Count>>,
}

#[derive(Clone, Debug, Default)]
struct Count {
    executions: u64,
    /// The opcodes with all modifiers.
    opcodes: BTreeSet<String>,
}

impl Coverage {
    /// Evaluates a kernel and counts what it executes.
    ///
    /// # Errors
    /// If it cannot be evaluated.
    pub fn add(&mut self, case: &Case) -> Result<(), NaiveError> {
        let evaluated = naive::run(&case.module, case.blocks, case.threads, &case.input)?;
        let kernel = case.kernel();
        for (index, executions) in evaluated.executions.into_iter().enumerate() {
            let (Some(Statement::Inst(inst)), Some(text)) = (kernel.body.get(index), kernel.statement_text(index))
            else {
                continue;
            };
            if executions == 0 {
                continue;
            }
            let variant = format!("{:?}", inst.op);
            let variant = variant.split([' ', '{']).next().unwrap_or_default();
            let opcode = text.split([' ', ';']).find(|word| !word.starts_with('@')).unwrap_or_default();
            let word = opcode.split('.').next().unwrap_or_default();
            let count = self.counts.entry(variant.to_owned()).or_default().entry(word.to_owned()).or_default();
            count.executions += executions;
            count.opcodes.insert(opcode.to_owned());
        }
        Ok(())
    }

    /// Both together.
    #[must_use]
    pub fn merged(mut self, other: Self) -> Self {
        for (variant, words) in other.counts {
            let into = self.counts.entry(variant).or_default();
            for (word, count) in words {
                let into = into.entry(word).or_default();
                into.executions += count.executions;
                into.opcodes.extend(count.opcodes);
            }
        }
        self
    }

    /// The variants of `Op` that ran.
    pub fn variants(&self) -> impl Iterator<Item = &str> {
        self.counts.keys().map(String::as_str)
    }
}

/// A table in Markdown.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| `Op` | opcodes | executions | of which |\n|---|--:|--:|---|")?;
        for (variant, words) in &self.counts {
            let opcodes: usize = words.values().map(|count| count.opcodes.len()).sum();
            let executions = words.values().map(|count| count.executions).sum();
            let parts = words.iter().map(|(word, count)| format!("`{word}` {}", Short(count.executions)));
            let parts = if words.len() == 1 {
                words.keys().map(|word| format!("`{word}`")).collect()
            } else {
                parts.collect::<Vec<_>>().join(", ")
            };
            writeln!(f, "| `{variant}` | {opcodes} | {} | {parts} |", Short(executions))?;
        }
        let all = self.counts.values().flat_map(BTreeMap::values);
        let (opcodes, executions) =
            all.fold((0, 0), |(opcodes, sum), count| (opcodes + count.opcodes.len(), sum + count.executions));
        writeln!(f, "| all | {opcodes} | {} | |", Short(executions))
    }
}

/// A number in thousands or millions.
struct Short(u64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..10_000 => write!(f, "{}", self.0),
            10_000..1_000_000 => write!(f, "{} k", self.0 / 1000),
            _ => write!(f, "{}.{} M", self.0 / 1_000_000, self.0 / 100_000 % 10),
        }
    }
}
