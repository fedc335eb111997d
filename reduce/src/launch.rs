//! The kernels on a device: the only file here that is not pure.
#![expect(unsafe_code, reason = "a launch is safe only for arguments that were checked; here they are")]

mod quantize;

use tilewright_ffi::sys::CUdevice_attribute;
use tilewright_ffi::{Arguments, Context, DeviceSlice, DeviceSliceMut, KernelCache, KernelSource, Launch, Stream};
use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::ir::Kernel;

use crate::kernel::{entry, module};
use crate::problem::{check_epsilon, check_length};
use crate::{Error, Operation, Plan, Problem, Real, Shape};

pub use quantize::Quantized;

/// Softmax, norms, quantization and reductions of rows in one context.
///
/// A kernel is built and loaded the first time its plan is needed; every later call is one launch on the caller's stream.
///
/// # Shapes
/// x and y are [rows, columns], row-major, of the same type (f32, f16 or bf16); weight and bias are one for each column, of x's type or f32; the results of
/// [`sum`](Self::sum), [`max`](Self::max) and [`min`](Self::min) are one for each row, f32. Any numbers of rows and columns from 1 up to
/// [`Shape::MAX_ROWS`] and [`Shape::MAX_COLUMNS`]. Rows that start on 16 bytes and are a multiple of 16 bytes long are read 16 bytes at a time, with
/// the same results.
///
/// # Numerics
/// Everything inside is f32, with one rounding an operation and subnormals kept (but for `ex2`); y is rounded to nearest even once. Sums are added in an
/// order that follows from the type of x and the columns alone ([`Plan`]): a row gives the same bits alone and among others, in every run and on
/// every device but for the last bits of softmax's `ex2`. **NaN propagates**: a NaN in a row makes the row's sum, maximum and minimum NaN, and all
/// of its softmax and norms, and the scale of its codes.
///
/// # Errors
/// Every method refuses what it cannot run, by name, and launches nothing then: a dimension of 0, too large or too large a matrix
/// ([`Error::ZeroDimension`], [`Error::TooLarge`], [`Error::Overflow`]), a tensor that is not of the shape ([`Error::WrongLength`]), a handle of
/// another context or a driver's error ([`Error::Driver`]).
#[derive(Debug)]
pub struct RowKernels {
    cache: KernelCache<Plan>,
    /// Shared memory that a block can have.
    shared_bytes: u32,
}

/// The weight and the bias of a layer norm.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct Affine<'a, W> {
    /// One for each column.
    pub weight: DeviceSlice<'a, W>,
    /// One for each column, if there is one.
    pub bias: Option<DeviceSlice<'a, W>>,
}

impl RowKernels {
    /// Row kernels in `context`.
    ///
    /// # Errors
    /// [`Error::UnsupportedDevice`] below compute capability 8.0, [`Error::Driver`].
    pub fn new(context: &Context) -> Result<Self, Error> {
        let capability = context.compute_capability();
        if capability.major < 8 {
            return Err(Error::UnsupportedDevice { major: capability.major, minor: capability.minor });
        }
        let shared_bytes = context.device().attribute(CUdevice_attribute::MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?;
        Ok(Self { cache: KernelCache::new(context), shared_bytes: u32::try_from(shared_bytes).unwrap_or(0) })
    }

    /// Enqueues y = exp(x - max x) / Σ exp(x - max x), row by row.
    ///
    /// # Shapes
    /// | | shape | dtype | alignment |
    /// |---|---|---|---|
    /// | x, y | `[rows, columns]` | f32, f16 or bf16, both the same | of the type; 16 bytes to be read 16 at a time |
    ///
    /// # Numerics
    /// exp(d) is `ex2.approx.ftz`(d · log2 e), so terms below 2^-126 of the largest are 0. Bound of each element: [`reference::softmax`](crate::reference::softmax).
    /// A row with a NaN or +inf is all NaN, and so is a row of nothing but -inf, as in other libraries; any other -inf gives 0. Deterministic.
    ///
    /// # Errors
    /// Those of [every method](Self#errors).
    ///
    /// # Source
    /// Blanchard, Higham, Higham, "Accurately computing the log-sum-exp and softmax functions", IMA Journal of Numerical Analysis 41 (2021): the shift by
    /// the largest.
    ///
    /// # Example
    /// ```
    /// use tilewright_ffi::Driver;
    /// use tilewright_reduce::{RowKernels, Shape};
    ///
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let x = stream.upload(&[7.0f32, 7.0, f32::NEG_INFINITY, 7.0])?;
    /// let mut y = stream.alloc::<f32>(4)?;
    /// let shape = Shape { rows: 2, columns: 2 };
    /// RowKernels::new(&gpu)?.softmax(&stream, shape, x.as_slice(), &mut y.as_slice_mut())?;
    /// assert_eq!(stream.download(y.as_slice())?, [0.5, 0.5, 0.0, 1.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn softmax<T: Real>(
        &self,
        stream: &Stream,
        shape: Shape,
        x: DeviceSlice<'_, T>,
        y: &mut DeviceSliceMut<'_, T>,
    ) -> Result<(), Error> {
        let problem = shape.check()?;
        check_length("x", x.len(), problem.elements())?;
        check_length("y", y.len(), problem.elements())?;
        let aligned = are_aligned([x.address(), y.address()]);
        let plan = Plan::new(Operation::Softmax, T::DTYPE, problem, aligned);
        let mut arguments = Arguments::new();
        add_extents(arguments.pointer(x).pointer_mut(y), problem);
        // SAFETY: x and y have rows · columns elements: checked above.
        unsafe { self.launch(stream, problem, &plan, &arguments) }
    }

    /// Enqueues y = x / sqrt(mean x² + epsilon) · weight, row by row.
    ///
    /// # Shapes
    /// | | shape | dtype | alignment |
    /// |---|---|---|---|
    /// | x, y | `[rows, columns]` | f32, f16 or bf16, both the same | of the type; 16 bytes to be read 16 at a time |
    /// | weight | `[columns]` | x's or f32 | likewise |
    ///
    /// # Numerics
    /// The squares are added in f32 by fused multiply-add: those of f16 cannot overflow, larger x than 1.8e19 / √columns can, to y = 0. Root and quotients are
    /// rounded to nearest. Bound of each element: [`reference::rms_norm`](crate::reference::rms_norm). A row with a NaN is all NaN; an infinite x is NaN
    /// and the rest of its row 0; a row of zeros with epsilon 0 is NaN. Deterministic.
    ///
    /// # Errors
    /// Those of [every method](Self#errors); [`Error::Epsilon`] if epsilon is negative, infinite or NaN.
    ///
    /// # Source
    /// Zhang, Sennrich, "Root mean square layer normalization", NeurIPS 2019.
    ///
    /// # Example
    /// ```
    /// use tilewright_ffi::Driver;
    /// use tilewright_reduce::{RowKernels, Shape};
    ///
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let x = stream.upload(&[3.0f32, 4.0, 0.0, 0.0])?;
    /// let weight = stream.upload(&[1.0f32, 2.0, 3.0, 4.0])?;
    /// let mut y = stream.alloc::<f32>(4)?;
    /// let shape = Shape { rows: 1, columns: 4 };
    /// RowKernels::new(&gpu)?.rms_norm(&stream, shape, x.as_slice(), weight.as_slice(), 0.0, &mut y.as_slice_mut())?;
    /// // sqrt(25 / 4) = 2.5
    /// let y = stream.download(y.as_slice())?;
    /// assert!(y.iter().zip([1.2, 3.2, 0.0, 0.0]).all(|(y, wanted)| (y - wanted).abs() < 1e-6));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rms_norm<T: Real, W: Real>(
        &self,
        stream: &Stream,
        shape: Shape,
        x: DeviceSlice<'_, T>,
        weight: DeviceSlice<'_, W>,
        epsilon: f32,
        y: &mut DeviceSliceMut<'_, T>,
    ) -> Result<(), Error> {
        let problem = shape.check()?;
        check_epsilon(epsilon)?;
        check_length("x", x.len(), problem.elements())?;
        check_length("weight", weight.len(), shape.columns)?;
        check_length("y", y.len(), problem.elements())?;
        let aligned = are_aligned([x.address(), weight.address(), y.address()]);
        let plan = Plan::new(Operation::RmsNorm { weight: W::DTYPE }, T::DTYPE, problem, aligned);
        let mut arguments = Arguments::new();
        add_extents(arguments.pointer(x).pointer(weight).pointer_mut(y), problem).value(epsilon);
        // SAFETY: x and y have rows · columns elements, weight has columns: checked above.
        unsafe { self.launch(stream, problem, &plan, &arguments) }
    }

    /// Enqueues y = (x - mean x) / sqrt(var x + epsilon) · weight + bias, row by row; the variance is that of all elements (divided by their number).
    ///
    /// # Shapes
    /// | | shape | dtype | alignment |
    /// |---|---|---|---|
    /// | x, y | `[rows, columns]` | f32, f16 or bf16, both the same | of the type; 16 bytes to be read 16 at a time |
    /// | weight, bias if any | `[columns]` | x's or f32, both the same | likewise |
    ///
    /// # Numerics
    /// Mean, then variance about that mean in a pass of its own, in f32. Bound of each element: [`reference::layer_norm`](crate::reference::layer_norm); it promises
    /// nothing where the rounding of the mean is as large as the variance. A row with a NaN or an infinity is all NaN; a row of equal elements with
    /// epsilon 0 is NaN, or the sign of a rounding. Deterministic.
    ///
    /// # Errors
    /// Those of [every method](Self#errors); [`Error::Epsilon`] if epsilon is negative, infinite or NaN.
    ///
    /// # Source
    /// Ba, Kiros, Hinton, "Layer normalization", arXiv:1607.06450 (2016).
    ///
    /// # Example
    /// ```
    /// use tilewright_ffi::Driver;
    /// use tilewright_reduce::{Affine, RowKernels, Shape};
    ///
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let x = stream.upload(&[1.0f32, 3.0])?;
    /// let (weight, bias) = (stream.upload(&[1.0f32, 1.0])?, stream.upload(&[0.0f32, 10.0])?);
    /// let mut y = stream.alloc::<f32>(2)?;
    /// let affine = Affine { weight: weight.as_slice(), bias: Some(bias.as_slice()) };
    /// let shape = Shape { rows: 1, columns: 2 };
    /// RowKernels::new(&gpu)?.layer_norm(&stream, shape, x.as_slice(), affine, 0.0, &mut y.as_slice_mut())?;
    /// assert_eq!(stream.download(y.as_slice())?, [-1.0, 11.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn layer_norm<T: Real, W: Real>(
        &self,
        stream: &Stream,
        shape: Shape,
        x: DeviceSlice<'_, T>,
        affine: Affine<'_, W>,
        epsilon: f32,
        y: &mut DeviceSliceMut<'_, T>,
    ) -> Result<(), Error> {
        let problem = shape.check()?;
        let Affine { weight, bias } = affine;
        check_epsilon(epsilon)?;
        check_length("x", x.len(), problem.elements())?;
        check_length("weight", weight.len(), shape.columns)?;
        if let Some(bias) = bias {
            check_length("bias", bias.len(), shape.columns)?;
        }
        check_length("y", y.len(), problem.elements())?;
        let bias_address = bias.map_or(0, |bias| bias.address());
        let aligned = are_aligned([x.address(), weight.address(), bias_address, y.address()]);
        let operation = Operation::LayerNorm { weight: W::DTYPE, bias: bias.is_some() };
        let plan = Plan::new(operation, T::DTYPE, problem, aligned);
        let mut arguments = Arguments::new();
        arguments.pointer(x).pointer(weight);
        if let Some(bias) = bias {
            arguments.pointer(bias);
        }
        add_extents(arguments.pointer_mut(y), problem).value(epsilon);
        // SAFETY: x and y have rows · columns elements, weight and bias have columns: checked above.
        unsafe { self.launch(stream, problem, &plan, &arguments) }
    }

    /// Enqueues `y[r] = Σ x[r, :]`.
    ///
    /// # Shapes
    /// | | shape | dtype | alignment |
    /// |---|---|---|---|
    /// | x | `[rows, columns]` | f32, f16 or bf16 | of the type; 16 bytes to be read 16 at a time |
    /// | y | `[rows]` | f32 | 4 bytes |
    ///
    /// # Numerics
    /// f32, whatever the type of x: each thread adds its elements in order, a tree adds the threads' sums. Bound: [`reference::sum`](crate::reference::sum), the
    /// growth of [`Plan::additions`] roundings. A NaN in the row, or infinities of both signs, make the sum NaN. Deterministic.
    ///
    /// # Errors
    /// Those of [every method](Self#errors).
    ///
    /// # Source
    /// Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 4.2.
    ///
    /// # Example
    /// ```
    /// use tilewright_ffi::Driver;
    /// use tilewright_reduce::{RowKernels, Shape};
    ///
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let x = stream.upload(&[1.0f32, 2.0, 3.0, 4.0, f32::NAN, 6.0])?;
    /// let mut y = stream.alloc::<f32>(2)?;
    /// let shape = Shape { rows: 2, columns: 3 };
    /// RowKernels::new(&gpu)?.sum(&stream, shape, x.as_slice(), &mut y.as_slice_mut())?;
    /// let y = stream.download(y.as_slice())?;
    /// assert!(y[0] == 6.0 && y[1].is_nan());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sum<T: Real>(
        &self,
        stream: &Stream,
        shape: Shape,
        x: DeviceSlice<'_, T>,
        y: &mut DeviceSliceMut<'_, f32>,
    ) -> Result<(), Error> {
        self.reduce(Operation::Sum, stream, shape, x, y)
    }

    /// Enqueues `y[r] = max x[r, :]`.
    ///
    /// # Shapes
    /// | | shape | dtype | alignment |
    /// |---|---|---|---|
    /// | x | `[rows, columns]` | f32, f16 or bf16 | of the type; 16 bytes to be read 16 at a time |
    /// | y | `[rows]` | f32 | 4 bytes |
    ///
    /// # Numerics
    /// Exact: an element of the row, widened. A NaN in the row makes its maximum NaN; +0 is larger than -0. Deterministic.
    ///
    /// # Errors
    /// Those of [every method](Self#errors).
    ///
    /// # Source
    /// PTX ISA 9.0, `max` with `.NaN`; IEEE 754-2019, section 9.6 (`maximum`).
    ///
    /// # Example
    /// ```
    /// use tilewright_ffi::Driver;
    /// use tilewright_reduce::{RowKernels, Shape};
    ///
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let x = stream.upload(&[1.0f32, 2.0, 3.0, 4.0, f32::NAN, 6.0])?;
    /// let mut y = stream.alloc::<f32>(2)?;
    /// let shape = Shape { rows: 2, columns: 3 };
    /// RowKernels::new(&gpu)?.max(&stream, shape, x.as_slice(), &mut y.as_slice_mut())?;
    /// let y = stream.download(y.as_slice())?;
    /// assert!(y[0] == 3.0 && y[1].is_nan());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max<T: Real>(
        &self,
        stream: &Stream,
        shape: Shape,
        x: DeviceSlice<'_, T>,
        y: &mut DeviceSliceMut<'_, f32>,
    ) -> Result<(), Error> {
        self.reduce(Operation::Max, stream, shape, x, y)
    }

    /// Enqueues `y[r] = min x[r, :]`.
    ///
    /// # Shapes
    /// | | shape | dtype | alignment |
    /// |---|---|---|---|
    /// | x | `[rows, columns]` | f32, f16 or bf16 | of the type; 16 bytes to be read 16 at a time |
    /// | y | `[rows]` | f32 | 4 bytes |
    ///
    /// # Numerics
    /// Exact: an element of the row, widened. A NaN in the row makes its minimum NaN; -0 is smaller than +0. Deterministic.
    ///
    /// # Errors
    /// Those of [every method](Self#errors).
    ///
    /// # Source
    /// PTX ISA 9.0, `min` with `.NaN`; IEEE 754-2019, section 9.6 (`minimum`).
    ///
    /// # Example
    /// ```
    /// use tilewright_ffi::Driver;
    /// use tilewright_reduce::{RowKernels, Shape};
    ///
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let x = stream.upload(&[1.0f32, 2.0, 3.0, 4.0, f32::NAN, 6.0])?;
    /// let mut y = stream.alloc::<f32>(2)?;
    /// let shape = Shape { rows: 2, columns: 3 };
    /// RowKernels::new(&gpu)?.min(&stream, shape, x.as_slice(), &mut y.as_slice_mut())?;
    /// let y = stream.download(y.as_slice())?;
    /// assert!(y[0] == 1.0 && y[1].is_nan());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn min<T: Real>(
        &self,
        stream: &Stream,
        shape: Shape,
        x: DeviceSlice<'_, T>,
        y: &mut DeviceSliceMut<'_, f32>,
    ) -> Result<(), Error> {
        self.reduce(Operation::Min, stream, shape, x, y)
    }

    fn reduce<T: Real>(
        &self,
        operation: Operation,
        stream: &Stream,
        shape: Shape,
        x: DeviceSlice<'_, T>,
        y: &mut DeviceSliceMut<'_, f32>,
    ) -> Result<(), Error> {
        let problem = shape.check()?;
        check_length("x", x.len(), problem.elements())?;
        check_length("y", y.len(), shape.rows)?;
        let plan = Plan::new(operation, T::DTYPE, problem, are_aligned([x.address()]));
        let mut arguments = Arguments::new();
        add_extents(arguments.pointer(x).pointer_mut(y), problem);
        // SAFETY: x has rows · columns elements, y has rows: checked above.
        unsafe { self.launch(stream, problem, &plan, &arguments) }
    }

    /// # Safety
    /// The tensors among `arguments` are those of the plan's operation, with the sizes that `problem` says, and aligned to 16 bytes if the plan says so.
    unsafe fn launch(
        &self,
        stream: &Stream,
        problem: Problem,
        plan: &Plan,
        arguments: &Arguments<'_>,
    ) -> Result<(), Error> {
        let plan = plan.within(self.shared_bytes);
        let function = self.cache.function(&plan, || {
            let module = module(&plan, Target::Sm80)?;
            let parameters = entry(&module).map(Kernel::parameter_bytes).unwrap_or_default();
            Ok::<_, Error>(KernelSource { text: module.to_string(), entry: plan.name(), parameters })
        })?;
        let grid = [plan.blocks(problem.rows()), 1, 1];
        let launch = Launch { grid, block: plan.team.block(), shared_bytes: plan.shared_bytes(), cluster: None };
        // SAFETY:
        // - the kernel stays inside tensors of these sizes; that they have them is promised by the caller.
        // - it runs on sm_80 and newer, which `new` saw to; the context of every handle is compared by `launch`.
        unsafe { function.launch(stream, &launch, arguments) }.map_err(Error::from)
    }
}

fn add_extents<'r, 'a>(arguments: &'r mut Arguments<'a>, problem: Problem) -> &'r mut Arguments<'a> {
    arguments.value(problem.rows()).value(problem.columns())
}

/// Whether all tensors start on 16 bytes; their rows do then if they are whole steps long, which the plan looks at.
fn are_aligned<const N: usize>(addresses: [u64; N]) -> bool {
    addresses.iter().all(|address| address.is_multiple_of(16))
}
