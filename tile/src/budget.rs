//! What an assembler may spend on a kernel.

use tilewright_ptx_ir::Target;

/// The registers that a thread of a kernel may use, as data next to the kernel. No kernel may spill at all.
///
/// `showcase ptxas` assembles every kernel and holds it to this. A kernel that needs more than its budget runs with fewer blocks on a multiprocessor, or
/// spills: either is a decision, not an accident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a table constructs it by name")]
pub struct Budget {
    /// The kernel's name, or a family of names: `*` stands for anything.
    pub kernel: &'static str,
    /// Registers of a thread for each of [`Budget::TARGETS`].
    pub registers: [u32; 4],
}

impl Budget {
    /// The targets that budgets are given for, in order.
    pub const TARGETS: [Target; 4] = [Target::Sm80, Target::Sm86, Target::Sm89, Target::Sm90a];

    /// The first budget that names `kernel`.
    #[must_use]
    pub fn of<'a>(budgets: &'a [Self], kernel: &str) -> Option<&'a Self> {
        budgets.iter().find(|budget| matches(budget.kernel, kernel))
    }

    /// Registers of a thread for `target`; sm_90 has sm_90a's.
    #[must_use]
    pub fn registers(&self, target: Target) -> u32 {
        let index = Self::TARGETS.iter().position(|known| *known == target);
        self.registers[index.unwrap_or(self.registers.len() - 1)]
    }
}

/// Whether `name` is `pattern` with something, or nothing, for each `*`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| &rest[at..]).chain([""]).any(|tail| matches(after, tail))
        }),
    }
}
