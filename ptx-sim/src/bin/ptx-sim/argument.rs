//! One argument of a kernel, as the command line has it.

use std::str::FromStr;

/// An argument of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    /// A tensor of the input, or a buffer that an earlier argument made.
    Buffer { name: String },
    /// A new buffer of zeros.
    Zeros { name: String, bytes: u64 },
    /// A number: its bits, how many bytes it has, and as the user wrote it.
    Number { bits: u64, bytes: u32, is_integer: bool, text: String },
}

impl FromStr for Argument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const WANTED: &str = "wanted buf:NAME, zeros:NAME:BYTES, u32:V, s32:V, u64:V, f32:V or f64:V";
        let (kind, value) = text.split_once(':').ok_or(WANTED)?;
        let number =
            |bits: u64, bytes: u32, is_integer: bool| Self::Number { bits, bytes, is_integer, text: text.to_owned() };
        match kind {
            "buf" if !value.is_empty() => Ok(Self::Buffer { name: value.to_owned() }),
            "zeros" => {
                let (name, bytes) = value.rsplit_once(':').filter(|(name, _)| !name.is_empty()).ok_or(WANTED)?;
                Ok(Self::Zeros { name: name.to_owned(), bytes: unsigned(bytes)? })
            }
            "u32" => Ok(number(u32::try_from(unsigned(value)?).map_err(explain)?.into(), 4, true)),
            "u64" => Ok(number(unsigned(value)?, 8, true)),
            "s32" => Ok(number(value.parse::<i32>().map_err(explain)?.cast_unsigned().into(), 4, true)),
            "f32" => Ok(number(value.parse::<f32>().map_err(explain)?.to_bits().into(), 4, false)),
            "f64" => Ok(number(value.parse::<f64>().map_err(explain)?.to_bits(), 8, false)),
            _ => Err(WANTED.to_owned()),
        }
    }
}

impl Argument {
    /// The bytes for a parameter of `bytes` bytes, if it can be that; `address` is the buffer's. Integers may be passed to parameters of one or two
    /// bytes that hold them.
    pub(crate) fn bytes(&self, bytes: u32, address: u64) -> Option<Vec<u8>> {
        let (bits, own, shrinks) = match self {
            Self::Buffer { .. } | Self::Zeros { .. } => (address, 8, false),
            Self::Number { bits, bytes, is_integer, .. } => (*bits, *bytes, *is_integer),
        };
        let fits = own == bytes || (shrinks && bytes < 4 && bits >> (8 * bytes) == 0);
        if fits { bits.to_le_bytes().get(..bytes as usize).map(<[u8]>::to_vec) } else { None }
    }

    /// As the user wrote it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Buffer { name } => format!("buf:{name}"),
            Self::Zeros { name, bytes } => format!("zeros:{name}:{bytes}"),
            Self::Number { text, .. } => text.clone(),
        }
    }
}

/// Decimal, or hexadecimal after 0x.
fn unsigned(text: &str) -> Result<u64, String> {
    text.strip_prefix("0x").map_or_else(|| text.parse(), |digits| u64::from_str_radix(digits, 16)).map_err(explain)
}

fn explain(error: impl std::fmt::Display) -> String {
    error.to_string()
}
