//! Printer and parser are inverse to each other, and no text makes the parser panic.

mod support;

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use tilewright_ptx_ir::ir::{Module, Op, Statement};
use tilewright_ptx_ir::{Target, parse, verify};

use support::{Draw, KINDS};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        cases: ProptestConfig::default().cases.min(cases),
        ..ProptestConfig::default()
    }
}

/// Modules of one to three kernels for any target.
fn modules() -> impl Strategy<Value = Module> {
    let kernel = (any::<u64>(), vec((0..KINDS, any::<u64>()), 1..40));
    (0..Target::ALL.len(), vec(kernel, 1..4)).prop_map(|(target, plans)| support::module(Target::ALL[target], &plans))
}

/// The variant of an instruction, as a name.
fn kind_of(op: &Op) -> String {
    let text = format!("{op:?}");
    text.split([' ', '{', '(']).next().unwrap().to_owned()
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn random_modules_pass_the_verifier(module in modules()) {
        prop_assert_eq!(verify(&module), Ok(()));
    }

    #[test]
    fn parsing_what_was_printed_gives_the_module_and_the_text(module in modules()) {
        let text = module.to_string();
        let source = parse(&text).map_err(|errors| TestCaseError::fail(format!("{errors}\n{text}")))?;
        prop_assert_eq!(source.module.to_string(), text.clone());
        prop_assert_eq!(&source.module, &module);
        for (kernel, lines) in module.kernels.iter().zip(&source.lines) {
            prop_assert_eq!(kernel.body.len(), lines.len());
            for (index, line) in lines.iter().enumerate() {
                let there = text.lines().nth(*line as usize - 1).unwrap_or("").trim();
                prop_assert_eq!(Some(there.to_owned()), kernel.statement_text(index));
            }
        }
    }

    #[test]
    fn a_truncated_kernel_is_an_error_with_a_line(module in modules(), cut in 0.0f64..1.0) {
        let text = module.to_string();
        let end = (text.len() as f64 * cut) as usize;
        let open = text[..end].matches(".visible .entry").count() > text[..end].matches("\n}").count();
        check_errors(&text[..end], !open)?;
    }

    #[test]
    fn corrupted_text_never_panics(module in modules(), seed in any::<u64>(), edits in 1u32..6) {
        let mut text = module.to_string().into_bytes();
        let mut draw = Draw::new(seed);
        for _ in 0..edits {
            let place = draw.below(u32::try_from(text.len()).unwrap()) as usize;
            match draw.below(3) {
                0 => text[place] = draw.of(b"{}()[]<>;:,.@!|+-%$ \n\"/*0x9fz~"),
                1 => drop(text.remove(place)),
                _ => text.insert(place, draw.of(b"{}()[]<>;:,.@!|+-%$ \n\"/*0x9fz~")),
            }
        }
        check_errors(&String::from_utf8(text).unwrap(), true)?;
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}|[ -~\n]{0,200}|(\\.(version|target|visible|entry|reg|shared|param) [a-z0-9_%<>;{}(),.]{0,20}\n?){0,12}") {
        check_errors(&text, true)?;
    }
}

/// Errors, if there are any, name lines of the text in order; `may_pass` says whether there need be none.
fn check_errors(text: &str, may_pass: bool) -> Result<(), TestCaseError> {
    let Err(errors) = parse(text) else {
        prop_assert!(may_pass, "accepted:\n{}", text);
        return Ok(());
    };
    let lines = u32::try_from(text.matches('\n').count()).unwrap() + 1;
    prop_assert!(!errors.errors().is_empty());
    prop_assert!(errors.errors().iter().all(|error| (1..=lines).contains(&error.line)), "{}", errors);
    prop_assert!(errors.errors().is_sorted_by_key(|error| error.line));
    prop_assert!(errors.to_string().starts_with("line "));
    Ok(())
}

#[test]
fn random_modules_reach_every_instruction() {
    let mut found = BTreeSet::new();
    for seed in 0..40u64 {
        let statements =
            (0..KINDS).map(|kind| (kind, seed.wrapping_mul(0x1234_5678_9ABC_DEF1) ^ kind as u64)).collect();
        let module = support::module(Target::Sm90a, &[(seed, statements)]);
        for statement in &module.kernels[0].body {
            if let Statement::Inst(inst) = statement {
                found.insert(kind_of(&inst.op));
            }
        }
    }
    assert_eq!(found.len(), KINDS, "{found:?}");
}

fn kernel(declarations: &str, params: &str, body: &str) -> String {
    format!(
        ".version 7.0\n.target sm_80\n.address_size 64\n{declarations}\n.visible .entry k({params})\n{{\n{body}\n}}\n"
    )
}

fn printed(text: &str) -> String {
    let module = parse(text).unwrap().module;
    let printed = module.to_string();
    assert_eq!(parse(&printed).unwrap().module, module);
    printed
}

/// PTX has `[a+-8]`; ptxas calls `[a-8]` a syntax error.
#[test]
fn negative_offsets_are_added() {
    let text =
        kernel("", "", ".reg .b64 %rd<1>;\n.reg .b32 %r<1>;\nmov.u64 %rd0, 64;\nld.global.u32 %r0, [%rd0-8];\nret;");
    assert!(printed(&text).contains("[%rd0+-8]"));
    assert_eq!(printed(&text.replace("-8", "+-8")), printed(&text));
}

#[test]
fn dynamic_arrays_that_no_statement_mentions_stay() {
    let text = kernel(".extern .shared .align 16 .b8 k_more[];", "", "ret;");
    assert!(printed(&text).contains(".extern .shared .align 16 .b8 k_more[];"));
}

#[test]
fn alignments_of_scalar_parameters_stay() {
    assert!(printed(&kernel("", ".param .align 16 .u32 k_x", "ret;")).contains(".param .align 16 .u32 k_x"));
    let pointer = parse(&kernel("", ".param .u64 .ptr .global .align 16 k_x", "ret;")).unwrap().module;
    assert_eq!(pointer.kernels[0].params[0].align, 8);
}

#[test]
fn a_body_without_its_brace_is_an_error() {
    let text = kernel("", "", "ret;");
    let errors = parse(text.trim_end().trim_end_matches('}')).unwrap_err();
    assert_eq!(errors.to_string(), "line 7: expected `}`, found `end of text`");
}

/// Directives of inline assembly: without a space between, and without one before the next name.
#[test]
fn directives_need_no_spaces() {
    let spaced = kernel("", "", "{\n.reg .b16 h;\n.reg .b32 a, b;\nmov.b32 a, 1;\nmov.b32 b, a;\n}\nret;");
    let text = kernel("", "", "{.reg.b16 h;\n.reg.b32 a,b;\nmov.b32 a,1;\nmov.b32 b,a;}\nret;");
    assert_eq!(parse(&text).unwrap().module, parse(&spaced).unwrap().module);
}

/// A part of a register that a scope declares is a part of that register.
#[test]
fn parts_of_registers_know_their_scope() {
    let outer = ".reg .b32 a, t;\nmov.b32 a, 1;\nmov.b32 t, 2;\n";
    let text =
        kernel("", "", &format!("{outer}{{.reg .b32 t;\nmov.b32 t, 3;\nvadd.u32.u32.u32 a, t.b1, a.h0;}}\nret;"));
    let module = parse(&text).unwrap().module;
    let flat = kernel(
        "",
        "",
        ".reg .b32 a, t, u;\nmov.b32 a, 1;\nmov.b32 t, 2;\nmov.b32 u, 3;\nvadd.u32.u32.u32 a, u.b1, a.h0;\nret;",
    );
    assert_eq!(module, parse(&flat).unwrap().module);
}

/// Ranges of registers and sizes of arrays up to 2^32 are errors or values, never overflows.
#[test]
fn huge_declarations_do_not_overflow() {
    let ranges = ".reg .b32 %r<4294967295>;\n.reg .b32 %q<10>;\n.reg .b32 %s;\nmov.u32 %q9, 1;\nret;";
    assert!(parse(&kernel("", "", ranges)).is_err());
    let arrays = ".shared .b8 a[4294967295];\n.shared .align 16 .b8 b[4];\nret;";
    let module = parse(&kernel("", "", arrays)).unwrap().module;
    assert_eq!(module.kernels[0].static_shared_bytes(), u32::MAX);
    assert!(verify(&module).is_err());
}

/// `mov` of a variable's address: with an offset, to a register of either size.
#[test]
fn addresses_of_arrays_take_offsets() {
    let declarations =
        ".reg .b32 %r<2>;\n.reg .b64 %rd<2>;\n.local .align 8 .b8 depot[64];\n.shared .align 8 .b8 tile[64];\n";
    for name in ["depot", "tile"] {
        for (address, text) in
            [("", ""), ("+16", "+16"), ("-16", "+-16"), ("+-16", "+-16"), ("+0", ""), ("+0x20", "+32")]
        {
            for (ty, dst) in [("u32", "%r1"), ("b32", "%r1"), ("u64", "%rd1"), ("b64", "%rd1")] {
                let body = format!("{declarations}mov.{ty} {dst}, {name}{address};\nret;");
                let module = parse(&kernel("", "", &body)).unwrap().module;
                assert_eq!(verify(&module), Ok(()));
                let wanted = format!("mov.u{} {dst}, {name}{text};", &ty[1..]);
                assert!(printed(&module.to_string()).contains(&wanted), "{wanted}: {module}");
            }
            // Neither the wrong size nor a float.
            for (ty, dst) in [("u32", "%rd1"), ("u64", "%r1"), ("f32", "%r1"), ("b16", "%r1")] {
                let body = format!("{declarations}mov.{ty} {dst}, {name}{address};\nret;");
                assert!(parse(&kernel("", "", &body)).is_err(), "{body}");
            }
        }
    }
}
