//! Rows to int8, a scale each: what a W8A8 product takes.

use tilewright_ffi::{Arguments, DeviceSlice, DeviceSliceMut, Stream};

use super::{RowKernels, add_extents, are_aligned};
use crate::problem::{check_epsilon, check_length};
use crate::{Error, Operation, Plan, Problem, Real, Shape};

/// Where the results of a quantization go.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct Quantized<'a> {
    /// One for each element.
    pub codes: DeviceSliceMut<'a, i8>,
    /// One for each row.
    pub scales: DeviceSliceMut<'a, f32>,
}

impl Quantized<'_> {
    fn check(&self, problem: Problem, shape: Shape) -> Result<(), Error> {
        check_length("codes", self.codes.len(), problem.elements())?;
        check_length("scales", self.scales.len(), shape.rows)
    }
}

impl RowKernels {
    /// Enqueues `scales[r] = max |x[r, :]| / 127`, `codes[r, :] = round(x[r, :] / scales[r])`: symmetric int8 with a scale for each row, the `x` and `x_scale` of
    /// `tilewright-matmul-int8`.
    ///
    /// # Shapes
    /// | | shape | dtype | alignment |
    /// |---|---|---|---|
    /// | x | `[rows, columns]` | f32, f16 or bf16 | of the type; 16 bytes to be read 16 at a time |
    /// | codes | `[rows, columns]` | i8 | 1 byte; 16 likewise |
    /// | scales | `[rows]` | f32 | 4 bytes |
    ///
    /// # Numerics
    /// Both quotients are f32, rounded to nearest, and then the code to the nearest integer, ties to even: it is at most 127 in magnitude, 127 where x is
    /// largest, and x is within 1/2 + 2^-16 scales of scale · code. [`reference::quantize`](crate::reference::quantize) has the very bits.
    ///
    /// - A row of zeros has scale 0 and codes 0; so has one whose largest magnitude is below 127 · 2^-126, since no scale is subnormal.
    /// - A row with an infinity has an infinite scale, and one with a NaN the scale NaN; their codes are 0. So a product with the row is NaN.
    ///
    /// Deterministic, and a row's results do not depend on the others.
    ///
    /// # Errors
    /// Those of [every method](Self#errors).
    ///
    /// # Source
    /// Dettmers et al., "LLM.int8(): 8-bit Matrix Multiplication for Transformers at Scale", NeurIPS 2022, section 2.1 (vector-wise absmax quantization).
    ///
    /// # Example
    /// ```
    /// use tilewright_ffi::Driver;
    /// use tilewright_reduce::{Quantized, RowKernels, Shape};
    ///
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let x = stream.upload(&[63.5f32, -1.0, 0.75, 0.0, 0.0, 0.0])?;
    /// let (mut codes, mut scales) = (stream.alloc::<i8>(6)?, stream.alloc::<f32>(2)?);
    /// let mut y = Quantized { codes: codes.as_slice_mut(), scales: scales.as_slice_mut() };
    /// let shape = Shape { rows: 2, columns: 3 };
    /// RowKernels::new(&gpu)?.quantize(&stream, shape, x.as_slice(), &mut y)?;
    /// // 0.75 is one and a half of the row's scale, and a tie goes to the even code.
    /// assert_eq!(stream.download(codes.as_slice())?, [127, -2, 2, 0, 0, 0]);
    /// assert_eq!(stream.download(scales.as_slice())?, [0.5, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn quantize<T: Real>(
        &self,
        stream: &Stream,
        shape: Shape,
        x: DeviceSlice<'_, T>,
        y: &mut Quantized<'_>,
    ) -> Result<(), Error> {
        let problem = shape.check()?;
        check_length("x", x.len(), problem.elements())?;
        y.check(problem, shape)?;
        let plan = Plan::new(Operation::Quantize, T::DTYPE, problem, are_aligned([x.address(), y.codes.address()]));
        let mut arguments = Arguments::new();
        arguments.pointer(x).pointer_mut(&mut y.codes).pointer_mut(&mut y.scales);
        add_extents(&mut arguments, problem);
        // SAFETY: x and the codes are rows · columns, the scales are rows: checked above.
        unsafe { self.launch(stream, problem, &plan, &arguments) }
    }

    /// Enqueues [`rms_norm`](Self::rms_norm) and [`quantize`](Self::quantize) of its result in one launch; the result itself is not stored.
    ///
    /// # Shapes
    /// | | shape | dtype | alignment |
    /// |---|---|---|---|
    /// | x | `[rows, columns]` | f32, f16 or bf16 | of the type; 16 bytes to be read 16 at a time |
    /// | weight | `[columns]` | x's or f32 | likewise |
    /// | codes | `[rows, columns]` | i8 | 1 byte; 16 likewise |
    /// | scales | `[rows]` | f32 | 4 bytes |
    ///
    /// # Numerics
    /// The very bits of the two calls one after the other: what is quantized is the norm rounded to the type of x. A row that the norm makes NaN (one with a
    /// NaN or an infinity, one of zeros with epsilon 0) has the scale NaN and codes 0. Deterministic.
    ///
    /// # Errors
    /// Those of [every method](Self#errors); [`Error::Epsilon`] if epsilon is negative, infinite or NaN.
    ///
    /// # Source
    /// That of the two.
    ///
    /// # Example
    /// ```
    /// use tilewright_ffi::Driver;
    /// use tilewright_reduce::{Quantized, RowKernels, Shape};
    ///
    /// let gpu = Driver::from_api(tilewright_libcuda_sim::api())?.device(0)?.primary_context()?;
    /// let stream = gpu.stream()?;
    /// let (x, weight) = (stream.upload(&[3.0f32, -3.0])?, stream.upload(&[127.0f32, 64.0])?);
    /// let (mut codes, mut scales) = (stream.alloc::<i8>(2)?, stream.alloc::<f32>(1)?);
    /// let mut y = Quantized { codes: codes.as_slice_mut(), scales: scales.as_slice_mut() };
    /// let shape = Shape { rows: 1, columns: 2 };
    /// RowKernels::new(&gpu)?.rms_norm_quantize(&stream, shape, x.as_slice(), weight.as_slice(), 0.0, &mut y)?;
    /// assert_eq!(stream.download(codes.as_slice())?, [127, -64]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rms_norm_quantize<T: Real, W: Real>(
        &self,
        stream: &Stream,
        shape: Shape,
        x: DeviceSlice<'_, T>,
        weight: DeviceSlice<'_, W>,
        epsilon: f32,
        y: &mut Quantized<'_>,
    ) -> Result<(), Error> {
        let problem = shape.check()?;
        check_epsilon(epsilon)?;
        check_length("x", x.len(), problem.elements())?;
        check_length("weight", weight.len(), shape.columns)?;
        y.check(problem, shape)?;
        let aligned = are_aligned([x.address(), weight.address(), y.codes.address()]);
        let plan = Plan::new(Operation::RmsNormQuantize { weight: W::DTYPE }, T::DTYPE, problem, aligned);
        let mut arguments = Arguments::new();
        arguments.pointer(x).pointer(weight).pointer_mut(&mut y.codes).pointer_mut(&mut y.scales);
        add_extents(&mut arguments, problem).value(epsilon);
        // SAFETY: x and the codes are rows · columns, the weight is columns, the scales are rows: checked above.
        unsafe { self.launch(stream, problem, &plan, &arguments) }
    }
}
