//! The bindings against `cuda.h`: every function type, structure, constant and error code.
//!
//! With `TILEWRIGHT_CUDA_INCLUDE` naming the folder of `cuda.h`, a file of static assertions goes through the system's C compiler (`CC`, or
//! `cc`). The bindings hold for CUDA 12.9 and 13.0 alike. Without it, what can be known without a header is checked.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::mem::offset_of;
use std::path::PathBuf;
use std::process::Command;

use tilewright_ffi::sys::{
    Api, CU_EVENT_DISABLE_TIMING, CU_STREAM_NON_BLOCKING, CUlaunchAttribute, CUlaunchAttributeValue, CUlaunchConfig,
    CUresult, CUtensorMap, ENUMERATORS,
};

/// Types by their names in Rust and in C. A type that is not here cannot be translated, which is an error.
const TYPES: &[(&str, &str)] = &[
    ("c_char", "char"),
    ("c_uchar", "unsigned char"),
    ("c_ushort", "unsigned short"),
    ("c_int", "int"),
    ("c_uint", "unsigned int"),
    ("c_ulonglong", "unsigned long long"),
    ("c_void", "void"),
    ("usize", "size_t"),
    ("f32", "float"),
    ("cuuint32_t", "cuuint32_t"),
    ("cuuint64_t", "cuuint64_t"),
    ("CUresult", "CUresult"),
    ("CUdevice", "CUdevice"),
    ("CUdeviceptr", "CUdeviceptr"),
    ("CUcontext", "CUcontext"),
    ("CUmodule", "CUmodule"),
    ("CUfunction", "CUfunction"),
    ("CUstream", "CUstream"),
    ("CUevent", "CUevent"),
    ("CUgraph", "CUgraph"),
    ("CUgraphExec", "CUgraphExec"),
    ("CUlaunchConfig", "CUlaunchConfig"),
    ("CUtensorMap", "CUtensorMap"),
    ("CUdevice_attribute", "CUdevice_attribute"),
    ("CUfunction_attribute", "CUfunction_attribute"),
    ("CUpointer_attribute", "CUpointer_attribute"),
    ("CUjit_option", "CUjit_option"),
    ("CUstreamCaptureMode", "CUstreamCaptureMode"),
    ("CUstreamCaptureStatus", "CUstreamCaptureStatus"),
    ("CUtensorMapDataType", "CUtensorMapDataType"),
    ("CUtensorMapInterleave", "CUtensorMapInterleave"),
    ("CUtensorMapSwizzle", "CUtensorMapSwizzle"),
    ("CUtensorMapL2promotion", "CUtensorMapL2promotion"),
    ("CUtensorMapFloatOOBfill", "CUtensorMapFloatOOBfill"),
];

/// Functions that changed after their first version, and the version whose parameters the bindings state. The plain name of each still is a
/// symbol of the library, with the parameters of 32-bit times.
const VERSIONED: &[(&str, &str)] = &[
    ("cuDeviceTotalMem", "_v2"),
    ("cuDevicePrimaryCtxRelease", "_v2"),
    ("cuCtxPushCurrent", "_v2"),
    ("cuCtxPopCurrent", "_v2"),
    ("cuMemAlloc", "_v2"),
    ("cuMemFree", "_v2"),
    ("cuMemGetInfo", "_v2"),
    ("cuMemcpyHtoD", "_v2"),
    ("cuMemcpyDtoH", "_v2"),
    ("cuMemcpyDtoD", "_v2"),
    ("cuMemcpyHtoDAsync", "_v2"),
    ("cuMemcpyDtoHAsync", "_v2"),
    ("cuMemcpyDtoDAsync", "_v2"),
    ("cuMemsetD8", "_v2"),
    ("cuStreamDestroy", "_v2"),
    ("cuStreamBeginCapture", "_v2"),
    ("cuEventDestroy", "_v2"),
];

/// Functions whose plain symbol is bound although a header has a newer version: older drivers have no other, and its parameters are the same.
const PLAIN: &[&str] = &["cuEventElapsedTime"];

/// The C type of a Rust type as `stringify!` writes it.
fn c_type(rust: &str) -> Option<String> {
    if let Some(target) = rust.strip_prefix("*mut ") {
        return Some(format!("{} *", c_type(target)?));
    }
    if let Some(target) = rust.strip_prefix("*const ") {
        return Some(format!("{} const *", c_type(target)?));
    }
    TYPES.iter().find(|(name, _)| *name == rust).map(|(_, c)| (*c).to_owned())
}

/// The type of a pointer to a function with these parameters.
fn c_function_type(parameters: &[&str]) -> String {
    let types: Vec<String> = parameters
        .iter()
        .map(|rust| c_type(rust).unwrap_or_else(|| panic!("no C type is known for `{rust}`: add it to TYPES")))
        .collect();
    let list = if types.is_empty() { "void".to_owned() } else { types.join(", ") };
    format!("CUresult (*)({list})")
}

/// The C file: one assertion a line.
fn assertions() -> String {
    // With this the header also declares the plain names of functions that have newer versions, and renames none.
    let mut c = String::from("#define __CUDA_API_VERSION_INTERNAL\n#include <stddef.h>\n#include <cuda.h>\n");
    let mut assert = |condition: String| {
        let message = condition.replace('"', "'");
        writeln!(c, "_Static_assert({condition}, \"{message}\");").expect("a string takes every line");
    };
    for signature in Api::SIGNATURES {
        let wanted = c_function_type(signature.parameters);
        assert(format!("__builtin_types_compatible_p(__typeof__(&{}), {wanted})", signature.symbol));
    }
    for (name, value) in ENUMERATORS {
        assert(format!("(unsigned){name} == {value}u"));
    }
    for (name, value) in CUresult::CODES {
        assert(format!("(unsigned)CUDA_{name} == {value}u"));
    }
    assert(format!("(unsigned)CU_STREAM_NON_BLOCKING == {CU_STREAM_NON_BLOCKING}u"));
    assert(format!("(unsigned)CU_EVENT_DISABLE_TIMING == {CU_EVENT_DISABLE_TIMING}u"));
    // Whatever has no structure here is a number or a handle: 4 bytes or 8.
    const WIDE: [&str; 8] =
        ["CUdeviceptr", "CUcontext", "CUmodule", "CUfunction", "CUstream", "CUevent", "CUgraph", "CUgraphExec"];
    let structures = ["CUlaunchConfig", "CUtensorMap"];
    let named = TYPES.iter().map(|(_, c)| *c).filter(|c| c.starts_with("CU") && !structures.contains(c));
    for name in named.chain(["CUlaunchAttributeID"]) {
        assert(format!("sizeof({name}) == {}", if WIDE.contains(&name) { 8 } else { 4 }));
    }
    macro_rules! bytes {
        (struct, $structure:ident, $field:ident) => {
            bytes_of(|value: &$structure| value.$field)
        };
        // No field of a union can be read without unsafe code.
        (union, $structure:ident, pad) => {
            64
        };
        (union, $structure:ident, clusterDim) => {
            12
        };
        (union, $structure:ident, programmaticStreamSerializationAllowed) => {
            4
        };
    }
    macro_rules! layout {
        ($($kind:tt $structure:ident { $($field:ident),* $(,)? })*) => {
            $(
                assert(format!("sizeof({0}) == {1}", stringify!($structure), size_of::<$structure>()));
                $(
                    let (structure, field) = (stringify!($structure), stringify!($field));
                    assert(format!("offsetof({structure}, {field}) == {}", offset_of!($structure, $field)));
                    let bytes = bytes!($kind, $structure, $field);
                    assert(format!("sizeof((({structure} *)0)->{field}) == {bytes}"));
                )*
            )*
        };
    }
    layout! {
        struct CUlaunchConfig {
            gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes, hStream, attrs, numAttrs,
        }
        struct CUlaunchAttribute { id, pad, value }
        union CUlaunchAttributeValue { pad, clusterDim, programmaticStreamSerializationAllowed }
        struct CUtensorMap { opaque }
    }
    for (name, align) in [
        ("CUlaunchConfig", align_of::<CUlaunchConfig>()),
        ("CUlaunchAttribute", align_of::<CUlaunchAttribute>()),
        ("CUlaunchAttributeValue", align_of::<CUlaunchAttributeValue>()),
    ] {
        assert(format!("_Alignof({name}) == {align}"));
    }
    // 64 in CUDA 12, 128 in CUDA 13: what is aligned for the latter is aligned for both.
    assert(format!("{} % _Alignof(CUtensorMap) == 0", align_of::<CUtensorMap>()));
    c
}

/// Bytes of what a function returns, which is not called.
fn bytes_of<S, F>(_field: fn(&S) -> F) -> usize {
    size_of::<F>()
}

/// The folder of `cuda.h`, if one was named.
fn include() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("TILEWRIGHT_CUDA_INCLUDE")?);
    assert!(folder.join("cuda.h").is_file(), "TILEWRIGHT_CUDA_INCLUDE is {}, where no cuda.h is", folder.display());
    Some(folder)
}

#[test]
fn every_symbol_stands_once() {
    let symbols: BTreeSet<&str> = Api::SIGNATURES.iter().map(|signature| signature.symbol).collect();
    assert_eq!(symbols.len(), Api::SIGNATURES.len());
    assert!(Api::SIGNATURES.iter().filter(|signature| signature.required).count() > 40);
}

#[test]
fn every_parameter_has_a_type_in_c() {
    for signature in Api::SIGNATURES {
        assert!(c_function_type(signature.parameters).starts_with("CUresult (*)("), "{}", signature.symbol);
    }
    assert_eq!(c_type("*mut *const c_char").as_deref(), Some("char const * *"));
    assert_eq!(c_type("*const *mut f32").as_deref(), Some("float * const *"));
    assert_eq!(c_type("*mut f64"), None);
}

#[test]
fn changed_functions_are_bound_by_their_version() {
    for (plain, version) in VERSIONED {
        assert!(Api::SIGNATURES.iter().all(|signature| signature.symbol != *plain), "{plain} is of 32-bit times");
        let versioned = format!("{plain}{version}");
        let bound = Api::SIGNATURES.iter().find(|signature| signature.symbol == versioned);
        assert!(bound.is_some_and(|signature| signature.required), "{versioned} is not bound, or not required");
    }
    for signature in Api::SIGNATURES {
        let suffix = signature.symbol.rsplit_once("_v").map(|(plain, version)| (plain, format!("_v{version}")));
        if let Some((plain, version)) = suffix {
            assert!(VERSIONED.contains(&(plain, version.as_str())), "{} is not in the list", signature.symbol);
        }
        assert!(!signature.symbol.ends_with("_ptsz") && !signature.symbol.ends_with("_ptds"));
    }
}

#[test]
fn constants_stand_once() {
    let names: BTreeSet<&str> = ENUMERATORS.iter().chain(CUresult::CODES).map(|(name, _)| *name).collect();
    assert_eq!(names.len(), ENUMERATORS.len() + CUresult::CODES.len());
    let codes: BTreeSet<u32> = CUresult::CODES.iter().map(|(_, value)| *value).collect();
    assert_eq!(codes.len(), CUresult::CODES.len());
}

/// The sizes that both headers agree on; the assertions in C derive theirs from the Rust structures.
#[test]
fn structures_have_the_sizes_of_a_64_bit_host() {
    let sizes = [size_of::<CUlaunchConfig>(), size_of::<CUlaunchAttribute>(), size_of::<CUlaunchAttributeValue>()];
    assert_eq!(sizes, [56, 72, 64]);
    assert_eq!((size_of::<CUtensorMap>(), align_of::<CUtensorMap>()), (128, 128));
    assert_eq!(offset_of!(CUlaunchConfig, hStream), 32);
    assert_eq!(offset_of!(CUlaunchAttribute, value), 8);
}

/// Functions, numbers and codes come into the assertions by themselves; the rest is looked up in the source.
#[test]
fn nothing_that_is_declared_is_left_out() {
    let c = assertions();
    let mut seen = 0;
    let mut asserted = |line: String| {
        assert!(c.contains(&line), "nothing asserts `{line}`");
        seen += 1;
    };
    let mut structure = String::new();
    for line in include_str!("../src/sys/structures.rs").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["pub", "struct" | "union", name, ..] => {
                structure = (*name).to_owned();
                asserted(format!("sizeof({structure}) =="));
                asserted(format!("_Alignof({structure})"));
            }
            ["pub", field, ..] if field.ends_with(':') => {
                let field = field.trim_end_matches(':');
                asserted(format!("offsetof({structure}, {field}) =="));
                asserted(format!("sizeof((({structure} *)0)->{field}) =="));
            }
            _ => {}
        }
    }
    for line in include_str!("../src/sys/types.rs").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["pub", "const", name, ..] if name.starts_with("CU_") => {
                asserted(format!("(unsigned){} ==", name.trim_end_matches(':')));
            }
            // Handles, numbers and names of plain types.
            [name, "=", opaque] if name.starts_with("CU") && opaque.ends_with("_st;") => {
                asserted(format!("sizeof({name}) == 8"))
            }
            [name, "{"] if name.starts_with("CU") => asserted(format!("sizeof({name}) == 4")),
            ["pub", "type", name, "=", _] if name.starts_with("CU") => asserted(format!("sizeof({name}) ==")),
            _ => {}
        }
    }
    assert!(seen > 60, "{seen} declarations seen");
}

#[test]
fn the_c_compiler_agrees() {
    let c = assertions();
    // So many at least: a generator that writes nothing proves nothing.
    assert!(c.lines().count() > Api::SIGNATURES.len() + ENUMERATORS.len() + CUresult::CODES.len() + 20);
    let Some(folder) = include() else { return };
    let outcome = compile(&c, &folder);
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    // The proof can fail.
    for (right, wrong) in [
        ("CUresult (*)(CUdeviceptr *, size_t)", "CUresult (*)(CUdeviceptr *, unsigned int)"),
        ("void const *, size_t)", "void *, size_t)"),
        ("offsetof(CUlaunchConfig, hStream) == 32", "offsetof(CUlaunchConfig, hStream) == 28"),
        ("sizeof(((CUlaunchConfig *)0)->attrs) == 8", "sizeof(((CUlaunchConfig *)0)->attrs) == 4"),
        ("CU_JIT_ERROR_LOG_BUFFER == 5u", "CU_JIT_ERROR_LOG_BUFFER == 4u"),
    ] {
        let broken = c.replacen(right, wrong, 1);
        assert_ne!(broken, c, "nothing says `{right}`");
        assert!(compile(&broken, &folder).is_err(), "`{wrong}` was accepted");
    }
}

fn compile(c: &str, include: &std::path::Path) -> Result<(), String> {
    use std::io::Write as _;
    use std::process::Stdio;

    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut child = Command::new(&compiler)
        .args(["-std=c11", "-fsyntax-only", "-Wall", "-Werror", "-x", "c", "-I"])
        .arg(include)
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", compiler.display()))?;
    child.stdin.take().expect("a pipe").write_all(c.as_bytes()).map_err(|error| error.to_string())?;
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// What a header renames is bound under the new name, or its old one is meant.
#[test]
fn the_header_renames_nothing_that_is_bound_plainly() {
    let Some(folder) = include() else { return };
    let header = std::fs::read_to_string(folder.join("cuda.h")).expect("a header");
    let mut renamed = 0;
    for line in header.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("#define") {
            continue;
        }
        let (Some(plain), Some(new)) = (words.next(), words.next()) else { continue };
        if !plain.starts_with("cu") || !new.contains("_v") {
            continue;
        }
        renamed += 1;
        let is_bound = Api::SIGNATURES.iter().any(|signature| signature.symbol == plain);
        assert!(!is_bound || PLAIN.contains(&plain), "{plain} is {new} in this header");
    }
    assert!(renamed > 30, "{renamed} renamed functions in {}", folder.display());
}

/// The header says of every error that stays that the process is left in an inconsistent state.
#[test]
fn errors_that_stay_are_those_of_the_header() {
    let Some(folder) = include() else { return };
    let header = std::fs::read_to_string(folder.join("cuda.h")).expect("a header");
    let codes = header.split_once("typedef enum cudaError_enum").expect("the codes").1;
    let codes = codes.split_once("} CUresult;").expect("their end").0;
    let mut comment = String::new();
    let mut found = 0;
    for line in codes.lines() {
        let line = line.trim();
        let Some((name, value)) = line.split_once('=').filter(|_| line.starts_with("CUDA_")) else {
            comment.push_str(line.trim_start_matches('*').trim());
            comment.push(' ');
            continue;
        };
        let value: u32 = value.trim().trim_end_matches(',').parse().expect("a number");
        if comment.contains("inconsistent state") {
            found += 1;
            assert!(CUresult(value).is_sticky(), "{name} stays");
        }
        comment.clear();
    }
    assert!(found >= 9, "{found} errors that stay");
}
