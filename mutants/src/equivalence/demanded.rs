//! Which bits of each register can reach memory, control flow or anything else that matters.

use std::collections::BTreeMap;

use tilewright_ptx_ir::ir::{BinaryOp, Immediate, Kernel, MulPart, Op, Operand, Reg, Statement, TernaryOp, Type};

use super::range::width;
use super::value::mask;

/// Bits that some use looks at; registers that are not in it are never read for anything.
#[derive(Clone, Debug, Default)]
pub(super) struct Demanded(BTreeMap<Reg, u64>);

impl Demanded {
    pub(super) fn of(kernel: &Kernel) -> Self {
        let mut demanded = Self::default();
        loop {
            let mut grown = false;
            for statement in kernel.body.iter().rev() {
                let Statement::Inst(inst) = statement else { continue };
                if let Some(guard) = inst.guard
                    && demanded.acts(&inst.op)
                {
                    grown |= demanded.add(guard.pred, u64::MAX);
                }
                let uses = demanded.uses(&inst.op);
                for (reg, bits) in uses {
                    grown |= demanded.add(reg, bits);
                }
            }
            if !grown {
                return demanded;
            }
        }
    }

    /// The bits of a register that matter.
    pub(super) fn bits(&self, reg: Reg) -> u64 {
        self.0.get(&reg).copied().unwrap_or(0)
    }

    fn add(&mut self, reg: Reg, bits: u64) -> bool {
        let bits = bits & width(reg.class).map_or(u64::MAX, mask);
        let entry = self.0.entry(reg).or_default();
        let grown = bits & !*entry != 0;
        *entry |= bits;
        grown
    }

    /// Whether the instruction does anything that matters.
    fn acts(&self, op: &Op) -> bool {
        let (mut writes, mut wanted) = (false, false);
        op.for_each_write(|reg| {
            writes = true;
            wanted |= self.bits(reg) != 0;
        });
        wanted || !writes || has_effect(op)
    }

    /// The bits of each operand that matter for what matters of the result.
    fn uses(&self, op: &Op) -> Vec<(Reg, u64)> {
        let mut uses = Vec::new();
        if !self.acts(op) {
            return uses;
        }
        let mut of = |operand: &Operand, bits: u64| uses.extend(operand.reg().map(|reg| (reg, bits)));
        match op {
            Op::Mov { dst, src, .. } => of(src, self.bits(*dst)),
            Op::Select { dst, a, b, pred, .. } => {
                of(a, self.bits(*dst));
                of(b, self.bits(*dst));
                of(&(*pred).into(), u64::MAX);
            }
            Op::Cvt { to, from, dst, src, .. } if is_whole(*to) && is_whole(*from) => {
                let wanted = self.bits(*dst);
                let own = mask(8 * from.bytes());
                let sign = if from.is_signed() && wanted & !own != 0 { own & !(own >> 1) } else { 0 };
                of(src, wanted & own | sign);
            }
            Op::Binary { op: how, ty, dst, a, b, .. } if is_whole(*ty) => {
                let wanted = self.bits(*dst);
                match (how, constant(b)) {
                    (BinaryOp::And, Some(value)) => of(a, wanted & value),
                    (BinaryOp::Or, Some(value)) => of(a, wanted & !value),
                    (BinaryOp::And | BinaryOp::Or | BinaryOp::Xor, _) => {
                        of(a, wanted);
                        of(b, wanted);
                    }
                    (BinaryOp::Add | BinaryOp::Sub, _) => {
                        // Carries go up only.
                        of(a, below(wanted));
                        of(b, below(wanted));
                    }
                    (BinaryOp::Shl, Some(amount)) if amount < 64 => of(a, wanted >> amount),
                    (BinaryOp::Shr, Some(amount)) if amount < u64::from(8 * ty.bytes()) => {
                        let own = mask(8 * ty.bytes());
                        let lost = wanted & own & !(own >> amount);
                        let sign = if ty.is_signed() && lost != 0 { own & !(own >> 1) } else { 0 };
                        of(a, (wanted << amount) & own | sign);
                    }
                    _ => {
                        of(a, u64::MAX);
                        of(b, u64::MAX);
                    }
                }
            }
            Op::Mul { part: MulPart::Lo, dst, a, b, .. } => {
                of(a, below(self.bits(*dst)));
                of(b, below(self.bits(*dst)));
            }
            Op::Lop3 { table, dst, a, b, c } => {
                let wanted = self.bits(*dst);
                let [a_bits, b_bits, c_bits] = lop3_needs(*table, [a, b, c].map(constant));
                of(a, wanted & a_bits);
                of(b, wanted & b_bits);
                of(c, wanted & c_bits);
            }
            Op::Ternary { op: TernaryOp::BytePermute, a, b, c, .. } if constant(c).is_some() => {
                let selector = constant(c).unwrap_or(0);
                let (mut low, mut high) = (0, 0);
                for place in 0..4 {
                    let byte = selector >> (4 * place) & 7;
                    if byte < 4 { low |= 0xFF << (8 * byte) } else { high |= 0xFF << (8 * (byte - 4)) }
                }
                of(a, low);
                of(b, high);
            }
            Op::Store { ty, srcs, address, policy, .. } => {
                srcs.iter().for_each(|src| of(src, mask(8 * ty.bytes())));
                address.reg().into_iter().chain(*policy).for_each(|reg| of(&reg.into(), u64::MAX));
            }
            _ => op.for_each_register(|reg, access| {
                if access == tilewright_ptx_ir::ir::Access::Read {
                    of(&reg.into(), u64::MAX);
                }
            }),
        }
        uses
    }
}

/// The bits up to the highest of `bits`.
const fn below(bits: u64) -> u64 {
    if bits == 0 { 0 } else { u64::MAX >> bits.leading_zeros() }
}

const fn is_whole(ty: Type) -> bool {
    ty.is_integer() || ty.is_bits()
}

pub(super) fn constant(operand: &Operand) -> Option<u64> {
    match operand {
        Operand::Imm(Immediate::Int(value)) => Some(value.cast_unsigned()),
        _ => None,
    }
}

/// The bits of each operand that can change the result, given those operands that are constants.
fn lop3_needs(table: u8, constants: [Option<u64>; 3]) -> [u64; 3] {
    let mut needs = [0; 3];
    for bit in 0..64 {
        let known = constants.map(|value| value.map(|value| value >> bit & 1));
        for (place, need) in needs.iter_mut().enumerate() {
            for entry in 0..8u8 {
                let inputs = [entry >> 2 & 1, entry >> 1 & 1, entry & 1];
                let fits =
                    inputs.iter().zip(known).all(|(input, known)| known.is_none_or(|known| known == u64::from(*input)));
                let other = entry ^ (4 >> place);
                if fits && (table >> entry & 1) != (table >> other & 1) {
                    *need |= 1 << bit;
                }
            }
        }
    }
    needs
}

/// Whether an instruction does something beside its result.
pub(super) const fn has_effect(op: &Op) -> bool {
    matches!(
        op,
        Op::Store { .. }
            | Op::Atomic { .. }
            | Op::Load { .. }
            | Op::Discard { .. }
            | Op::LdMatrix { .. }
            | Op::CpAsync { .. }
            | Op::Shuffle { .. }
            | Op::Vote { .. }
            | Op::MatchAny { .. }
            | Op::MatchAll { .. }
            | Op::Redux { .. }
            | Op::Mma { .. }
            | Op::BarrierReduce { .. }
            | Op::Call { .. }
    )
}

/// `lop3` of three words.
pub(super) fn lop3(table: u8, words: [u32; 3]) -> u32 {
    (0..32).fold(0, |result, bit| {
        let [a, b, c] = words.map(|word| word >> bit & 1);
        result | (u32::from(table) >> (a << 2 | b << 1 | c) & 1) << bit
    })
}
