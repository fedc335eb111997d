//! Whole checkpoints in safetensors: which layers a file has, each by name; and the tensors and the configuration to write. Feature `safetensors`.
//!
//! A file's quantized layers are found by their tensors: whatever has `qweight` or `weight_packed` at the end of its name is one, and what is in front of it is
//! the layer's name. What format it is follows from the shapes, unless the configuration says it. The configuration is the JSON that
//! transformers calls `quantization_config`: in the file's metadata under that name, or given by the caller from `config.json` or `quantize_config.json`.
//!
//! The bytes may be mapped: only the layers that are read are looked at.

mod config;
mod read;
mod write;

pub use config::Config;
pub use read::{Checkpoint, Imported, Layer};
pub use write::{LayerTensor, TensorSpec, layer_specs, layer_tensors};

/// Under which name a file's metadata hold the configuration.
pub const CONFIG: &str = "quantization_config";
