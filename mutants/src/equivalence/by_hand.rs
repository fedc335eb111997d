//! What no rule proves, but somebody has, kernel by kernel.

use tilewright_ptx_ir::ir::{Immediate, Kernel, Op, Operand, Statement, Type};

use crate::case::Group;
use crate::edit::Mutant;

/// Why a mutant cannot matter.
pub(super) fn reason(group: Group, kernel: &Kernel, mutant: &Mutant) -> Option<&'static str> {
    let old = match kernel.body.get(mutant.edit.at) {
        Some(Statement::Inst(inst)) => &inst.op,
        _ => return None,
    };
    let products = matches!(group, Group::MatmulF16 | Group::MatmulInt8 | Group::MatmulInt4 | Group::QkvFused);
    match (mutant.operator, old) {
        // `RowTile::load_element`, `Spot::value_of_column`: what a load that does not take place leaves.
        ("initial-value", Op::Mov { ty: Type::B16 | Type::U16, .. }) if products => {
            Some("an absent element meets a zero of the other operand, or belongs to a row or column that is not stored")
        }
        ("initial-value", Op::Mov { ty: Type::F32, src: Operand::Imm(Immediate::F32(ONE)), .. }) if products => {
            Some("the scale of a row or column that is not stored")
        }
        _ => None,
    }
}

const ONE: u32 = 0x3F80_0000;
