//! Writing a GGUF file.

use super::{FormatError, Kind};
use crate::shape::Shape;

const VERSION: u32 = 3;
const ALIGNMENT: usize = 32;

/// A value of the metadata.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'v> {
    /// A number.
    U32(u32),
    /// A number.
    F32(f32),
    /// A text.
    Text(&'v str),
}

/// A tensor to be written.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a tensor is this")]
pub struct OutputTensor<'t> {
    /// Its name.
    pub name: &'t str,
    /// Its type.
    pub kind: Kind,
    /// Its dimensions, the slowest first.
    pub shape: &'t [usize],
    /// Its blocks.
    pub data: &'t [u8],
}

/// A file of version 3 with these metadata and tensors.
///
/// # Errors
/// A type that is not written here, rows of partial blocks, or data of another length than the shape wants.
pub fn write(metadata: &[(&str, Value<'_>)], tensors: &[OutputTensor<'_>]) -> Result<Vec<u8>, FormatError> {
    let mut file = b"GGUF".to_vec();
    file.extend(VERSION.to_le_bytes());
    file.extend((tensors.len() as u64).to_le_bytes());
    file.extend((metadata.len() as u64).to_le_bytes());
    for (name, value) in metadata {
        text(&mut file, name);
        match value {
            Value::U32(number) => {
                file.extend(4_u32.to_le_bytes());
                file.extend(number.to_le_bytes());
            }
            Value::F32(number) => {
                file.extend(6_u32.to_le_bytes());
                file.extend(number.to_le_bytes());
            }
            Value::Text(value) => {
                file.extend(8_u32.to_le_bytes());
                text(&mut file, value);
            }
        }
    }
    let mut offset = 0_usize;
    for tensor in tensors {
        check(tensor)?;
        text(&mut file, tensor.name);
        let dimensions = u32::try_from(tensor.shape.len()).unwrap_or(u32::MAX);
        file.extend(dimensions.to_le_bytes());
        for size in tensor.shape.iter().rev() {
            file.extend((*size as u64).to_le_bytes());
        }
        file.extend(tensor.kind.number().to_le_bytes());
        file.extend((offset as u64).to_le_bytes());
        offset = (offset + tensor.data.len()).next_multiple_of(ALIGNMENT);
    }
    for tensor in tensors {
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        file.extend(tensor.data);
    }
    Ok(file)
}

fn check(tensor: &OutputTensor<'_>) -> Result<(), FormatError> {
    let k = tensor.shape.last().copied().unwrap_or(1);
    let n = tensor.shape.iter().rev().skip(1).fold(1_usize, |n, size| n.saturating_mul(*size));
    let wanted = tensor.kind.bytes(Shape { n, k }).map_err(|error| error.of_layer(tensor.name))?;
    if tensor.data.len() == wanted {
        return Ok(());
    }
    let what = format!("tensor `{}`", tensor.name);
    Err(FormatError::Truncated { what, found: tensor.data.len() as u64, wanted: wanted as u64 })
}

fn text(file: &mut Vec<u8>, text: &str) {
    file.extend((text.len() as u64).to_le_bytes());
    file.extend(text.as_bytes());
}
