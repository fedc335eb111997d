//! The rotation on a device.
#![expect(unsafe_code, reason = "a launch is safe only for arguments that were checked; here they are")]

use tilewright_ffi::{Arguments, Context, DeviceSlice, DeviceSliceMut, KernelCache, KernelSource, Launch, Stream};
use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::ir::Kernel;

use super::kernel::module;
use super::{Pairs, RopePlan};
use crate::dtype::Element;
use crate::error::Error;
use crate::launch::{check_device, narrow};
use crate::problem::{Layout, check_length};

/// The shape of what is rotated: [batch, heads, len, dim].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct RopeShape {
    /// Sequences.
    pub batch: usize,
    /// Heads.
    pub heads: usize,
    /// Rows: positions of a sequence.
    pub len: usize,
    /// Elements of a head, even.
    pub dim: usize,
}

/// A rotation that the kernels can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RopeProblem {
    shape: RopeShape,
    pairs: Pairs,
    x: Layout,
    y: Layout,
    spans: [usize; 2],
}

impl RopeProblem {
    /// Checks a rotation of a tensor of layout `x` into one of layout `y`.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::RotaryDim`], [`Error::Stride`], [`Error::Overflow`].
    pub fn new(shape: RopeShape, pairs: Pairs, x: Layout, y: Layout) -> Result<Self, Error> {
        let RopeShape { batch, heads, len, dim } = shape;
        for (dimension, value, limit) in [("batch", batch, 65_535), ("heads", heads, 65_535), ("len", len, 1 << 30)] {
            if value == 0 || value > limit {
                return Err(Error::Dimension { dimension, value, limit });
            }
        }
        // Pairs of a head are counted in 32 bits.
        let limit = ((1 << 31) / len).min(65_536);
        if dim == 0 || !dim.is_multiple_of(2) || dim > limit {
            return Err(Error::RotaryDim { dim, limit });
        }
        let extents = [batch, heads, len];
        let spans = [x.check("x", extents, dim)?, y.check("y", extents, dim)?];
        y.check_disjoint("y", extents, dim)?;
        Ok(Self { shape, pairs, x, y, spans })
    }
}

/// Cosines and sines on the device, each [len, dim / 2].
#[derive(Clone, Copy, Debug)]
struct Turns<'a> {
    cos: DeviceSlice<'a, f32>,
    sin: DeviceSlice<'a, f32>,
}

/// Rotary position embedding in one context.
#[derive(Debug)]
pub struct Rope {
    cache: KernelCache<RopePlan>,
}

impl Rope {
    /// Rotations in `context`.
    ///
    /// # Errors
    /// [`Error::UnsupportedDevice`] below compute capability 8.0.
    pub fn new(context: &Context) -> Result<Self, Error> {
        check_device(context)?;
        Ok(Self { cache: KernelCache::new(context) })
    }

    /// Enqueues the rotation of x into y; `tables` are the cosines and sines of [`Tables`](super::Tables).
    ///
    /// # Shapes
    /// | tensor | shape | type | layout | alignment |
    /// |---|---|---|---|---|
    /// | x, y | [batch, heads, len, dim] | f16 or bf16 | any strides, rows contiguous ([`Layout`](crate::Layout)) | 2 bytes |
    /// | cos, sin | [len, dim / 2] | f32 | row-major | 4 bytes |
    ///
    /// # Numerics
    /// Products and sums are f32, one rounding each, of exactly widened elements and f32 cosines and sines; the result is rounded once
    /// ([`reference::rope`](crate::reference::rope) gives the bound). NaN and infinities stay with their pair. Deterministic; a row does not depend on others.
    ///
    /// # Errors
    /// [`Error::WrongLength`] for a tensor that does not have its shape; [`Error::Driver`] for handles of another context and what the driver reports.
    /// Nothing is launched then.
    ///
    /// # Source
    /// Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021, section 3.4.2 (interleaved pairs); halves as in Hugging Face's Llama.
    ///
    /// # Example
    /// ```
    /// use half::f16;
    /// use tilewright_attention::Layout;
    /// use tilewright_attention::rope::{Angles, Pairs, Rope, RopeProblem, RopeShape, Tables};
    /// use tilewright_ffi::Driver;
    ///
    /// // Or `Driver::load()`, for the GPU.
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let (heads, len, dim) = (1, 2, 4);
    /// let tables = Tables::new(Angles { theta: 1e4, first_position: 0, len, dim });
    /// let (cos, sin) = (stream.upload(&tables.cos)?, stream.upload(&tables.sin)?);
    /// let x = stream.upload(&[f16::ONE; 8])?;
    /// let mut y = stream.alloc::<f16>(8)?;
    /// let layout = Layout::heads_first(heads, len, dim);
    /// let problem = RopeProblem::new(RopeShape { batch: 1, heads, len, dim }, Pairs::Halves, layout, layout)?;
    /// let turns = [cos.as_slice(), sin.as_slice()];
    /// Rope::new(&gpu)?.run(&stream, &problem, x.as_slice(), turns, &mut y.as_slice_mut())?;
    /// // Position 0 is not turned; at position 1 the first pair is turned by one radian.
    /// let y = stream.download(y.as_slice())?;
    /// assert_eq!(y[..4], [f16::ONE; 4]);
    /// assert!((y[4].to_f32() - (1f32.cos() - 1f32.sin())).abs() < 1e-3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run<T: Element>(
        &self,
        stream: &Stream,
        problem: &RopeProblem,
        x: DeviceSlice<'_, T>,
        tables: [DeviceSlice<'_, f32>; 2],
        y: &mut DeviceSliceMut<'_, T>,
    ) -> Result<(), Error> {
        let [cos, sin] = tables;
        let RopeShape { batch, heads, len, dim } = problem.shape;
        check_length("x", x.len(), problem.spans[0])?;
        check_length("y", y.len(), problem.spans[1])?;
        let turns = Turns { cos, sin };
        check_length("cos", turns.cos.len(), len * (dim / 2))?;
        check_length("sin", turns.sin.len(), len * (dim / 2))?;
        let plan = RopePlan { dtype: T::DTYPE, pairs: problem.pairs };
        let function = self.cache.function(&plan, || {
            let module = module(&plan, Target::Sm80)?;
            let parameters = module.kernels.first().map(Kernel::parameter_bytes).unwrap_or_default();
            Ok::<_, Error>(KernelSource { text: module.to_string(), entry: plan.name(), parameters })
        })?;
        let mut arguments = Arguments::new();
        arguments
            .pointer(x)
            .pointer_mut(y)
            .pointer(turns.cos)
            .pointer(turns.sin)
            .value(narrow(len))
            .value(narrow(dim / 2));
        for layout in [problem.x, problem.y] {
            arguments
                .value(layout.batch_stride as u64)
                .value(narrow(layout.head_stride))
                .value(narrow(layout.row_stride));
        }
        let grid = [narrow(len * (dim / 2)).div_ceil(RopePlan::THREADS), narrow(heads), narrow(batch)];
        // SAFETY:
        // - the kernel reads elements of x and writes elements of y inside the spans of their layouts, and len · dim / 2 cosines and sines: all checked above.
        // - no two elements of y share a place: checked with the problem.
        // - it runs on sm_80 and newer, which `new` saw to; the context of every handle is compared by `launch`.
        unsafe { function.launch(stream, &Launch::new(grid, RopePlan::THREADS, 0), &arguments) }.map_err(Error::from)
    }
}
