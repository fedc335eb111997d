//! One lane and its registers.

use tilewright_ptx_ir::ir::{Immediate, Kernel, Operand, Reg, RegClass, Type};

use super::class_bits;
use super::memory::size;

/// A lane: its registers, and where it is.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) thread: u32,
    /// The statement that it executes next.
    pub(super) place: usize,
    pub(super) executed: u32,
    registers: [Vec<u64>; 6],
    pub(super) carry: bool,
    /// Its own memory.
    pub(super) local: Vec<u8>,
    /// What it was passed, and what it gives back.
    pub(super) passed: Vec<u8>,
    pub(super) results: Vec<u8>,
}

/// A warp.
pub(super) type Lanes<'a> = &'a mut [Lane];

impl Lane {
    pub(super) fn new(kernel: &Kernel, thread: u32) -> Self {
        let registers = RegClass::ALL.map(|class| vec![0; kernel.register_count(class) as usize]);
        let locals = kernel.locals.iter().map(|local| (local.bytes, local.align));
        Self {
            thread,
            place: 0,
            executed: 0,
            registers,
            carry: false,
            local: vec![0; size(locals)],
            passed: Vec::new(),
            results: Vec::new(),
        }
    }

    pub(super) fn read(&self, reg: Reg) -> u64 {
        self.registers.get(reg.class as usize).and_then(|file| file.get(reg.number as usize)).copied().unwrap_or(0)
    }

    pub(super) fn write(&mut self, reg: Reg, value: u64) {
        let mask = u64::MAX >> (64 - class_bits(reg.class));
        if let Some(place) =
            self.registers.get_mut(reg.class as usize).and_then(|file| file.get_mut(reg.number as usize))
        {
            *place = value & mask;
        }
    }

    /// The bits of an operand, as wide as `ty`.
    pub(super) fn operand(&self, operand: Operand, ty: Type) -> u64 {
        let bits = match operand {
            Operand::Reg(reg) => self.read(reg),
            Operand::Imm(Immediate::Int(value)) => value.cast_unsigned(),
            Operand::Imm(Immediate::F32(bits)) => bits.into(),
            Operand::Imm(Immediate::F64(bits)) => bits,
            _ => 0,
        };
        bits & (u64::MAX >> (64 - bits_of(ty)))
    }

    pub(super) fn is_true(&self, pred: Reg) -> bool {
        self.read(pred) != 0
    }
}

/// Bits of a value of `ty`.
pub(super) const fn bits_of(ty: Type) -> u32 {
    match ty {
        Type::Pred => 1,
        _ => 8 * ty.bytes(),
    }
}
