//! `showcase run`: one operation on the user's own tensors.

mod int4;
mod matrices;
mod rows;
mod tensors;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

pub(crate) use matrices::{attention, matmul_f16, matmul_int4, matmul_int8, matmul_w8a16, qkv_int4, qkv_int8};
pub(crate) use rows::{layer_norm, quantize, reduce_max, reduce_min, reduce_sum, rms_norm, rms_norm_quantize, softmax};
pub(crate) use tensors::{Input, Output};

use crate::Verdict;
use crate::arguments::{DeviceArguments, RunArguments, RunOptions};
use crate::check::find;
use crate::device::Session;

/// An operation on tensors from a file.
pub(crate) type Run = fn(&Session, &Input<'_>, &RunOptions) -> Result<Output>;

pub(crate) fn run(device: &DeviceArguments, arguments: &RunArguments) -> Result<Verdict> {
    let operation = find(&arguments.operation)?;
    let bytes = fs::read(&arguments.input).with_context(|| format!("{}", arguments.input.display()))?;
    let input = Input::new(&bytes).with_context(|| format!("{}", arguments.input.display()))?;
    let session = Session::open(device)?;
    let output = (operation.run)(&session, &input, &arguments.options)
        .with_context(|| format!("{} on {}", operation.name, session.name))?;
    write_whole(&arguments.output, &output.to_bytes()?)?;
    for line in output.described() {
        println!("{line}");
    }
    Ok(Verdict::Right)
}

/// Writes next to the file and renames, so that there is never half a file.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().context("the output has no file name")?.to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // The first error says more.
        drop(fs::remove_file(&part));
    }
    written.with_context(|| format!("{}", path.display()))
}
