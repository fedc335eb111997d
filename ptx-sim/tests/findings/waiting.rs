//! Barriers, masks and loops: who waits for whom.

use tilewright_ptx_sim::Kind;

use crate::stage::{ONE_WARP, Run, TWO_WARPS, finds, is_clean};

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
