//! Why nothing was run.

use std::path::PathBuf;

use serde_json::{Value, json};
use tilewright_ptx_sim::{LaunchError, LoadError, MemoryError};

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Tensors { path: PathBuf, source: safetensors::SafeTensorError },
    #[error("{}: {problem}", path.display())]
    Vectors { path: PathBuf, problem: String },
    #[error("{}: {source}", path.display())]
    Load { path: PathBuf, source: LoadError },
    #[error("{}: {}", path.display(), kernels(names))]
    NoKernel { path: PathBuf, names: Vec<String> },
    #[error("`{kernel}` has {wanted} parameters ({}), {got} arguments were given", names.join(", "))]
    Count { kernel: String, names: Vec<String>, wanted: usize, got: usize },
    #[error("argument `{argument}` for the parameter `{param}` of {bytes} bytes")]
    Size { argument: String, param: String, bytes: u32 },
    #[error("argument `buf:{name}`: no tensor of the input and no earlier buffer is called so{}", hint(known))]
    NoTensor { name: String, known: Vec<String> },
    #[error("argument `zeros:{name}`: an earlier buffer is called so")]
    Twice { name: String },
    #[error("buffer `{name}`: {source}")]
    Memory { name: String, source: MemoryError },
    #[error(transparent)]
    Launch(#[from] LaunchError),
}

fn kernels(names: &[String]) -> String {
    if names.is_empty() {
        return "there is no kernel".to_owned();
    }
    format!("the kernels are {}; name one by --kernel", names.join(", "))
}

fn hint(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!("; there are {}", known.join(", ")) }
}

impl Failure {
    /// Whether the text may well be right, and has what is not modelled.
    pub(crate) fn is_incomplete(&self) -> bool {
        matches!(self, Self::Load { source, .. } if source.is_unsupported())
    }

    /// For machines: the verdict, the message, and the places that are not modelled.
    pub(crate) fn json(&self) -> Value {
        let places: Vec<Value> = match self {
            Self::Load { source: LoadError::NotModelled { places }, .. } => {
                places.iter().map(|(line, text)| json!({ "line": line, "instruction": text })).collect()
            }
            Self::Load { source: LoadError::Parse(errors), .. } => errors
                .errors()
                .iter()
                .map(|error| json!({ "line": error.line, "problem": error.problem.to_string() }))
                .collect(),
            _ => Vec::new(),
        };
        let verdict = if self.is_incomplete() { "incomplete" } else { "bad-input" };
        json!({ "verdict": verdict, "message": self.to_string(), "places": places })
    }
}
