//! The output while it grows, and the journal that says how far it is.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::Record;
use super::plan::{Item, Plan};
use crate::arguments::QuantizeArguments;

/// Bytes of an input's beginning that its identity looks at, besides length and time.
const LOOKED_AT: usize = 1 << 20;

/// `OUT.part`, which becomes the output, and `OUT.journal`: a line that says of what it is, then a line for each item that is in the file and on the disk.
pub(super) struct Part {
    file: File,
    journal: File,
    done: BTreeMap<String, Record>,
    paths: Paths,
}

struct Paths {
    part: PathBuf,
    journal: PathBuf,
}

impl Paths {
    fn beside(output: &Path) -> Result<Self> {
        let name = output.file_name().context("the output has no file name")?;
        let with = |suffix: &str| {
            let mut name = name.to_owned();
            name.push(suffix);
            output.with_file_name(name)
        };
        Ok(Self { part: with(".part"), journal: with(".journal") })
    }
}

/// What makes two runs the same: version, options, and the inputs by length, time and beginning.
pub(super) fn identity(arguments: &QuantizeArguments, input: &[u8], calibration: Option<&[u8]>) -> Result<String> {
    let of = |path: &Path, bytes: &[u8]| -> Result<serde_json::Value> {
        let modified = fs::metadata(path).and_then(|data| data.modified());
        let since = modified.with_context(|| format!("{}", path.display()))?.duration_since(UNIX_EPOCH);
        let nanoseconds = since.map_or(0, |since| since.as_nanos());
        let beginning = bytes.get(..LOOKED_AT).unwrap_or(bytes);
        Ok(json!([path, bytes.len(), nanoseconds.to_string(), fnv(beginning)]))
    };
    let calibration = arguments.calibration.as_deref().zip(calibration);
    let calibration = calibration.map(|(path, bytes)| of(path, bytes)).transpose()?;
    let QuantizeArguments { bits, group_size, method, format, asymmetric, order, rule, damping, only, skip, .. } =
        arguments;
    let identity = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "input": of(&arguments.input, input)?,
        "calibration": calibration,
        "options": format!("{bits} {group_size} {method:?} {format:?} {asymmetric} {order:?} {rule:?} {damping} {only:?} {skip:?}"),
    });
    Ok(identity.to_string())
}

/// The hash FNV-1a, <http://www.isthe.com/chongo/tech/comp/fnv/>: the same on every machine and in every version.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What a journal of the same run says is done, and how many of its bytes say it: a line that was being written when the run ended does not count.
fn resumable(text: &[u8], identity: &str) -> Option<(u64, BTreeMap<String, Record>)> {
    let whole = text.iter().rposition(|byte| *byte == b'\n')? + 1;
    let mut lines = std::str::from_utf8(&text[..whole]).ok()?.lines();
    if lines.next() != Some(identity) {
        return None;
    }
    let records = lines.map(|line| serde_json::from_str::<Record>(line).map(|record| (record.name.clone(), record)));
    Some((whole as u64, records.collect::<Result<_, _>>().ok()?))
}

impl Part {
    /// Goes on with what an earlier run left, if it was the same run; else begins. Two runs with one output at a time are refused.
    pub(super) fn open(output: &Path, identity: &str, plan: &Plan) -> Result<Self> {
        let paths = Paths::beside(output)?;
        let open = |path: &Path| {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
            file.with_context(|| format!("{}", path.display()))
        };
        let mut journal = open(&paths.journal)?;
        // The lock ends with the process, however that ends.
        if let Err(error) = fs4::FileExt::try_lock(&journal) {
            bail!("{}: another run is writing this output ({error})", paths.journal.display());
        }
        let mut text = Vec::new();
        journal.read_to_end(&mut text).with_context(|| format!("{}", paths.journal.display()))?;
        let file = open(&paths.part)?;
        let is_whole = file.metadata()?.len() == plan.length;
        match resumable(&text, identity).filter(|_| is_whole) {
            Some((length, done)) => {
                journal.set_len(length)?;
                journal.seek(SeekFrom::End(0))?;
                Ok(Self { file, journal, done, paths })
            }
            None => Self::begin(file, journal, paths, identity, plan),
        }
    }

    fn begin(mut file: File, mut journal: File, paths: Paths, identity: &str, plan: &Plan) -> Result<Self> {
        // While the journal is empty, nothing counts as done.
        journal.set_len(0)?;
        journal.seek(SeekFrom::Start(0))?;
        journal.sync_data()?;
        let named = || format!("{}", paths.part.display());
        file.set_len(0).and_then(|()| file.set_len(plan.length)).with_context(named)?;
        file.write_all(&plan.header).with_context(named)?;
        file.sync_data().with_context(named)?;
        writeln!(journal, "{identity}")?;
        journal.sync_data()?;
        Ok(Self { file, journal, done: BTreeMap::new(), paths })
    }

    pub(super) fn is_done(&self, name: &str) -> bool {
        self.done.contains_key(name)
    }

    /// What is done, by name.
    pub(super) fn done(&self) -> impl Iterator<Item = &Record> {
        self.done.values()
    }

    /// Puts an item's tensors at their places, and then says that they are there.
    pub(super) fn write(&mut self, item: &Item, tensors: &[Cow<'_, [u8]>], record: Record) -> Result<()> {
        let lengths = tensors.iter().map(|tensor| tensor.len() as u64);
        if !lengths.eq(item.places.iter().map(|(_, bytes)| *bytes)) {
            bail!("the tensors of `{}` are not those that were planned", item.name);
        }
        let named = || format!("{}", self.paths.part.display());
        for (tensor, (start, _)) in tensors.iter().zip(&item.places) {
            self.file.seek(SeekFrom::Start(*start)).with_context(named)?;
            self.file.write_all(tensor).with_context(named)?;
        }
        // In this order, so that what the journal says is true whenever the machine stops.
        self.file.sync_data().with_context(named)?;
        writeln!(self.journal, "{}", serde_json::to_string(&record)?)?;
        self.journal.sync_data()?;
        self.done.insert(record.name.clone(), record);
        Ok(())
    }

    /// Gives the file its name.
    pub(super) fn finish(self, output: &Path) -> Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.paths.part, output).with_context(|| format!("{}", output.display()))?;
        fs::remove_file(&self.paths.journal).with_context(|| format!("{}", self.paths.journal.display()))
    }
}
