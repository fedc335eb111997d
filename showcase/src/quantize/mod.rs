//! `showcase quantize`: every layer of a checkpoint, several at a time, into a file that is there as a whole or not at all.
//!
//! Where everything goes follows from the input's shapes alone, so the output is laid out first and layers are written at their places as they are done. A journal beside it
//! says which are: a run that was killed goes on where it was, and what it writes is the same bytes.

mod layer;
mod part;
mod plan;

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use tilewright_quant_pack::Shape;

use crate::Verdict;
use crate::arguments::{Method, QuantizeArguments};
use crate::weights::{Distance, Mapped, Source, cores, in_parallel};
use part::Part;
use plan::{Item, Plan, Work};

/// What the journal keeps of a layer or a copied tensor, by the name of the input's tensor.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    name: String,
    /// The square root of the error's share of the weight's energy; of layers.
    relative: Option<f64>,
}

pub(crate) fn run(arguments: &QuantizeArguments) -> Result<Verdict> {
    let start = Instant::now();
    let input = Mapped::open(&arguments.input)?;
    let source = Source::parse(&input).with_context(|| format!("{}", arguments.input.display()))?;
    let calibration = calibration(arguments)?;
    let inputs = calibration.as_ref().map(Source::parse).transpose();
    let inputs = inputs.with_context(|| "the calibration".to_owned())?;
    let plan = Plan::of(&source, arguments).with_context(|| format!("{}", arguments.input.display()))?;
    let settings = layer::Settings::of(arguments, inputs.as_ref())?;
    settings.check(&plan)?;

    let identity = part::identity(arguments, input.bytes(), calibration.as_ref().map(Mapped::bytes))?;
    let part = Part::open(&arguments.output, &identity, &plan)?;
    let resumed = part.done().count();
    if resumed > 0 {
        println!("resumed: {resumed} of {} were done", plan.items.len());
    }
    let left: Vec<&Item> = plan.items.iter().filter(|item| !part.is_done(&item.source)).collect();
    let bar = progress(plan.items.len(), resumed);
    let part = Mutex::new(part);
    let threads = arguments.threads.unwrap_or_else(cores);
    let outcome = in_parallel(left.len(), threads, |number| {
        let item = left[number];
        let made = work(&source, item, &settings).with_context(|| match item.work {
            Work::Copy(_) => format!("tensor `{}`", item.source),
            Work::Layer(_) => format!("layer `{}` (tensor `{}`)", item.name, item.source),
        })?;
        let record = Record { name: item.source.clone(), relative: made.relative };
        part.lock().unwrap_or_else(PoisonError::into_inner).write(item, &made.tensors, record)?;
        made.tensors.iter().for_each(|tensor| source.release(tensor));
        bar.inc(1);
        Ok(())
    });
    bar.finish_and_clear();
    outcome?;
    let part = part.into_inner().unwrap_or_else(PoisonError::into_inner);
    report(&plan, &part, input.bytes().len(), start);
    part.finish(&arguments.output)?;
    Ok(Verdict::Right)
}

/// An item that was worked on.
struct Made<'f> {
    /// Its tensors, in its order.
    tensors: Vec<Cow<'f, [u8]>>,
    /// How far a layer is from its original.
    relative: Option<f64>,
}

fn work<'f>(source: &Source<'f>, item: &Item, settings: &layer::Settings<'_>) -> Result<Made<'f>> {
    match &item.work {
        Work::Copy(entry) => Ok(Made { tensors: vec![source.copy(entry)?], relative: None }),
        Work::Layer(shape) => {
            let weights = source.floats(&item.source)?;
            let (tensors, dequantized) = settings.quantize(&item.name, &weights, *shape)?;
            let tensors = tensors.into_iter().map(Cow::Owned).collect();
            Ok(Made { tensors, relative: Some(Distance::between(&weights, &dequantized).relative) })
        }
    }
}

fn calibration(arguments: &QuantizeArguments) -> Result<Option<Mapped>> {
    match (arguments.method, &arguments.calibration) {
        (Method::Gptq, None) => bail!("method gptq wants --calibration X.safetensors with the layers' inputs"),
        (Method::Rtn, Some(_)) => bail!("--calibration is for method gptq; rtn looks at the weights alone"),
        (_, path) => path.as_deref().map(Mapped::open).transpose(),
    }
}

fn progress(items: usize, done: usize) -> ProgressBar {
    let bar = ProgressBar::new(items as u64);
    bar.set_position(done as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} tensors, {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn report(plan: &Plan, part: &Part, before: usize, start: Instant) {
    let layers: Vec<Shape> = plan.items.iter().filter_map(Item::shape).collect();
    let weights: usize = layers.iter().map(|shape| shape.n * shape.k).sum();
    println!(
        "{} layers with {weights} weights quantized, {} tensors copied; {before} bytes became {}; {:.1} s",
        layers.len(),
        plan.items.len() - layers.len(),
        plan.length,
        start.elapsed().as_secs_f64()
    );
    let errors: Vec<(&str, f64)> =
        part.done().filter_map(|record| record.relative.map(|error| (record.name.as_str(), error))).collect();
    let worst = errors.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1).then_with(|| b.0.cmp(a.0)));
    if let Some((name, error)) = worst {
        let mean = errors.iter().map(|(_, error)| error).sum::<f64>() / errors.len() as f64;
        println!("relative error of the weights: {mean:.4} on average, {error:.4} at most (`{name}`)");
    }
}
