//! Atomics on vectors, element by element, against Rust.

use crate::support::kernel::{bytes, launch, run, words};
use half::{bf16, f16};
use tilewright_ptx_sim::Options;

const PLACES: &str = "mul.wide.u32 %rd3, %r1, 16;\nadd.u64 %rd4, %rd2, %rd3;\nadd.u64 %rd3, %rd1, %rd3;\n";

/// Stores 16 bytes of the input to the output, then `op` on them with the 16 bytes behind; what it answers goes to the end of the output.
fn outcome(op: &str, class: &str, registers: usize, input: &[u8]) -> Vec<u8> {
    let list = |first: usize| (first..first + registers).map(|r| format!("{class}{r}")).collect::<Vec<_>>().join(", ");
    let (ty, step) = (if class == "%h" { "b16" } else { "b32" }, if class == "%h" { 2 } else { 4 });
    let mut body =
        format!("{PLACES}ld.global.v2.b64 {{%rd5, %rd6}}, [%rd3];\nst.global.v2.b64 [%rd4], {{%rd5, %rd6}};\n");
    for register in 0..registers {
        body += &format!("ld.global.{ty} {class}{}, [%rd3+{}];\n", 3 + register, 512 + step * register);
    }
    // Into the registers that are added: all of them are read first.
    body += &format!("{op} {{{}}}, [%rd4], {{{}}};\n", list(3), list(3));
    for register in 0..registers {
        body += &format!("st.global.{ty} [%rd4+{}], {class}{};\n", 512 + step * register, 3 + register);
    }
    run(&body, 32, input, 1024)
}

/// The input of 32 threads, 16 bytes each, twice.
fn input(word: impl Fn(u32) -> u32) -> Vec<u8> {
    bytes((0..256).map(word))
}

#[test]
fn vectors_of_f32_are_added_by_elements() {
    let given = input(|index| (index as f32 * 1.5 - 90.0).to_bits());
    for width in [2, 4] {
        let left = outcome(&format!("atom.global.add.v{width}.f32"), "%f", width, &given);
        let (given, left) = (words(&given), words(&left));
        for index in 0..128 {
            let (old, more) = (f32::from_bits(given[index]), f32::from_bits(given[index + 128]));
            let is_touched = index % 4 < width;
            assert_eq!(f32::from_bits(left[index]), if is_touched { old + more } else { old });
            assert_eq!(left[index + 128], if is_touched { given[index] } else { 0 });
        }
    }
}

#[test]
fn vectors_of_halves_are_changed_by_elements() {
    // Finite halves and a few NaN: those are passed over by the least and the greatest.
    let given = input(|index| {
        let word = index.wrapping_mul(0x9E37_79B9) & 0xBBFF_3FFF | 0x0100_0100;
        if index % 16 == 3 { word | 0x0000_7E00 } else { word }
    });
    let halves = |bytes: &[u8]| bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect::<Vec<u16>>();
    for (ty, class, most) in [("f16", "%h", 8), ("bf16", "%h", 8), ("f16x2", "%r", 4), ("bf16x2", "%r", 4)] {
        for (op, width) in ["add", "min", "max"].into_iter().flat_map(|op| [2, 4, 8].map(|width| (op, width))) {
            if width > most {
                continue;
            }
            let left = outcome(&format!("atom.global.{op}.noftz.v{width}.{ty}"), class, width, &given);
            let (given, left) = (halves(&given), halves(&left));
            let touched = if class == "%h" { width } else { 2 * width };
            for index in 0..256 {
                let (old, more) = (given[index], given[index + 256]);
                let wanted = if index % 8 >= touched { old } else { combine(op, ty.starts_with('f'), old, more) };
                assert_eq!(left[index], wanted, "{op} {width} {ty} {old:#x} {more:#x}");
                assert_eq!(left[index + 256], if index % 8 < touched { old } else { 0 });
            }
        }
    }
}

fn combine(op: &str, is_f16: bool, old: u16, more: u16) -> u16 {
    let value = |bits: u16| if is_f16 { f16::from_bits(bits).to_f64() } else { bf16::from_bits(bits).to_f64() };
    let (a, b) = (value(old), value(more));
    match op {
        _ if a.is_nan() && b.is_nan() => 0x7FFF,
        "add" if a.is_nan() || b.is_nan() => 0x7FFF,
        // Exact in f64, and rounded once.
        "add" if is_f16 => f16::from_f64(a + b).to_bits(),
        "add" => bf16::from_f64(a + b).to_bits(),
        _ if a.is_nan() => more,
        _ if b.is_nan() => old,
        "min" => {
            if a <= b {
                old
            } else {
                more
            }
        }
        _ => {
            if a >= b {
                old
            } else {
                more
            }
        }
    }
}

/// Threads that all add to one vector do not race, and every sum arrives.
#[test]
fn red_on_one_place_adds_everything() {
    let body = "cvt.rn.f32.u32 %f3, %r1;\nmov.f32 %f4, 0f3F800000;\nred.global.v4.f32.add [%rd2], {%f3, %f4, %f4, 0f40000000};\n\
                red.relaxed.gpu.global.add.v2.f32 [%rd2+16], {%f4, %f3};";
    let left = words(&run(body, 64, &[], 24)).into_iter().map(f32::from_bits).collect::<Vec<_>>();
    assert_eq!(left, [2016.0, 64.0, 64.0, 128.0, 64.0, 2016.0]);
}

#[test]
fn a_vector_lies_on_its_own_size_in_device_memory() {
    let found = |body: &str| {
        let outcome = launch(body, 1, &[0; 64], 64, &Options::DEFAULT).0;
        outcome.report.findings.iter().map(|finding| finding.kind.name()).collect::<Vec<_>>()
    };
    let red = |address: &str| {
        format!("mov.f32 %f3, 0f3F800000;\nadd.u64 %rd3, %rd2, {address};\nred.add.v2.f32 [%rd3], {{%f3, %f3}};")
    };
    assert_eq!(found(&red("8")), [""; 0]);
    assert_eq!(found(&red("4")), ["misaligned"]);
    assert_eq!(found(&red("64")), ["out-of-bounds"]);
    let shared = "cvt.u64.u32 %rd3, %r2;\ncvta.shared.u64 %rd3, %rd3;\nmov.f32 %f3, 0f3F800000;\nred.add.v2.f32 [%rd3], {%f3, %f3};";
    assert_eq!(found(shared), ["out-of-bounds"]);
    let race = "mov.f32 %f3, 0f3F800000;\nred.add.v2.f32 [%rd2], {%f3, %f3};\nst.global.f32 [%rd2+4], %f3;";
    let outcome = launch(race, 2, &[0; 64], 64, &Options::DEFAULT).0;
    assert!(outcome.report.findings.iter().all(|finding| finding.kind.name() == "race") && !outcome.report.is_clean());
}
