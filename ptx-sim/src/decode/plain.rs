//! Instructions that are functions of the registers of each lane, and runs of them.

use tilewright_ptx_ir::ir::BoolOp;

use super::code::{Code, Instruction};
use crate::registers::Registers;
use crate::statistics::Class;

/// Executes such an instruction in some lanes.
pub(crate) type Run = fn(&mut Registers, &Plain, u32);

/// Such an instruction: small, so that many of them fit into a cache. Literals have slots as registers have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain {
    pub(crate) run: Run,
    pub(crate) dst: u32,
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) c: u32,
    pub(super) guard: Guard,
    /// Of `lop3`.
    pub(crate) table: u8,
    /// What is done with another predicate.
    pub(crate) combine: Option<BoolOp>,
}

/// A predicate and whether it is negated, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guard(u32);

impl Guard {
    const NONE: Self = Self(u32::MAX);

    fn new(guard: Option<(u32, bool)>) -> Self {
        guard.map_or(Self::NONE, |(slot, is_negated)| Self(slot << 1 | u32::from(is_negated)))
    }
}

impl Plain {
    pub(crate) fn new(run: Run, dst: u32, sources: &[u32]) -> Self {
        let source = |index: usize| sources.get(index).copied().unwrap_or(0);
        let (a, b, c) = (source(0), source(1), source(2));
        Self { run, dst, a, b, c, guard: Guard::NONE, table: 0, combine: None }
    }

    /// Executes it where its guard holds.
    #[inline]
    pub(crate) fn execute(&self, registers: &mut Registers, lanes: u32) {
        let mut active = lanes;
        if self.guard != Guard::NONE {
            let holds = registers.pred(self.guard.0 >> 1, lanes);
            active = lanes & if self.guard.0 & 1 == 1 { !holds } else { holds };
            if active == 0 {
                return;
            }
        }
        (self.run)(registers, self, active);
    }
}

/// The plain instructions of a kernel, by their places.
#[derive(Debug, Default)]
pub(crate) struct Straight {
    /// Where there is another instruction, one that does nothing.
    plain: Vec<Plain>,
    /// How many follow one another from each place on.
    lengths: Vec<u32>,
    /// How many before each place count as floating-point arithmetic, and one more.
    floats: Vec<u32>,
}

impl Straight {
    pub(crate) fn new(instructions: &[Instruction]) -> Self {
        let nothing = Plain::new(|_, _, _| {}, 0, &[]);
        let plain = instructions.iter().map(|instruction| match &instruction.code {
            Code::Plain(plain) => Plain { guard: Guard::new(instruction.guard), ..*plain },
            _ => nothing,
        });
        let mut lengths = vec![0; instructions.len()];
        let mut length = 0;
        for (place, instruction) in lengths.iter_mut().zip(instructions).rev() {
            length = if matches!(instruction.code, Code::Plain(_)) { length + 1 } else { 0 };
            *place = length;
        }
        let mut floats = vec![0];
        let mut count = 0;
        for instruction in instructions {
            count += u32::from(instruction.class == Class::Float);
            floats.push(count);
        }
        Self { plain: plain.collect(), lengths, floats }
    }

    /// The instructions from a place on that follow one another.
    #[inline]
    pub(crate) fn from(&self, pc: u32) -> &[Plain] {
        let start = pc as usize;
        let length = self.lengths.get(start).map_or(0, |length| *length as usize);
        self.plain.get(start..start + length).unwrap_or(&[])
    }

    /// How many of the instructions in a range count as floating-point arithmetic.
    #[inline]
    pub(crate) fn floats(&self, start: u32, end: u32) -> u32 {
        let before = |pc: u32| self.floats.get(pc as usize).copied().unwrap_or(0);
        before(end) - before(start)
    }
}
