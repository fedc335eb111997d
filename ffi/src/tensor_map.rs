//! Tensor maps: how the copy engine of sm_90 finds boxes of a tensor.

use std::marker::PhantomData;

use crate::buffer::DeviceSlice;
use crate::context::Context;
use crate::error::Error;
use crate::sys::{
    CUtensorMap, CUtensorMapDataType, CUtensorMapFloatOOBfill, CUtensorMapInterleave, CUtensorMapL2promotion,
    CUtensorMapSwizzle,
};

/// A tensor of up to five dimensions and the boxes of it that are copied, innermost dimension first.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct Tiling<'d> {
    /// Element type.
    pub dtype: CUtensorMapDataType,
    /// Elements along each dimension.
    pub extents: &'d [u64],
    /// Bytes from one element to the next along each dimension but the innermost.
    pub strides_bytes: &'d [u64],
    /// Elements of a box along each dimension.
    pub box_extents: &'d [u32],
    /// How the box is permuted in shared memory.
    pub swizzle: CUtensorMapSwizzle,
    /// What comes into the second-level cache with it.
    pub l2_promotion: CUtensorMapL2promotion,
}

/// An encoded tensor map; it refers to the memory of `'a`.
#[derive(Clone, Debug)]
pub struct TensorMap<'a> {
    context: Context,
    raw: CUtensorMap,
    _memory: PhantomData<&'a ()>,
}

impl<'a> TensorMap<'a> {
    /// Encodes a tensor that begins at the start of `memory`.
    ///
    /// # Errors
    /// [`Error::TensorMap`] for numbers that the hardware cannot do or that reach past `memory`; [`Error::MissingSymbol`] before CUDA 12;
    /// [`Error::Driver`].
    ///
    /// # Source
    /// [Tensor maps](https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TENSOR__MEMORY.html), `cuTensorMapEncodeTiled`.
    pub fn tiled<T: bytemuck::Pod>(memory: DeviceSlice<'a, T>, tiling: &Tiling<'_>) -> Result<Self, Error> {
        tiling.check(memory.address(), memory.bytes() as u64)?;
        let context = memory.context();
        let api = context.driver().api();
        let encode = context.driver().optional("cuTensorMapEncodeTiled", api.tensor_map_encode_tiled)?;
        let _entered = context.enter()?;
        let steps = [1; 5];
        let rank = u32::try_from(tiling.extents.len()).unwrap_or(u32::MAX);
        let mut raw = CUtensorMap { opaque: [0; 16] };
        // Never followed on the host.
        let start = usize::try_from(memory.address()).unwrap_or(usize::MAX);
        // SAFETY:
        // - the result is a local variable of the right alignment.
        // - every array has as many numbers as the rank, the strides one less: checked.
        let code = unsafe {
            encode(
                &raw mut raw,
                tiling.dtype,
                rank,
                std::ptr::without_provenance_mut(start),
                tiling.extents.as_ptr(),
                tiling.strides_bytes.as_ptr(),
                tiling.box_extents.as_ptr(),
                steps.as_ptr(),
                CUtensorMapInterleave::NONE,
                tiling.swizzle,
                tiling.l2_promotion,
                CUtensorMapFloatOOBfill::NONE,
            )
        };
        context.check("cuTensorMapEncodeTiled", code)?;
        Ok(Self { context: context.clone(), raw, _memory: PhantomData })
    }

    /// The context of the memory.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The encoded map.
    #[must_use]
    pub const fn raw(&self) -> &CUtensorMap {
        &self.raw
    }
}

impl Tiling<'_> {
    fn check(&self, address: u64, memory_bytes: u64) -> Result<(), Error> {
        let refuse = |what, got, wanted| Err(Error::TensorMap { what, got, wanted });
        let rank = self.extents.len();
        let element_bytes = self.element_bytes()?;
        if !(1..=5).contains(&rank) {
            return refuse("the number of dimensions", rank as u64, "1 to 5");
        }
        if self.box_extents.len() != rank || self.strides_bytes.len() != rank - 1 {
            let got = (self.box_extents.len() + self.strides_bytes.len()) as u64;
            return refuse(
                "the count of box extents and strides",
                got,
                "one of each per dimension, no innermost stride",
            );
        }
        if !address.is_multiple_of(16) {
            return refuse("the address", address, "a multiple of 16");
        }
        if let Some(extent) = self.extents.iter().find(|extent| !(1..=1 << 32).contains(*extent)) {
            return refuse("an extent", *extent, "1 to 2^32");
        }
        if let Some(stride) = self.strides_bytes.iter().find(|stride| !stride.is_multiple_of(16) || **stride >= 1 << 40)
        {
            return refuse("a stride in bytes", *stride, "a multiple of 16 below 2^40");
        }
        if let Some(extent) = self.box_extents.iter().find(|extent| !(1..=256).contains(*extent)) {
            return refuse("a box extent", u64::from(*extent), "1 to 256");
        }
        let row_bytes = self.box_extents.first().map_or(0, |extent| u64::from(*extent) * element_bytes);
        let swizzle_bytes = match self.swizzle {
            CUtensorMapSwizzle::BYTES_32 => 32,
            CUtensorMapSwizzle::BYTES_64 => 64,
            CUtensorMapSwizzle::BYTES_128 => 128,
            _ => u64::MAX,
        };
        if !row_bytes.is_multiple_of(16) || row_bytes > swizzle_bytes {
            return refuse("the bytes of a box's row", row_bytes, "a multiple of 16, at most what is swizzled");
        }
        // The last element of the tensor lies inside the memory.
        let strides = std::iter::once(element_bytes).chain(self.strides_bytes.iter().copied());
        let last = self.extents.iter().zip(strides).try_fold(element_bytes, |end, (extent, stride)| {
            (extent - 1).checked_mul(stride).and_then(|bytes| end.checked_add(bytes))
        });
        match last {
            Some(bytes) if bytes <= memory_bytes => Ok(()),
            bytes => refuse("the end of the tensor in bytes", bytes.unwrap_or(u64::MAX), "inside the memory"),
        }
    }

    fn element_bytes(&self) -> Result<u64, Error> {
        match self.dtype {
            CUtensorMapDataType::UINT8 => Ok(1),
            CUtensorMapDataType::FLOAT16 | CUtensorMapDataType::BFLOAT16 => Ok(2),
            CUtensorMapDataType::INT32 | CUtensorMapDataType::FLOAT32 => Ok(4),
            CUtensorMapDataType(other) => {
                Err(Error::TensorMap { what: "the element type", got: u64::from(other), wanted: "a named one" })
            }
        }
    }
}
