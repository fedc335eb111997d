//! The kernels on a device.
#![expect(unsafe_code, reason = "a launch is safe only for arguments that were checked; here they are")]

use tilewright_ffi::{Arguments, Context, DeviceSlice, DeviceSliceMut, KernelCache, KernelSource, Launch, Stream};
use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::ir::Kernel;

use crate::dtype::Element;
use crate::error::Error;
use crate::kernel::module;
use crate::plan::Plan;
use crate::problem::{Problem, check_length};

/// Attention in one context: o = softmax(scale · q · kᵀ + mask) · v.
///
/// A kernel is built and loaded the first time its plan is needed; every later call is one launch on the caller's stream.
///
/// [`run`](Self::run) has the shapes and the numerics.
#[derive(Debug)]
pub struct Attention {
    cache: KernelCache<Plan>,
}

impl Attention {
    /// Attention in `context`.
    ///
    /// # Errors
    /// [`Error::UnsupportedDevice`] below compute capability 8.0.
    pub fn new(context: &Context) -> Result<Self, Error> {
        check_device(context)?;
        Ok(Self { cache: KernelCache::new(context) })
    }

    /// Enqueues o = softmax(scale · q · kᵀ + mask) · v on `stream`; `inputs` are q, k and v.
    ///
    /// # Shapes
    /// | tensor | shape | type | layout | alignment |
    /// |---|---|---|---|---|
    /// | q | [batch, heads_q, len_q, dim] | f16 or bf16 | any strides, rows contiguous ([`Layout`](crate::Layout)) | 2 bytes; 16 for the fast copies |
    /// | k, v | [batch, heads_kv, len_kv, dim] | as q | as q | as q |
    /// | o | as q | as q | as q, no two elements in one place | as q |
    ///
    /// dim is a multiple of 16 from 32 to 256, heads_q a multiple of heads_kv, lengths are any numbers from 1.
    ///
    /// # Numerics
    /// Scores and sums are f32, weights are rounded to the 16-bit type before they are multiplied with v, the result is rounded once
    /// ([`reference::attention`](crate::reference::attention) gives the bound). A query's result does not depend on the other queries of the batch, bit for
    /// bit: alone, among up to 16 or among many, its keys are taken in the same tiles of 64 and every sum in the same order. A query
    /// that sees no key gives zeros. NaN in a score makes its query's result NaN; a NaN or infinity in v reaches all queries whose tiles of 64 keys hold its row,
    /// also those that give it the weight 0, and, under a causal mask, may reach others of the same 32. A scale of 0 or less is brought to the queries first, which is exact.
    ///
    /// # Errors
    /// [`Error::WrongLength`] for a tensor that does not have its shape; [`Error::Driver`] for handles of another context and what the
    /// driver reports. Nothing is launched then.
    ///
    /// # Source
    /// Dao, Fu, Ermon, Rudra, Ré, "FlashAttention", NeurIPS 2022 (tiles of keys with a running maximum and sum); Ainslie et al., "GQA", EMNLP 2023. Instructions: PTX ISA 9.0, sections 9.7.14.5 (`mma`, `ldmatrix`) and 9.7.9 (`cp.async`).
    ///
    /// # Example
    /// ```
    /// use half::f16;
    /// use tilewright_attention::{Attention, Mask, Problem, Shape};
    /// use tilewright_ffi::Driver;
    ///
    /// // Or `Driver::load()`, for the GPU.
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let shape = Shape { batch: 1, heads_q: 2, heads_kv: 1, len_q: 3, len_kv: 3, dim: 32 };
    /// let q = stream.upload(&vec![f16::ZERO; 2 * 3 * 32])?;
    /// let k = stream.upload(&vec![f16::ONE; 3 * 32])?;
    /// let v = stream.upload(&(0..3 * 32).map(|at| f16::from_f32((at / 32) as f32)).collect::<Vec<_>>())?;
    /// let mut o = stream.alloc::<f16>(2 * 3 * 32)?;
    /// let problem = Problem::new(shape, Mask::Causal)?;
    /// Attention::new(&gpu)?.run(&stream, &problem, [q.as_slice(), k.as_slice(), v.as_slice()], &mut o.as_slice_mut())?;
    /// // All scores are 0, so each query gives the mean of the values it sees: 0, 1/2, 1.
    /// let o = stream.download(o.as_slice())?;
    /// assert_eq!([o[0], o[32], o[64]].map(f16::to_f32), [0.0, 0.5, 1.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run<T: Element>(
        &self,
        stream: &Stream,
        problem: &Problem,
        inputs: [DeviceSlice<'_, T>; 3],
        o: &mut DeviceSliceMut<'_, T>,
    ) -> Result<(), Error> {
        let [q, k, v] = inputs;
        let found = [("q", q.len()), ("k", k.len()), ("v", v.len()), ("o", o.len())];
        for ((tensor, found), wanted) in found.into_iter().zip(problem.spans) {
            check_length(tensor, found, wanted)?;
        }
        let plan = Plan::new(problem, T::DTYPE, [q.address(), k.address(), v.address(), o.address()]);
        let function = self.cache.function(&plan, || {
            let module = module(&plan, Target::Sm80)?;
            let parameters = module.kernels.first().map(Kernel::parameter_bytes).unwrap_or_default();
            Ok::<_, Error>(KernelSource { text: module.to_string(), entry: plan.name(), parameters })
        })?;
        let shape = problem.shape;
        let sharers = shape.heads_q / shape.heads_kv;
        let mut arguments = Arguments::new();
        arguments
            .pointer(q)
            .pointer(k)
            .pointer(v)
            .pointer_mut(o)
            .value(narrow(shape.len_q))
            .value(narrow(shape.len_kv))
            .value(narrow(sharers));
        let layouts = problem.layouts;
        for layout in [layouts.q, layouts.k, layouts.v, layouts.o] {
            arguments
                .value(layout.batch_stride as u64)
                .value(narrow(layout.head_stride))
                .value(narrow(layout.row_stride));
        }
        arguments.value(problem.scale * std::f32::consts::LOG2_E);
        let launch = Launch::new(plan.grid(problem), plan.threads(), plan.shared_bytes());
        // SAFETY:
        // - the kernel reads rows of q, k and v and writes rows of o, all inside the spans of their layouts: the slices have these, checked above.
        // - no two elements of o share a place: checked with the problem.
        // - it needs 2-byte alignment, or what the plan was chosen for from these very addresses.
        // - it runs on sm_80 and newer, which `new` saw to; the context of every handle is compared by `launch`.
        unsafe { function.launch(stream, &launch, &arguments) }.map_err(Error::from)
    }
}

pub(crate) fn check_device(context: &Context) -> Result<(), Error> {
    let capability = context.compute_capability();
    if capability.major < 8 {
        return Err(Error::UnsupportedDevice { major: capability.major, minor: capability.minor });
    }
    Ok(())
}

/// A number that was checked to fit 32 bits, or that is multiplied with nothing (a stride of a dimension of one).
pub(crate) fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(0)
}
