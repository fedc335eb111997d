//! What is refused, and what a report says.

use tilewright_ptx_sim::{LoadError, Profile, Program};

use crate::stage::{ONE_WARP, STORE, launch, text};

#[test]
fn what_is_not_modelled_is_refused_by_name_and_line() {
    let error = Program::load(&text("    isspacep.const %p0, %rd0;\n"), Profile::Sm80).expect_err("refused");
    let LoadError::NotModelled { places } = &error else { panic!("{error}") };
    assert_eq!(places[0].1, "isspacep.const %p0, %rd0;");
    assert!(error.to_string().contains(&format!("line {}", places[0].0)));
}

#[test]
fn a_report_names_kernel_seed_block_threads_lines_and_both_accesses() {
    let outcome = launch(
        &format!("{STORE}    xor.b32 %r4, %r2, 4;\n    add.u32 %r5, %r1, %r4;\n    ld.shared.u32 %r6, [%r5];\n"),
        &ONE_WARP,
        3,
        1000,
    );
    let report = outcome.report.to_string();
    let wanted = "race on shared memory in kernel (seed 3)
  block (0,0,0) thread 1 wrote 4 bytes at shared[0x4]   line 18: st.shared.u32 [%r3], %r0;
  block (0,0,0) thread 0 read 4 bytes at shared[0x4]   line 21: ld.shared.u32 %r6, [%r5];
  nothing orders them: no barrier between line 18 and line 21";
    assert!(report.starts_with(wanted), "{report}");
}
