//! The kernels on a device: the only file here that is not pure.
#![expect(unsafe_code, reason = "a launch is safe only for arguments that were checked; here they are")]

use half::f16;
use tilewright_ffi::{
    Arguments, Context, DeviceBuffer, DeviceSlice, DeviceSliceMut, KernelCache, KernelSource, Launch, Stream,
};
use tilewright_ptx_ir::Target;
use tilewright_quant_pack::repack::{self, ByteForm, Place};
use tilewright_quant_pack::{Granularity, Int4, Int4Affine, Int8, Permutation};
use tilewright_tile::problem::check_length;
use tilewright_tile::{PackedOrder, scales};

use crate::error::Error;
use crate::kernel::module;
use crate::plan::{Plan, Scales, Schedule};
use crate::problem::{Problem, QkvShape, Weights};

/// The zero point of a weight that has none.
const MIDDLE: u8 = 8;

/// Fused query, key and value projections in one context.
///
/// A kernel is built and loaded the first time its plan is needed; every later call is one launch on the caller's stream.
#[derive(Debug)]
pub struct QkvFused {
    cache: KernelCache<Plan>,
    /// What the device can do; kernels are sm_80's everywhere.
    target: Target,
    schedule: Schedule,
}

/// The three weights on the device, in the order in which the tensor cores read them ([`PackedOrder`]).
#[derive(Debug)]
pub struct QkvWeights {
    words: [DeviceBuffer<u32>; 3],
    scales: DeviceScales,
    /// With m = 1.
    shape: QkvShape,
    weights: Weights,
    /// Which column of x meets each column of the packed words, if not its own.
    order: Option<DeviceBuffer<u32>>,
}

#[derive(Debug)]
enum DeviceScales {
    Half([DeviceBuffer<f16>; 3]),
    Single(Scales, [DeviceBuffer<f32>; 3]),
}

impl QkvWeights {
    /// Repacks int4 weights of q, k and v and copies them to the device; waits for the copies.
    ///
    /// # Errors
    /// [`Error::WeightShape`] and [`Error::Mismatch`] for weights that do not go together, [`Error::Group`], [`Error::Repack`], [`Error::Driver`].
    pub fn load_int4(stream: &Stream, weights: [&Int4; 3]) -> Result<Self, Error> {
        let shape = common_shape(weights.map(|weight| (weight.shape().n, weight.shape().k)))?;
        let group = weights[0].group();
        if weights.iter().any(|weight| weight.group() != group) {
            return Err(Error::Mismatch { what: "the group size" });
        }
        Problem::new(shape, Weights::Int4(group))?;
        let order = PackedOrder::Int4;
        let words = try_each(weights, |weight| {
            let (n, k) = (weight.shape().n, weight.shape().k);
            let (_, units_k) = order.units(n, k);
            let words =
                repack::nibbles(weight, order.words(n, k), |word, element| place(order, units_k, word, element))?;
            Ok(stream.upload(&words)?)
        })?;
        let scales = DeviceScales::Half(try_each(weights, |weight| {
            Ok(stream.upload(&scales::padded(weight.scales(), None, weight.shape().n))?)
        })?);
        Ok(Self { words, scales, shape, weights: Weights::Int4(group), order: None })
    }

    /// As [`QkvWeights::load_int4`], with zero points and with groups in any order, as checkpoints have them.
    ///
    /// Columns are sorted by their groups here, once; from then on the kernel gathers x in that order as it copies it. All three weights meet one x, so the
    /// groups of all three must hold the same columns. Zero points that are all 8, and an order that changes nothing, are noticed and cost nothing.
    ///
    /// # Numerics
    /// As [`QkvFused::run`], with q - zero for q: from -15 to 15, exact in f16. Sums go along k in the order of the groups.
    ///
    /// # Errors
    /// Those of [`QkvWeights::load_int4`]; [`Error::Mismatch`] for weights whose groups hold different columns.
    pub fn load_affine(stream: &Stream, weights: [&Int4Affine; 3]) -> Result<Self, Error> {
        let shape = common_shape(weights.map(|weight| (weight.shape().n, weight.shape().k)))?;
        let group = weights[0].grouping().group();
        if weights.iter().any(|weight| weight.grouping().group() != group) {
            return Err(Error::Mismatch { what: "the group size" });
        }
        let permutation = weights[0].grouping().permutation();
        if weights.iter().any(|weight| weight.grouping().permutation() != permutation) {
            return Err(Error::Mismatch { what: "the order of the groups" });
        }
        // One kernel makes all three: where one has zero points, those of the others are 8.
        let has_zeros = weights.iter().any(|weight| weight.zeros().is_some());
        let kind = if has_zeros { Weights::Int4WithZeros(group) } else { Weights::Int4(group) };
        Problem::new(shape, kind)?;
        let packed = PackedOrder::Int4;
        let parts = try_each(weights, |weight| {
            let (weight, _) = weight.clone().sorted()?;
            let (n, k) = (weight.shape().n, weight.shape().k);
            let (_, units_k) = packed.units(n, k);
            let order = |word, element| place(packed, units_k, word, element);
            let words = repack::affine_nibbles(&weight, packed.words(n, k), order)?;
            let middle = vec![MIDDLE; weight.scales().len()];
            let zeros = has_zeros.then(|| weight.zeros().unwrap_or(&middle));
            Ok((stream.upload(&words)?, stream.upload(&scales::padded(weight.scales(), zeros, n))?))
        })?;
        let [(q, scales_q), (k, scales_k), (v, scales_v)] = parts;
        let order = permutation.as_ref().map(Permutation::columns).map(|order| stream.upload(order)).transpose()?;
        let scales = DeviceScales::Half([scales_q, scales_k, scales_v]);
        Ok(Self { words: [q, k, v], scales, shape, weights: kind, order })
    }

    /// Repacks int8 weights of q, k and v and copies them to the device; waits for the copies.
    ///
    /// # Errors
    /// [`Error::WeightShape`] and [`Error::Mismatch`] for weights that do not go together, [`Error::Repack`], [`Error::Driver`].
    pub fn load_int8(stream: &Stream, weights: [&Int8; 3]) -> Result<Self, Error> {
        let shape = common_shape(weights.map(|weight| (weight.shape().n, weight.shape().k)))?;
        let granularity = weights[0].granularity();
        if weights.iter().any(|weight| weight.granularity() != granularity) {
            return Err(Error::Mismatch { what: "the granularity of the scales" });
        }
        Problem::new(shape, Weights::Int8)?;
        let order = PackedOrder::Int8;
        let words = try_each(weights, |weight| {
            let (n, k) = (weight.shape().n, weight.shape().k);
            let (_, units_k) = order.units(n, k);
            let form = ByteForm::Offset128;
            let words =
                repack::bytes(weight, order.words(n, k), form, |word, element| place(order, units_k, word, element))?;
            Ok(stream.upload(&words)?)
        })?;
        let kind = match granularity {
            Granularity::PerTensor => Scales::One,
            _ => Scales::Each,
        };
        let scales = DeviceScales::Single(kind, try_each(weights, |weight| Ok(stream.upload(weight.scales())?))?);
        Ok(Self { words, scales, shape, weights: Weights::Int8, order: None })
    }

    /// The shape that `m` rows of x give.
    #[must_use]
    pub const fn shape(&self, m: usize) -> QkvShape {
        QkvShape { m, ..self.shape }
    }

    /// How the weights are quantized: with zero points if some zero point is not 8.
    #[must_use]
    pub const fn quantization(&self) -> Weights {
        self.weights
    }

    /// Whether the groups lay in another order, so that the kernel gathers the columns of x.
    #[must_use]
    pub const fn is_gathered(&self) -> bool {
        self.order.is_some()
    }
}

/// The results of a projection, each [m, n] f16, row-major.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct Outputs<'a, 'b> {
    /// [m, n_q].
    pub q: &'a mut DeviceSliceMut<'b, f16>,
    /// [m, n_kv].
    pub k: &'a mut DeviceSliceMut<'b, f16>,
    /// [m, n_kv].
    pub v: &'a mut DeviceSliceMut<'b, f16>,
}

impl QkvFused {
    /// Projections in `context`.
    ///
    /// # Errors
    /// [`Error::UnsupportedDevice`] below compute capability 8.0.
    pub fn new(context: &Context) -> Result<Self, Error> {
        let capability = context.compute_capability();
        let (major, minor) = (capability.major, capability.minor);
        let target = Target::for_compute_capability(major, minor).ok_or(Error::UnsupportedDevice { major, minor })?;
        Ok(Self { cache: KernelCache::new(context), target, schedule: Schedule::default() })
    }

    /// The same with another schedule; no result changes, only the time it takes.
    #[must_use]
    pub fn with_schedule(self, schedule: Schedule) -> Self {
        Self { schedule, ..self }
    }

    /// Enqueues q, k and v = x · dequantize(w)ᵀ as one launch.
    ///
    /// # Shapes
    /// | tensor | shape | type | layout | alignment |
    /// |---|---|---|---|---|
    /// | x | [m, k] | f16 | row-major | 2 bytes; 16, with k a multiple of 8, for the fast copies |
    /// | w_q | [n_q, k] | int4, with zero points 0 to 15 or none, or int8 | packed by [`QkvWeights`] | |
    /// | w_k, w_v | [n_kv, k] | as w_q | packed by [`QkvWeights`] | |
    /// | q | [m, n_q] | f16 | row-major | 2 bytes; 4, with n_q and n_kv even, for the fast stores |
    /// | k, v | [m, n_kv] | f16 | row-major | as q |
    ///
    /// n_q and n_kv are any numbers from 1 and need not be equal.
    ///
    /// # Numerics
    /// Bit for bit what three products with the same weights give, whatever the [`Schedule`]: weights are exact integers on the tensor cores, group sums are
    /// scaled and added in f32, the result is rounded once; |error| <= 2 γ(k + groups) Σ|x||w| + u|y| ([`reference::bound`](crate::reference::bound)). NaN and
    /// infinities of x reach their row. Results do not depend on m, n_q, n_kv, the stream or the run.
    ///
    /// # Errors
    /// [`Error::Shape`] for tensors of the wrong length; [`Error::Driver`] for handles of another context and what the driver reports. Nothing is launched
    /// then.
    ///
    /// # Source
    /// Instructions: PTX ISA 9.0, sections 9.7.14.5 (`mma`, `ldmatrix`) and 9.7.9 (`cp.async`).
    ///
    /// # Example
    /// ```
    /// use half::f16;
    /// use tilewright_ffi::Driver;
    /// use tilewright_qkv_fused::{Outputs, QkvFused, QkvWeights, Schedule};
    /// use tilewright_quant_pack::{Granularity, Int8, Shape};
    ///
    /// // Or `Driver::load()`, for the GPU.
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let weight = |n: usize, value: i8| {
    ///     Int8::from_parts(Shape { n, k: 3 }, Granularity::PerTensor, vec![value; n * 3], vec![1.0])
    /// };
    /// let weights = QkvWeights::load_int8(&stream, [&weight(4, 1)?, &weight(2, 2)?, &weight(2, 3)?])?;
    /// let x = stream.upload(&[f16::ONE; 3])?;
    /// let [mut q, mut k, mut v] = [stream.alloc::<f16>(4)?, stream.alloc(2)?, stream.alloc(2)?];
    /// // The schedule changes no result; without it the one that is fastest is taken.
    /// let qkv = QkvFused::new(&gpu)?.with_schedule(Schedule::PingPong);
    /// let outputs = Outputs { q: &mut q.as_slice_mut(), k: &mut k.as_slice_mut(), v: &mut v.as_slice_mut() };
    /// qkv.run(&stream, 1, x.as_slice(), &weights, outputs)?;
    /// assert_eq!(stream.download(q.as_slice())?, [f16::from_f32(3.0); 4]);
    /// assert_eq!(stream.download(v.as_slice())?, [f16::from_f32(9.0); 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run(
        &self,
        stream: &Stream,
        m: usize,
        x: DeviceSlice<'_, f16>,
        weights: &QkvWeights,
        outputs: Outputs<'_, '_>,
    ) -> Result<(), Error> {
        let shape = weights.shape(m);
        let problem = Problem::new(shape, weights.weights)?.gathered(weights.order.is_some());
        let Outputs { q, k, v } = outputs;
        check_length("x", x.len(), m, shape.k)?;
        check_length("q", q.len(), m, shape.n_q)?;
        check_length("k", k.len(), m, shape.n_kv)?;
        check_length("v", v.len(), m, shape.n_kv)?;
        let scales = match &weights.scales {
            DeviceScales::Half(_) => Scales::Each,
            DeviceScales::Single(scales, _) => *scales,
        };
        let plan = Plan::new(
            &problem,
            self.target,
            self.schedule,
            scales,
            x.address(),
            [q.address(), k.address(), v.address()],
        );
        let function = self.cache.function(&plan, || source(&plan))?;
        let mut arguments = Arguments::new();
        arguments.pointer(x);
        for words in &weights.words {
            arguments.pointer(words.as_slice());
        }
        for index in 0..3 {
            match &weights.scales {
                DeviceScales::Half(scales) => arguments.pointer(scales[index].as_slice()),
                DeviceScales::Single(_, scales) => arguments.pointer(scales[index].as_slice()),
            };
        }
        arguments
            .pointer_mut(q)
            .pointer_mut(k)
            .pointer_mut(v)
            .value(problem.q.m)
            .value(problem.q.n)
            .value(problem.kv.n)
            .value(problem.q.k);
        if let Some(order) = &weights.order {
            arguments.pointer(order.as_slice());
        }
        let launch = Launch::new(plan.grid(&problem), plan.geometry.threads(), plan.shared_bytes());
        // SAFETY:
        // - the kernel reads m·k elements of x and writes m·n_q of q and m·n_kv of k and v, which have as many: checked above.
        // - it reads words, scales and zero points of weights [n_q, k], [n_kv, k], [n_kv, k], which `QkvWeights` made for these numbers and nothing changes; so it did the
        //   order, a permutation of the k columns of x.
        // - it needs 2-byte alignment, or what the plan was chosen for from these very addresses.
        // - it runs on sm_80 and newer, which `new` saw to; the context of every handle is compared by `launch`.
        unsafe { function.launch(stream, &launch, &arguments) }.map_err(Error::from)
    }
}

fn place(order: PackedOrder, units_k: usize, word: usize, element: usize) -> Option<Place> {
    let (n, k) = order.source(units_k, word, u32::try_from(element).ok()?);
    Some(Place { n, k })
}

fn try_each<W, T>(weights: [W; 3], mut act: impl FnMut(W) -> Result<T, Error>) -> Result<[T; 3], Error> {
    let [q, k, v] = weights;
    Ok([act(q)?, act(k)?, act(v)?])
}

/// The shape of the projection with these weights (n, k), m left at 1.
fn common_shape([q, k, v]: [(usize, usize); 3]) -> Result<QkvShape, Error> {
    let wrong = |tensor, found: (usize, usize), other, has: (usize, usize), wanted| {
        let ((found_n, found_k), (other_n, other_k)) = (found, has);
        Err(Error::WeightShape { tensor, found_n, found_k, other, other_n, other_k, wanted })
    };
    if k.1 != q.1 {
        return wrong("w_k", k, "w_q", q, "as wide");
    }
    if v != k {
        return wrong("w_v", v, "w_k", k, "of the same shape");
    }
    Ok(QkvShape { m: 1, n_q: q.0, n_kv: k.0, k: q.1 })
}

fn source(plan: &Plan) -> Result<KernelSource, Error> {
    let module = module(plan, Target::Sm80)?;
    let parameters = module.kernels.first().map(tilewright_ptx_ir::ir::Kernel::parameter_bytes).unwrap_or_default();
    Ok(KernelSource { text: module.to_string(), entry: plan.name(), parameters })
}
