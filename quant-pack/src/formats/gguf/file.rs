//! Reading a GGUF file: what tensors it has and where they lie.

use std::collections::HashMap;

use super::{FormatError, Kind};
use crate::shape::Shape;

/// Where tensors start unless the file says otherwise.
const ALIGNMENT: u64 = 32;
/// Arrays of arrays deeper than this are refused.
const DEEPEST: u32 = 4;

/// A GGUF file. Its metadata are passed over, but for the alignment.
#[derive(Clone, Debug)]
pub struct Gguf<'f> {
    data: &'f [u8],
    tensors: Vec<TensorInfo>,
    places: HashMap<String, usize>,
}

/// A tensor of a file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Its dimensions, the slowest first as everywhere here (the file has them the other way round).
    pub shape: Vec<usize>,
    /// Where it starts, in bytes from the first tensor.
    pub offset: u64,
}

impl TensorInfo {
    /// Its dimensions as those of a weight: all but the last are rows.
    #[must_use]
    pub fn weight_shape(&self) -> Shape {
        let k = self.shape.last().copied().unwrap_or(1);
        Shape { n: self.shape.iter().rev().skip(1).fold(1, |n, size| n.saturating_mul(*size)), k }
    }
}

impl<'f> Gguf<'f> {
    /// Reads the beginning of a file that is all there, in memory or mapped.
    ///
    /// # Errors
    /// Another kind of file, another version than 2 and 3, a file that ends early, or numbers that cannot be.
    ///
    /// # Example
    /// ```
    /// use tilewright_quant_pack::formats::gguf::{Gguf, Kind, OutputTensor, Value, write};
    ///
    /// let data: Vec<u8> = [1.0_f32, 2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    /// let tensor = OutputTensor { name: "w", kind: Kind::F32, shape: &[1, 2], data: &data };
    /// let file = write(&[("general.architecture", Value::Text("llama"))], &[tensor])?;
    ///
    /// let gguf = Gguf::parse(&file)?;
    /// assert_eq!(gguf.tensors()[0].shape, [1, 2]);
    /// assert_eq!(gguf.data(&gguf.tensors()[0])?, data);
    /// assert!(Gguf::parse(&file[..20]).is_err());
    /// # Ok::<(), tilewright_quant_pack::formats::FormatError>(())
    /// ```
    pub fn parse(file: &'f [u8]) -> Result<Self, FormatError> {
        let mut reader = Reader { file, at: 0 };
        if reader.bytes(4)? != b"GGUF" {
            return Err(damaged("it does not begin with GGUF".to_owned()));
        }
        let version = reader.u32()?;
        if !(2..=3).contains(&version) {
            return Err(damaged(format!("version {version}, wanted 2 or 3")));
        }
        let (tensor_count, value_count) = (reader.u64()?, reader.u64()?);
        let mut alignment = ALIGNMENT;
        for _ in 0..value_count {
            let (name, kind) = (reader.text()?, reader.u32()?);
            if name == "general.alignment" && kind == 4 {
                alignment = reader.u32()?.into();
                if !alignment.is_power_of_two() {
                    return Err(damaged(format!("general.alignment = {alignment}, wanted a power of two")));
                }
            } else {
                reader.skip(kind, DEEPEST)?;
            }
        }
        let (mut tensors, mut places) = (Vec::new(), HashMap::new());
        for place in 0..tensor_count {
            let tensor = reader.tensor()?;
            // Bounded by the file: each took bytes of it.
            if places.insert(tensor.name.clone(), tensors.len()).is_some() {
                return Err(damaged(format!("tensor {place} is called `{}` as another is", tensor.name)));
            }
            tensors.push(tensor);
        }
        let start = (reader.at as u64).next_multiple_of(alignment);
        let data = usize::try_from(start).ok().and_then(|start| file.get(start..)).unwrap_or(&[]);
        let gguf = Self { data, tensors, places };
        // A file that ends early is found now, not in the middle of the work.
        for tensor in &gguf.tensors {
            if tensor.kind.block().is_some() {
                gguf.data(tensor)?;
            }
        }
        Ok(gguf)
    }

    /// All tensors, as they stand in the file.
    #[must_use]
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The tensor called `name`.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.places.get(name).and_then(|place| self.tensors.get(*place))
    }

    /// The bytes of a tensor.
    ///
    /// # Errors
    /// A type that is not read here, rows of partial blocks, or a file that ends early.
    pub fn data(&self, tensor: &TensorInfo) -> Result<&'f [u8], FormatError> {
        let wanted = tensor.kind.bytes(tensor.weight_shape()).map_err(|error| error.of_layer(&tensor.name))?;
        let rest = usize::try_from(tensor.offset).ok().and_then(|offset| self.data.get(offset..)).unwrap_or(&[]);
        rest.get(..wanted).ok_or_else(|| FormatError::Truncated {
            what: format!("tensor `{}`", tensor.name),
            found: rest.len() as u64,
            wanted: wanted as u64,
        })
    }
}

fn damaged(why: String) -> FormatError {
    FormatError::NotA { kind: "GGUF", why }
}

/// The beginning of a file, read piece by piece.
struct Reader<'f> {
    file: &'f [u8],
    at: usize,
}

impl<'f> Reader<'f> {
    fn bytes(&mut self, count: u64) -> Result<&'f [u8], FormatError> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        match end.and_then(|end| self.file.get(self.at..end)) {
            Some(bytes) => {
                self.at += bytes.len();
                Ok(bytes)
            }
            None => Err(FormatError::Truncated {
                what: "the beginning of a GGUF file".to_owned(),
                found: self.file.len() as u64,
                wanted: (self.at as u64).saturating_add(count),
            }),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let bytes = self.bytes(N as u64)?;
        Ok(std::array::from_fn(|place| bytes[place]))
    }

    fn u32(&mut self) -> Result<u32, FormatError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, FormatError> {
        self.array().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Result<&'f str, FormatError> {
        let length = self.u64()?;
        let bytes = self.bytes(length)?;
        std::str::from_utf8(bytes).map_err(|error| damaged(format!("a name is no UTF-8: {error}")))
    }

    /// Passes over a value of metadata.
    fn skip(&mut self, kind: u32, deepest: u32) -> Result<(), FormatError> {
        match kind {
            // u8, i8 and bool; u16 and i16; u32, i32 and f32; u64, i64 and f64.
            0 | 1 | 7 => self.bytes(1).map(drop),
            2 | 3 => self.bytes(2).map(drop),
            4..=6 => self.bytes(4).map(drop),
            10..=12 => self.bytes(8).map(drop),
            // Texts need not be UTF-8 where nobody reads them.
            8 => {
                let length = self.u64()?;
                self.bytes(length).map(drop)
            }
            9 if deepest > 0 => {
                let (kind, count) = (self.u32()?, self.u64()?);
                (0..count).try_for_each(|_| self.skip(kind, deepest - 1))
            }
            other => Err(damaged(format!("a value has type {other}, which there is not"))),
        }
    }

    fn tensor(&mut self) -> Result<TensorInfo, FormatError> {
        let name = self.text()?.to_owned();
        let dimensions = self.u32()?;
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            let size = self.u64()?;
            let size = usize::try_from(size);
            shape.push(size.map_err(|_| damaged(format!("a dimension of tensor `{name}` is beyond this machine")))?);
        }
        shape.reverse();
        Ok(TensorInfo { name, kind: Kind::of(self.u32()?), shape, offset: self.u64()? })
    }
}
