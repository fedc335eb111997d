//! Barriers in shared memory: what they count, and what they answer.

use crate::support::kernel::{launch, run, words};
use tilewright_ptx_sim::{Check, Kind, Options};

/// What 32 threads leave in one word each of `%r10`; the barrier lies at `%r2`.
fn answers(body: &str) -> Vec<u32> {
    let body = format!("mul.wide.u32 %rd9, %r1, 4;\nadd.u64 %rd9, %rd2, %rd9;\n{body}\nst.global.u32 [%rd9], %r10;");
    words(&run(&body, 32, &[0; 4], 128))
}

const MAKE: &str = "setp.eq.u32 %p7, %r1, 0;\n@%p7 mbarrier.init.shared.b64 [%r2], 32;\nbar.sync 0;\n";

#[test]
fn a_state_says_how_many_arrivals_were_missing() {
    // The lanes of an instruction arrive one after the other.
    let found =
        answers(&format!("{MAKE}mbarrier.arrive.shared.b64 %rd3, [%r2];\nmbarrier.pending_count.b64 %r10, %rd3;"));
    assert_eq!(found, (1..=32).rev().collect::<Vec<_>>());
    let counted = "@%p7 mbarrier.arrive.noComplete.shared.b64 %rd3, [%r2], 5;\nbar.sync 0;\nmov.u32 %r10, 0;
        @%p7 mbarrier.arrive.shared.b64 %rd3, [%r2], 20;\n@%p7 mbarrier.pending_count.b64 %r10, %rd3;";
    assert_eq!(answers(&format!("{MAKE}{counted}"))[0], 27);
}

#[test]
fn a_phase_ends_with_its_last_arrival_and_parities_take_turns() {
    let asks = |phase: u32| {
        format!(
            "mbarrier.test_wait.parity.shared.b64 %p1, [%r2], 0;\nmbarrier.try_wait.parity.acquire.cta.shared::cta.b64 %p2, [%r2], 1, 9;
             selp.u32 %r11, 1, 0, %p1;\nselp.u32 %r12, 2, 0, %p2;\nadd.u32 %r11, %r11, %r12;\nshl.b32 %r11, %r11, {};
             add.u32 %r10, %r10, %r11;\nbar.sync 0;\n",
            4 * phase
        )
    };
    let arrive = "mbarrier.arrive.release.cta.shared::cta.b64 _, [%r2];\nbar.sync 0;\n";
    let body = format!("{MAKE}mov.u32 %r10, 0;\n{}{arrive}{}{arrive}{}", asks(0), asks(1), asks(2));
    assert_eq!(answers(&body), [0x212; 32]);
}

#[test]
fn a_state_is_asked_with_until_its_phase_has_ended() {
    let body = "setp.lt.u32 %p3, %r1, 31;\nmov.u64 %rd3, 0;\n@%p3 mbarrier.arrive.shared.b64 %rd3, [%r2];\nbar.sync 0;
        mbarrier.test_wait.shared.b64 %p1, [%r2], %rd3;\nbar.sync 0;\n@!%p3 mbarrier.arrive.shared.b64 %rd3, [%r2];\nbar.sync 0;
        mbarrier.test_wait.shared.b64 %p2, [%r2], %rd3;\nselp.u32 %r10, 1, 0, %p1;\nselp.u32 %r11, 2, 0, %p2;\nadd.u32 %r10, %r10, %r11;";
    assert_eq!(answers(&format!("{MAKE}{body}")), [2; 32]);
}

#[test]
fn who_drops_out_is_not_waited_for_later() {
    let body = "setp.lt.u32 %p3, %r1, 8;\n@%p3 mbarrier.arrive_drop.shared.b64 %rd3, [%r2];\n@!%p3 mbarrier.arrive.shared.b64 %rd3, [%r2];
        bar.sync 0;\nmbarrier.test_wait.shared.b64 %p1, [%r2], %rd3;\nbar.sync 0;\n@!%p3 mbarrier.arrive.shared.b64 %rd4, [%r2];
        bar.sync 0;\nmbarrier.test_wait.parity.shared.b64 %p2, [%r2], 1;\nselp.u32 %r10, 1, 0, %p1;\nselp.u32 %r11, 2, 0, %p2;
        add.u32 %r10, %r10, %r11;";
    assert_eq!(answers(&format!("{MAKE}{body}")), [3; 32]);
}

/// Generic addresses name barriers too, and an invalidated one is no more.
#[test]
fn generic_addresses_and_an_end() {
    let make = "cvt.u64.u32 %rd5, %r2;\ncvta.shared.u64 %rd5, %rd5;\nsetp.eq.u32 %p7, %r1, 0;\n@%p7 mbarrier.init.b64 [%rd5+8], 32;\nbar.sync 0;\n";
    let use_it = "mbarrier.arrive.b64 %rd3, [%rd5+8];\nmbarrier.pending_count.b64 %r10, %rd3;";
    assert_eq!(answers(&format!("{make}{use_it}"))[0], 32);
    let gone = format!("{make}bar.sync 0;\n@%p7 mbarrier.inval.shared.b64 [%r2+8];\nbar.sync 0;\n{use_it}");
    for check in [Check::Off, Check::Errors, Check::All] {
        let options = Options { check, ..Options::DEFAULT };
        let found = launch(&gone, 32, &[0; 4], 128, &options).0.report.findings;
        assert_eq!(found[0].kind, Kind::Mbarrier { what: "which was not initialised" });
    }
}

/// Nothing was asked in vain before the first time.
#[test]
fn the_first_thing_done_may_be_to_ask() {
    let found =
        launch("mbarrier.test_wait.shared.b64 %p1, [%r2], 0;", 32, &[0; 4], 128, &Options::DEFAULT).0.report.findings;
    assert_eq!(found[0].kind, Kind::Mbarrier { what: "which was not initialised" });
}

/// Copies arrive with the phase at every level of checks, early or late.
#[test]
fn copies_have_arrived_when_their_phase_has_ended() {
    let input: Vec<u8> = (0..128).collect();
    let body = "mul.wide.u32 %rd3, %r1, 4;\nadd.u64 %rd4, %rd1, %rd3;\nadd.u64 %rd3, %rd2, %rd3;\nshl.b32 %r3, %r1, 2;\nadd.u32 %r4, %r2, %r3;
        setp.eq.u32 %p7, %r1, 0;\n@%p7 mbarrier.init.shared.b64 [%r2], 32;\nbar.sync 0;
        cp.async.ca.shared.global [%r4+64], [%rd4], 4;\ncp.async.mbarrier.arrive.noinc.shared.b64 [%r2];
        $again:\nmbarrier.try_wait.parity.shared.b64 %p1, [%r2], 0;\n@!%p1 bra $again;
        sub.u32 %r5, %r2, %r3;\nld.shared.u32 %r6, [%r5+188];\nst.global.u32 [%rd3], %r6;";
    let wanted: Vec<u32> = words(&input).into_iter().rev().collect();
    for check in [Check::Off, Check::Errors, Check::All] {
        for seed in 0..4 {
            let options = Options { check, seed, ..Options::DEFAULT };
            let (outcome, bytes) = launch(body, 32, &input, 128, &options);
            assert!(outcome.report.is_clean(), "{}", outcome.report);
            assert_eq!(words(&bytes), wanted, "{check:?} {seed}");
        }
    }
}

/// Threads that ask in vain while others compute are not taken to wait for ever, nor those that compute after they have asked in vain.
#[test]
fn a_long_computation_is_waited_for() {
    let turn = |worker: u32| {
        format!(
            "setp.ne.u32 %p3, %r1, {worker};\nmov.u32 %r11, 0;\n@%p3 bra $arrive{worker};\n$work{worker}:\nadd.u32 %r11, %r11, 1;
             setp.lt.u32 %p1, %r11, 300000;\n@%p1 bra $work{worker};\n$arrive{worker}:\nadd.u32 %r10, %r10, %r11;
             mbarrier.arrive.shared.b64 %rd3, [%r2];\n$again{worker}:\nmbarrier.test_wait.shared.b64 %p1, [%r2], %rd3;\n@!%p1 bra $again{worker};\n"
        )
    };
    let found = answers(&format!("{MAKE}mov.u32 %r10, 0;\n{}{}", turn(31), turn(7)));
    assert_eq!((found[7], found[31]), (300_000, 300_000));
}
