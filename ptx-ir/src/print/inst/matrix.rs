//! Matrices in the lanes of a warp.

use std::fmt::{self, Formatter};

use super::{Braces, Line};
use crate::ir::Op;

impl Line<'_> {
    pub(super) fn matrix(&self, f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
        match op {
            Op::MmaForm { form, satfinite, dsts, a, b, c } => {
                let mnemonic = form.mnemonic(*satfinite);
                write!(f, "{mnemonic} {}, {}, {}, {}", Braces(dsts), Braces(a), Braces(b), Braces(c))
            }
            Op::MoveMatrix { dst, src } => write!(f, "movmatrix.sync.aligned.m8n8.trans.b16 {dst}, {src}"),
            Op::StMatrix { transpose, srcs, address } => {
                let (count, trans) = (srcs.len(), if *transpose { ".trans" } else { "" });
                let address = self.address(*address);
                write!(f, "stmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 {address}, {}", Braces(srcs))
            }
            Op::Elect { dst, pred, mask } => write!(f, "elect.sync {dst}|{pred}, {mask}"),
            Op::GridDependency { waits } => {
                f.write_str(if *waits { "griddepcontrol.wait" } else { "griddepcontrol.launch_dependents" })
            }
            _ => Err(fmt::Error),
        }
    }
}
