//! The simulated GPU of one trial: each crate's handle is made once, so that a kernel is loaded once.

use std::cell::OnceCell;

use bytemuck::Pod;
use tilewright_attention::Attention;
use tilewright_attention::rope::Rope;
use tilewright_ffi::{Context, DeviceBuffer, DeviceSlice, DeviceSliceMut, Driver, Stream};
use tilewright_libcuda_sim::Simulator;
use tilewright_qkv_fused::{QkvFused, Schedule};
use tilewright_reduce::RowKernels;
use tilewright_testkit::Bits;

use super::Failure;

/// A context and the crates' handles in it.
#[derive(Debug)]
pub struct Gpu {
    // Handles go before their context.
    reduce: OnceCell<RowKernels>,
    matmul_f16: OnceCell<tilewright_matmul_f16::Matmul>,
    matmul_int8: OnceCell<tilewright_matmul_int8::Matmul>,
    matmul_int4: OnceCell<tilewright_matmul_int4::Matmul>,
    qkv: [OnceCell<QkvFused>; Schedule::ALL.len()],
    attention: OnceCell<Attention>,
    rope: OnceCell<Rope>,
    stream: Stream,
    context: Context,
}

impl Gpu {
    /// The simulator's device, in a context that nothing has spoilt yet.
    ///
    /// # Errors
    /// The driver's.
    pub fn open(simulator: Simulator) -> Result<Self, tilewright_ffi::Error> {
        let context = Driver::from_api(simulator.api())?.device(0)?.primary_context()?;
        Ok(Self {
            reduce: OnceCell::new(),
            matmul_f16: OnceCell::new(),
            matmul_int8: OnceCell::new(),
            matmul_int4: OnceCell::new(),
            qkv: [const { OnceCell::new() }; Schedule::ALL.len()],
            attention: OnceCell::new(),
            rope: OnceCell::new(),
            stream: context.stream()?,
            context,
        })
    }

    pub(super) const fn stream(&self) -> &Stream {
        &self.stream
    }

    pub(super) fn reduce(&self) -> Result<&RowKernels, Failure> {
        made(&self.reduce, || RowKernels::new(&self.context))
    }

    pub(super) fn matmul_f16(&self) -> Result<&tilewright_matmul_f16::Matmul, Failure> {
        made(&self.matmul_f16, || tilewright_matmul_f16::Matmul::new(&self.context))
    }

    pub(super) fn matmul_int8(&self) -> Result<&tilewright_matmul_int8::Matmul, Failure> {
        made(&self.matmul_int8, || tilewright_matmul_int8::Matmul::new(&self.context))
    }

    pub(super) fn matmul_int4(&self) -> Result<&tilewright_matmul_int4::Matmul, Failure> {
        made(&self.matmul_int4, || tilewright_matmul_int4::Matmul::new(&self.context))
    }

    pub(super) fn qkv(&self, schedule: Schedule) -> Result<&QkvFused, Failure> {
        let place = Schedule::ALL.iter().position(|other| *other == schedule);
        let cell = place.and_then(|place| self.qkv.get(place)).ok_or(Failure::Case("an unknown schedule"))?;
        made(cell, || Ok::<_, tilewright_qkv_fused::Error>(QkvFused::new(&self.context)?.with_schedule(schedule)))
    }

    pub(super) fn attention(&self) -> Result<&Attention, Failure> {
        made(&self.attention, || Attention::new(&self.context))
    }

    pub(super) fn rope(&self) -> Result<&Rope, Failure> {
        made(&self.rope, || Rope::new(&self.context))
    }

    /// An input, `offset` elements behind the start of an allocation that ends with it: what is read behind it is read outside.
    pub(super) fn input<T: Pod>(&self, values: &[T], offset: usize) -> Result<Tensor<T>, Failure> {
        let mut tensor = self.output(values.len(), offset)?;
        self.stream.write(values, &mut tensor.slice_mut()?)?;
        Ok(tensor)
    }

    /// An output that holds nothing that could be a result, at the end of its allocation.
    pub(super) fn output<T: Pod>(&self, len: usize, offset: usize) -> Result<Tensor<T>, Failure> {
        let mut buffer = self.stream.alloc(len + offset)?;
        self.stream.fill_bytes(&mut buffer.as_slice_mut(), Tensor::<T>::POISON)?;
        Ok(Tensor { buffer, offset })
    }
}

fn made<T, E>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T, E>) -> Result<&T, Failure>
where
    E: std::error::Error + Send + Sync + 'static,
{
    if cell.get().is_none() {
        let value = make().map_err(Failure::of)?;
        let _ = cell.set(value);
    }
    cell.get().ok_or(Failure::Case("a handle that was not kept"))
}

/// Elements in device memory.
#[derive(Debug)]
pub(super) struct Tensor<T> {
    buffer: DeviceBuffer<T>,
    offset: usize,
}

impl<T: Pod> Tensor<T> {
    /// A NaN of every float, in every element, and no int8 code that a kernel writes.
    const POISON: u8 = if size_of::<T>() == 1 { 0x80 } else { 0xFF };

    pub(super) fn slice(&self) -> Result<DeviceSlice<'_, T>, Failure> {
        Ok(self.buffer.slice(self.offset..self.buffer.len())?)
    }

    pub(super) fn slice_mut(&mut self) -> Result<DeviceSliceMut<'_, T>, Failure> {
        let end = self.buffer.len();
        Ok(self.buffer.slice_mut(self.offset..end)?)
    }

    /// The elements, if nothing in front of them was written.
    pub(super) fn download(&self, gpu: &Gpu) -> Result<Vec<T>, Failure> {
        let mut all = gpu.stream.download(self.buffer.as_slice())?;
        let elements = all.split_off(self.offset.min(all.len()));
        if bytemuck::cast_slice::<T, u8>(&all).iter().any(|byte| *byte != Self::POISON) {
            return Err(Failure::Written { what: "memory in front of a tensor" });
        }
        Ok(elements)
    }

    /// An error if the elements are no longer `values`.
    pub(super) fn unchanged(&self, gpu: &Gpu, values: &[T]) -> Result<(), Failure> {
        let now = self.download(gpu)?;
        let same = bytemuck::cast_slice::<T, u8>(&now) == bytemuck::cast_slice::<T, u8>(values);
        if same { Ok(()) } else { Err(Failure::Written { what: "an input" }) }
    }
}

/// Every result is within its bound of the expected value; what may round to infinity may be infinite.
pub(super) fn within<T: Bits>(
    tensor: &'static str,
    results: &[T],
    expected: impl IntoIterator<Item = (f64, f64)>,
) -> Result<(), Failure> {
    let mut count = 0;
    for (index, (wanted, bound)) in expected.into_iter().enumerate() {
        let got = results.get(index).ok_or(Failure::Case("fewer results than expected"))?.value();
        let both_nan = got.is_nan() && wanted.is_nan();
        let overflows = wanted.abs() + bound >= T::OVERFLOW && got == f64::INFINITY.copysign(wanted);
        if !(both_nan || (got - wanted).abs() <= bound || overflows) {
            return Err(Failure::Wrong { tensor, index, got, wanted, bound });
        }
        count = index + 1;
    }
    if results.len() == count { Ok(()) } else { Err(Failure::Case("more results than expected")) }
}

/// Every result has the very bits; one NaN is as good as another.
pub(super) fn same_bits<T: Bits>(tensor: &'static str, results: &[T], expected: &[T]) -> Result<(), Failure> {
    if results.len() != expected.len() {
        return Err(Failure::Case("as many results as expected"));
    }
    let differs =
        |(got, wanted): (&T, &T)| got.bits() != wanted.bits() && !(got.value().is_nan() && wanted.value().is_nan());
    let Some(index) = results.iter().zip(expected).position(differs) else { return Ok(()) };
    let value = |values: &[T]| values.get(index).map_or(f64::NAN, |value| value.value());
    Err(Failure::Wrong { tensor, index, got: value(results), wanted: value(expected), bound: 0.0 })
}
