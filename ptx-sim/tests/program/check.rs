//! `ptx-sim check`.

use super::stage::{Folder, kernel, line, twin};

const RACE: &str = "    st.shared.u32 [%r3], %r0;
    xor.b32 %r4, %r2, 4;
    add.u32 %r5, %r1, %r4;
    ld.shared.u32 %r6, [%r5];
    st.global.u32 [%rd2], %r6;
";

#[test]
fn twins_are_clean_in_both_ways_of_running_together() {
    let ended = line(
        &twin("reduce_tree"),
        "check FILE --grid 4 --block 128 --shared 512 --arg zeros:x:2000 zeros:y:16 s32:500",
    );
    assert_eq!(ended.code, 0, "{ended:?}");
    let wanted = "clean: reduce_tree on sm_80, 16 schedules (8 seeds from 0, lanes running together early and late)\n";
    assert_eq!(ended.out, wanted);
}

#[test]
fn a_race_is_printed_once_with_both_accesses() {
    let folder = Folder::new();
    let file = folder.write("kernel.ptx", kernel(RACE));
    let ended = line(&file, "check FILE --grid 1 --block 32 --arg zeros:x:128");
    assert_eq!(ended.code, 1, "{ended:?}");
    let wanted = "race on shared memory in kernel (seed 0)
  block (0,0,0) thread 1 wrote 4 bytes at shared[0x4]   line 17: st.shared.u32 [%r3], %r0;
  block (0,0,0) thread 0 read 4 bytes at shared[0x4]   line 20: ld.shared.u32 %r6, [%r5];
  nothing orders them: no barrier between line 17 and line 20
";
    assert!(ended.out.starts_with(wanted), "{}", ended.out);
    assert_eq!(ended.out.matches("race on").count(), 1, "{}", ended.out);
    let mended = RACE.replacen("    xor", "    bar.warp.sync 0xffffffff;\n    xor", 1);
    let file = folder.write("kernel.ptx", kernel(&mended));
    assert_eq!(line(&file, "check FILE --grid 1 --block 32 --arg zeros:x:128").code, 0);
}

#[test]
fn the_seed_of_a_finding_repeats_it() {
    let folder = Folder::new();
    let file = folder.write("kernel.ptx", kernel(RACE));
    let all = line(&file, "check FILE --grid 1 --block 32 --arg zeros:x:128 --seed 5 --json").json();
    let finding = &all["findings"][0];
    assert_eq!((&all["launches"], &finding["launches"], &finding["seed"]), (&16.into(), &16.into(), &5.into()));
    let words = format!(
        "run FILE --grid 1 --block 32 --arg zeros:x:128 --seed {} --converge {} --json",
        finding["seed"],
        finding["converge"].as_str().unwrap()
    );
    let again = line(&file, &words).json();
    assert_eq!(again["findings"][0]["accesses"], finding["accesses"]);
}

#[test]
fn global_addresses_are_told_as_buffer_and_offset() {
    let folder = Folder::new();
    let file = folder.write("kernel.ptx", kernel("    st.global.u32 [%rd2], %r0;\n"));
    let ended = line(&file, "check FILE --grid 1 --block 32 --arg zeros:x:124");
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.out.starts_with("access past the end (0x7c bytes) on global memory in kernel (seed 0)\n"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("block (0,0,0) thread 31 wrote 4 bytes at allocation 1[0x7c]   line 17: st.global"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("\nallocation 1 is x (124 bytes)\n"), "{}", ended.out);
    let json = line(&file, "check FILE --grid 1 --block 32 --arg zeros:x:124 --json").json();
    let wanted = serde_json::json!({ "memory": "global", "allocation": 1, "name": "x (124 bytes)", "offset": 124 });
    assert_eq!(json["findings"][0]["location"], wanted);
}

/// What only lanes that run apart do wrong is seen by `check`, not by one early run.
#[test]
fn the_adversary_is_part_of_it() {
    let folder = Folder::new();
    // The lanes of two branches are not together again at the end of them.
    let body = "    setp.lt.u32 %p0, %r0, 16;
    @%p0 bra $L0;
    add.u32 %r4, %r0, 1;
    bra $L1;
$L0:
    add.u32 %r4, %r0, 2;
$L1:
    activemask.b32 %r5;
    setp.ne.u32 %p1, %r5, 0xffffffff;
    @%p1 trap;
";
    let file = folder.write("kernel.ptx", kernel(body));
    let words = "FILE --grid 1 --block 32 --arg zeros:x:4";
    assert_eq!(line(&file, &format!("run {words}")).code, 0);
    let ended = line(&file, &format!("check {words} --json"));
    assert_eq!(ended.code, 1, "{ended:?}");
    let finding = &ended.json()["findings"][0];
    assert_eq!((&finding["kind"], &finding["converge"]), (&"trap".into(), &"adversarial".into()));
    assert_eq!(line(&file, &format!("check {words} --converge early")).code, 0);
    assert_eq!(line(&file, &format!("check {words} --converge adversarial")).code, 1);
}

#[test]
fn buffers_that_schedules_leave_differently_are_named() {
    let folder = Folder::new();
    // Which thread comes first is the schedule's choice, and no hazard.
    let body = "    atom.global.add.u32 %r4, [%rd0], 1;
    mul.wide.u32 %rd3, %r4, 4;
    add.u64 %rd3, %rd0, %rd3;
    st.global.u32 [%rd3+4], %r0;
";
    let file = folder.write("kernel.ptx", kernel(body));
    let ended = line(&file, "check FILE --grid 1 --block 64 --arg zeros:x:260");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.starts_with("note: not every schedule leaves the same in x\n"), "{ended:?}");
    let ended = line(&file, "check FILE --grid 1 --block 64 --arg zeros:x:260 --json");
    assert_eq!(ended.json()["varying"], serde_json::json!(["x"]));
}

#[test]
fn a_loop_without_end_is_found_at_the_limit() {
    let folder = Folder::new();
    let file = folder.write("kernel.ptx", kernel("$L0:\n    bra $L0;\n"));
    let ended = line(&file, "check FILE --grid 1 --block 32 --arg zeros:x:4 --limit 1000 --seeds 1 --json");
    assert_eq!(ended.code, 1, "{ended:?}");
    assert_eq!(ended.json()["findings"][0]["message"], "a warp did not end within 1000 instructions");
}
