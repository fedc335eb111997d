//! Variables of the module with their initialisers.

use std::fmt::{self, Display, Formatter};

use crate::ir::Variable;

/// One line. With pointers it is an array of 64-bit elements, otherwise one of bytes.
impl Display for Variable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, space, align, bytes, data, pointers } = self;
        // Addresses want an integer type.
        let (element, ty) = if pointers.is_empty() { (1, "b8") } else { (8, "u64") };
        write!(f, "{} .align {align} .{ty} {name}[{}]", space.modifier(), bytes / element)?;
        if data.is_empty() && pointers.is_empty() {
            return f.write_str(";");
        }
        f.write_str(" = {")?;
        if pointers.is_empty() {
            for (index, byte) in data.iter().enumerate() {
                write!(f, "{}{byte}", if index == 0 { "" } else { ", " })?;
            }
            return f.write_str("};");
        }
        let last = pointers.iter().map(|pointer| pointer.at / 8 + 1).max().unwrap_or(0);
        let count = u32::try_from(data.len().div_ceil(8)).unwrap_or(u32::MAX).max(last);
        for index in 0..count {
            f.write_str(if index == 0 { "" } else { ", " })?;
            match pointers.iter().find(|pointer| pointer.at == 8 * index) {
                Some(pointer) => {
                    write!(f, "generic({})", pointer.to)?;
                    if pointer.offset != 0 {
                        write!(f, "+{}", pointer.offset)?;
                    }
                }
                None => {
                    let word = (0..8).fold(0u64, |word, byte| {
                        let at = (8 * index + byte) as usize;
                        word | u64::from(data.get(at).copied().unwrap_or(0)) << (8 * byte)
                    });
                    write!(f, "{word}")?;
                }
            }
        }
        f.write_str("};")
    }
}
