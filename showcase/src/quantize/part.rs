//! The output while it grows, and the journal that says how far it is.

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

impl Part {
    /// Goes on with what an earlier run left, if it was the same run; else begins.
    pub(super) fn open(output: &Path, identity: &str, plan: &Plan) -> Result<Self> {
        let paths = Paths::beside(output)?;
        match Self::resume(&paths, identity, plan)? {
            Some(part) => Ok(part),
            None => Self::begin(paths, identity, plan),
        }
    }

    fn resume(paths: &Paths, identity: &str, plan: &Plan) -> Result<Option<Self>> {
        let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path);
        let (Ok(file), Ok(mut journal)) = (open(&paths.part), open(&paths.journal)) else { return Ok(None) };
        let mut text = String::new();
        if file.metadata()?.len() != plan.length || journal.read_to_string(&mut text).is_err() {
            return Ok(None);
        }
        // A line that was being written when the run ended does not count.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole].lines();
        if lines.next() != Some(identity) {
            return Ok(None);
        }
        let mut done = BTreeMap::new();
        for line in lines {
            let Ok(record) = serde_json::from_str::<Record>(line) else { return Ok(None) };
            done.insert(record.name.clone(), record);
        }
        journal.set_len(whole as u64)?;
        journal.seek(SeekFrom::End(0))?;
        let paths = Paths { part: paths.part.clone(), journal: paths.journal.clone() };
        Ok(Some(Self { file, journal, done, paths }))
    }

    fn begin(paths: Paths, identity: &str, plan: &Plan) -> Result<Self> {
        let create = |path: &Path| {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path);
            file.with_context(|| format!("{}", path.display()))
        };
        // The journal first: while it is empty, nothing counts as done.
        let (mut journal, mut file) = (create(&paths.journal)?, create(&paths.part)?);
        let named = || format!("{}", paths.part.display());
        file.set_len(plan.length).with_context(named)?;
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
    pub(super) fn write(&mut self, item: &Item, tensors: &[Vec<u8>], record: Record) -> Result<()> {
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
