//! The values that integer registers may have, whatever the arguments are: for each register, what any of its definitions gives.

use std::collections::{BTreeMap, BTreeSet};

use tilewright_ptx_ir::ir::{
    Address, Base, BinaryOp, Compare, Immediate, Kernel, MulPart, Op, Operand, Reg, RegClass, Space, Special,
    Statement, TernaryOp, Type, UnaryOp,
};

use super::domain::Domain;
use super::flow::{Loop, Ring, Scope};
use super::value::Value;

/// Bits of a register class; nothing for predicates.
pub(super) const fn width(class: RegClass) -> Option<u32> {
    match class {
        RegClass::B16 => Some(16),
        RegClass::B32 | RegClass::F32 => Some(32),
        RegClass::B64 | RegClass::F64 => Some(64),
        _ => None,
    }
}

/// What is known of each register.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges {
    /// The one instruction that writes a register, if there is one only and it has no guard.
    definitions: BTreeMap<Reg, Option<Op>>,
    /// Those of the registers that are written in front of the first label.
    settled: BTreeSet<Reg>,
    loops: Vec<Loop>,
    scopes: Vec<Scope>,
    /// Steps of pointers into rings.
    rings: Vec<Ring>,
    /// Counters behind their increments.
    stepped: BTreeMap<usize, Value>,
    /// Registers of which more is known at the statement that is looked at.
    here: BTreeMap<Reg, Value>,
    values: BTreeMap<Reg, Value>,
    predicates: BTreeMap<Reg, Option<bool>>,
}

impl Ranges {
    pub(super) fn of(kernel: &Kernel, domain: &Domain) -> Self {
        /// Rounds of exact growth before what still grows is given up on.
        const EXACT: usize = 4;
        let mut ranges = Self::default();
        for statement in &kernel.body {
            let Statement::Inst(inst) = statement else { continue };
            inst.op.for_each_write(|reg| {
                let only = inst.guard.is_none() && !ranges.definitions.contains_key(&reg);
                ranges.definitions.insert(reg, only.then(|| inst.op.clone()));
            });
        }
        let start = kernel.body.iter().take_while(|statement| !matches!(statement, Statement::Label(_)));
        for statement in start {
            let Statement::Inst(inst) = statement else { continue };
            inst.op.for_each_write(|reg| {
                if ranges.definition(reg).is_some() {
                    ranges.settled.insert(reg);
                }
            });
        }
        ranges.loops = super::flow::loops(kernel);
        ranges.scopes = super::flow::scopes(kernel, &ranges.loops);
        ranges.rings = super::flow::rings(kernel);
        for round in 0.. {
            let mut grown = false;
            for (at, statement) in kernel.body.iter().enumerate() {
                let Statement::Inst(inst) = statement else { continue };
                ranges.here = ranges.known_at(at);
                let counted = ranges.loops.iter().find(|each| each.step == at).copied();
                let turned = ranges.rings.iter().find(|each| each.step == at).cloned();
                inst.op.for_each_write(|reg| {
                    grown |= match width(reg.class) {
                        Some(bits) => {
                            let new = match (counted, &turned) {
                                (Some(each), _) => ranges.counted(&inst.op, each, bits),
                                (None, Some(ring)) => ranges.turned(ring, bits, kernel, domain),
                                (None, None) => ranges.result(&inst.op, bits, kernel, domain),
                            };
                            new.is_some_and(|new| ranges.grow(reg, bits, new, round > EXACT))
                        }
                        None => ranges.grow_predicate(reg, &inst.op),
                    };
                });
            }
            if !grown {
                break;
            }
        }
        ranges.here.clear();
        ranges
    }

    /// What is known at a statement beyond what is known everywhere: counters below their ends, indices below their limits.
    fn known_at(&self, at: usize) -> BTreeMap<Reg, Value> {
        let mut known: BTreeMap<Reg, Value> = BTreeMap::new();
        for scope in self.scopes.iter().filter(|scope| scope.body.contains(&at)) {
            let Some(bits) = width(scope.reg.class) else { continue };
            let (Some(value), Some(end)) = (self.values.get(&scope.reg), self.operand_everywhere(scope.end, bits))
            else {
                continue;
            };
            let value = known.get(&scope.reg).unwrap_or(value);
            known.insert(scope.reg, value.at_most(end.high.saturating_sub(1), bits));
        }
        // Behind the increment the counter is past its start.
        if let Some(each) = self.loops.iter().find(|each| each.step + 1 == at)
            && let Some(value) = self.stepped.get(&each.step)
        {
            known.insert(each.counter, *value);
        }
        known
    }

    /// The same, at a statement.
    pub(super) fn at(&self, at: usize) -> Self {
        Self { here: self.known_at(at), ..self.clone() }
    }

    /// A counter after a step from below the bound.
    fn counted(&mut self, op: &Op, each: Loop, bits: u32) -> Option<Value> {
        let Op::Binary { a, b: step, .. } = op else { return None };
        let (old, step, end) = (self.operand(*a, bits)?, self.operand(*step, bits)?, self.operand(each.end, bits)?);
        let high = end.high.saturating_sub(1).saturating_add(step.high);
        let low_zeros = super::value::mask((old.zeros & step.zeros).trailing_ones());
        let value = Value {
            low: old.low.saturating_add(step.low).min(high & !low_zeros),
            high: high & !low_zeros,
            zeros: Value::range(0, high).zeros | low_zeros,
        };
        self.stepped.insert(each.step, value);
        Some(value)
    }

    /// A pointer into a ring after a step: from where it is put, or from below the end.
    fn turned(&self, ring: &Ring, bits: u32, kernel: &Kernel, domain: &Domain) -> Option<Value> {
        let starts = ring.starts.iter().filter_map(|at| match kernel.body.get(*at) {
            Some(Statement::Inst(inst)) => self.result(&inst.op, bits, kernel, domain),
            _ => None,
        });
        let start = starts.reduce(Value::join)?;
        // An end that has no value yet is looked at again.
        let ends = ring.ends.iter().map(|end| self.values.get(&end.reg()?).map(|end| end.high));
        let end = ends.collect::<Option<Vec<_>>>()?.into_iter().max()?;
        let high = start.high.max(end.saturating_sub(1)).checked_add(ring.by)?;
        let zeros = super::value::mask((start.possible() | ring.steps).trailing_zeros());
        Some(Value { low: start.low, high, zeros: Value::range(0, high).zeros | zeros })
    }

    fn grow(&mut self, reg: Reg, bits: u32, new: Value, give_up: bool) -> bool {
        let new = if new.fits(bits) { new } else { Value::any(bits) };
        let old = self.values.get(&reg).copied();
        let mut joined = old.map_or(new, |old| old.join(new));
        if old == Some(joined) {
            return false;
        }
        if give_up && let Some(old) = old {
            // Whatever still grows is given up, but for its low bits that stay zero and an end that stays.
            let low_zeros = super::value::mask((joined.zeros & old.zeros).trailing_ones());
            let all = super::value::mask(bits);
            joined = Value {
                low: if joined.low < old.low { 0 } else { joined.low },
                high: if joined.high > old.high { all & !low_zeros } else { joined.high },
                zeros: if joined.high > old.high || joined.zeros != old.zeros {
                    low_zeros | !all
                } else {
                    joined.zeros
                },
            };
        }
        if old == Some(joined) {
            return false;
        }
        self.values.insert(reg, joined);
        true
    }

    fn grow_predicate(&mut self, reg: Reg, op: &Op) -> bool {
        let new = self.predicate_of(op);
        match self.predicates.get(&reg) {
            None => {
                self.predicates.insert(reg, new);
                true
            }
            Some(old) if *old == new || old.is_none() => false,
            Some(_) => {
                self.predicates.insert(reg, None);
                true
            }
        }
    }

    /// What a comparison always answers, if it does.
    pub(super) fn predicate_of(&self, op: &Op) -> Option<bool> {
        match op {
            Op::SetPredicate { compare, ty, a, b, combine: None, .. } if ty.is_integer() || ty.is_bits() => {
                let bits = 8 * ty.bytes();
                self.operand(*a, bits)?.compare(*compare, self.operand(*b, bits)?, bits, ty.is_signed())
            }
            Op::Mov { ty: Type::Pred, src, .. } => self.predicate(src.reg()?),
            Op::Binary { op, ty: Type::Pred, a, b, .. } => {
                let (a, b) = (self.predicate(a.reg()?), self.predicate(b.reg()?));
                match (op, a, b) {
                    (BinaryOp::And, Some(false), _) | (BinaryOp::And, _, Some(false)) => Some(false),
                    (BinaryOp::Or, Some(true), _) | (BinaryOp::Or, _, Some(true)) => Some(true),
                    (BinaryOp::And, Some(true), Some(true)) => Some(true),
                    (BinaryOp::Or, Some(false), Some(false)) => Some(false),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The same with a register that the kernel does not have.
    pub(super) fn with(&self, reg: Reg, value: Value) -> Self {
        let mut ranges = self.clone();
        ranges.values.insert(reg, value);
        ranges
    }

    /// What a predicate always is, if it is.
    pub(super) fn predicate(&self, reg: Reg) -> Option<bool> {
        self.predicates.get(&reg).copied().flatten()
    }

    /// The values of an operand that an instruction of so many bits reads.
    pub(super) fn operand(&self, operand: Operand, bits: u32) -> Option<Value> {
        match operand.reg().and_then(|reg| self.here.get(&reg)) {
            Some(value) if value.fits(bits) => Some(*value),
            _ => self.operand_everywhere(operand, bits),
        }
    }

    fn operand_everywhere(&self, operand: Operand, bits: u32) -> Option<Value> {
        match operand {
            Operand::Reg(reg) => {
                let own = width(reg.class)?;
                let value = self.values.get(&reg).copied().unwrap_or_else(|| Value::any(own));
                Some(if value.fits(bits) { value } else { Value::any(bits) })
            }
            Operand::Imm(Immediate::Int(value)) => {
                Some(Value::constant(value.cast_unsigned() & super::value::mask(bits)))
            }
            Operand::Imm(Immediate::F32(bits)) => Some(Value::constant(u64::from(bits))),
            _ => None,
        }
    }

    /// The values of what `op` writes to a register of so many bits; nothing yet if an operand has no value yet.
    pub(super) fn result(&self, op: &Op, bits: u32, kernel: &Kernel, domain: &Domain) -> Option<Value> {
        let of = |operand: &Operand, bits| self.operand(*operand, bits);
        Some(match op {
            Op::Mov { src, .. } => of(src, bits)?,
            Op::ReadSpecial { src, .. } => special(*src, kernel, domain),
            // Places in a window that is smaller than a mebibyte.
            Op::SharedAddress { array, offset, .. } => {
                let align = kernel.shared.get(array.0 as usize).map_or(1, |array| u64::from(array.align));
                let offset = u64::try_from(*offset).unwrap_or(1);
                let place = Value::range(0, 1 << 20);
                Value { zeros: place.zeros | super::value::mask((align | offset).trailing_zeros().min(20)), ..place }
            }
            Op::Load {
                space: Space::Param, address: Address { base: Base::Param(param), offset: 0 }, dsts, ..
            } if dsts.len() == 1 => {
                let name = kernel.params.get(param.0 as usize).map(|param| param.name.as_str());
                name.and_then(|name| domain.parameter(name)).unwrap_or_else(|| Value::any(bits))
            }
            Op::Load { ty, dsts, .. } if dsts.len() == 1 && !ty.is_signed() => Value::any(8 * ty.bytes().min(bits / 8)),
            Op::Cvt { to, from, src, .. } if to.is_integer() && from.is_integer() => {
                let (from_bits, to_bits) = (8 * from.bytes(), 8 * to.bytes());
                let value = of(src, bits.max(64))?;
                let value = if value.fits(from_bits) { value } else { Value::any(from_bits) };
                match from.is_signed() && !value.is_natural(from_bits) {
                    false if value.fits(to_bits) => value,
                    _ => Value::any(to_bits),
                }
            }
            Op::Select { a, pred, .. } if self.predicate(*pred) == Some(true) => of(a, bits)?,
            Op::Select { b, pred, .. } if self.predicate(*pred) == Some(false) => of(b, bits)?,
            Op::Select { a, b, pred, .. } => match self.saturated_difference(a, b, *pred, bits) {
                Some(value) => value,
                None => of(a, bits)?.join(of(b, bits)?),
            },
            Op::Binary { op: BinaryOp::Sub, ty, .. }
                if !ty.is_float()
                    && let Some(value) = super::quotient::difference(self, kernel, op) =>
            {
                value
            }
            Op::Binary { op: BinaryOp::Sub, ty: Type::U32, a, b, .. }
                if let Some(axis) = self.counts_from_the_end(a, b) =>
            {
                Value::range(0, domain.grid.get(axis).map_or(u64::from(u32::MAX), |blocks| blocks - 1))
            }
            Op::Binary { op: BinaryOp::Sub, ty: Type::U32, a, b, .. }
                if let Some(value) = self.known_difference(a, b, bits) =>
            {
                value
            }
            Op::Binary { op, ty, a, b, .. } if !ty.is_float() => {
                of(a, bits)?.binary(*op, of(b, if is_shift(*op) { 32 } else { bits })?, bits, ty.is_signed())
            }
            Op::Mul { part: MulPart::Lo, ty: Type::U32, a, b, .. }
                if let Some(most) = self.limited_product(a, b, kernel, domain) =>
            {
                Value::range(0, most)
            }
            Op::Mul { part, ty, a, b, .. } => self.product(*part, *ty, a, b)?,
            Op::Mad { part, ty, a, b, c, .. } => self.product(*part, *ty, a, b)?.add(of(c, bits)?, bits),
            Op::Ternary { op: TernaryOp::BitFieldExtract, ty, c, .. } if !ty.is_signed() => {
                match of(c, 32)?.single().and_then(|length| u32::try_from(length).ok()) {
                    Some(length) if length < bits => Value::any(length),
                    _ => Value::any(bits),
                }
            }
            Op::Unary { op: UnaryOp::PopulationCount | UnaryOp::LeadingZeros, .. } => Value::range(0, 64),
            _ => Value::any(bits),
        })
    }

    /// The one instruction that writes a register, if it has no guard.
    pub(super) fn definition(&self, reg: Reg) -> Option<&Op> {
        self.definitions.get(&reg)?.as_ref()
    }

    /// `(x + c) - x`, and `x - (x + 0)`, of an x that is written once, in front of every label.
    fn known_difference(&self, a: &Operand, b: &Operand, bits: u32) -> Option<Value> {
        let more = |sum: &Operand, part: &Operand| {
            let Op::Binary { op: BinaryOp::Add, ty: Type::U32, a: constant, b: rest, .. } =
                self.definition(sum.reg()?)?
            else {
                return None;
            };
            let is_it = rest == part && self.settled.contains(&part.reg()?);
            self.operand_everywhere(*constant, bits).filter(|value| is_it && value.single().is_some())
        };
        more(a, b).or_else(|| more(b, a).filter(|value| value.single() == Some(0)))
    }

    /// The axis of which `a - b` is the number of blocks less one, less the block's own: no less than 0.
    fn counts_from_the_end(&self, a: &Operand, b: &Operand) -> Option<usize> {
        const ONE: Operand = Operand::Imm(Immediate::Int(1));
        let last = self.definition(a.reg()?)?;
        let (
            Op::Binary { op: BinaryOp::Sub, ty: Type::U32, a: Operand::Reg(blocks), b: ONE, .. },
            Op::ReadSpecial { src: own, .. },
        ) = (last, self.definition(b.reg()?)?)
        else {
            return None;
        };
        let Op::ReadSpecial { src: blocks, .. } = self.definition(*blocks)? else { return None };
        match (blocks, own) {
            (Special::NctaidX, Special::CtaidX) => Some(0),
            (Special::NctaidY, Special::CtaidY) => Some(1),
            (Special::NctaidZ, Special::CtaidZ) => Some(2),
            _ => None,
        }
    }

    /// `y < x ? x - y : 0`, which is no larger than x.
    fn saturated_difference(&self, a: &Operand, b: &Operand, pred: Reg, bits: u32) -> Option<Value> {
        let Op::Binary { op: BinaryOp::Sub, a: whole, b: part, .. } = self.definition(a.reg()?)? else { return None };
        let Op::SetPredicate { compare: Compare::Lt, ty, a: less, b: more, combine: None, .. } =
            self.definition(pred)?
        else {
            return None;
        };
        let is_it = (less, more) == (part, whole) && !ty.is_signed() && self.operand(*b, bits)?.single() == Some(0);
        is_it.then(|| self.operand(*whole, bits).map(|whole| Value::range(0, whole.high))).flatten()
    }

    /// The most that a product of two parameters is, if host code limits it.
    fn limited_product(&self, a: &Operand, b: &Operand, kernel: &Kernel, domain: &Domain) -> Option<u64> {
        let name = |operand: &Operand| match self.definition(operand.reg()?)? {
            Op::Load { space: Space::Param, address: Address { base: Base::Param(param), offset: 0 }, .. } => {
                kernel.params.get(param.0 as usize).map(|param| param.name.as_str())
            }
            _ => None,
        };
        domain.product([name(a)?, name(b)?])
    }

    fn product(&self, part: MulPart, ty: Type, a: &Operand, b: &Operand) -> Option<Value> {
        let bits = 8 * ty.bytes();
        let (a, b) = (self.operand(*a, bits)?, self.operand(*b, bits)?);
        // Whatever the other factor is.
        if a.single() == Some(0) || b.single() == Some(0) {
            return Some(Value::constant(0));
        }
        let natural = !ty.is_signed() || (a.is_natural(bits) && b.is_natural(bits));
        Some(match part {
            MulPart::Lo => a.mul(b, bits),
            MulPart::Wide if natural => a.mul(b, 2 * bits),
            MulPart::Hi if natural => a.mul_high(b, bits),
            MulPart::Wide => Value::any(2 * bits),
            _ => Value::any(bits),
        })
    }
}

const fn is_shift(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Shl | BinaryOp::Shr)
}

fn special(register: Special, kernel: &Kernel, domain: &Domain) -> Value {
    let [x, y, z] = kernel.limits.required_threads.unwrap_or([1024, 1024, 64]).map(u64::from);
    let below = |end: u64| Value::range(0, end.saturating_sub(1));
    match register {
        Special::TidX => below(x),
        Special::TidY => below(y),
        Special::TidZ => below(z),
        Special::NtidX if kernel.limits.required_threads.is_some() => Value::constant(x),
        Special::LaneId => below(32),
        Special::CtaidX => below(domain.grid[0]),
        Special::CtaidY => below(domain.grid[1]),
        Special::CtaidZ => below(domain.grid[2]),
        Special::NctaidX => Value::range(1, domain.grid[0]),
        Special::NctaidY => Value::range(1, domain.grid[1]),
        Special::NctaidZ => Value::range(1, domain.grid[2]),
        _ => Value::any(if register.is_wide() { 64 } else { 32 }),
    }
}
