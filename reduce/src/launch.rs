//! The kernels on a device: the only file here that is not pure.
#![expect(unsafe_code, reason = "a launch is safe only for arguments that were checked; here they are")]

use tilewright_ffi::{Arguments, Context, DeviceSlice, DeviceSliceMut, KernelCache, KernelSource, Launch, Stream};
use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::ir::Kernel;

use crate::kernel::{entry, module};
use crate::problem::{check_epsilon, check_length};
use crate::{Error, Operation, Plan, Problem, Real, Shape};

/// Softmax, norms and reductions of rows in one context.
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
/// Everything inside is f32; y is rounded once. Sums are added in an order that follows from the type of x and the columns alone: a row gives the same bits
/// alone and among others. The bounds are in [`reference`](crate::reference). NaN: sums, softmax and norms of a row with a NaN are
/// NaN; maximum and minimum ignore NaN and are NaN for a row of nothing else.
///
/// # Example
/// ```
/// use tilewright_ffi::Driver;
/// use tilewright_reduce::{RowKernels, Shape};
///
/// // Or `Driver::load()`, for the GPU.
/// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
/// let stream = gpu.stream()?;
/// let x = stream.upload(&[0.0f32, 0.0, 2.0, 2.0, 2.0, 2.0])?;
/// let mut y = stream.alloc::<f32>(6)?;
/// RowKernels::new(&gpu)?.softmax(&stream, Shape { rows: 3, columns: 2 }, x.as_slice(), &mut y.as_slice_mut())?;
/// assert_eq!(stream.download(y.as_slice())?, [0.5; 6]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RowKernels {
    cache: KernelCache<Plan>,
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
    /// [`Error::UnsupportedDevice`] below compute capability 8.0.
    pub fn new(context: &Context) -> Result<Self, Error> {
        let capability = context.compute_capability();
        if capability.major < 8 {
            return Err(Error::UnsupportedDevice { major: capability.major, minor: capability.minor });
        }
        Ok(Self { cache: KernelCache::new(context) })
    }

    /// Enqueues y = exp(x - max x) / Σ exp(x - max x), row by row. A row of nothing but -inf is NaN, as in other libraries.
    ///
    /// # Errors
    /// A shape that cannot be, a tensor that does not have it, a handle of another context. Nothing is launched then.
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
        let arguments = extents(Arguments::new().pointer(x).pointer_mut(y), problem);
        // SAFETY: x and y have rows · columns elements: checked above.
        unsafe { self.launch(stream, problem, &plan, &arguments) }
    }

    /// Enqueues y = x / sqrt(mean x² + epsilon) · weight, row by row.
    ///
    /// # Errors
    /// As [`softmax`](Self::softmax), and [`Error::Epsilon`].
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
        let arguments = extents(Arguments::new().pointer(x).pointer(weight).pointer_mut(y), problem).value(epsilon);
        // SAFETY: x and y have rows · columns elements, weight has columns: checked above.
        unsafe { self.launch(stream, problem, &plan, &arguments) }
    }

    /// Enqueues y = (x - mean x) / sqrt(var x + epsilon) · weight + bias, row by row; the variance is that of all elements (divided by their number).
    ///
    /// # Errors
    /// As [`softmax`](Self::softmax), and [`Error::Epsilon`].
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
        let mut arguments = Arguments::new().pointer(x).pointer(weight);
        if let Some(bias) = bias {
            arguments = arguments.pointer(bias);
        }
        let arguments = extents(arguments.pointer_mut(y), problem).value(epsilon);
        // SAFETY: x and y have rows · columns elements, weight and bias have columns: checked above.
        unsafe { self.launch(stream, problem, &plan, &arguments) }
    }

    /// Enqueues `y[r] = Σ x[r, :]`.
    ///
    /// # Errors
    /// As [`softmax`](Self::softmax).
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
    /// # Errors
    /// As [`softmax`](Self::softmax).
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
    /// # Errors
    /// As [`softmax`](Self::softmax).
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
        let arguments = extents(Arguments::new().pointer(x).pointer_mut(y), problem);
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
        let function = self.cache.function(plan, || {
            let module = module(plan, Target::Sm80)?;
            let parameters = entry(&module).map(Kernel::parameter_bytes).unwrap_or_default();
            Ok::<_, Error>(KernelSource { text: module.to_string(), entry: plan.name(), parameters })
        })?;
        let grid = [plan.blocks(problem.rows()), 1, 1];
        let launch = Launch { grid, block: plan.team.block(), shared_bytes: 0, cluster: None };
        // SAFETY:
        // - the kernel stays inside tensors of these sizes; that they have them is promised by the caller.
        // - it runs on sm_80 and newer, which `new` saw to; the context of every handle is compared by `launch`.
        unsafe { function.launch(stream, &launch, arguments) }.map_err(Error::from)
    }
}

fn extents(arguments: Arguments<'_>, problem: Problem) -> Arguments<'_> {
    arguments.value(problem.rows()).value(problem.columns())
}

/// Whether all tensors start on 16 bytes; their rows do then if they are whole steps long, which the plan looks at.
fn are_aligned<const N: usize>(addresses: [u64; N]) -> bool {
    addresses.iter().all(|address| address.is_multiple_of(16))
}
