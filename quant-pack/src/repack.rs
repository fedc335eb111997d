//! Moves quantized weights into the order in which a kernel reads them.
//!
//! The order is the kernel's own: a function from a place in the output to a place in the weight. It is called once for each place, in
//! order, and may run past the weight's edges: what lies there is padding and becomes the integer 0. Every weight must be placed exactly once, so an
//! order with a mistake is an error and not a wrong product.
//!
//! # Example
//! AWQ's order: words along N, nibble i holds column `[0, 2, 4, 6, 1, 3, 5, 7][i]`.
//! ```
//! use half::f16;
//! use tilewright_quant_pack::{Group, Int4, Shape, repack};
//!
//! let shape = Shape { n: 8, k: 8 };
//! let values: Vec<i8> = (0..64).map(|place| place / 8 - 8).collect(); // row n holds n - 8, stored as n
//! let weight = Int4::pack(&values, shape, Group::WholeRow, vec![f16::ONE; 8])?;
//! let words = repack::nibbles(&weight, 8, |word, nibble| {
//!     Some(repack::Place { n: [0, 2, 4, 6, 1, 3, 5, 7][nibble], k: word })
//! })?;
//! assert_eq!(words, [0x7531_6420; 8]);
//! # Ok::<(), tilewright_quant_pack::Error>(())
//! ```
#![expect(clippy::cast_sign_loss, reason = "an i8 is stored as its bits")]

use half::f16;

use crate::affine::{Int4Affine, MIDDLE};
use crate::error::Error;
use crate::int4::{Int4, OFFSET};
use crate::int8::Int8;
use crate::shape::Shape;

/// A place in a weight [N, K].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Row.
    pub n: usize,
    /// Column.
    pub k: usize,
}

/// A place in the scales [groups, N] of an [`Int4`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScalePlace {
    /// Group along K.
    pub group: usize,
    /// Row of the weight.
    pub n: usize,
}

/// How an int8 value is stored in its byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ByteForm {
    /// Two's complement; padding is 0.
    Signed,
    /// q + 128, as kernels want it that convert by bit tricks; padding is 128.
    Offset128,
}

/// `words` words of eight nibbles, each q + 8: nibble i (0 the lowest) of word w holds the weight at `order(w, i)`. Where that is `None` or outside the
/// shape the nibble is padding, 8.
///
/// # Errors
/// [`Error::WeightLeftOut`] or [`Error::WeightRepeated`] if some weight is not placed exactly once, [`Error::OutOfMemory`].
pub fn nibbles(source: &Int4, words: usize, order: impl Fn(usize, usize) -> Option<Place>) -> Result<Vec<u32>, Error> {
    let padding = u32::from(OFFSET as u8);
    fill::<8>(source.shape(), words, padding, order, |place| source.stored(place.n, place.k))
}

/// As [`nibbles`], with q as stored, from 0 to 15, for weights with zero points; groups must lie side by side for a kernel that reads them so
/// ([`Int4Affine::sorted`]). Padding is 8.
///
/// # Errors
/// Those of [`nibbles`].
pub fn affine_nibbles(
    source: &Int4Affine,
    words: usize,
    order: impl Fn(usize, usize) -> Option<Place>,
) -> Result<Vec<u32>, Error> {
    fill::<8>(source.shape(), words, u32::from(MIDDLE), order, |place| u32::from(source.stored(place.n, place.k)))
}

/// `words` words of four bytes: byte i (0 the lowest) of word w holds the weight at `order(w, i)`. Where that is `None` or outside the shape the byte
/// is padding.
///
/// # Errors
/// [`Error::WeightLeftOut`] or [`Error::WeightRepeated`] if some weight is not placed exactly once, [`Error::OutOfMemory`].
pub fn bytes(
    source: &Int8,
    words: usize,
    form: ByteForm,
    order: impl Fn(usize, usize) -> Option<Place>,
) -> Result<Vec<u32>, Error> {
    let padding = form.stored(0);
    fill::<4>(source.shape(), words, padding, order, |place| {
        form.stored(source.values()[place.n * source.shape().k + place.k])
    })
}

/// `length` int4 scales: number i is the one at `order(i)`, or 0 where that is `None` or outside. A scale may be placed more than once.
///
/// # Errors
/// [`Error::ScaleLeftOut`] if a scale is not placed, [`Error::OutOfMemory`].
pub fn scales(source: &Int4, length: usize, order: impl Fn(usize) -> Option<ScalePlace>) -> Result<Vec<f16>, Error> {
    let Shape { n, k } = source.shape();
    let mut seen = Seen::new(source.scales().len())?;
    let mut output = allocate(length)?;
    let groups = source.group().count(k);
    output.extend((0..length).map(|index| {
        let place = order(index).filter(|place| place.group < groups && place.n < n);
        place.map_or(f16::ZERO, |place| {
            seen.mark(place.group * n + place.n);
            source.scales()[place.group * n + place.n]
        })
    }));
    match seen.first_missing() {
        None => Ok(output),
        Some(missing) => Err(Error::ScaleLeftOut { group: missing / n, row: missing % n }),
    }
}

/// `length` int8 scales: number i is that of row `order(i)`, or 0 where that is `None` or outside. One scale a tensor becomes one a row. A row may be placed
/// more than once.
///
/// # Errors
/// [`Error::ScaleLeftOut`] if the scale of a row is not placed, [`Error::OutOfMemory`].
pub fn row_scales(source: &Int8, length: usize, order: impl Fn(usize) -> Option<usize>) -> Result<Vec<f32>, Error> {
    let n = source.shape().n;
    let mut seen = Seen::new(n)?;
    let mut output = allocate(length)?;
    output.extend((0..length).map(|index| {
        order(index).filter(|&row| row < n).map_or(0.0, |row| {
            seen.mark(row);
            source.scale(row)
        })
    }));
    match seen.first_missing() {
        None => Ok(output),
        Some(row) => Err(Error::ScaleLeftOut { group: 0, row }),
    }
}

impl ByteForm {
    const fn stored(self, value: i8) -> u32 {
        let bits = value as u8;
        match self {
            Self::Signed => bits as u32,
            Self::Offset128 => (bits ^ 0x80) as u32,
        }
    }
}

/// Words of `FIELDS` elements each, taken from their places.
fn fill<const FIELDS: usize>(
    shape: Shape,
    words: usize,
    padding: u32,
    order: impl Fn(usize, usize) -> Option<Place>,
    stored: impl Fn(Place) -> u32,
) -> Result<Vec<u32>, Error> {
    let mut seen = Seen::new(shape.n * shape.k)?;
    let mut output = allocate(words)?;
    for word in 0..words {
        let mut bits = 0;
        for field in 0..FIELDS {
            let place = order(word, field).filter(|place| place.n < shape.n && place.k < shape.k);
            let value = match place {
                None => padding,
                Some(place) if seen.mark(place.n * shape.k + place.k) => stored(place),
                Some(Place { n, k }) => return Err(Error::WeightRepeated { row: n, column: k, word }),
            };
            bits |= value << (field * (32 / FIELDS));
        }
        output.push(bits);
    }
    match seen.first_missing() {
        None => Ok(output),
        Some(missing) => Err(Error::WeightLeftOut { row: missing / shape.k, column: missing % shape.k }),
    }
}

fn allocate<T>(elements: usize) -> Result<Vec<T>, Error> {
    let mut output = Vec::new();
    output.try_reserve_exact(elements).map_err(|_| Error::OutOfMemory { elements })?;
    Ok(output)
}

/// Which places have been used, one bit each.
struct Seen {
    length: usize,
    bits: Vec<u64>,
}

impl Seen {
    fn new(length: usize) -> Result<Self, Error> {
        let mut bits = allocate(length.div_ceil(64))?;
        bits.resize(length.div_ceil(64), 0);
        Ok(Self { length, bits })
    }

    /// Marks `place`; false if it was marked before.
    fn mark(&mut self, place: usize) -> bool {
        let (word, bit) = (&mut self.bits[place / 64], 1 << (place % 64));
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    fn first_missing(&self) -> Option<usize> {
        let (index, word) = self.bits.iter().enumerate().find(|(_, word)| **word != u64::MAX)?;
        let missing = index * 64 + word.trailing_ones() as usize;
        (missing < self.length).then_some(missing)
    }
}
