//! A loaded text with its launch and its buffers.

use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tilewright_ptx_sim::{KernelInfo, Launch, LoadError, Memory, Options, Outcome, Profile, Program};

use crate::argument::Argument;
use crate::arguments::{Job, Way};
use crate::failure::Failure;

/// Device memory of a launch.
const MEMORY_BYTES: u64 = 16 << 30;

/// Everything a launch needs, read and checked once.
#[derive(Debug)]
pub(crate) struct Session<'j> {
    job: &'j Job,
    pub(crate) program: Program,
    pub(crate) kernel: KernelInfo,
    /// In the order of their first argument, which is that of their allocations.
    pub(crate) buffers: Vec<Buffer>,
    /// The buffer that each argument is.
    places: Vec<Option<usize>>,
}

/// A buffer as it was given.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub(crate) name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    data: Vec<u8>,
}

impl Buffer {
    pub(crate) const fn bytes(&self) -> usize {
        self.data.len()
    }
}

/// What a launch did, and the buffers after it.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) outcome: Outcome,
    pub(crate) contents: Vec<Vec<u8>>,
}

impl<'j> Session<'j> {
    /// Loads the text, and the tensors that the arguments name.
    pub(crate) fn open(job: &'j Job) -> Result<Self, Failure> {
        let path = &job.file;
        let text = std::fs::read_to_string(path).map_err(|source| Failure::File { path: path.clone(), source })?;
        let program = load(&text, job.kernel.as_deref(), job.arch)
            .map_err(|source| Failure::Load { path: path.clone(), source })?;
        let kernel = {
            let kernels: Vec<&KernelInfo> = program.kernels().collect();
            let chosen = match (&job.kernel, kernels.as_slice()) {
                (Some(name), _) => program.kernel(name),
                (None, [only]) => Some(*only),
                (None, _) => None,
            };
            let names = || {
                let whole = load(&text, None, job.arch);
                whole.iter().flat_map(Program::kernels).map(|kernel| kernel.name.clone()).collect()
            };
            chosen.ok_or_else(|| Failure::NoKernel { path: path.clone(), names: names() })?.clone()
        };
        let mut session = Self { job, program, kernel, buffers: Vec::new(), places: Vec::new() };
        session.check_arguments()?;
        let input = job.input.as_deref().map(read).transpose()?.unwrap_or_default();
        let tensors = match &job.input {
            Some(path) => {
                let tensors = SafeTensors::deserialize(&input);
                Some(tensors.map_err(|source| Failure::Tensors { path: path.clone(), source })?)
            }
            None => None,
        };
        for argument in &job.args {
            let place = session.place(argument, tensors.as_ref())?;
            session.places.push(place);
        }
        Ok(session)
    }

    /// Number and sizes.
    fn check_arguments(&self) -> Result<(), Failure> {
        let (params, args) = (&self.kernel.params, &self.job.args);
        if params.len() != args.len() {
            let names = params.iter().map(|param| param.name.clone()).collect();
            let kernel = self.kernel.name.clone();
            return Err(Failure::Count { kernel, names, wanted: params.len(), got: args.len() });
        }
        match params.iter().zip(args).find(|(param, argument)| argument.bytes(param.bytes, 0).is_none()) {
            Some((param, argument)) => {
                Err(Failure::Size { argument: argument.text(), param: param.name.clone(), bytes: param.bytes })
            }
            None => Ok(()),
        }
    }

    /// The buffer that an argument is, made if it is its first.
    fn place(&mut self, argument: &Argument, tensors: Option<&SafeTensors<'_>>) -> Result<Option<usize>, Failure> {
        let known = |name: &str| self.buffers.iter().position(|buffer| buffer.name == name);
        let buffer = match argument {
            Argument::Number { .. } => return Ok(None),
            Argument::Zeros { name, .. } if known(name).is_some() => return Err(Failure::Twice { name: name.clone() }),
            Argument::Zeros { name, bytes } => {
                let too_large = |_| {
                    let source = tilewright_ptx_sim::MemoryError::OutOfMemory { bytes: *bytes, left: MEMORY_BYTES };
                    Failure::Memory { name: name.clone(), source }
                };
                let bytes = (*bytes).min(MEMORY_BYTES + 1);
                let bytes = usize::try_from(bytes)
                    .ok()
                    .filter(|bytes| *bytes as u64 <= MEMORY_BYTES)
                    .ok_or(())
                    .map_err(too_large)?;
                Buffer { name: name.clone(), dtype: Dtype::U8, shape: vec![bytes], data: vec![0; bytes] }
            }
            Argument::Buffer { name } => {
                if let Some(index) = known(name) {
                    return Ok(Some(index));
                }
                let tensor = tensors.and_then(|tensors| tensors.tensor(name).ok());
                let tensor = tensor.ok_or_else(|| Failure::NoTensor {
                    name: name.clone(),
                    known: tensors
                        .map(|file| file.names().into_iter().map(str::to_owned).collect())
                        .unwrap_or_default(),
                })?;
                let (dtype, shape) = (tensor.dtype(), tensor.shape().to_vec());
                Buffer { name: name.clone(), dtype, shape, data: tensor.data().to_vec() }
            }
        };
        self.buffers.push(buffer);
        Ok(Some(self.buffers.len() - 1))
    }

    /// Runs the kernel once, on memory of its own.
    pub(crate) fn launch(&self, seed: u64, way: Way, by_line: bool) -> Result<Launched, Failure> {
        let memory = Memory::new(MEMORY_BYTES);
        let mut addresses = Vec::with_capacity(self.buffers.len());
        for buffer in &self.buffers {
            let failed = |source| Failure::Memory { name: buffer.name.clone(), source };
            let address = memory.allocate(buffer.data.len() as u64).map_err(failed)?;
            memory.write(address, &buffer.data).map_err(failed)?;
            addresses.push(address);
        }
        let mut arguments = vec![0; self.kernel.param_bytes as usize];
        for ((param, argument), place) in self.kernel.params.iter().zip(&self.job.args).zip(&self.places) {
            let address = place.and_then(|index| addresses.get(index)).copied().unwrap_or(0);
            let start = param.offset as usize;
            // Number and sizes were checked.
            if let (Some(bytes), Some(slot)) =
                (argument.bytes(param.bytes, address), arguments.get_mut(start..start + param.bytes as usize))
            {
                slot.copy_from_slice(&bytes);
            }
        }
        let Job { grid, block, shared, .. } = *self.job;
        let launch = Launch { grid, block, dynamic_shared_bytes: shared };
        let options =
            Options { seed, converge: way.converge(), max_instructions: self.job.limit, ..Options::default() };
        let name = &self.kernel.name;
        let outcome = if by_line {
            self.program.launch_by_line(&memory, name, launch, &arguments, &options)?
        } else {
            self.program.launch(&memory, name, launch, &arguments, &options)?
        };
        let mut contents = Vec::with_capacity(self.buffers.len());
        for (buffer, address) in self.buffers.iter().zip(addresses) {
            let mut found = vec![0; buffer.data.len()];
            memory.read(address, &mut found).map_err(|source| Failure::Memory { name: buffer.name.clone(), source })?;
            contents.push(found);
        }
        Ok(Launched { outcome, contents })
    }

    /// Writes the buffers where the command line wants them, if it does.
    pub(crate) fn write(&self, contents: &[Vec<u8>]) -> Result<(), Failure> {
        let Some(path) = &self.job.output else { return Ok(()) };
        let failed = |source| Failure::Tensors { path: path.clone(), source };
        let mut tensors = Vec::with_capacity(self.buffers.len());
        for (buffer, data) in self.buffers.iter().zip(contents) {
            let view = TensorView::new(buffer.dtype, buffer.shape.clone(), data).map_err(failed)?;
            tensors.push((buffer.name.as_str(), view));
        }
        let bytes = safetensors::serialize(tensors, None).map_err(failed)?;
        std::fs::write(path, bytes).map_err(|source| Failure::File { path: path.clone(), source })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|source| Failure::File { path: PathBuf::from(path), source })
}

/// Loads a kernel of a text, or all of it, for a chip, or for the oldest that runs it.
fn load(text: &str, kernel: Option<&str>, profile: Option<Profile>) -> Result<Program, LoadError> {
    let load = |profile| match kernel {
        Some(name) => Program::load_kernel(text, name, profile),
        None => Program::load(text, profile),
    };
    if let Some(profile) = profile {
        return load(profile);
    }
    let mut outcome = load(Profile::Sm80);
    for profile in Profile::ALL {
        if matches!(outcome, Err(LoadError::Target { .. })) {
            outcome = load(profile);
        }
    }
    outcome
}
