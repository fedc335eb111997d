//! Accesses that nothing orders.

use tilewright_ptx_sim::{Kind, Launch, Location, Memory, Options, Profile, Program};

use crate::stage::{LOAD_NEIGHBOUR, ONE_WARP, STORE, TWO_WARPS, finds, is_clean, text};

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
fn one_instruction_may_write_one_value_to_one_word_but_not_two() {
    let again = |width: &str, second: &str| {
        format!(
            "    st.shared.{width} [%r1], 7;\n    setp.lt.u32 %p0, %r0, 5;\n    @%p0 st.shared.{width} [%r1], {second};\n"
        )
    };
    for warps in [&ONE_WARP, &TWO_WARPS] {
        is_clean("    st.shared.u32 [%r1], 7;\n", warps);
        is_clean("    st.shared.v2.u8 [%r1], {7, 8};\n", warps);
        finds("    st.shared.u32 [%r1], %r0;\n", warps, |kind| *kind == Kind::Race);
        finds("    st.shared.u8 [%r1], %r0;\n", warps, |kind| *kind == Kind::Race);
        // Another instruction is a race even with the same value: nobody need have meant that.
        finds(&again("u32", "7"), warps, |kind| *kind == Kind::Race);
        // Half of a word that one instruction wrote.
        finds(&again("u16", "8"), warps, |kind| *kind == Kind::Race);
    }
}

#[test]
fn the_same_holds_where_more_than_barriers_orders_shared_memory() {
    // A barrier of some threads: accesses are looked at one by one.
    let some = "    setp.lt.u32 %p0, %r0, 32;\n    @%p0 bar.sync 1, 32;\n";
    is_clean(&format!("{some}    st.shared.v2.u32 [%r1], {{7, 8}};\n"), &TWO_WARPS);
    is_clean(&format!("{some}    st.shared.u16 [%r1+2], 8;\n"), &TWO_WARPS);
    let mixed = "    shr.u32 %r4, %r0, 5;\n    st.shared.v2.u32 [%r1], {7, %r4};\n";
    finds(&format!("{some}{mixed}"), &TWO_WARPS, |kind| *kind == Kind::Race);
    let bytes = "    shr.u32 %r4, %r0, 5;\n    st.shared.v2.u8 [%r1], {7, %r4};\n";
    finds(&format!("{some}{bytes}"), &TWO_WARPS, |kind| *kind == Kind::Race);
}

#[test]
fn atomics_do_not_race_with_each_other_but_with_what_is_not_atomic() {
    let zero = "    setp.eq.u32 %p0, %r0, 0;\n    @%p0 st.shared.u32 [%r1], 0;\n    bar.sync 0;\n";
    let add = "    atom.shared.add.u32 %r4, [%r1], 1;\n";
    is_clean(&format!("{zero}{add}    bar.sync 0;\n    ld.shared.u32 %r5, [%r1];\n"), &TWO_WARPS);
    finds(&format!("{zero}{add}    ld.shared.u32 %r5, [%r1];\n"), &TWO_WARPS, |kind| *kind == Kind::Race);
}

/// Who touched what is listed by the number of the allocation, of which a process may have made many and given most back; variables come after them.
#[test]
fn a_race_is_found_in_whichever_allocation_it_is() {
    let text = |body: &str| text(body).replace(".param .u64 x)", ".param .u64 x, .param .u64 y)");
    let variable = text("    mov.u64 %rd3, shared_by_all;\n    st.global.u32 [%rd3], %r0;\n")
        .replace(".visible .entry", ".global .align 4 .b32 shared_by_all;\n.visible .entry");
    // The second warp writes to the same offsets of another allocation.
    let apart = "    ld.param.u64 %rd3, [y];
    add.u64 %rd4, %rd3, %rd1;
    sub.u64 %rd4, %rd4, 128;
    setp.lt.u32 %p0, %r0, 32;
    selp.b64 %rd5, %rd2, %rd4, %p0;
    st.global.u32 [%rd5], %r0;
";
    let kernels = [(text("    st.global.u32 [%rd0], %r0;\n"), true), (variable, true), (text(apart), false)];
    let kernels = kernels.map(|(text, races)| (Program::load(&text, Profile::Sm80).unwrap(), races));
    let memory = Memory::new(1 << 20);
    let launch = Launch { grid: [1, 1, 1], block: [64, 1, 1], dynamic_shared_bytes: 0 };
    let mut last = memory.allocate(256).unwrap();
    for number in 2..=130 {
        let address = memory.allocate(256).unwrap();
        let arguments = [address, last].map(u64::to_le_bytes).concat();
        for (program, races) in &kernels {
            let outcome = program.launch(&memory, "kernel", launch, &arguments, &Options::default()).unwrap();
            let kinds: Vec<_> = outcome.report.findings.iter().map(|finding| &finding.kind).collect();
            assert_eq!(kinds, vec![&Kind::Race; usize::from(*races)], "allocation {number}: {}", outcome.report);
        }
        if number % 3 != 0 {
            memory.free(last).unwrap();
        }
        last = address;
    }
}
