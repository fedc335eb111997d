//! Memory: loads, stores, atomic operations, copies, and addresses.

use tilewright_ptx_ir::ir::{Address, AtomicOp, Base, LocalKind, Op, Param, Reg, SharedSize, Space, Symbol, Type};

use super::lane::Lane;
use super::{Block, NaiveError, Outcome, floats, integers, unknown};

/// Where the input, the output and the module's variables lie, and shared and local memory among generic addresses: anything that is not the simulator's.
const INPUT: u64 = 0x1000_0000;
const OUTPUT: u64 = 0x2000_0000;
const VARIABLES: u64 = 0x3000_0000;
const SHARED: u64 = 0x4000_0000;
const LOCAL: u64 = 0x5000_0000;
const END: u64 = 0x6000_0000;
/// Among parameters: what a function gives back, and what a caller passes on.
const RESULTS: u64 = 0x1000;
const ARGUMENTS: u64 = 0x2000;

/// What a kernel is passed.
pub(super) fn parameters() -> Vec<u8> {
    [INPUT.to_le_bytes(), OUTPUT.to_le_bytes()].concat()
}

/// Size and alignment of each.
pub(super) fn parts_of(params: &[Param]) -> impl Iterator<Item = (u32, u32)> + Clone {
    params.iter().map(|param| (param.bytes, param.align))
}

/// Behind one another, each aligned: where the one at `index` starts.
pub(super) fn start(parts: impl Iterator<Item = (u32, u32)>, index: u32) -> u64 {
    let (mut end, mut found) = (0u64, 0);
    for ((bytes, align), place) in parts.zip(0..) {
        let start = end.next_multiple_of(align.into());
        if place == index {
            found = start;
        }
        end = start + u64::from(bytes);
    }
    found
}

/// The bytes of all of them.
pub(super) fn size(parts: impl Iterator<Item = (u32, u32)> + Clone) -> usize {
    start(parts.clone().chain([(0, 1)]), parts.count() as u32) as usize
}

impl Block<'_> {
    /// Executes what touches memory or names it; `None` if it is no such instruction.
    pub(super) fn access(&mut self, op: &Op, lane: &mut Lane) -> Option<Outcome<()>> {
        Some(match op {
            Op::SharedAddress { dst, array, offset } => {
                lane.write(*dst, self.shared(array.0).wrapping_add_signed((*offset).into()));
                Ok(())
            }
            Op::LocalAddress { dst, local, offset } => {
                lane.write(*dst, self.local(local.0).wrapping_add_signed((*offset).into()));
                Ok(())
            }
            Op::SymbolAddress { dst, symbol, offset } => {
                lane.write(*dst, self.variable(*symbol).wrapping_add_signed((*offset).into()));
                Ok(())
            }
            Op::Cvta { space, to_generic, dst, src } => {
                let window = window(*space).unwrap_or(0);
                let value = lane.read(*src);
                lane.write(*dst, if *to_generic { value + window } else { value - window });
                Ok(())
            }
            Op::IsSpace { space, dst, src } => {
                let holds = generic(lane.read(*src)).0 == *space;
                lane.write(*dst, holds.into());
                Ok(())
            }
            // A policy is a number that nothing but a load or store reads.
            Op::CreatePolicy { dst, .. } | Op::CreatePolicyRange { dst, .. } | Op::CreatePolicyFrom { dst, .. } => {
                lane.write(*dst, 0);
                Ok(())
            }
            Op::Load { space, ty, dsts, address, .. } => self.loads(*space, *ty, dsts, *address, lane),
            Op::Store { space, ty, srcs, address, .. } => {
                let at = self.address(*address, lane);
                let mut places = (0..).map(|index| at + index * u64::from(ty.bytes()));
                srcs.iter().zip(&mut places).try_for_each(|(src, at)| {
                    let bits = lane.operand(*src, *ty);
                    self.store(*space, at, ty.bytes(), bits, lane)
                })
            }
            Op::Atomic { .. } => self.atomic(op, lane),
            Op::CpAsync { bytes, dst, src, source_bytes, ignored, .. } => {
                let (to, from) = (self.address(*dst, lane), self.address(*src, lane));
                let read = source_bytes.map_or(u64::from(*bytes), |count| lane.operand(count, Type::U32));
                let read = if ignored.is_some_and(|guard| lane.is_true(guard.pred) != guard.negate) { 0 } else { read };
                (0..u64::from(*bytes)).try_for_each(|index| {
                    let byte = if index < read { self.load(Space::Global, from + index, 1, lane)? } else { 0 };
                    self.store(Space::Shared, to + index, 1, byte, lane)
                })
            }
            _ => return None,
        })
    }

    fn loads(&self, space: Space, ty: Type, dsts: &[Reg], address: Address, lane: &mut Lane) -> Outcome<()> {
        let mut at = self.address(address, lane);
        for dst in dsts {
            let bits = self.load(space, at, ty.bytes(), lane)?;
            // A register that is wider than what is loaded is filled by sign or zeros.
            lane.write(*dst, if ty.is_signed() { integers::extended(bits, 8 * ty.bytes()) } else { bits });
            at += u64::from(ty.bytes());
        }
        Ok(())
    }

    fn atomic(&mut self, op: &Op, lane: &mut Lane) -> Outcome<()> {
        let Op::Atomic { op: change, space, ty, dst, address, a, b, .. } = op else { return Err(unknown(op)) };
        let at = self.address(*address, lane);
        let before = self.load(*space, at, ty.bytes(), lane)?;
        let [a, b] = [Some(*a), *b].map(|operand| operand.map_or(0, |operand| lane.operand(operand, *ty)));
        let is_shared = *space == Space::Shared || (*space == Space::Generic && generic(at).0 == Space::Shared);
        let after = match (change, ty.is_float()) {
            (AtomicOp::Add, true) => floats::atomic_sum(*ty, before, a, is_shared),
            (_, false) => integers::changed(*change, *ty, before, a, b),
            _ => None,
        };
        self.store(*space, at, ty.bytes(), after.ok_or_else(|| unknown(op))?, lane)?;
        if let Some(dst) = dst {
            lane.write(*dst, before);
        }
        Ok(())
    }

    /// The address that an instruction names, in the space that it names.
    pub(super) fn address(&self, address: Address, lane: &Lane) -> u64 {
        let base = match address.base {
            Base::Reg(reg) => lane.read(reg),
            Base::Param(index) => start(parts_of(&self.kernel.params), index.0),
            Base::Result(index) => RESULTS + start(parts_of(self.results), index.0),
            Base::Shared(array) => self.shared(array.0),
            Base::Local(local)
                if self.kernel.locals.get(local.0 as usize).map(|local| local.kind) == Some(LocalKind::Argument) =>
            {
                ARGUMENTS + self.local(local.0)
            }
            Base::Local(local) => self.local(local.0),
            Base::Symbol(symbol) => self.variable(symbol),
            _ => u64::MAX,
        };
        base.wrapping_add_signed(address.offset.into())
    }

    fn shared(&self, index: u32) -> u64 {
        let arrays = self.kernel.shared.iter().map(|array| match array.size {
            SharedSize::Static(bytes) => (bytes, array.align),
            _ => (0, array.align),
        });
        start(arrays, index)
    }

    pub(super) fn local(&self, index: u32) -> u64 {
        start(self.kernel.locals.iter().map(|local| (local.bytes, local.align)), index)
    }

    fn variable(&self, symbol: Symbol) -> u64 {
        let name = self.kernel.symbols.get(symbol.0 as usize);
        let variables = &self.module.variables;
        let index = variables.iter().zip(0..).find(|(variable, _)| Some(&variable.name) == name);
        let parts = variables.iter().map(|variable| (variable.bytes, variable.align));
        index.map_or(u64::MAX, |(_, index)| VARIABLES + start(parts, index))
    }

    /// The bytes of the module's variables, as they lie.
    fn tables(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for variable in &self.module.variables {
            bytes.resize(bytes.len().next_multiple_of(variable.align as usize), 0);
            let end = bytes.len() + variable.bytes as usize;
            bytes.extend(&variable.data);
            bytes.resize(end, 0);
        }
        bytes
    }

    pub(super) fn load(&self, space: Space, address: u64, bytes: u32, lane: &Lane) -> Outcome<u64> {
        let (space, address) = if space == Space::Generic { generic(address) } else { (space, address) };
        let tables;
        let (memory, start): (&[u8], u64) = match space {
            Space::Param if address >= ARGUMENTS => (&lane.local, ARGUMENTS),
            Space::Param => (&lane.passed, 0),
            Space::Shared => (&self.shared, 0),
            Space::Local => (&lane.local, 0),
            _ if address >= VARIABLES => {
                tables = self.tables();
                (&tables, VARIABLES)
            }
            _ if address >= OUTPUT => (self.output, OUTPUT),
            _ => (self.input, INPUT),
        };
        let from = usize::try_from(address.wrapping_sub(start)).unwrap_or(usize::MAX);
        let found = memory.get(from..from.saturating_add(bytes as usize));
        let found = found.ok_or(NaiveError::Outside { space, address })?;
        Ok(found.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn store(&mut self, space: Space, address: u64, bytes: u32, bits: u64, lane: &mut Lane) -> Outcome<()> {
        let (space, address) = if space == Space::Generic { generic(address) } else { (space, address) };
        let (memory, start) = match space {
            Space::Shared => (self.shared.as_mut_slice(), 0),
            Space::Local => (lane.local.as_mut_slice(), 0),
            Space::Param if address >= ARGUMENTS => (lane.local.as_mut_slice(), ARGUMENTS),
            Space::Param => (lane.results.as_mut_slice(), RESULTS),
            _ => (&mut *self.output, OUTPUT),
        };
        let from = usize::try_from(address.wrapping_sub(start)).unwrap_or(usize::MAX);
        let found = memory.get_mut(from..from.saturating_add(bytes as usize));
        let found = found.ok_or(NaiveError::Outside { space, address })?;
        found.iter_mut().zip(bits.to_le_bytes()).for_each(|(place, byte)| *place = byte);
        Ok(())
    }
}

/// Where a space lies among generic addresses.
const fn window(space: Space) -> Option<u64> {
    match space {
        Space::Shared => Some(SHARED),
        Space::Local => Some(LOCAL),
        _ => None,
    }
}

/// The space of a generic address, and the address in it.
const fn generic(address: u64) -> (Space, u64) {
    match address {
        SHARED..LOCAL => (Space::Shared, address - SHARED),
        LOCAL..END => (Space::Local, address - LOCAL),
        _ => (Space::Global, address),
    }
}
