//! Accesses that cannot be made, and what nobody has written.

use tilewright_ptx_sim::{Action, Kind, Launch, Location, Memory, Options, Profile, Program};

use crate::stage::{ONE_WARP, Run, STORE, finds, is_clean, text};

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
    for access in [
        "    add.u32 %r4, %r1, 2;\n    ld.shared.u32 %r5, [%r4];\n",
        // A text may say so itself.
        "    ld.shared.u32 %r5, [tile+2];\n",
        "    ld.shared.u32 %r5, [%r1+2];\n",
    ] {
        finds(access, &ONE_WARP, |kind| *kind == Kind::Misaligned { align: 4 });
    }
    is_clean(
        "    add.u32 %r4, %r1, 2;\n    st.shared.u32 [%r4+2], 1;\n    bar.sync 0;\n    ld.shared.u32 %r5, [tile+4];\n",
        &ONE_WARP,
    );
}

#[test]
fn uninitialised_memory_and_registers_are_found() {
    let (load, used) = ("    ld.shared.u32 %r4, [%r3];\n", "    st.global.u32 [%rd2], %r4;\n");
    finds(&format!("{load}{used}"), &ONE_WARP, |kind| *kind == Kind::UninitialisedMemory);
    is_clean(load, &ONE_WARP);
    is_clean(&format!("{STORE}{load}{used}"), &ONE_WARP);
    let guarded = "    setp.lt.u32 %p0, %r0, 16;\n    @%p0 mov.u32 %r4, 1;\n";
    let register = |kind: &Kind| matches!(kind, Kind::UninitialisedRegister { register } if register == "%r4");
    finds(&format!("{guarded}    st.global.u32 [%rd2], %r4;\n"), &ONE_WARP, register);
    is_clean(&format!("{guarded}    @%p0 st.global.u32 [%rd2], %r4;\n"), &ONE_WARP);

    let program = Program::load(&text(&format!("    ld.global.u32 %r4, [%rd2];\n{used}")), Profile::Sm80).unwrap();
    let memory = Memory::new(1 << 20);
    let address = memory.allocate(128).unwrap();
    memory.write(address, &[1; 127]).unwrap();
    let launch = Launch { grid: [1, 1, 1], block: [32, 1, 1], dynamic_shared_bytes: 0 };
    let outcome = program.launch(&memory, "kernel", launch, &address.to_le_bytes(), &Options::default()).unwrap();
    let finding = &outcome.report.findings[0];
    assert_eq!((&finding.kind, finding.accesses[0].thread), (&Kind::UninitialisedMemory, 31), "{}", outcome.report);
    let lines: Vec<String> = outcome.report.to_string().lines().skip(1).map(str::to_owned).collect();
    let wanted = [
        "  block (0,0,0) thread 31 read 4 bytes at allocation 1[0x7c]   line 18: ld.global.u32 %r4, [%rd2];",
        "  block (0,0,0) thread 31 used it   line 19: st.global.u32 [%rd2], %r4;",
    ];
    assert_eq!(lines, wanted);
    memory.free(address).unwrap();
    let outcome = program.launch(&memory, "kernel", launch, &address.to_le_bytes(), &Options::default()).unwrap();
    assert_eq!(outcome.report.findings[0].kind, Kind::OutOfBounds { limit_bytes: None, was_freed: true });
}
