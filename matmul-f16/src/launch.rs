//! The kernels on a device: the only file here that is not pure.
#![expect(unsafe_code, reason = "a launch is safe only for arguments that were checked; here they are")]

use bytemuck::Pod;
use half::{bf16, f16};
use tilewright_ffi::{Arguments, Context, DeviceSlice, DeviceSliceMut, KernelCache, KernelSource, Launch, Stream};
use tilewright_ptx_ir::Target;
use tilewright_tile::Shape;
use tilewright_tile::problem::check_length;

use crate::error::Error;
use crate::kernel::module;
use crate::plan::{Addresses, Dtype, Plan};
use crate::problem::Problem;

/// An element type of the products: `f16` or `bf16`.
pub trait Element: Pod + sealed::Sealed {
    /// The same as a value.
    const DTYPE: Dtype;
}

impl Element for f16 {
    const DTYPE: Dtype = Dtype::F16;
}

impl Element for bf16 {
    const DTYPE: Dtype = Dtype::Bf16;
}

mod sealed {
    #[expect(unnameable_types, reason = "that is its purpose")]
    pub trait Sealed {}
    impl Sealed for half::f16 {}
    impl Sealed for half::bf16 {}
}

/// Matrix products y = x · wᵀ (+ bias) in one context.
///
/// A kernel is built and loaded the first time its plan is needed; every later call is one launch on the caller's stream.
///
/// [`run`](Self::run) has the shapes and the numerics.
#[derive(Debug)]
pub struct Matmul {
    cache: KernelCache<Plan>,
    /// What the device can do; kernels are sm_80's everywhere.
    target: Target,
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

    /// Enqueues y = x · wᵀ + bias on `stream`.
    ///
    /// # Shapes
    /// | tensor | shape | type | layout | alignment |
    /// |---|---|---|---|---|
    /// | x | [m, k] | f16 or bf16 | row-major | 2 bytes; 16, with k a multiple of 8, for the fast copies |
    /// | w | [n, k] | as x | row-major, as torch's `Linear` keeps it | as x |
    /// | bias | n, optional | as x | | 2 bytes |
    /// | y | [m, n] | as x | row-major | 2 bytes; 4, with n even, for the fast stores |
    ///
    /// m, n and k are any numbers from 1 up to the limits of [`tilewright_tile::problem`].
    ///
    /// # Numerics
    /// Products are exact, sums are in f32 on the tensor cores (which cut each step of 16 terms off at 24 bits or more), the bias is added in f32, the result is
    /// rounded once to nearest even. |error| <= 2 γ(k + 1) Σ|x||w| + u|y| ([`reference::bound`](crate::reference::bound)). NaN and infinities go through
    /// as IEEE 754 has it. Each element is summed in the same order in every plan: results do not depend on m, n, the stream or the run.
    ///
    /// # Errors
    /// [`Error::Shape`] for a shape that cannot be or a tensor that does not have it; [`Error::Driver`] for handles of another context and
    /// what the driver reports. Nothing is launched then.
    ///
    /// # Source
    /// Instructions: PTX ISA 9.0, sections 9.7.14.5 (`mma`, `ldmatrix`) and 9.7.9 (`cp.async`). Bound: Higham, Accuracy and Stability of Numerical
    /// Algorithms, 2nd edition, section 3.1.
    ///
    /// # Example
    /// ```
    /// use half::f16;
    /// use tilewright_ffi::Driver;
    /// use tilewright_matmul_f16::{Matmul, Shape};
    ///
    /// // Or `Driver::load()`, for the GPU.
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let x = stream.upload(&[1.0, 2.0, 3.0, 4.0].map(f16::from_f32))?;
    /// let w = stream.upload(&[1.0, 0.0, 0.0, 1.0, 1.0, 1.0].map(f16::from_f32))?;
    /// let mut y = stream.alloc::<f16>(6)?;
    /// let shape = Shape { m: 2, n: 3, k: 2 };
    /// Matmul::new(&gpu)?.run(&stream, shape, x.as_slice(), w.as_slice(), None, &mut y.as_slice_mut())?;
    /// assert_eq!(stream.download(y.as_slice())?, [1.0, 2.0, 3.0, 3.0, 4.0, 7.0].map(f16::from_f32));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run<T: Element>(
        &self,
        stream: &Stream,
        shape: Shape,
        x: DeviceSlice<'_, T>,
        w: DeviceSlice<'_, T>,
        bias: Option<DeviceSlice<'_, T>>,
        y: &mut DeviceSliceMut<'_, T>,
    ) -> Result<(), Error> {
        let problem = Problem::new(shape)?;
        let Shape { m, n, k } = shape;
        check_length("x", x.len(), m, k)?;
        check_length("w", w.len(), n, k)?;
        if let Some(bias) = bias {
            check_length("bias", bias.len(), 1, n)?;
        }
        check_length("y", y.len(), m, n)?;
        let addresses = Addresses { x: x.address(), w: w.address(), y: y.address() };
        let plan = Plan::new(&problem, self.target, T::DTYPE, addresses, bias.is_some());
        let function = self.cache.function(&plan, || source(&plan))?;

        let mut arguments = Arguments::new();
        arguments.pointer(x).pointer(w);
        if let Some(bias) = bias {
            arguments.pointer(bias);
        }
        arguments.pointer_mut(y).value(problem.checked.m).value(problem.checked.n).value(problem.checked.k);
        let launch = Launch::new(plan.grid(&problem), plan.geometry.threads(), plan.shared_bytes());
        // SAFETY:
        // - the kernel reads m·k elements of x, n·k of w, n of bias and writes m·n of y: each tensor has as many, checked above.
        // - it needs 2-byte alignment, or what the plan was chosen for from these very addresses.
        // - y is borrowed mutably: nothing else that is safe writes or reads it in the meantime on this stream's behalf.
        // - it runs on sm_80 and newer, which `new` saw to; the context of every handle is compared by `launch`.
        unsafe { function.launch(stream, &launch, &arguments) }.map_err(Error::from)
    }
}

fn source(plan: &Plan) -> Result<KernelSource, Error> {
    let module = module(plan, Target::Sm80)?;
    let parameters = module.kernels.first().map(tilewright_ptx_ir::ir::Kernel::parameter_bytes).unwrap_or_default();
    Ok(KernelSource { text: module.to_string(), entry: plan.name(), parameters })
}
