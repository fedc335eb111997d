//! What each level of checks finds and does not, and that results do not depend on it.

use tilewright_ptx_sim::{Check, Kind, Launch, Memory, Options, Outcome, Profile, Program};

/// A kernel with one pointer parameter, in %rd0, and a place of its own for each thread, at %rd2 and in shared memory at %r3.
fn text(body: &str) -> String {
    format!(
        ".version 7.8
.target sm_80
.address_size 64
.visible .entry kernel(.param .u64 x)
{{
    .reg .pred %p<4>;
    .reg .b32 %r<16>;
    .reg .b64 %rd<4>;
    .reg .f32 %f<8>;
    .shared .align 16 .b8 tile[1024];
    ld.param.u64 %rd0, [x];
    mov.u32 %r0, %tid.x;
    mov.u32 %r1, tile;
    shl.b32 %r2, %r0, 2;
    add.u32 %r3, %r1, %r2;
    mul.wide.u32 %rd1, %r0, 4;
    add.u64 %rd2, %rd0, %rd1;
{body}
    ret;
}}
"
    )
}

const THREADS: u32 = 128;
/// One value a thread.
const BYTES: u64 = 4 * THREADS as u64;

/// What came of it and what the memory holds then.
fn launch(body: &str, check: Check, blocks: u32) -> (Outcome, Vec<u8>) {
    let program = Program::load(&text(body), Profile::Sm80).unwrap_or_else(|error| panic!("{error}"));
    let memory = Memory::new(1 << 20);
    let address = memory.allocate(BYTES).unwrap();
    let start: Vec<u8> = (0..BYTES).map(|byte| (byte * 37 % 251) as u8).collect();
    memory.write(address, &start).unwrap();
    let launch = Launch { grid: [blocks, 1, 1], block: [THREADS, 1, 1], dynamic_shared_bytes: 0 };
    let options = Options { check, ..Options::default() };
    let outcome = program.launch(&memory, "kernel", launch, &address.to_le_bytes(), &options).unwrap();
    let mut end = start;
    memory.read(address, &mut end).unwrap();
    (outcome, end)
}

fn kinds(body: &str, check: Check) -> Vec<Kind> {
    launch(body, check, 1).0.report.findings.into_iter().map(|finding| finding.kind).collect()
}

#[test]
fn accesses_outside_are_found_at_every_level() {
    for (body, wanted) in [
        ("ld.global.u32 %r4, [%rd2+512];", "out-of-bounds"),
        ("st.global.u32 [%rd2+4], %r0;", "out-of-bounds"),
        ("st.shared.u32 [%r3+1020], %r0;", "out-of-bounds"),
        ("add.u64 %rd2, %rd2, 1;\nld.global.u32 %r4, [%rd2];", "misaligned"),
        ("add.u32 %r3, %r3, 2;\nst.shared.u32 [%r3], %r0;", "misaligned"),
    ] {
        for &check in Check::LEVELS {
            let found = kinds(body, check);
            assert_eq!(found.first().map(Kind::name), Some(wanted), "{body} at {check:?}: {found:?}");
        }
    }
}

#[test]
fn races_are_found_at_all_only() {
    let shared = "st.shared.u32 [%r3], %r0;\nxor.b32 %r4, %r2, 128;\nadd.u32 %r4, %r4, %r1;\nbar.sync 0;\nst.shared.u32 [%r3], %r2;\nld.shared.u32 %r5, [%r4];\nst.global.u32 [%rd2], %r5;";
    let device = "st.global.u32 [%rd0], %r0;";
    let communicating = "mov.u32 %r4, 1;\natom.global.add.u32 %r5, [%rd0+4], %r4;\nst.global.u32 [%rd0], %r0;";
    for body in [shared, device, communicating] {
        assert_eq!(kinds(body, Check::All).first(), Some(&Kind::Race), "{body}");
        assert_eq!(kinds(body, Check::Errors), [], "{body}");
        assert_eq!(kinds(body, Check::Off), [], "{body}");
    }
    // Blocks that write to each other's places.
    let others = "mov.u32 %r4, %ctaid.x;\nst.global.u32 [%rd2], %r4;";
    assert_eq!(launch(others, Check::All, 2).0.report.findings[0].kind, Kind::Race);
    assert!(launch(others, Check::Errors, 2).0.report.is_clean());
    // The same value from both.
    assert!(launch("st.global.u32 [%rd2], %r0;", Check::All, 2).0.report.is_clean());
    // A promise that nobody writes.
    let promise = "ld.global.nc.u32 %r4, [%rd2];\nst.global.u32 [%rd2], %r4;";
    assert_eq!(kinds(promise, Check::All), [Kind::ReadOnly]);
    assert_eq!(kinds(promise, Check::Errors), []);
}

#[test]
fn what_was_never_written_is_found_unless_checks_are_off() {
    for (body, wanted) in [
        ("ld.shared.u32 %r4, [%r3];\nst.global.u32 [%rd2], %r4;", "uninitialised-memory"),
        ("add.u32 %r4, %r5, 1;\nst.global.u32 [%rd2], %r4;", "uninitialised-register"),
        (
            "shl.b32 %r4, %r0, 2;\nadd.u32 %r4, %r4, %r1;\ncp.async.ca.shared.global [%r4], [%rd2], 4;\nld.shared.u32 %r5, [%r4];\ncp.async.wait_all;\nst.global.u32 [%rd2], %r5;",
            "uninitialised-memory",
        ),
    ] {
        let found = kinds(body, Check::Errors);
        assert_eq!(found.iter().map(Kind::name).collect::<Vec<_>>(), [wanted], "{body}");
        assert_eq!(kinds(body, Check::Off), [], "{body}");
        // The answer is poison, not what another block has left there.
        assert_eq!(launch(body, Check::Off, 2).1, launch(body, Check::Errors, 1).1, "{body}");
    }
}

#[test]
fn misuse_of_barriers_is_found_at_every_level() {
    let body = "setp.lt.u32 %p0, %r0, 40;\n@%p0 bra $L0;\nbar.sync 0;\n$L0:\nmov.u32 %r4, 0;";
    for &check in Check::LEVELS {
        let found = kinds(body, check);
        assert_eq!(found.first().map(Kind::name), Some("divergence"), "{check:?}: {found:?}");
    }
}

#[test]
fn results_are_the_same_at_every_level() {
    let body = "
    ld.global.u32 %r4, [%rd2];
    st.shared.u32 [%r3], %r4;
    add.u32 %r5, %r3, 512;
    cp.async.ca.shared.global [%r5], [%rd2], 4;
    cp.async.commit_group;
    cp.async.wait_group 0;
    bar.sync 0;
    xor.b32 %r6, %r2, 132;
    add.u32 %r6, %r6, %r1;
    ld.shared.u32 %r7, [%r6];
    ld.shared.u16 %r8, [%r6+514];
    mov.b32 %f0, %r7;
    cvt.rn.f32.u32 %f1, %r8;
    fma.rn.f32 %f2, %f1, %f1, %f1;
    mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, {%r7, %r8, %r7, %r4}, {%r7, %r8}, {%f1, %f2, %f1, %f2};
    mov.b32 %r9, %f0;
    shfl.sync.bfly.b32 %r10, %r9, 5, 31, 0xffffffff;
    xor.b32 %r10, %r10, %r9;
    st.global.u32 [%rd2], %r10;";
    let (outcome, wanted) = launch(body, Check::All, 1);
    assert!(outcome.report.is_clean(), "{}", outcome.report);
    for &check in Check::LEVELS {
        let (other, bytes) = launch(body, check, 1);
        assert!(other.report.is_clean());
        assert_eq!(bytes, wanted, "{check:?}");
        assert_eq!(other.statistics, outcome.statistics, "{check:?}");
    }
}

#[test]
fn levels_have_names() {
    for &check in Check::LEVELS {
        assert_eq!(Check::from_name(check.name()), Some(check));
    }
    assert_eq!(Check::from_name("most"), None);
    assert_eq!(Options::default().check, Check::All);
}
