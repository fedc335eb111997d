//! The kernels on a device: the only file here that is not pure.
#![expect(unsafe_code, reason = "a launch is safe only for arguments that were checked; here they are")]

use half::f16;
use tilewright_ffi::{
    Arguments, Context, DeviceBuffer, DeviceSlice, DeviceSliceMut, KernelCache, KernelSource, Launch, Stream,
};
use tilewright_ptx_ir::Target;
use tilewright_quant_pack::repack::{self, Place};
use tilewright_quant_pack::{Group, Int4, Int4Affine, Permutation};
use tilewright_tile::problem::check_length;
use tilewright_tile::{PackedOrder, Shape, scales};

use crate::error::Error;
use crate::kernel::module;
use crate::plan::Plan;
use crate::problem::Problem;

/// Matrix products with int4 weights in one context.
///
/// A kernel is built and loaded the first time its plan is needed; every later call is one launch on the caller's stream.
#[derive(Debug)]
pub struct Matmul {
    cache: KernelCache<Plan>,
    /// What the device can do; kernels are sm_80's everywhere.
    target: Target,
}

/// An int4 weight on the device, in the order in which the tensor cores read it ([`PackedOrder::Int4`]).
#[derive(Debug)]
pub struct Weight {
    words: DeviceBuffer<u32>,
    /// With zero points if there are any: [`scales::padded`].
    scales: DeviceBuffer<f16>,
    has_zeros: bool,
    /// Which column of x meets each column of the packed words, if not its own.
    order: Option<DeviceBuffer<u32>>,
    n: usize,
    k: usize,
    group: Group,
}

/// Rows, columns and columns of a group.
struct WeightShape {
    n: usize,
    k: usize,
    group: Group,
}

impl Weight {
    /// Repacks `weight` and copies it to the device; waits for the copies.
    ///
    /// # Errors
    /// [`Error::Shape`] for a K that the format cannot pack, [`Error::Group`] for a group size that the kernels do not take, [`Error::Repack`],
    /// [`Error::Driver`].
    pub fn load(stream: &Stream, weight: &Int4) -> Result<Self, Error> {
        let words = |words, order: &dyn Fn(usize, usize) -> Option<Place>| repack::nibbles(weight, words, order);
        let shape = WeightShape { n: weight.shape().n, k: weight.shape().k, group: weight.group() };
        Self::upload(stream, shape, words, weight.scales(), None, None)
    }

    /// As [`Weight::load`], with zero points and with groups in any order, as checkpoints have them.
    ///
    /// Columns are sorted by their groups here, once; from then on the kernel gathers x in that order as it copies it. Zero points that are all 8, and an order
    /// that changes nothing, are noticed and cost nothing.
    ///
    /// # Numerics
    /// As [`Matmul::run`], with q - zero for q: from -15 to 15, exact in f16. Sums go along k in the order of the groups.
    ///
    /// # Errors
    /// Those of [`Weight::load`].
    pub fn load_affine(stream: &Stream, weight: &Int4Affine) -> Result<Self, Error> {
        let (weight, permutation) = weight.clone().sorted()?;
        let words =
            |words, order: &dyn Fn(usize, usize) -> Option<Place>| repack::affine_nibbles(&weight, words, order);
        let shape = WeightShape { n: weight.shape().n, k: weight.shape().k, group: weight.grouping().group() };
        let order = permutation.as_ref().map(Permutation::columns);
        Self::upload(stream, shape, words, weight.scales(), weight.zeros(), order)
    }

    fn upload(
        stream: &Stream,
        WeightShape { n, k, group }: WeightShape,
        words: impl FnOnce(usize, &dyn Fn(usize, usize) -> Option<Place>) -> Result<Vec<u32>, tilewright_quant_pack::Error>,
        scales: &[f16],
        zeros: Option<&[u8]>,
        order: Option<&[u32]>,
    ) -> Result<Self, Error> {
        Problem::new(Shape { m: 1, n, k }, group)?;
        let packed = PackedOrder::Int4;
        let (_, units_k) = packed.units(n, k);
        let words = words(packed.words(n, k), &|word, element| {
            let (n, k) = packed.source(units_k, word, u32::try_from(element).ok()?);
            Some(Place { n, k })
        })?;
        let scales = stream.upload(&scales::padded(scales, zeros, n))?;
        let order = order.map(|order| stream.upload(order)).transpose()?;
        Ok(Self { words: stream.upload(&words)?, scales, has_zeros: zeros.is_some(), order, n, k, group })
    }

    /// Rows of the weight, columns of the product.
    #[must_use]
    pub const fn n(&self) -> usize {
        self.n
    }

    /// Columns of the weight and of x.
    #[must_use]
    pub const fn k(&self) -> usize {
        self.k
    }

    /// Whether some zero point is not 8, so that the kernel reads them.
    #[must_use]
    pub const fn has_zeros(&self) -> bool {
        self.has_zeros
    }

    /// Whether the groups lay in another order, so that the kernel gathers the columns of x.
    #[must_use]
    pub const fn is_gathered(&self) -> bool {
        self.order.is_some()
    }
}

impl Matmul {
    /// Products in `context`.
    ///
    /// # Errors
    /// [`Error::UnsupportedDevice`] below compute capability 8.0.
    pub fn new(context: &Context) -> Result<Self, Error> {
        let capability = context.compute_capability();
        let (major, minor) = (capability.major, capability.minor);
        let target = Target::for_compute_capability(major, minor).ok_or(Error::UnsupportedDevice { major, minor })?;
        Ok(Self { cache: KernelCache::new(context), target })
    }

    /// Enqueues y = x · dequantize(w)ᵀ on `stream`.
    ///
    /// # Shapes
    /// | tensor | shape | type | layout | alignment |
    /// |---|---|---|---|---|
    /// | x | [m, k] | f16 | row-major | 2 bytes; 16 for the fast copies |
    /// | w | [n, k] | int4, f16 scales, zero points 0 to 15 or none | packed by [`Weight`] | |
    /// | y | [m, n] | f16 | row-major | 2 bytes; 4, with n even, for the fast stores |
    ///
    /// # Numerics
    /// Weights are exact integers on the tensor cores; the f32 sum of a group is multiplied by its scale and added in f32; the result is rounded once.
    /// |error| <= 2 γ(k + groups) Σ|x||w| + u|y| ([`reference::bound`](crate::reference::bound)). Each element is summed in the same order in every
    /// plan: results do not depend on m, n, the stream or the run. NaN and infinities of x reach their row.
    ///
    /// # Errors
    /// [`Error::Shape`] for an x or y of the wrong length; [`Error::Driver`] for handles of another context and what the driver reports.
    /// Nothing is launched then.
    ///
    /// # Source
    /// Frantar et al., "MARLIN", PPoPP 2025 (weights repacked into the order of the fragments). Instructions: PTX ISA 9.0, sections 9.7.14.5 (`mma`, `ldmatrix`) and 9.7.9 (`cp.async`).
    ///
    /// # Example
    /// ```
    /// use half::f16;
    /// use tilewright_ffi::Driver;
    /// use tilewright_matmul_int4::{Matmul, Weight};
    /// use tilewright_quant_pack::{Group, Int4, Shape};
    ///
    /// // Or `Driver::load()`, for the GPU.
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// // Two rows of eight: 0 to 7 with scale 1, -8 to -1 with scale 1/2.
    /// let values: Vec<i8> = (0..8).chain(-8..0).collect();
    /// let scales = vec![f16::ONE, f16::from_f32(0.5)];
    /// let weight = Int4::pack(&values, Shape { n: 2, k: 8 }, Group::WholeRow, scales)?;
    /// let weight = Weight::load(&stream, &weight)?;
    /// let x = stream.upload(&[f16::ONE; 8])?;
    /// let mut y = stream.alloc::<f16>(2)?;
    /// Matmul::new(&gpu)?.run(&stream, 1, x.as_slice(), &weight, &mut y.as_slice_mut())?;
    /// assert_eq!(stream.download(y.as_slice())?, [28.0, -18.0].map(f16::from_f32));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run(
        &self,
        stream: &Stream,
        m: usize,
        x: DeviceSlice<'_, f16>,
        w: &Weight,
        y: &mut DeviceSliceMut<'_, f16>,
    ) -> Result<(), Error> {
        let problem = Problem::new(Shape { m, n: w.n, k: w.k }, w.group)?.with(w.has_zeros, w.order.is_some());
        check_length("x", x.len(), m, w.k)?;
        check_length("y", y.len(), m, w.n)?;
        let plan = Plan::new(&problem, self.target, x.address(), y.address());
        let function = self.cache.function(&plan, || source(&plan))?;
        let mut arguments = Arguments::new();
        arguments
            .pointer(x)
            .pointer(w.words.as_slice())
            .pointer(w.scales.as_slice())
            .pointer_mut(y)
            .value(problem.checked.m)
            .value(problem.checked.n)
            .value(problem.checked.k);
        if let Some(order) = &w.order {
            arguments.pointer(order.as_slice());
        }
        let launch = Launch::new(plan.grid(&problem), plan.geometry.threads(), plan.shared_bytes());
        // SAFETY:
        // - the kernel reads m·k elements of x and writes m·n of y, which have as many: checked above.
        // - it reads the words, scales and zero points of a weight [n, k], which `Weight` made for these n and k and nothing changes; so it did the order, a permutation
        //   of the k columns of x.
        // - it needs 2-byte alignment, or what the plan was chosen for from these very addresses.
        // - it runs on sm_80 and newer, which `new` saw to; the context of every handle is compared by `launch`.
        unsafe { function.launch(stream, &launch, &arguments) }.map_err(Error::from)
    }
}

fn source(plan: &Plan) -> Result<KernelSource, Error> {
    let module = module(plan, Target::Sm80)?;
    let parameters = module.kernels.first().map(tilewright_ptx_ir::ir::Kernel::parameter_bytes).unwrap_or_default();
    Ok(KernelSource { text: module.to_string(), entry: plan.name(), parameters })
}
