//! `ptx-sim vectors FILE.safetensors [--as sm_XX]`: the tensor-core model against outputs that were measured on a chip.
//!
//! FILE holds tensors named ARCH.TYPE.{a,b,c,d}: TYPE is fp16 or bf16; a and b are U16 `[rows, k]` bit patterns, c and d U32 `[rows]`, with d = a·b + c as
//! measured. Every set is computed with the model of its architecture (A100, A2, Ada, L40S, H100, H200, B200), or with that of `--as` whatever it is called.
//! Exit code 0: every output is right; 1: one is not; 2: the file or the command line cannot be used.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tilewright_ptx_sim::Profile;
use tilewright_ptx_sim::tensor_core::{Operand, multiply_accumulate};

use crate::Verdict;
use crate::arguments::Vectors;
use crate::failure::Failure;

pub(crate) fn vectors(arguments: &Vectors) -> Result<Verdict, Failure> {
    let path = &arguments.file;
    let is_right =
        all_sets(path, arguments.forced).map_err(|problem| Failure::Vectors { path: path.clone(), problem })?;
    Ok(Verdict::of(is_right))
}

/// Checks every set of the file; whether all of them are right.
fn all_sets(path: &Path, forced: Option<Profile>) -> Result<bool, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| error.to_string())?;
    let mut sets: Vec<&str> = file.names().into_iter().filter_map(|name| name.strip_suffix(".d")).collect();
    sets.sort_unstable();
    if sets.is_empty() {
        return Err("no tensor is called ARCH.TYPE.d".to_owned());
    }
    let (mut right, mut all) = (0, 0);
    for name in sets {
        let set = Set::read(&file, name)?;
        let unknown = || {
            format!("{name}: the architecture is none of A100, A2, Ada, L40S, H100, H200, B200; name the model by --as")
        };
        let profile = forced.or(set.profile).ok_or_else(unknown)?;
        let (set_right, set_all) = set.check(profile);
        println!("{name:<12} {:<6} {set_right} right of {set_all}", profile.name());
        right += set_right;
        all += set_all;
    }
    println!("{:<12} {:<6} {right} right of {all}", "all", "");
    Ok(right == all)
}

/// The measured dot products of one architecture and operand type.
struct Set {
    /// The chip that its name names.
    profile: Option<Profile>,
    operand: Operand,
    k: usize,
    a: Vec<u16>,
    b: Vec<u16>,
    c: Vec<u32>,
    d: Vec<u32>,
}

impl Set {
    fn read(file: &SafeTensors<'_>, name: &str) -> Result<Self, String> {
        let (architecture, operand) = name.split_once('.').unwrap_or((name, ""));
        let profile = match architecture {
            "A100" => Some(Profile::Sm80),
            "A2" => Some(Profile::Sm86),
            "Ada" | "L40S" => Some(Profile::Sm89),
            // Blackwell adds as Hopper does.
            "H100" | "H200" | "B200" => Some(Profile::Sm90),
            _ => None,
        };
        let operand = match operand {
            "fp16" => Operand::F16,
            "bf16" => Operand::Bf16,
            _ => return Err(format!("{name}: type `{operand}`, wanted fp16 or bf16")),
        };
        let tensor = |part: &str, dtype: Dtype| -> Result<TensorView<'_>, String> {
            let name = format!("{name}.{part}");
            let tensor = file.tensor(&name).map_err(|error| format!("{name}: {error}"))?;
            if tensor.dtype() != dtype {
                return Err(format!("{name}: type {:?}, wanted {dtype:?}", tensor.dtype()));
            }
            Ok(tensor)
        };
        let (a, b) = (tensor("a", Dtype::U16)?, tensor("b", Dtype::U16)?);
        let (c, d) = (tensor("c", Dtype::U32)?, tensor("d", Dtype::U32)?);
        let &[rows, k] = a.shape() else {
            return Err(format!("{name}.a: shape {:?}, wanted [rows, k]", a.shape()));
        };
        if k == 0 || b.shape() != [rows, k] || c.shape() != [rows] || d.shape() != [rows] {
            return Err(format!(
                "{name}: shapes {:?}, {:?}, {:?}, {:?}, wanted [rows, k] twice and [rows] twice",
                a.shape(),
                b.shape(),
                c.shape(),
                d.shape()
            ));
        }
        let halves = |tensor: &TensorView<'_>| {
            tensor.data().as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect()
        };
        let words = |tensor: &TensorView<'_>| {
            tensor.data().as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
        };
        Ok(Self { profile, operand, k, a: halves(&a), b: halves(&b), c: words(&c), d: words(&d) })
    }

    /// How many results are right, of how many.
    fn check(&self, profile: Profile) -> (usize, usize) {
        let rows = self.a.chunks(self.k).zip(self.b.chunks(self.k)).zip(self.c.iter().zip(&self.d));
        let right = rows
            .filter(|((a, b), (c, d))| multiply_accumulate(profile.tensor_core(), self.operand, a, b, **c) == **d)
            .count();
        (right, self.d.len())
    }
}
