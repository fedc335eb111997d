//! All mutants of all kernels, over all cores.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::PoisonError;

use tilewright_ptx_ir::ir::Module;

use crate::case::{Case, Group};
use crate::kernel::{Seen, discover};
use crate::operator::OPERATORS;
use crate::worker::{Answer, Job, Judged, Work};

/// What is made and run.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "constructed by name")]
pub struct Campaign {
    /// So many mutants of each operator and kernel.
    pub sample: usize,
    /// Each operator on every so many-th kernel, each on others: 1 for every operator on every kernel.
    pub stride: usize,
    /// The crates.
    pub groups: Vec<Group>,
    /// Whether mutants that are proved not to matter are run too.
    pub doubts: bool,
    /// Kernels whose names contain this.
    pub kernels: String,
    /// Names of operators; all if there are none.
    pub operators: Vec<String>,
    /// Processes.
    pub processes: usize,
}

/// A kernel with what became of its mutants.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Judgement {
    /// Its crate.
    pub group: Group,
    /// Its name; kernels of one name that differ are numbered.
    pub kernel: String,
    /// Its cases.
    pub cases: Vec<usize>,
    /// Its mutants.
    pub mutants: Vec<Judged>,
}

/// Why a campaign came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A process could not be started or did not answer.
    #[error("a worker process: {0}")]
    Worker(#[from] io::Error),
    /// What a worker said is not what it was asked.
    #[error("a worker process answered something else")]
    Answer,
    /// A case does not hold for the kernel as it is, or a kernel could not be made again.
    #[error("{0}")]
    Case(String),
    /// There is no such operator.
    #[error("there is no operator `{name}`")]
    Operator {
        /// The name.
        name: String,
    },
}

/// A case: what it costs, and its position among its crate's.
type Costed = (u64, usize);

/// A kernel that was found.
#[derive(Debug, Default)]
struct Found {
    cases: Vec<Costed>,
}

impl Campaign {
    /// Finds the kernels, makes their mutants and runs them; `progress` hears how many kernels are done, of how many.
    ///
    /// # Errors
    /// [`Error`].
    pub fn run(&self, progress: impl Fn(usize, usize) + Sync) -> Result<Vec<Judgement>, Error> {
        let subjects = self.subjects()?;
        let jobs = subjects.iter().map(|(_, _, work)| Job::Judge(work.clone())).collect();
        let answers = self.ask(jobs, progress)?;
        subjects
            .into_iter()
            .zip(answers)
            .map(|((group, kernel, work), answer)| match answer {
                Answer::Judged(Ok(mutants)) => Ok(Judgement { group, kernel, cases: work.cases, mutants }),
                Answer::Judged(Err(why)) => Err(Error::Case(why)),
                Answer::Discovered(_) => Err(Error::Answer),
            })
            .collect()
    }

    /// The kernels, as they are named in what [`run`](Self::run) finds.
    ///
    /// # Errors
    /// [`Error`].
    pub fn kernels(&self) -> Result<Vec<(String, Module)>, Error> {
        let module = |(group, name, work): (Group, String, Work)| {
            let cases = Case::of(group);
            let case = work.cases.first().and_then(|index| cases.get(*index)).ok_or(Error::Answer)?;
            discover(case).map(|(module, _)| (name, module)).map_err(Error::Case)
        };
        self.subjects()?.into_iter().map(module).collect()
    }

    /// The kernels with what is to be done with them.
    fn subjects(&self) -> Result<Vec<(Group, String, Work)>, Error> {
        let operators = self.operators()?;
        let mut subjects: Vec<(Group, String, Work)> = Vec::new();
        for ((group, kernel, _), mut found) in self.discover()? {
            found.cases.sort_unstable();
            let cases = found.cases.into_iter().map(|(_, case)| case).collect();
            let phase = subjects.len();
            let chosen = |(place, _): &(usize, &usize)| (place + phase).is_multiple_of(self.stride.max(1));
            let operators = operators.iter().enumerate().filter(chosen).map(|(_, operator)| *operator).collect();
            let work = Work {
                group,
                cases,
                doubts: self.doubts,
                operators,
                sample: self.sample,
                phase: phase / self.stride.max(1),
            };
            subjects.push((group, kernel, work));
        }
        number(&mut subjects);
        subjects.retain(|(_, kernel, _)| kernel.contains(&self.kernels));
        Ok(subjects)
    }

    fn operators(&self) -> Result<Vec<usize>, Error> {
        let position = |name: &String| {
            let position = OPERATORS.iter().position(|operator| operator.name == name);
            position.ok_or_else(|| Error::Operator { name: name.clone() })
        };
        match self.operators.as_slice() {
            [] => Ok((0..OPERATORS.len()).collect()),
            names => names.iter().map(position).collect(),
        }
    }

    fn discover(&self) -> Result<BTreeMap<(Group, String, u64), Found>, Error> {
        /// Cases of a job.
        const CHUNK: usize = 32;
        let mut chunks = Vec::new();
        for group in &self.groups {
            let all = alike(&Case::of(*group));
            chunks.extend(all.chunks(CHUNK).map(|classes| (*group, classes.to_vec())));
        }
        let first = |class: &Vec<Costed>| class.first().map(|(_, index)| *index);
        let jobs = chunks
            .iter()
            .map(|(group, classes)| Job::Discover { group: *group, cases: classes.iter().filter_map(first).collect() })
            .collect();
        let mut found: BTreeMap<_, Found> = BTreeMap::new();
        for ((group, classes), answer) in chunks.into_iter().zip(self.ask(jobs, |_, _| {})?) {
            let Answer::Discovered(seen) = answer else { return Err(Error::Answer) };
            for (class, seen) in classes.into_iter().zip(seen) {
                let Seen { kernel, module } = seen.map_err(Error::Case)?;
                let entry = found.entry((group, kernel, module)).or_default();
                entry.cases.extend(class);
            }
        }
        Ok(found)
    }

    /// The answers to the jobs, in their order.
    fn ask(&self, jobs: Vec<Job>, progress: impl Fn(usize, usize) + Sync) -> Result<Vec<Answer>, Error> {
        let count = jobs.len();
        let queue = Mutex::new(jobs.into_iter().enumerate());
        let answers: Mutex<BTreeMap<usize, Answer>> = Mutex::default();
        let work = || -> Result<(), Error> {
            let mut worker = Worker::start()?;
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((index, job)) = next else { return Ok(()) };
                let answer = worker.ask(&job)?;
                let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
                answers.insert(index, answer);
                progress(answers.len(), count);
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.processes.max(1)).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Err(Error::Answer)))
        })?;
        let answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
        if answers.len() == count { Ok(answers.into_values().collect()) } else { Err(Error::Answer) }
    }
}

/// Cases that run the same kernel, by what decides on it, with their costs, cheapest first; those of which that is not known are alone.
fn alike(cases: &[Case]) -> Vec<Vec<Costed>> {
    let mut classes: BTreeMap<(Option<&str>, usize), Vec<Costed>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        let key = (case.plan(), if case.plan().is_some() { 0 } else { index });
        classes.entry(key).or_default().push((case.cost(), index));
    }
    classes.values_mut().for_each(|class| class.sort_unstable());
    classes.into_values().collect()
}

/// Kernels of one name that differ get numbers.
fn number(subjects: &mut [(Group, String, Work)]) {
    let mut counts: BTreeMap<(Group, String), usize> = BTreeMap::new();
    for (group, kernel, _) in subjects.iter() {
        *counts.entry((*group, kernel.clone())).or_default() += 1;
    }
    let mut seen: BTreeMap<(Group, String), usize> = BTreeMap::new();
    for (group, kernel, _) in subjects {
        let key = (*group, kernel.clone());
        if counts.get(&key).is_some_and(|count| *count > 1) {
            let place = seen.entry(key).or_default();
            *place += 1;
            *kernel = format!("{kernel} ({place})");
        }
    }
}

/// A process of this very program that answers jobs. What the simulator says of faults goes nowhere: faults are what is wanted.
struct Worker {
    process: std::process::Child,
    jobs: std::process::ChildStdin,
    answers: BufReader<std::process::ChildStdout>,
}

impl Worker {
    fn start() -> Result<Self, Error> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (jobs, answers) = (process.stdin.take(), process.stdout.take());
        let (Some(jobs), Some(answers)) = (jobs, answers) else { return Err(Error::Answer) };
        Ok(Self { process, jobs, answers: BufReader::new(answers) })
    }

    fn ask(&mut self, job: &Job) -> Result<Answer, Error> {
        serde_json::to_writer(&mut self.jobs, job).map_err(io::Error::from)?;
        writeln!(self.jobs)?;
        self.jobs.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line).map_err(io::Error::from)?)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It has nothing to save.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
