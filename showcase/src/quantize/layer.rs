//! One layer: from its weights to the tensors of its format.

use std::num::NonZeroUsize;

use anyhow::{Context, Result, bail};
use tilewright_quant_pack::formats::Format;
use tilewright_quant_pack::formats::checkpoint::layer_tensors;
use tilewright_quant_pack::formats::compressed::Always;
use tilewright_quant_pack::gptq::{self, Hessian, Options, Order, Symmetry};
use tilewright_quant_pack::{Group, Int4, Int4Affine, ScaleRule, Shape};

use super::plan::Plan;
use crate::arguments::{GroupOrder, Method, QuantizeArguments, Rule};
use crate::weights::{Entry, Source};

/// How layers are quantized.
pub(super) struct Settings<'s> {
    format: Format,
    options: Options,
    always: Always,
    /// The layers' inputs; of GPTQ.
    inputs: Option<(&'s Source<'s>, Vec<Entry>)>,
}

/// `--group-size`.
pub(super) fn group(size: i64) -> Result<Group> {
    match usize::try_from(size) {
        Err(_) if size == -1 => Ok(Group::WholeRow),
        Err(_) => bail!("--group-size {size}: wanted a multiple of 32, or -1 for whole rows"),
        Ok(size) => Group::new(size).with_context(|| format!("--group-size {size}")),
    }
}

/// Tensors that each layer has, so that the output can be laid out before.
pub(super) fn always(arguments: &QuantizeArguments) -> Always {
    Always { zero_points: arguments.asymmetric, g_idx: arguments.order == GroupOrder::Activation }
}

impl<'s> Settings<'s> {
    pub(super) fn of(arguments: &QuantizeArguments, inputs: Option<&'s Source<'s>>) -> Result<Self> {
        if arguments.method == Method::Rtn && arguments.order != GroupOrder::Natural {
            bail!("--order is for method gptq; rtn has no order");
        }
        let options = Options {
            symmetry: if arguments.asymmetric { Symmetry::Asymmetric } else { Symmetry::Symmetric },
            rule: match arguments.rule {
                Rule::Max => ScaleRule::Max,
                Rule::LeastSquares => ScaleRule::LeastSquares,
            },
            order: match arguments.order {
                GroupOrder::Natural => Order::Natural,
                GroupOrder::Activation => Order::Activation,
                GroupOrder::Static => Order::ActivationStatic,
            },
            damping: arguments.damping,
            // Layers run side by side instead.
            threads: NonZeroUsize::MIN,
            ..Options::of(group(arguments.group_size)?)
        };
        let inputs = inputs.map(|source| (source, source.entries()));
        Ok(Self { format: arguments.format.format(), options, always: always(arguments), inputs })
    }

    /// Refuses a calibration that lacks a layer, before any work is done.
    pub(super) fn check(&self, plan: &Plan) -> Result<()> {
        for item in &plan.items {
            if let Some((shape, (_, entries))) = item.shape().zip(self.inputs.as_ref()) {
                let entry = input_of(&item.name, entries)?;
                if entry.shape.last() != Some(&shape.k) {
                    bail!(
                        "calibration tensor `{}` has shape {:?}, wanted [tokens, {}] for layer `{}`",
                        entry.name,
                        entry.shape,
                        shape.k,
                        item.name
                    );
                }
            }
        }
        Ok(())
    }

    /// The layer's tensors, in the order in which they were announced, and its weights dequantized.
    pub(super) fn quantize(&self, name: &str, weights: &[f32], shape: Shape) -> Result<(Vec<Vec<u8>>, Vec<f32>)> {
        let Options { group, rule, symmetry, .. } = self.options;
        let weight = match &self.inputs {
            Some((source, entries)) => {
                let mut hessian = Hessian::new(shape.k)?;
                let entry = input_of(name, entries)?;
                let inputs = source.floats(&entry.name)?;
                hessian.add(&inputs).with_context(|| format!("calibration tensor `{}`", entry.name))?;
                gptq::quantize(weights, shape, &hessian, &self.options)?
            }
            None if symmetry == Symmetry::Symmetric => Int4::quantize(weights, shape, group, rule)?.into(),
            None => Int4Affine::quantize(weights, shape, group, rule)?,
        };
        let tensors = layer_tensors(name, &weight, self.format, self.always)?;
        Ok((tensors.into_iter().map(|tensor| tensor.data).collect(), weight.dequantize()))
    }
}

/// A layer's inputs: the tensor of its name with `.input`, or the only tensor of the file.
fn input_of<'e>(layer: &str, entries: &'e [Entry]) -> Result<&'e Entry> {
    let wanted = format!("{layer}.input");
    match entries.iter().find(|entry| entry.name == wanted) {
        Some(entry) => Ok(entry),
        None if entries.len() == 1 => Ok(&entries[0]),
        None => bail!("the calibration has no tensor `{wanted}`"),
    }
}
