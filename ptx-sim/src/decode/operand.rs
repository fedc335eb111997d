//! Registers as slots of three files: 32 lanes of 32 bits, of 64 bits, and masks.

use std::collections::{BTreeMap, HashMap};

use tilewright_ptx_ir::ir::{Immediate, Operand, Reg, RegClass, Type};

use super::code::Condition;

/// A 32-bit source. 16-bit registers live here too, their upper half zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Narrow {
    Register(u32),
    Constant(u32),
}

/// A 64-bit source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wide {
    Register(u32),
    Constant(u64),
}

/// Any source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    Narrow(Narrow),
    Wide(Wide),
    Pred(u32),
}

/// Where a result goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// With the bits that the register has.
    Narrow(u32, u32),
    Wide(u32),
    Pred(u32),
}

impl Destination {
    /// The register as a source.
    pub(crate) const fn source(self) -> Source {
        match self {
            Self::Narrow(slot, _) => Source::Narrow(Narrow::Register(slot)),
            Self::Wide(slot) => Source::Wide(Wide::Register(slot)),
            Self::Pred(slot) => Source::Pred(slot),
        }
    }
}

/// Which slot each register has.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// The frame that registers belong to.
    pub(super) frame: u32,
    by_register: HashMap<(u32, Reg), u32>,
    /// What each slot stands for; `None` for a literal.
    narrow: Vec<Option<Reg>>,
    wide: Vec<Option<Reg>>,
    preds: Vec<Option<Reg>>,
    narrow_literals: BTreeMap<u32, u32>,
    wide_literals: BTreeMap<u64, u32>,
}

impl Slots {
    fn slot(&mut self, reg: Reg) -> u32 {
        let file = match reg.class {
            RegClass::Pred | RegClass::Carry => &mut self.preds,
            RegClass::B64 | RegClass::F64 => &mut self.wide,
            _ => &mut self.narrow,
        };
        *self.by_register.entry((self.frame, reg)).or_insert_with(|| {
            file.push(Some(reg));
            last(file)
        })
    }

    pub(crate) fn pred(&mut self, reg: Reg) -> u32 {
        self.slot(reg)
    }

    pub(crate) fn destination(&mut self, reg: Reg) -> Destination {
        let slot = self.slot(reg);
        match reg.class {
            RegClass::Pred | RegClass::Carry => Destination::Pred(slot),
            RegClass::B64 | RegClass::F64 => Destination::Wide(slot),
            RegClass::B16 => Destination::Narrow(slot, 0xFFFF),
            _ => Destination::Narrow(slot, u32::MAX),
        }
    }

    pub(crate) fn condition(&mut self, condition: tilewright_ptx_ir::ir::Condition) -> Condition {
        match condition {
            tilewright_ptx_ir::ir::Condition::Pred { pred, negate } => {
                Condition::Pred { slot: self.pred(pred), negate }
            }
            tilewright_ptx_ir::ir::Condition::Constant(holds) => Condition::Constant(holds),
        }
    }

    /// The slot of a 32-bit or 16-bit register.
    pub(crate) fn narrow_slot(&mut self, reg: Reg) -> Option<u32> {
        match self.destination(reg) {
            Destination::Narrow(slot, _) => Some(slot),
            _ => None,
        }
    }

    pub(crate) fn register(&mut self, reg: Reg) -> Source {
        let slot = self.slot(reg);
        match reg.class {
            RegClass::Pred | RegClass::Carry => Source::Pred(slot),
            RegClass::B64 | RegClass::F64 => Source::Wide(Wide::Register(slot)),
            _ => Source::Narrow(Narrow::Register(slot)),
        }
    }

    /// A source of an instruction of type `ty`, which gives literals their width.
    pub(crate) fn source(&mut self, operand: Operand, ty: Type) -> Option<Source> {
        let immediate = match operand {
            Operand::Reg(reg) => return Some(self.register(reg)),
            Operand::Imm(immediate) => immediate,
            _ => return None,
        };
        let bits = literal(immediate, ty)?;
        Some(if ty.bytes() == 8 {
            Source::Wide(Wide::Constant(bits))
        } else {
            Source::Narrow(Narrow::Constant(low(bits)))
        })
    }

    pub(crate) fn narrow(&mut self, operand: Operand, ty: Type) -> Option<Narrow> {
        match self.source(operand, ty)? {
            Source::Narrow(narrow) => Some(narrow),
            _ => None,
        }
    }

    pub(crate) fn wide(&mut self, operand: Operand, ty: Type) -> Option<Wide> {
        match self.source(operand, ty)? {
            Source::Wide(wide) => Some(wide),
            _ => None,
        }
    }

    /// The slot of a 32-bit source, which a literal is given.
    pub(crate) fn place(&mut self, source: Narrow) -> u32 {
        match source {
            Narrow::Register(slot) => slot,
            Narrow::Constant(value) => *self.narrow_literals.entry(value).or_insert_with(|| {
                self.narrow.push(None);
                last(&self.narrow)
            }),
        }
    }

    pub(crate) fn narrow_operand(&mut self, operand: Operand, ty: Type) -> Option<u32> {
        let source = self.narrow(operand, ty)?;
        Some(self.place(source))
    }

    pub(crate) fn narrow_operands(&mut self, operands: &[(Operand, Type)]) -> Option<Vec<u32>> {
        operands.iter().map(|(operand, ty)| self.narrow_operand(*operand, *ty)).collect()
    }

    /// The slot of a 64-bit source.
    pub(crate) fn wide_operand(&mut self, operand: Operand, ty: Type) -> Option<u32> {
        Some(match self.wide(operand, ty)? {
            Wide::Register(slot) => slot,
            Wide::Constant(value) => *self.wide_literals.entry(value).or_insert_with(|| {
                self.wide.push(None);
                last(&self.wide)
            }),
        })
    }

    /// The slots of literals and what these are.
    pub(crate) fn narrow_literals(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.narrow_literals.iter().map(|(value, slot)| (*slot, *value))
    }

    pub(crate) fn wide_literals(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.wide_literals.iter().map(|(value, slot)| (*slot, *value))
    }

    pub(crate) fn narrow_count(&self) -> usize {
        self.narrow.len()
    }

    pub(crate) fn wide_count(&self) -> usize {
        self.wide.len()
    }

    pub(crate) fn pred_count(&self) -> usize {
        self.preds.len()
    }

    /// The name of a register, for reports.
    pub(crate) fn name(&self, source: Source) -> String {
        let register = match source {
            Source::Narrow(Narrow::Register(slot)) => self.narrow.get(slot as usize),
            Source::Wide(Wide::Register(slot)) => self.wide.get(slot as usize),
            Source::Pred(slot) => self.preds.get(slot as usize),
            _ => None,
        };
        register.and_then(Option::as_ref).map(ToString::to_string).unwrap_or_default()
    }
}

fn last(file: &[Option<Reg>]) -> u32 {
    u32::try_from(file.len() - 1).unwrap_or(u32::MAX)
}

/// The bits of a literal in an instruction of type `ty`.
fn literal(immediate: Immediate, ty: Type) -> Option<u64> {
    match immediate {
        Immediate::Int(value) => {
            let bits = value.cast_unsigned();
            Some(match ty.bytes() {
                8 => bits,
                4 => bits & 0xFFFF_FFFF,
                2 => bits & 0xFFFF,
                // Predicates take 0 and 1.
                0 => u64::from(bits != 0),
                _ => bits & 0xFF,
            })
        }
        Immediate::F32(bits) => (ty.bytes() == 4).then_some(u64::from(bits)),
        Immediate::F64(bits) => (ty.bytes() == 8).then_some(bits),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the value was cut to 32 bits")]
const fn low(bits: u64) -> u32 {
    bits as u32
}
