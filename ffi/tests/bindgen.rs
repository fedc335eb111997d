//! A second opinion on the bindings: what `bindgen` makes of `cuda.h`.
//!
//! With `TILEWRIGHT_CUDA_INCLUDE` naming the folder of `cuda.h` and `TILEWRIGHT_BINDGEN` the program, which needs libclang (`LIBCLANG_PATH`).
//! Without them only the reader of its output is tested: neither is needed to build or test this crate.

use std::collections::BTreeMap;
use std::mem::offset_of;
use std::process::Command;

use tilewright_ffi::sys::{
    Api, CUlaunchAttribute, CUlaunchAttributeValue, CUlaunchConfig, CUresult, CUtensorMap, ENUMERATORS,
};

/// What stands in generated bindings, as text.
#[derive(Debug, Default)]
struct Bindings {
    /// The types of each function's parameters.
    functions: BTreeMap<String, Vec<String>>,
    constants: BTreeMap<String, u32>,
    /// Sizes, alignments and offsets, by the words of their assertions.
    layouts: BTreeMap<String, usize>,
}

impl Bindings {
    fn read(text: &str) -> Self {
        let mut bindings = Self::default();
        // Lines break where the formatter likes.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in text.split("pub fn ").skip(1) {
            let Some((name, rest)) = part.split_once('(') else { continue };
            let Some((parameters, _)) = rest.split_once(") -> CUresult;") else { continue };
            let types =
                parameters.split(',').filter_map(|parameter| parameter.split_once(": ")).map(|(_, ty)| plain(ty));
            bindings.functions.insert(name.to_owned(), types.collect());
        }
        for part in text.split("pub const ").skip(1) {
            let Some((name, value)) = part.split_once(';').and_then(|(part, _)| part.split_once(" = ")) else {
                continue;
            };
            let name = name.split(':').next().unwrap_or_default();
            if let Ok(value) = value.parse() {
                bindings.constants.insert(name.to_owned(), value);
            }
        }
        // `["Size of X"][size_of::<X>() - 56usize];`
        for part in text.split("[\"").skip(1) {
            let Some((what, rest)) = part.split_once("\"]") else { continue };
            let number = rest.split_once("usize]").and_then(|(before, _)| before.rsplit_once("- "));
            if let Some(number) = number.and_then(|(_, number)| number.trim().parse().ok()) {
                bindings.layouts.insert(what.to_owned(), number);
            }
        }
        bindings
    }
}

/// A type without the paths in front of its names.
fn plain(ty: &str) -> String {
    let words = ty.split_whitespace().map(|word| word.rsplit("::").next().unwrap_or(word));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn generated_text_is_read() {
    let bindings = Bindings::read(
        "pub const CU_JIT_ERROR_LOG_BUFFER: CUjit_option_enum = 5;\n\
         unsafe extern \"C\" {\n    pub fn cuGetErrorName(\n        error: CUresult,\n        pStr: *mut *const ::std::os::raw::c_char,\n\
         \x20   ) -> CUresult;\n}\nunsafe extern \"C\" {\n    pub fn cuCtxSynchronize() -> CUresult;\n}\n\
         [\"Size of CUlaunchConfig_st\"][::std::mem::size_of::<CUlaunchConfig_st>() - 56usize];\n\
         [\"Offset of field: CUlaunchConfig_st::hStream\"]\n        [::std::mem::offset_of!(CUlaunchConfig_st, hStream) - 32usize];\n",
    );
    assert_eq!(bindings.constants["CU_JIT_ERROR_LOG_BUFFER"], 5);
    assert_eq!(bindings.functions["cuGetErrorName"], ["CUresult", "*mut *const c_char"]);
    assert_eq!(bindings.functions["cuCtxSynchronize"], [""; 0]);
    assert_eq!(bindings.layouts["Size of CUlaunchConfig_st"], 56);
    assert_eq!(bindings.layouts["Offset of field: CUlaunchConfig_st::hStream"], 32);
}

#[test]
fn bindgen_agrees() {
    let variable = std::env::var_os;
    let (Some(include), Some(bindgen)) = (variable("TILEWRIGHT_CUDA_INCLUDE"), variable("TILEWRIGHT_BINDGEN")) else {
        return;
    };
    let header = std::path::Path::new(&include).join("cuda.h");
    // A libclang that comes alone has no headers of the compiler; the system's compiler has.
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let own = Command::new(compiler).arg("-print-file-name=include").output().expect("a C compiler");
    let own = String::from_utf8_lossy(&own.stdout).trim().to_owned();
    let output = Command::new(bindgen)
        .args(["--no-prepend-enum-name", "--allowlist-item", "cu.*|CU.*", "--no-doc-comments"])
        .arg(header)
        // The plain names of functions that have newer versions are declared too.
        .args(["--", "-D__CUDA_API_VERSION_INTERNAL", "-isystem", &own])
        .output()
        .expect("bindgen runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = Bindings::read(&String::from_utf8_lossy(&output.stdout));
    assert!(theirs.functions.len() > 400 && theirs.constants.len() > 500, "{} functions", theirs.functions.len());

    for ours in Api::SIGNATURES {
        let their = theirs.functions.get(ours.symbol).unwrap_or_else(|| panic!("bindgen knows no {}", ours.symbol));
        assert_eq!(their, ours.parameters, "{}", ours.symbol);
    }
    for (name, value) in ENUMERATORS {
        assert_eq!(theirs.constants.get(*name), Some(value), "{name}");
    }
    for (name, value) in CUresult::CODES {
        assert_eq!(theirs.constants.get(&format!("CUDA_{name}")), Some(value), "{name}");
    }
    let agree = |what: &str, ours: usize| assert_eq!(theirs.layouts.get(what), Some(&ours), "{what}");
    macro_rules! layouts {
        ($($ours:ident as $theirs:literal { $($field:ident)* })*) => {
            $(
                agree(concat!("Size of ", $theirs), size_of::<$ours>());
                $(agree(concat!("Offset of field: ", $theirs, "::", stringify!($field)), offset_of!($ours, $field));)*
            )*
        };
    }
    layouts! {
        CUlaunchConfig as "CUlaunchConfig_st" {
            gridDimX gridDimY gridDimZ blockDimX blockDimY blockDimZ sharedMemBytes hStream attrs numAttrs
        }
        CUlaunchAttribute as "CUlaunchAttribute_st" { id pad value }
        CUlaunchAttributeValue as "CUlaunchAttributeValue_union" { pad clusterDim programmaticStreamSerializationAllowed }
        CUtensorMap as "CUtensorMap_st" { opaque }
    }
    agree("Alignment of CUlaunchConfig_st", align_of::<CUlaunchConfig>());
    agree("Alignment of CUlaunchAttribute_st", align_of::<CUlaunchAttribute>());
    agree("Alignment of CUlaunchAttributeValue_union", align_of::<CUlaunchAttributeValue>());
    // 64 in CUDA 12, 128 in CUDA 13.
    let align = theirs.layouts.get("Alignment of CUtensorMap_st").copied().unwrap_or_default();
    assert!(matches!(align, 64 | 128) && align_of::<CUtensorMap>().is_multiple_of(align), "{align}");
}
