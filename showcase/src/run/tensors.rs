//! Tensors in safetensors files.

use anyhow::{Context, Result, bail};
use bytemuck::Pod;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// The tensors of an input file.
pub(crate) struct Input<'f> {
    file: SafeTensors<'f>,
    bytes: &'f [u8],
}

/// A tensor that was asked for by type and number of dimensions.
pub(crate) struct Tensor<T> {
    pub(crate) name: &'static str,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<T>,
}

/// Element types of files.
pub(crate) trait Element: Pod {
    const DTYPE: Dtype;
}

macro_rules! elements {
    ($($ty:ty: $dtype:ident;)+) => {
        $(impl Element for $ty {
            const DTYPE: Dtype = Dtype::$dtype;
        })+
    };
}

elements! {
    half::f16: F16;
    half::bf16: BF16;
    f32: F32;
    i8: I8;
    i32: I32;
}

impl<'f> Input<'f> {
    pub(crate) fn new(bytes: &'f [u8]) -> Result<Self> {
        Ok(Self { file: SafeTensors::deserialize(bytes).context("not a safetensors file")?, bytes })
    }

    /// The whole file.
    pub(crate) const fn bytes(&self) -> &'f [u8] {
        self.bytes
    }

    /// Whether there is such a tensor.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.file.names().contains(&name)
    }

    /// The type of a tensor.
    pub(crate) fn dtype(&self, name: &'static str) -> Result<Dtype> {
        Ok(self.view(name)?.dtype())
    }

    fn view(&self, name: &'static str) -> Result<TensorView<'_>> {
        self.file.tensor(name).map_err(|_| {
            let mut names = self.file.names();
            names.sort_unstable();
            anyhow::anyhow!("there is no tensor `{name}`; the file has {}", names.join(", "))
        })
    }

    /// The tensor called `name`, which must have this type and so many dimensions.
    pub(crate) fn tensor<T: Element>(&self, name: &'static str, dimensions: usize) -> Result<Tensor<T>> {
        let view = self.view(name)?;
        if view.dtype() != T::DTYPE {
            bail!("tensor `{name}` is {:?}, wanted {:?}", view.dtype(), T::DTYPE);
        }
        if view.shape().len() != dimensions {
            bail!("tensor `{name}` has shape {:?}, wanted {dimensions} dimensions", view.shape());
        }
        let values = view.data().chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned).collect();
        Ok(Tensor { name, shape: view.shape().to_vec(), values })
    }

    /// The same, if there is one.
    pub(crate) fn optional<T: Element>(&self, name: &'static str, dimensions: usize) -> Result<Option<Tensor<T>>> {
        if self.has(name) { self.tensor(name, dimensions).map(Some) } else { Ok(None) }
    }
}

impl<T> Tensor<T> {
    /// An error unless the shape is `wanted`; `why` says where the numbers come from.
    pub(crate) fn expect(&self, wanted: &[usize], why: &str) -> Result<()> {
        if self.shape == wanted {
            return Ok(());
        }
        bail!("tensor `{}` has shape {:?}, wanted {wanted:?} ({why})", self.name, self.shape)
    }
}

/// Results to be written.
#[derive(Default)]
pub(crate) struct Output {
    tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
}

impl Output {
    pub(crate) fn with<T: Element>(mut self, name: &str, shape: &[usize], values: &[T]) -> Self {
        let bytes = bytemuck::cast_slice::<T, u8>(values).to_vec();
        self.tensors.push((name.to_owned(), T::DTYPE, shape.to_vec(), bytes));
        self
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let views: Vec<_> = self
            .tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect::<Result<_>>()?;
        Ok(safetensors::serialize(views, None)?)
    }

    /// A line for each tensor.
    pub(crate) fn described(&self) -> impl Iterator<Item = String> + '_ {
        self.tensors.iter().map(|(name, dtype, shape, _)| format!("{name}: {dtype:?} {shape:?}"))
    }
}
