//! Checked shapes and layouts.

use crate::error::Error;

/// The shape of an attention: q is [batch, heads_q, len_q, dim], k and v are [batch, heads_kv, len_kv, dim], o is as q.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct Shape {
    /// Sequences.
    pub batch: usize,
    /// Heads of q and o, a multiple of `heads_kv`.
    pub heads_q: usize,
    /// Heads of k and v. Query head h uses key head h / (heads_q / heads_kv).
    pub heads_kv: usize,
    /// Queries of a sequence.
    pub len_q: usize,
    /// Keys of a sequence.
    pub len_kv: usize,
    /// Elements of a head: a multiple of 16 from 32 to 256.
    pub dim: usize,
}

/// Which keys a query sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Mask {
    /// All.
    None,
    /// Query i sees keys up to i + len_kv - len_q: the last query sees all. A query that sees none gives zeros.
    Causal,
}

/// How a tensor [batch, heads, len, dim] lies in memory: elements from one batch, head and row to the next. The elements of a row are neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct Layout {
    /// From one sequence to the next.
    pub batch_stride: usize,
    /// From one head to the next.
    pub head_stride: usize,
    /// From one query or key to the next.
    pub row_stride: usize,
}

impl Layout {
    /// [batch, heads, len, dim] without gaps.
    #[must_use]
    pub const fn heads_first(heads: usize, len: usize, dim: usize) -> Self {
        let head_stride = len.saturating_mul(dim);
        Self { batch_stride: heads.saturating_mul(head_stride), head_stride, row_stride: dim }
    }

    /// [batch, len, heads, dim] without gaps: what a projection writes.
    #[must_use]
    pub const fn tokens_first(len: usize, heads: usize, dim: usize) -> Self {
        let row_stride = heads.saturating_mul(dim);
        Self { batch_stride: len.saturating_mul(row_stride), head_stride: dim, row_stride }
    }

    /// Elements from the first to the last of a tensor of this layout.
    fn span(self, [batch, heads, len]: [usize; 3], dim: usize) -> Option<usize> {
        let steps = [(batch, self.batch_stride), (heads, self.head_stride), (len, self.row_stride)];
        steps.into_iter().try_fold(dim, |span, (count, stride)| (count - 1).checked_mul(stride)?.checked_add(span))
    }

    /// Checks that the kernels can index a tensor of this layout; its elements from first to last.
    pub(crate) fn check(self, tensor: &'static str, extents: [usize; 3], dim: usize) -> Result<usize, Error> {
        for (stride, value) in [("batch", self.batch_stride), ("head", self.head_stride), ("row", self.row_stride)] {
            // Byte strides are 32 bits wide, batch strides 64.
            if stride != "batch" && value >= 1 << 31 {
                return Err(Error::Stride { tensor, stride, value, wanted: "less than 2^31".to_owned() });
            }
        }
        let span = self.span(extents, dim).filter(|span| isize::try_from(span.saturating_mul(2)).is_ok());
        span.ok_or(Error::Overflow { tensor })
    }

    /// Checks that no two elements share a place.
    pub(crate) fn check_disjoint(self, tensor: &'static str, extents: [usize; 3], dim: usize) -> Result<(), Error> {
        let mut steps = [
            ("batch", self.batch_stride, extents[0]),
            ("head", self.head_stride, extents[1]),
            ("row", self.row_stride, extents[2]),
        ];
        steps.sort_by_key(|(_, stride, _)| *stride);
        let mut inner = dim;
        for (stride, value, count) in steps.into_iter().filter(|(.., count)| *count > 1) {
            if value < inner {
                return Err(Error::Stride { tensor, stride, value, wanted: format!("at least {inner}") });
            }
            inner = (count - 1).saturating_mul(value).saturating_add(inner);
        }
        Ok(())
    }
}

/// The layouts of all four tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct Layouts {
    /// Of q.
    pub q: Layout,
    /// Of k.
    pub k: Layout,
    /// Of v.
    pub v: Layout,
    /// Of o.
    pub o: Layout,
}

/// An attention that the kernels can do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Problem {
    pub(crate) shape: Shape,
    pub(crate) mask: Mask,
    pub(crate) scale: f32,
    pub(crate) layouts: Layouts,
    /// Elements of q, k, v and o from first to last.
    pub(crate) spans: [usize; 4],
}

/// Most heads, and most sequences: the second and third dimension of a grid.
const MAX_GRID: usize = 65_535;
/// Most queries and keys: indices are 32 bits wide with a sign, and room for a tile past the end.
const MAX_LEN: usize = 1 << 30;

impl Problem {
    /// Checks a shape whose tensors lie as [batch, heads, len, dim], with scores scaled by 1 / sqrt(dim).
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::HeadDim`], [`Error::Heads`], [`Error::Overflow`].
    pub fn new(shape: Shape, mask: Mask) -> Result<Self, Error> {
        let Shape { batch, heads_q, heads_kv, len_q, len_kv, dim } = shape;
        let limits = [
            ("batch", batch, MAX_GRID),
            ("heads_q", heads_q, MAX_GRID),
            ("heads_kv", heads_kv, MAX_GRID),
            ("len_q", len_q, MAX_LEN),
            ("len_kv", len_kv, MAX_LEN),
        ];
        for (dimension, value, limit) in limits {
            if value == 0 || value > limit {
                return Err(Error::Dimension { dimension, value, limit });
            }
        }
        if !dim.is_multiple_of(16) || !(32..=256).contains(&dim) {
            return Err(Error::HeadDim { dim });
        }
        if !heads_q.is_multiple_of(heads_kv) {
            return Err(Error::Heads { heads_q, heads_kv });
        }
        let (queries, keys) = (Layout::heads_first(heads_q, len_q, dim), Layout::heads_first(heads_kv, len_kv, dim));
        #[expect(clippy::cast_precision_loss, reason = "dim is at most 256")]
        let scale = 1.0 / (dim as f32).sqrt();
        let unchecked =
            Self { shape, mask, scale, layouts: Layouts { q: queries, k: keys, v: keys, o: queries }, spans: [0; 4] };
        unchecked.with_layouts(unchecked.layouts)
    }

    /// The same with scores multiplied by `scale`.
    ///
    /// # Errors
    /// [`Error::Scale`] unless it is finite.
    pub fn with_scale(self, scale: f32) -> Result<Self, Error> {
        if scale.is_finite() { Ok(Self { scale, ..self }) } else { Err(Error::Scale { value: scale }) }
    }

    /// The same with tensors that lie otherwise.
    ///
    /// # Errors
    /// [`Error::Stride`], [`Error::Overflow`].
    pub fn with_layouts(self, layouts: Layouts) -> Result<Self, Error> {
        let Shape { batch, heads_q, heads_kv, len_q, len_kv, dim } = self.shape;
        let (queries, keys) = ([batch, heads_q, len_q], [batch, heads_kv, len_kv]);
        let spans = [
            layouts.q.check("q", queries, dim)?,
            layouts.k.check("k", keys, dim)?,
            layouts.v.check("v", keys, dim)?,
            layouts.o.check("o", queries, dim)?,
        ];
        layouts.o.check_disjoint("o", queries, dim)?;
        Ok(Self { layouts, spans, ..self })
    }

    /// The shape as given.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Which keys a query sees.
    #[must_use]
    pub const fn mask(&self) -> Mask {
        self.mask
    }

    /// What scores are multiplied by.
    #[must_use]
    pub const fn scale(&self) -> f32 {
        self.scale
    }

    /// Where the tensors' elements lie.
    #[must_use]
    pub const fn layouts(&self) -> Layouts {
        self.layouts
    }
}

/// Checks that `tensor` has as many elements as its shape and layout say.
pub(crate) const fn check_length(tensor: &'static str, found: usize, wanted: usize) -> Result<(), Error> {
    if found == wanted { Ok(()) } else { Err(Error::WrongLength { tensor, found, wanted }) }
}
