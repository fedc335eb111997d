//! Asynchronous copies.

use tilewright_ptx_sim::{Kind, Launch, Memory, Options, Profile, Program};

use crate::stage::{TWO_WARPS, finds, is_clean, text};

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
