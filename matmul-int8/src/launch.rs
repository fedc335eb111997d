//! The kernels on a device: the only file here that is not pure.
#![expect(unsafe_code, reason = "a launch is safe only for arguments that were checked; here they are")]

use bytemuck::Pod;
use half::f16;
use tilewright_ffi::{
    Arguments, Context, DeviceBuffer, DeviceSlice, DeviceSliceMut, KernelCache, KernelSource, Launch, Stream,
};
use tilewright_ptx_ir::Target;
use tilewright_quant_pack::Int8;
use tilewright_quant_pack::repack::{self, ByteForm, Place};
use tilewright_tile::problem::check_length;
use tilewright_tile::{PackedOrder, Shape, ShapeError};

use crate::error::Error;
use crate::kernel::module;
use crate::plan::{Addresses, Output, Plan, Scales};
use crate::problem::{Operation, Problem};

/// What W8A8 can give: `f16` or `f32`, scaled.
pub trait ScaledOutput: Pod + sealed::Sealed {
    /// The same as a value.
    const OUTPUT: Output;
}

impl ScaledOutput for f16 {
    const OUTPUT: Output = Output::F16;
}

impl ScaledOutput for f32 {
    const OUTPUT: Output = Output::F32;
}

mod sealed {
    #[expect(unnameable_types, reason = "that is its purpose")]
    pub trait Sealed {}
    impl Sealed for half::f16 {}
    impl Sealed for f32 {}
}

/// Matrix products with int8 weights in one context.
///
/// A kernel is built and loaded the first time its plan is needed; every later call is one launch on the caller's stream.
#[derive(Debug)]
pub struct Matmul {
    cache: KernelCache<Plan>,
    /// What the device can do; kernels are sm_80's everywhere.
    target: Target,
}

/// An int8 weight on the device for W8A16, in the order in which the tensor cores read it ([`PackedOrder::Int8`]).
#[derive(Debug)]
pub struct Weight {
    words: DeviceBuffer<u32>,
    scales: DeviceBuffer<f32>,
    n: usize,
    k: usize,
}

impl Weight {
    /// Repacks `weight` and copies it to the device; waits for the copies.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Repack`], [`Error::Driver`].
    pub fn load(stream: &Stream, weight: &Int8) -> Result<Self, Error> {
        let (n, k) = (weight.shape().n, weight.shape().k);
        Problem::new(Operation::W8A16, Shape { m: 1, n, k })?;
        let order = PackedOrder::Int8;
        let (_, units_k) = order.units(n, k);
        let words = repack::bytes(weight, order.words(n, k), ByteForm::Offset128, |word, element| {
            let (n, k) = order.source(units_k, word, u32::try_from(element).unwrap_or(0));
            Some(Place { n, k })
        })?;
        Ok(Self { words: stream.upload(&words)?, scales: stream.upload(weight.scales())?, n, k })
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
}

/// The operands of a W8A8 product.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct Operands<'a> {
    /// m x k, row-major.
    pub x: DeviceSlice<'a, i8>,
    /// n x k, row-major.
    pub w: DeviceSlice<'a, i8>,
}

/// The scales of a W8A8 product: one for the tensor, or one a row.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct ScalesOf<'a> {
    /// One, or one a row of x.
    pub x: DeviceSlice<'a, f32>,
    /// One, or one a row of w.
    pub w: DeviceSlice<'a, f32>,
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

    /// Enqueues the sums y = x · wᵀ, exact in i32.
    ///
    /// # Shapes
    /// | tensor | shape | type | layout | alignment |
    /// |---|---|---|---|---|
    /// | x | [m, k] | i8 | row-major | 1 byte; 16, with k a multiple of 16, for the fast copies |
    /// | w | [n, k] | i8 | row-major | as x |
    /// | y | [m, n] | i32 | row-major | 4 bytes; 8, with n even, for the fast stores |
    ///
    /// m and n are any numbers from 1, k goes up to [`W8A8_K_LIMIT`](crate::W8A8_K_LIMIT).
    ///
    /// # Numerics
    /// Exact: k is limited so that no sum can leave i32. So nothing depends on the order of the sums, the plan, the stream or the run.
    ///
    /// # Errors
    /// [`Error::Shape`] for a shape that cannot be or a tensor that does not have it; [`Error::SumOverflow`] for a k whose sums could leave i32;
    /// [`Error::Driver`] for handles of another context and what the driver reports. Nothing is launched then.
    ///
    /// # Source
    /// Instructions: PTX ISA 9.0, sections 9.7.14.5 (`mma`, `ldmatrix`) and 9.7.9 (`cp.async`).
    ///
    /// # Example
    /// ```
    /// use tilewright_ffi::Driver;
    /// use tilewright_matmul_int8::{Matmul, Operands, Shape};
    ///
    /// // Or `Driver::load()`, for the GPU.
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let (x, w) = (stream.upload(&[1i8, -128, 3, 4])?, stream.upload(&[127i8, -128, 1, 1])?);
    /// let mut y = stream.alloc::<i32>(4)?;
    /// let operands = Operands { x: x.as_slice(), w: w.as_slice() };
    /// Matmul::new(&gpu)?.w8a8_sums(&stream, Shape { m: 2, n: 2, k: 2 }, operands, &mut y.as_slice_mut())?;
    /// assert_eq!(stream.download(y.as_slice())?, [127 + 128 * 128, 1 - 128, 3 * 127 - 4 * 128, 7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn w8a8_sums(
        &self,
        stream: &Stream,
        shape: Shape,
        operands: Operands<'_>,
        y: &mut DeviceSliceMut<'_, i32>,
    ) -> Result<(), Error> {
        let problem = check_w8a8(shape, operands, y.len())?;
        let plan =
            Plan::new(&problem, self.target, addresses(operands, y.address()), (Scales::One, Scales::One), Output::I32);
        let mut arguments = Arguments::new();
        arguments.pointer(operands.x).pointer(operands.w).pointer_mut(y);
        // SAFETY: x, w and y have m·k, n·k and m·n elements: checked above.
        unsafe { self.launch(stream, &problem, &plan, &mut arguments) }
    }

    /// Enqueues y = x_scale · w_scale · (x · wᵀ).
    ///
    /// # Shapes
    /// As [`w8a8_sums`](Self::w8a8_sums), with y in f16 or f32, and:
    ///
    /// | tensor | shape | type |
    /// |---|---|---|
    /// | x_scale | 1, or m: one a row of x | f32 |
    /// | w_scale | 1, or n: one a row of w | f32 |
    ///
    /// # Numerics
    /// The sums are exact. Their conversion to f32, the product of the two scales, the product with it and the result are rounded once each
    /// ([`reference::w8a8_bound`](crate::reference::w8a8_bound)). A scale that is NaN or infinite reaches its row or column. Deterministic.
    ///
    /// # Errors
    /// As [`w8a8_sums`](Self::w8a8_sums), also for scales of the wrong length.
    ///
    /// # Source
    /// Instructions: PTX ISA 9.0, sections 9.7.14.5 (`mma`, `ldmatrix`) and 9.7.9 (`cp.async`).
    ///
    /// # Example
    /// ```
    /// use half::f16;
    /// use tilewright_ffi::Driver;
    /// use tilewright_matmul_int8::{Matmul, Operands, ScalesOf, Shape};
    ///
    /// // Or `Driver::load()`, for the GPU.
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let (x, w) = (stream.upload(&[1i8, 2, 3, 4])?, stream.upload(&[10i8, 10, -10, 10])?);
    /// let (x_scale, w_scale) = (stream.upload(&[0.5f32])?, stream.upload(&[1.0f32, 0.25])?);
    /// let mut y = stream.alloc::<f16>(4)?;
    /// let operands = Operands { x: x.as_slice(), w: w.as_slice() };
    /// let scales = ScalesOf { x: x_scale.as_slice(), w: w_scale.as_slice() };
    /// Matmul::new(&gpu)?.w8a8(&stream, Shape { m: 2, n: 2, k: 2 }, operands, scales, &mut y.as_slice_mut())?;
    /// assert_eq!(stream.download(y.as_slice())?, [15.0, 1.25, 35.0, 1.25].map(f16::from_f32));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn w8a8<T: ScaledOutput>(
        &self,
        stream: &Stream,
        shape: Shape,
        operands: Operands<'_>,
        scales: ScalesOf<'_>,
        y: &mut DeviceSliceMut<'_, T>,
    ) -> Result<(), Error> {
        let problem = check_w8a8(shape, operands, y.len())?;
        let x_scales = check_scales("x_scale", scales.x.len(), shape.m)?;
        let w_scales = check_scales("w_scale", scales.w.len(), shape.n)?;
        let plan = Plan::new(&problem, self.target, addresses(operands, y.address()), (x_scales, w_scales), T::OUTPUT);
        let mut arguments = Arguments::new();
        arguments.pointer(operands.x).pointer(operands.w).pointer(scales.x).pointer(scales.w).pointer_mut(y);
        // SAFETY: x, w and y have m·k, n·k and m·n elements, and there are as many scales as the plan says: checked above.
        unsafe { self.launch(stream, &problem, &plan, &mut arguments) }
    }

    /// Enqueues y = x · dequantize(w)ᵀ with x in f16.
    ///
    /// # Shapes
    /// | tensor | shape | type | layout | alignment |
    /// |---|---|---|---|---|
    /// | x | [m, k] | f16 | row-major | 2 bytes; 16, with k a multiple of 8, for the fast copies |
    /// | w | [n, k] | int8, f32 scales: one, or one a row | packed by [`Weight::load`] | |
    /// | y | [m, n] | f16 | row-major | 2 bytes; 4, with n even, for the fast stores |
    ///
    /// # Numerics
    /// Weights are exact integers on the tensor cores, sums are in f32, scaled in f32, rounded once: |error| <= 2 γ(k + 1) Σ|x||w| + u|y|
    /// ([`reference::w8a16_bound`](crate::reference::w8a16_bound)). NaN and infinities of x reach their row. Each element is summed in the same order in every
    /// plan: results do not depend on m, n, the stream or the run.
    ///
    /// # Errors
    /// [`Error::Shape`] for an x or y of the wrong length; [`Error::Driver`] for handles of another context and what the driver reports. Nothing is launched
    /// then.
    ///
    /// # Source
    /// Instructions: PTX ISA 9.0, sections 9.7.14.5 (`mma`, `ldmatrix`) and 9.7.9 (`cp.async`).
    ///
    /// # Example
    /// ```
    /// use half::f16;
    /// use tilewright_quant_pack::{Granularity, Int8, Shape};
    /// use tilewright_ffi::Driver;
    /// use tilewright_matmul_int8::{Matmul, Weight};
    ///
    /// // Or `Driver::load()`, for the GPU.
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let weight = Int8::from_parts(Shape { n: 2, k: 2 }, Granularity::PerChannel, vec![1, -128, 127, 1], vec![1.0, 0.5])?;
    /// let weight = Weight::load(&stream, &weight)?;
    /// let x = stream.upload(&[2.0, 0.5].map(f16::from_f32))?;
    /// let mut y = stream.alloc::<f16>(2)?;
    /// Matmul::new(&gpu)?.w8a16(&stream, 1, x.as_slice(), &weight, &mut y.as_slice_mut())?;
    /// assert_eq!(stream.download(y.as_slice())?, [2.0 - 64.0, 127.25].map(f16::from_f32));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn w8a16(
        &self,
        stream: &Stream,
        m: usize,
        x: DeviceSlice<'_, f16>,
        w: &Weight,
        y: &mut DeviceSliceMut<'_, f16>,
    ) -> Result<(), Error> {
        let problem = Problem::new(Operation::W8A16, Shape { m, n: w.n, k: w.k })?;
        check_length("x", x.len(), m, w.k)?;
        check_length("y", y.len(), m, w.n)?;
        let w_scales = check_scales("w_scale", w.scales.len(), w.n)?;
        let addresses = Addresses { x: x.address(), w: w.words.address(), y: y.address() };
        let plan = Plan::new(&problem, self.target, addresses, (Scales::One, w_scales), Output::F16);
        let mut arguments = Arguments::new();
        arguments.pointer(x).pointer(w.words.as_slice()).pointer(w.scales.as_slice()).pointer_mut(y);
        // SAFETY: x and y have m·k and m·n elements: checked above; `Weight::load` made the words and scales for this n and k.
        unsafe { self.launch(stream, &problem, &plan, &mut arguments) }
    }

    /// # Safety
    /// The tensors among `arguments` have the sizes that `problem` and `plan` say, and are where `plan` was told they are.
    unsafe fn launch(
        &self,
        stream: &Stream,
        problem: &Problem,
        plan: &Plan,
        arguments: &mut Arguments<'_>,
    ) -> Result<(), Error> {
        let function = self.cache.function(plan, || source(plan))?;
        arguments.value(problem.checked.m).value(problem.checked.n).value(problem.checked.k);
        let launch = Launch::new(plan.grid(problem), plan.geometry.threads(), plan.shared_bytes());
        // SAFETY:
        // - the kernel stays inside tensors of these sizes; that they have them is promised by the caller.
        // - it runs on sm_80 and newer, which `new` saw to; the context of every handle is compared by `launch`.
        unsafe { function.launch(stream, &launch, arguments) }.map_err(Error::from)
    }
}

fn check_w8a8(shape: Shape, operands: Operands<'_>, y: usize) -> Result<Problem, Error> {
    let problem = Problem::new(Operation::W8A8, shape)?;
    check_length("x", operands.x.len(), shape.m, shape.k)?;
    check_length("w", operands.w.len(), shape.n, shape.k)?;
    check_length("y", y, shape.m, shape.n)?;
    Ok(problem)
}

fn check_scales(tensor: &'static str, found: usize, rows: usize) -> Result<Scales, Error> {
    Scales::from_length(found, rows).ok_or(Error::Shape(ShapeError::WrongLength {
        tensor,
        found,
        wanted: rows,
        rows,
        columns: 1,
    }))
}

fn addresses(operands: Operands<'_>, y: u64) -> Addresses {
    Addresses { x: operands.x.address(), w: operands.w.address(), y }
}

fn source(plan: &Plan) -> Result<KernelSource, Error> {
    let module = module(plan, Target::Sm80)?;
    let parameters = module.kernels.first().map(tilewright_ptx_ir::ir::Kernel::parameter_bytes).unwrap_or_default();
    Ok(KernelSource { text: module.to_string(), entry: plan.name(), parameters })
}
