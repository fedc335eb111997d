//! Each hazard in a small kernel that has it, and the same kernel mended, over several seeds.

use tilewright_ptx_sim::{Action, Kind, Launch, LoadError, Location, Memory, Options, Outcome, Profile, Program};

/// A kernel with one pointer parameter, in %rd0; `body` may use the registers declared here and the 1 KiB shared array `tile`.
fn text(body: &str) -> String {
    format!(
        ".version 7.8
.target sm_80
.address_size 64
.visible .entry kernel(.param .u64 x)
{{
    .reg .pred %p<8>;
    .reg .b32 %r<32>;
    .reg .b64 %rd<8>;
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

struct Run {
    threads: u32,
    /// Bytes of the buffer, zeroed.
    bytes: u64,
}

const ONE_WARP: Run = Run { threads: 32, bytes: 4096 };
const TWO_WARPS: Run = Run { threads: 64, bytes: 4096 };

fn launch(body: &str, run: &Run, seed: u64, max_instructions: u64) -> Outcome {
    let program = Program::load(&text(body), Profile::Sm80).unwrap_or_else(|error| panic!("{error}\n{}", text(body)));
    let memory = Memory::new(1 << 20);
    let address = memory.allocate(run.bytes).unwrap();
    memory.fill(address, 0, run.bytes).unwrap();
    let launch = Launch { grid: [1, 1, 1], block: [run.threads, 1, 1], dynamic_shared_bytes: 0 };
    let options = Options { seed, max_instructions, ..Options::default() };
    program.launch(&memory, "kernel", launch, &address.to_le_bytes(), &options).unwrap()
}

/// The first finding on every seed must satisfy `wanted`.
fn finds(body: &str, run: &Run, wanted: impl Fn(&Kind) -> bool) -> Outcome {
    let mut last = None;
    for seed in 0..8 {
        let outcome = launch(body, run, seed, 100_000);
        let first = outcome.report.findings.first().unwrap_or_else(|| panic!("seed {seed}: nothing found in\n{body}"));
        assert!(wanted(&first.kind), "seed {seed}: {}", outcome.report);
        assert!(
            !first.accesses.is_empty() && first.accesses.iter().all(|access| access.line > 0),
            "{}",
            outcome.report
        );
        last = Some(outcome);
    }
    last.unwrap()
}

fn is_clean(body: &str, run: &Run) {
    for seed in 0..8 {
        let outcome = launch(body, run, seed, 100_000);
        assert!(outcome.report.is_clean(), "seed {seed}: {}\n{body}", outcome.report);
    }
}

const STORE: &str = "    st.shared.u32 [%r3], %r0;\n";
const LOAD_NEIGHBOUR: &str = "    xor.b32 %r4, %r2, 128;\n    add.u32 %r5, %r1, %r4;\n    ld.shared.u32 %r6, [%r5];\n    st.global.u32 [%rd2], %r6;\n";

#[test]
fn a_missing_barrier_is_a_race_between_warps() {
    let outcome = finds(&format!("{STORE}{LOAD_NEIGHBOUR}"), &TWO_WARPS, |kind| {
        matches!(kind, Kind::Race | Kind::UninitialisedMemory)
    });
    let race = outcome.report.findings.iter().find(|finding| finding.kind == Kind::Race).expect("a race");
    assert_eq!(race.accesses.len(), 2);
    assert_ne!(race.accesses[0].thread / 32, race.accesses[1].thread / 32);
    assert!(matches!(race.location, Some(Location::Shared { .. })));
    is_clean(&format!("{STORE}    bar.sync 0;\n{LOAD_NEIGHBOUR}"), &TWO_WARPS);
}

#[test]
fn lanes_of_a_warp_do_not_run_in_lockstep() {
    let exchange = "    xor.b32 %r4, %r2, 4;\n    add.u32 %r5, %r1, %r4;\n    ld.shared.u32 %r6, [%r5];\n";
    finds(&format!("{STORE}{exchange}"), &ONE_WARP, |kind| *kind == Kind::Race);
    is_clean(&format!("{STORE}    bar.warp.sync 0xffffffff;\n{exchange}"), &ONE_WARP);
    // A shuffle exchanges registers and orders nothing else.
    finds(&format!("{STORE}    shfl.sync.bfly.b32 %r9, %r0, 1, 31, 0xffffffff;\n{exchange}"), &ONE_WARP, |kind| {
        *kind == Kind::Race
    });
}

#[test]
fn an_array_that_is_used_again_needs_a_second_barrier() {
    let trip = |second: &str| {
        format!(
            "    mov.u32 %r7, 0;
$L0:
    st.shared.u32 [%r3], %r0;
    bar.sync 0;
{LOAD_NEIGHBOUR}{second}    add.u32 %r7, %r7, 1;
    setp.lt.u32 %p0, %r7, 3;
    @%p0 bra $L0;
"
        )
    };
    finds(&trip(""), &TWO_WARPS, |kind| *kind == Kind::Race);
    is_clean(&trip("    bar.sync 0;\n"), &TWO_WARPS);
}

#[test]
fn bytes_of_neighbours_are_apart_and_one_byte_is_not() {
    // Every thread its own byte; then two threads one byte.
    let bytes = |shift: u32| {
        format!("    shr.u32 %r4, %r0, {shift};\n    add.u32 %r5, %r1, %r4;\n    st.shared.u8 [%r5], %r0;\n")
    };
    is_clean(&bytes(0), &TWO_WARPS);
    finds(&bytes(1), &TWO_WARPS, |kind| *kind == Kind::Race);
}

#[test]
fn lanes_may_write_one_value_to_one_word_but_not_two() {
    is_clean("    st.shared.u32 [%r1], 7;\n", &ONE_WARP);
    finds("    st.shared.u32 [%r1], %r0;\n", &ONE_WARP, |kind| *kind == Kind::Race);
    // Two warps: even the same value is a race.
    finds("    st.shared.u32 [%r1], 7;\n", &TWO_WARPS, |kind| *kind == Kind::Race);
}

#[test]
fn atomics_do_not_race_with_each_other_but_with_what_is_not_atomic() {
    let zero = "    setp.eq.u32 %p0, %r0, 0;\n    @%p0 st.shared.u32 [%r1], 0;\n    bar.sync 0;\n";
    let add = "    atom.shared.add.u32 %r4, [%r1], 1;\n";
    is_clean(&format!("{zero}{add}    bar.sync 0;\n    ld.shared.u32 %r5, [%r1];\n"), &TWO_WARPS);
    finds(&format!("{zero}{add}    ld.shared.u32 %r5, [%r1];\n"), &TWO_WARPS, |kind| *kind == Kind::Race);
}

/// Copies 16 bytes a thread into the tile; reads the first word of a neighbour's.
fn copy(wait: &str, own: &str) -> String {
    format!(
        "    shl.b32 %r4, %r0, 4;
    add.u32 %r5, %r1, %r4;
    mul.wide.u32 %rd3, %r0, 16;
    add.u64 %rd4, %rd0, %rd3;
    cp.async.cg.shared.global [%r5], [%rd4], 16;
    cp.async.commit_group;
{wait}    xor.b32 %r6, %r4, {own};
    add.u32 %r7, %r1, %r6;
    ld.shared.u32 %r8, [%r7];
    st.global.u32 [%rd2+2048], %r8;
"
    )
}

#[test]
fn an_asynchronous_copy_is_waited_for_and_then_shown_by_a_barrier() {
    is_clean(&copy("    cp.async.wait_group 0;\n    bar.sync 0;\n", "16"), &TWO_WARPS);
    // Its own bytes need no barrier, but the wait.
    is_clean(&copy("    cp.async.wait_group 0;\n", "0"), &TWO_WARPS);
    finds(&copy("", "0"), &TWO_WARPS, |kind| *kind == Kind::PendingCopy);
    finds(&copy("    bar.sync 0;\n", "16"), &TWO_WARPS, |kind| *kind == Kind::PendingCopy);
    // One group too many may stay pending.
    finds(&copy("    cp.async.wait_group 1;\n    bar.sync 0;\n", "16"), &TWO_WARPS, |kind| *kind == Kind::PendingCopy);
    finds(&copy("    cp.async.wait_group 0;\n", "16"), &TWO_WARPS, |kind| {
        matches!(kind, Kind::Race | Kind::PendingCopy | Kind::UninitialisedMemory)
    });
}

/// Shared memory serves one block after the other: what a block left under way when it ended is no business of the next.
#[test]
fn a_block_that_ends_with_copies_under_way_leaves_none_to_the_next() {
    let copies = "    shl.b32 %r4, %r0, 4;
    add.u32 %r5, %r1, %r4;
    mul.wide.u32 %rd3, %r0, 16;
    add.u64 %rd4, %rd0, %rd3;
    cp.async.cg.shared.global [%r5], [%rd4], 16;
    cp.async.commit_group;
";
    let program = Program::load(&text(copies), Profile::Sm80).unwrap();
    let memory = Memory::new(1 << 20);
    let address = memory.allocate(4096).unwrap();
    memory.fill(address, 0, 4096).unwrap();
    let launch = Launch { grid: [512, 1, 1], block: [32, 1, 1], dynamic_shared_bytes: 0 };
    for seed in 0..8 {
        let options = Options { seed, max_instructions: 100_000, ..Options::default() };
        let outcome = program.launch(&memory, "kernel", launch, &address.to_le_bytes(), &options).unwrap();
        assert!(outcome.report.is_clean(), "seed {seed}: {}", outcome.report);
    }
}

#[test]
fn accesses_outside_memory_are_named_with_allocation_and_offset() {
    let small = Run { threads: 32, bytes: 124 };
    let outcome = finds("    st.global.u32 [%rd2], %r0;\n", &small, |kind| {
        *kind == Kind::OutOfBounds { limit_bytes: Some(124), was_freed: false }
    });
    let finding = &outcome.report.findings[0];
    assert_eq!(finding.location, Some(Location::Global { allocation: 1, offset: 124 }));
    assert_eq!((finding.accesses[0].thread, finding.accesses[0].action), (31, Action::Write(4)));
    is_clean("    st.global.u32 [%rd2], %r0;\n", &Run { threads: 32, bytes: 128 });
    finds("    add.u32 %r4, %r3, 1024;\n    st.shared.u32 [%r4], %r0;\n", &ONE_WARP, |kind| {
        *kind == Kind::OutOfBounds { limit_bytes: Some(1024), was_freed: false }
    });
    finds("    mov.u64 %rd3, 16;\n    ld.global.u32 %r4, [%rd3];\n", &ONE_WARP, |kind| {
        *kind == Kind::OutOfBounds { limit_bytes: None, was_freed: false }
    });
}

#[test]
fn misaligned_accesses_are_found() {
    finds("    ld.global.v4.u32 {%r4, %r5, %r6, %r7}, [%rd2];\n", &ONE_WARP, |kind| {
        *kind == Kind::Misaligned { align: 16 }
    });
    finds("    add.u32 %r4, %r1, 2;\n    ld.shared.u32 %r5, [%r4];\n", &ONE_WARP, |kind| {
        *kind == Kind::Misaligned { align: 4 }
    });
}

#[test]
fn uninitialised_memory_and_registers_are_found() {
    finds("    ld.shared.u32 %r4, [%r3];\n", &ONE_WARP, |kind| *kind == Kind::UninitialisedMemory);
    is_clean(&format!("{STORE}    ld.shared.u32 %r4, [%r3];\n"), &ONE_WARP);
    let guarded = "    setp.lt.u32 %p0, %r0, 16;\n    @%p0 mov.u32 %r4, 1;\n";
    let register = |kind: &Kind| matches!(kind, Kind::UninitialisedRegister { register } if register == "%r4");
    finds(&format!("{guarded}    st.global.u32 [%rd2], %r4;\n"), &ONE_WARP, register);
    is_clean(&format!("{guarded}    @%p0 st.global.u32 [%rd2], %r4;\n"), &ONE_WARP);

    let program = Program::load(&text("    ld.global.u32 %r4, [%rd2];\n"), Profile::Sm80).unwrap();
    let memory = Memory::new(1 << 20);
    let address = memory.allocate(128).unwrap();
    memory.write(address, &[1; 127]).unwrap();
    let launch = Launch { grid: [1, 1, 1], block: [32, 1, 1], dynamic_shared_bytes: 0 };
    let outcome = program.launch(&memory, "kernel", launch, &address.to_le_bytes(), &Options::default()).unwrap();
    let finding = &outcome.report.findings[0];
    assert_eq!((&finding.kind, finding.accesses[0].thread), (&Kind::UninitialisedMemory, 31), "{}", outcome.report);
    memory.free(address).unwrap();
    let outcome = program.launch(&memory, "kernel", launch, &address.to_le_bytes(), &Options::default()).unwrap();
    assert_eq!(outcome.report.findings[0].kind, Kind::OutOfBounds { limit_bytes: None, was_freed: true });
}

#[test]
fn a_barrier_in_one_branch_is_divergence() {
    let barrier = "    setp.lt.u32 %p0, %r0, 16;\n    @%p0 bra $L0;\n    bar.sync 0;\n$L0:\n";
    finds(barrier, &ONE_WARP, |kind| *kind == Kind::Divergence { lanes: 0xFFFF_0000, wanted: u32::MAX });
    // Whole warps may take different barriers' places: it is the barrier's number that counts.
    is_clean(
        "    setp.lt.u32 %p0, %r0, 32;\n    @%p0 bra $L0;\n    bar.sync 0;\n    ret;\n$L0:\n    bar.sync 0;\n",
        &TWO_WARPS,
    );
}

#[test]
fn warps_that_wait_at_different_barriers_are_a_deadlock() {
    let body = |other: u32| {
        format!(
            "    setp.lt.u32 %p0, %r0, 32;\n    @%p0 bra $L0;\n    bar.sync 0;\n    ret;\n$L0:\n    bar.sync {other};\n"
        )
    };
    let outcome = finds(&body(1), &TWO_WARPS, |kind| *kind == Kind::Deadlock);
    assert_eq!(outcome.report.findings[0].accesses.len(), 2, "{}", outcome.report);
    is_clean(&body(0), &TWO_WARPS);
}

#[test]
fn a_loop_without_end_and_a_trap_are_found() {
    finds("$L0:\n    bra $L0;\n", &ONE_WARP, |kind| matches!(kind, Kind::Endless { limit: 100_000 }));
    finds("    setp.eq.u32 %p0, %r0, 5;\n    @%p0 trap;\n", &ONE_WARP, |kind| *kind == Kind::Trap);
}

#[test]
fn masks_must_name_the_lanes_that_take_part() {
    finds("    shfl.sync.bfly.b32 %r4, %r0, 1, 31, 0x0000ffff;\n", &ONE_WARP, |kind| {
        *kind == Kind::LaneMask { mask: 0xFFFF }
    });
    // Half the warp shuffles among itself.
    let half = |mask: &str, distance: u32| {
        format!(
            "    setp.lt.u32 %p0, %r0, 16;\n    @!%p0 bra $L0;\n    shfl.sync.bfly.b32 %r4, %r0, {distance}, 31, {mask};\n$L0:\n"
        )
    };
    is_clean(&half("0x0000ffff", 1), &ONE_WARP);
    finds(&half("0x0000ffff", 16), &ONE_WARP, |kind| *kind == Kind::LaneMask { mask: 0xFFFF });
    // The other half waits elsewhere for this one.
    let elsewhere = format!("{}    bar.warp.sync 0xffffffff;\n", half("0xffffffff", 1));
    finds(&elsewhere, &ONE_WARP, |kind| *kind == Kind::Deadlock);
}

#[test]
fn a_barrier_of_some_threads_waits_for_so_many() {
    let body =
        |threads| format!("    setp.ge.u32 %p0, %r0, 32;\n    @%p0 bra $L0;\n    bar.sync 1, {threads};\n$L0:\n");
    is_clean(&body(32), &TWO_WARPS);
    finds(&body(64), &TWO_WARPS, |kind| *kind == Kind::Deadlock);
    finds(&body(96), &TWO_WARPS, |kind| *kind == Kind::BarrierCount { threads: 96 });
}

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

#[test]
fn lanes_that_returned_before_a_barrier_are_not_waited_for() {
    // The last warp is partly filled, and some of its lanes leave.
    let run = Run { threads: 44, bytes: 4096 };
    let early = |barrier: &str| {
        format!(
            "    setp.ge.u32 %p0, %r0, 36;
    @%p0 ret;
    st.shared.u32 [%r3], %r0;
    {barrier}
    sub.u32 %r4, 35, %r0;
    shl.b32 %r4, %r4, 2;
    add.u32 %r4, %r1, %r4;
    ld.shared.u32 %r5, [%r4];
    st.global.u32 [%rd2], %r5;"
        )
    };
    for barrier in ["bar.sync 0;", "barrier.sync.aligned 0;", "barrier.sync 0;", "bar.sync 1, 64;"] {
        is_clean(&early(barrier), &run);
    }
    // Lanes that part before one of them leaves.
    is_clean(
        "    setp.lt.u32 %p0, %r0, 16;
    @%p0 bra $L0;
    add.u32 %r4, %r0, 1;
    setp.ge.u32 %p1, %r0, 24;
    @%p1 exit;
$L0:
    bar.sync 0;",
        &ONE_WARP,
    );
    // Lanes that leave a loop, each after another round.
    is_clean(
        "    mov.u32 %r6, 0;
$L0:
    bar.sync 0;
    add.u32 %r6, %r6, 1;
    setp.gt.u32 %p0, %r6, %r0;
    @!%p0 bra $L0;",
        &TWO_WARPS,
    );
    // Those that are still there have to come, and who goes around the barrier has not left before it.
    let alive = "    setp.ge.u32 %p0, %r0, 24;
    @%p0 ret;
    setp.lt.u32 %p1, %r0, 16;
    @%p1 bra $L0;
    bar.sync 0;
$L0:
    st.global.u32 [%rd2], %r0;";
    finds(alive, &ONE_WARP, |kind| *kind == Kind::Divergence { lanes: 0x00FF_0000, wanted: 0x00FF_FFFF });
    // A matrix is loaded by a whole warp, whoever has left.
    let matrix = "    setp.ge.u32 %p0, %r0, 24;
    st.shared.u32 [%r3], %r0;
    bar.sync 0;
    @%p0 ret;
    ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r4}, [%r1];";
    finds(matrix, &ONE_WARP, |kind| matches!(kind, Kind::Divergence { .. }));
}

#[test]
fn lanes_may_wait_for_a_volatile_flag() {
    let store = |lane: u32| {
        format!(
            "    setp.eq.u32 %p0, %r0, 0;
    @%p0 st.shared.u32 [%r1], 0;
    bar.sync 0;
    setp.eq.u32 %p1, %r0, {lane};
    @%p1 st.volatile.shared.u32 [%r1], 1;
    @%p1 bra $L1;"
        )
    };
    let wait = "$L0:
    ld.volatile.shared.u32 %r4, [%r1];
    setp.eq.u32 %p2, %r4, 0;
    @%p2 bra $L0;
$L1:";
    // Of one warp, whichever lane it is, and of two.
    is_clean(&format!("{}\n{wait}", store(0)), &ONE_WARP);
    is_clean(&format!("{}\n{wait}", store(31)), &ONE_WARP);
    is_clean(&format!("{}\n{wait}", store(40)), &TWO_WARPS);
    // The loop as compilers turn it: the test at the top, the way back at the bottom.
    let turned = "$L0:
    ld.volatile.shared.u32 %r4, [%r1];
    and.b32 %r5, %r4, 1;
    setp.ne.u32 %p2, %r5, 0;
    @%p2 bra $L1;
    bra $L0;
$L1:";
    is_clean(&format!("{}\n{turned}", store(0)), &ONE_WARP);
    // What the flag stands for is ordered by no more than fences say.
    let data = |fence: &str| {
        let store = store(0).replace("@%p1 st.vol", "@%p1 st.shared.u32 [%r1+4], 7;\n    FENCE\n    @%p1 st.vol");
        format!("{store}\n{wait}\n    FENCE\n    @!%p1 ld.shared.u32 %r6, [%r1+4];").replace("FENCE", fence)
    };
    is_clean(&data("fence.acq_rel.cta;"), &ONE_WARP);
    finds(&data(""), &ONE_WARP, |kind| *kind == Kind::Race);
    // Without a loop that waits, who reads first is left to chance.
    finds(
        "    st.volatile.shared.u32 [%r3], %r0;
    xor.b32 %r4, %r2, 4;
    add.u32 %r4, %r1, %r4;
    ld.volatile.shared.u32 %r5, [%r4];",
        &ONE_WARP,
        |kind| *kind == Kind::Race,
    );
}
