//! What is quantized, what is copied, and where each tensor goes.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use safetensors::Dtype;
use serde_json::{Map, Value, json};
use tilewright_quant_pack::formats::checkpoint::{CONFIG, Config, layer_specs};
use tilewright_quant_pack::{Group, Shape};

use super::layer;
use crate::arguments::{GroupOrder, QuantizeArguments};
use crate::weights::{Entry, Source, layer_of};

/// Parts of names whose tensors are no layers' weights, or are better left alone.
const LEFT_ALONE: [&str; 5] = ["embd", "embed", "lm_head", "norm", "wte"];

/// The output, laid out.
pub(super) struct Plan {
    pub(super) items: Vec<Item>,
    /// The beginning of the file, all of it before the first tensor.
    pub(super) header: Vec<u8>,
    /// Bytes of the whole file.
    pub(super) length: u64,
}

/// What is done in one go.
pub(super) struct Item {
    /// The layer, or the tensor that is copied.
    pub(super) name: String,
    /// The tensor it is made of.
    pub(super) source: String,
    pub(super) work: Work,
    /// Where its tensors go: from the beginning of the file, with their bytes.
    pub(super) places: Vec<(u64, u64)>,
}

pub(super) enum Work {
    Copy(Entry),
    Layer(Shape),
}

impl Item {
    /// The shape of a layer.
    pub(super) const fn shape(&self) -> Option<Shape> {
        match self.work {
            Work::Copy(_) => None,
            Work::Layer(shape) => Some(shape),
        }
    }
}

/// A tensor of the output, before it has a place.
struct Output {
    item: usize,
    number: usize,
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
}

impl Plan {
    pub(super) fn of(source: &Source<'_>, arguments: &QuantizeArguments) -> Result<Self> {
        let (format, group) = (arguments.format.format(), layer::group(arguments.group_size)?);
        let always = layer::always(arguments);
        let (mut items, mut outputs) = (Vec::new(), Vec::new());
        for entry in source.entries() {
            if ["qweight", "weight_packed"].iter().any(|part| entry.name.rsplit('.').next() == Some(part)) {
                bail!("tensor `{}`: the file is quantized already", entry.name);
            }
            let item = items.len();
            let (name, source) = (layer_of(&entry.name).to_owned(), entry.name.clone());
            match shape_of(&entry, arguments) {
                Some(shape) => {
                    let specs = layer_specs(&name, shape, group, format, always);
                    let specs = specs.with_context(|| format!("tensor `{source}` (--skip leaves it as it is)"))?;
                    outputs.extend(specs.into_iter().enumerate().map(|(number, spec)| Output {
                        item,
                        number,
                        name: spec.name,
                        dtype: spec.dtype,
                        shape: spec.shape,
                    }));
                    items.push(Item { name, source, work: Work::Layer(shape), places: Vec::new() });
                }
                None => {
                    let (name, dtype, shape) = (source.clone(), entry.dtype, entry.shape.clone());
                    outputs.push(Output { item, number: 0, name, dtype, shape });
                    items.push(Item { name: source.clone(), source, work: Work::Copy(entry), places: Vec::new() });
                }
            }
        }
        if !items.iter().any(|item| item.shape().is_some()) {
            bail!("no layer to quantize: wanted tensors of two dimensions in F16, BF16 or F32");
        }
        let (header, length) = lay_out(&mut items, outputs, &config(arguments, group))?;
        Ok(Self { items, header, length })
    }
}

/// The shape of a tensor that is quantized.
fn shape_of(entry: &Entry, arguments: &QuantizeArguments) -> Option<Shape> {
    let [n, k] = entry.shape[..] else { return None };
    let named = |parts: &[String]| parts.iter().any(|part| entry.name.contains(part.as_str()));
    // The output projection of GGUF, not the one of an attention.
    let is_left = LEFT_ALONE.iter().any(|part| entry.name.contains(part)) || entry.name == "output.weight";
    let is_chosen = if arguments.only.is_empty() { !is_left } else { named(&arguments.only) };
    (entry.is_float() && is_chosen && !named(&arguments.skip)).then_some(Shape { n, k })
}

fn config(arguments: &QuantizeArguments, group: Group) -> String {
    let mut config = Config::of(arguments.format.format());
    config.group = Some(group);
    config.symmetric = Some(!arguments.asymmetric);
    config.scattered = Some(arguments.order == GroupOrder::Activation);
    config.to_json()
}

/// Gives every tensor its place; the file's beginning and its length.
fn lay_out(items: &mut [Item], mut outputs: Vec<Output>, config: &str) -> Result<(Vec<u8>, u64)> {
    // The widest types first, so that each tensor lies where its type may.
    outputs.sort_by(|a, b| b.dtype.bitsize().cmp(&a.dtype.bitsize()).then_with(|| a.name.cmp(&b.name)));
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), json!({ "format": "pt", CONFIG: config }));
    let (mut names, mut end, mut placed) = (BTreeSet::new(), 0_u64, Vec::new());
    for output in outputs {
        if !names.insert(output.name.clone()) {
            bail!("two tensors would be called `{}`", output.name);
        }
        let elements = output.shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size));
        let bytes = elements.and_then(|elements| elements.checked_mul(output.dtype.bitsize() / 8));
        let bytes = bytes.with_context(|| format!("tensor `{}` is too large", output.name))? as u64;
        let start = end;
        end = end.checked_add(bytes).context("the output is too large")?;
        let info = json!({ "dtype": serde_json::to_value(output.dtype)?, "shape": output.shape, "data_offsets": [start, end] });
        header.insert(output.name, info);
        placed.push((output.item, output.number, start, bytes));
    }
    // serde_json's maps are sorted, so the same input gives the same bytes.
    let mut text = serde_json::to_vec(&Value::Object(header))?;
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut beginning = (text.len() as u64).to_le_bytes().to_vec();
    beginning.extend(text);
    placed.sort_by_key(|(item, number, ..)| (*item, *number));
    for (item, _, start, bytes) in placed {
        items[item].places.push((beginning.len() as u64 + start, bytes));
    }
    let length = beginning.len() as u64 + end;
    Ok((beginning, length))
}
