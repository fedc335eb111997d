//! Instructions that exchange, address and branch, in small kernels against what they mean. Arithmetic has tests of its own.

use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::ir::Module;
use tilewright_ptx_sim::{Launch, Memory, Options, Profile, Program};

/// Runs `body` with one thread's result in %r31, on every seed the same; the results of all threads of all blocks in order.
fn run(grid: [u32; 3], block: [u32; 3], body: &str) -> Vec<u32> {
    let text = format!(
        ".version 7.8
.target sm_80
.address_size 64
.visible .entry kernel(.param .u64 out)
{{
    .reg .pred %p<8>;
    .reg .b16 %h<4>;
    .reg .b32 %r<40>;
    .reg .b64 %rd<10>;
    .shared .align 16 .b8 tile[4096];
    mov.u32 %r0, %tid.x;
    mov.u32 %r1, tile;
{body}
    // out[block · threads + thread] = %r31
    mov.u32 %r32, %ntid.x;
    mov.u32 %r33, %ntid.y;
    mov.u32 %r34, %ntid.z;
    mov.u32 %r35, %tid.z;
    mov.u32 %r36, %tid.y;
    mad.lo.u32 %r36, %r35, %r33, %r36;
    mov.u32 %r35, %tid.x;
    mad.lo.u32 %r36, %r36, %r32, %r35;
    mul.lo.u32 %r32, %r32, %r33;
    mul.lo.u32 %r32, %r32, %r34;
    mov.u32 %r35, %ctaid.x;
    mov.u32 %r37, %nctaid.x;
    mov.u32 %r38, %ctaid.y;
    mad.lo.u32 %r35, %r38, %r37, %r35;
    mad.lo.u32 %r36, %r35, %r32, %r36;
    ld.param.u64 %rd0, [out];
    mul.wide.u32 %rd1, %r36, 4;
    add.u64 %rd1, %rd0, %rd1;
    st.global.u32 [%rd1], %r31;
    ret;
}}
"
    );
    let program = Program::load(&text, Profile::Sm80).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let threads: u32 = grid.iter().chain(&block).product();
    let mut results: Option<Vec<u32>> = None;
    for seed in 0..4 {
        let memory = Memory::new(1 << 20);
        let out = memory.allocate(u64::from(threads) * 4).unwrap();
        memory.fill(out, 0, u64::from(threads) * 4).unwrap();
        let launch = Launch { grid, block, dynamic_shared_bytes: 0 };
        let options = Options { seed, ..Options::DEFAULT };
        let outcome = program.launch(&memory, "kernel", launch, &out.to_le_bytes(), &options).unwrap();
        assert!(outcome.report.is_clean(), "seed {seed}: {}\n{text}", outcome.report);
        let mut bytes = vec![0; threads as usize * 4];
        memory.read(out, &mut bytes).unwrap();
        let now: Vec<u32> = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        assert!(results.as_ref().is_none_or(|before| *before == now), "seed {seed} changes the results");
        results = Some(now);
    }
    results.unwrap()
}

fn warp(body: &str) -> Vec<u32> {
    run([1, 1, 1], [32, 1, 1], body)
}

fn lanes(value: impl Fn(u32) -> u32) -> Vec<u32> {
    (0..32).map(value).collect()
}

/// x of each lane: something that tells lanes apart.
const VALUE: &str = "    mad.lo.u32 %r2, %r0, 7, 100;\n";

fn value(lane: u32) -> u32 {
    7 * lane + 100
}

#[test]
fn shuffles_follow_their_definition() {
    // (mode, offset or lane, clamp and segments, lane -> source lane if it is in range)
    type Source = fn(u32) -> Option<u32>;
    let cases: [(&str, u32, u32, Source); 8] = [
        ("up", 3, 0, |lane| lane.checked_sub(3)),
        ("down", 5, 31, |lane| (lane + 5 < 32).then_some(lane + 5)),
        ("bfly", 16, 31, |lane| Some(lane ^ 16)),
        ("idx", 9, 31, |_| Some(9)),
        // Segments of eight lanes.
        ("up", 1, 0x1800, |lane| (lane % 8 >= 1).then(|| lane - 1)),
        ("down", 2, 0x181F, |lane| (lane % 8 + 2 < 8).then_some(lane + 2)),
        ("bfly", 4, 0x181F, |lane| Some(lane ^ 4)),
        ("idx", 3, 0x181F, |lane| Some(lane / 8 * 8 + 3)),
    ];
    for (mode, offset, clamp, source) in cases {
        let text = format!(
            "{VALUE}    shfl.sync.{mode}.b32 %r3|%p0, %r2, {offset}, {clamp}, 0xffffffff;\n    selp.u32 %r4, 1000, 0, %p0;\n    add.u32 %r31, %r3, %r4;\n"
        );
        let wanted = lanes(|lane| source(lane).map_or(value(lane), |source| value(source) + 1000));
        assert_eq!(warp(&text), wanted, "{mode} {offset} {clamp:#x}");
    }
}

#[test]
fn votes_matches_and_reductions_follow_their_definition() {
    let below = |limit: u32| format!("    setp.lt.u32 %p0, %r0, {limit};\n");
    assert_eq!(warp(&format!("{}    vote.sync.ballot.b32 %r31, %p0, 0xffffffff;\n", below(5))), [0x1F; 32]);
    for (mode, limit, wanted) in
        [("all", 32, 1), ("all", 31, 0), ("any", 1, 1), ("any", 0, 0), ("uni", 0, 1), ("uni", 7, 0)]
    {
        let text =
            format!("{}    vote.sync.{mode}.pred %p1, %p0, 0xffffffff;\n    selp.u32 %r31, 1, 0, %p1;\n", below(limit));
        assert_eq!(warp(&text), [wanted; 32], "{mode} {limit}");
    }
    let same = warp("    and.b32 %r2, %r0, 3;\n    match.any.sync.b32 %r31, %r2, 0xffffffff;\n");
    assert_eq!(same, lanes(|lane| 0x1111_1111 << (lane % 4)));
    let values: Vec<u32> = (0..32).map(value).collect();
    let fold = |f: fn(u32, u32) -> u32| values.iter().copied().reduce(f).unwrap();
    for (op, ty, wanted) in [
        ("add", "u32", fold(u32::wrapping_add)),
        ("min", "u32", fold(u32::min)),
        ("max", "s32", fold(u32::max)),
        ("and", "b32", fold(|a, b| a & b)),
        ("or", "b32", fold(|a, b| a | b)),
        ("xor", "b32", fold(|a, b| a ^ b)),
    ] {
        assert_eq!(warp(&format!("{VALUE}    redux.sync.{op}.{ty} %r31, %r2, 0xffffffff;\n")), [wanted; 32], "{op}");
    }
}

#[test]
fn atomics_on_one_word_act_one_after_the_other() {
    // Both warps work on one shared word; every thread reads what came of it.
    let text = |first: u32, op: &str| {
        format!(
            "    setp.eq.u32 %p0, %r0, 0;\n    @%p0 st.shared.u32 [%r1], {first};\n    bar.sync 0;\n    add.u32 %r2, %r0, 1;\n    {op};\n    bar.sync 0;\n    ld.shared.u32 %r31, [%r1];\n"
        )
    };
    for (first, op, wanted) in [
        (5, "atom.shared.add.u32 %r3, [%r1], %r2", 5 + 64 * 65 / 2),
        (9, "atom.shared.max.u32 %r3, [%r1], %r2", 64),
        (9, "atom.shared.min.u32 %r3, [%r1], %r2", 1),
        (0, "atom.shared.or.b32 %r3, [%r1], %r2", 127),
        (0, "atom.shared.xor.b32 %r3, [%r1], %r2", (1..=64).fold(0, |a, b| a ^ b)),
        (0, "atom.shared.inc.u32 %r3, [%r1], 9", 64 % 10),
        (64, "atom.shared.dec.u32 %r3, [%r1], 99", 0),
    ] {
        assert_eq!(run([1, 1, 1], [64, 1, 1], &text(first, op)), [wanted; 64], "{op}");
    }
    // Each old value is seen once: the tickets of 64 threads are 0 to 63.
    let tickets =
        text(0, "atom.shared.add.u32 %r30, [%r1], 1").replace("ld.shared.u32 %r31, [%r1];", "mov.u32 %r31, %r30;");
    // Which thread draws which is open, so their sum is looked at.
    let sum = tickets.replace(
        "mov.u32 %r31, %r30;",
        "add.u32 %r4, %r1, 64;\n    @%p0 st.shared.u32 [%r4], 0;\n    bar.sync 0;\n    atom.shared.add.u32 %r5, [%r4], %r30;\n    bar.sync 0;\n    ld.shared.u32 %r31, [%r4];",
    );
    assert_eq!(run([1, 1, 1], [64, 1, 1], &sum), [63 * 64 / 2; 64]);
    let swap = text(7, "atom.shared.cas.b32 %r3, [%r1], 7, 8");
    assert_eq!(run([1, 1, 1], [64, 1, 1], &swap), [8; 64]);
}

#[test]
fn loads_extend_and_vectors_keep_their_order() {
    // Each thread its own 16 bytes of the tile: 0x80 + 4t, ...
    let own = "    shl.b32 %r2, %r0, 4;\n    add.u32 %r3, %r1, %r2;\n    mov.u32 %r4, 0x818283f4;\n    add.u32 %r5, %r4, %r0;\n    st.shared.v4.u32 [%r3], {%r4, %r5, %r0, %r4};\n";
    let word = 0x8182_83F4u32;
    for (load, wanted) in [
        ("ld.shared.s8 %r31, [%r3]", lanes(|_| 0xFFFF_FFF4)),
        ("ld.shared.u8 %r31, [%r3+3]", lanes(|_| 0x81)),
        ("ld.shared.u32 %r31, [%r3+4]", lanes(|lane| word + lane)),
        ("ld.shared.v2.u32 {%r30, %r31}, [%r3]", lanes(|lane| word + lane)),
        ("ld.shared.v4.u32 {%r29, %r30, %r31, %r28}, [%r3]", lanes(|lane| lane)),
    ] {
        assert_eq!(warp(&format!("{own}    {load};\n")), wanted, "{load}");
    }
    let half = format!("{own}    ld.shared.u16 %h0, [%r3+2];\n    cvt.u32.u16 %r31, %h0;\n");
    assert_eq!(warp(&half), lanes(|_| 0x8182));
    // The same through a generic address.
    let generic =
        format!("{own}    cvt.u64.u32 %rd2, %r3;\n    cvta.shared.u64 %rd3, %rd2;\n    ld.u32 %r31, [%rd3+8];\n");
    assert_eq!(warp(&generic), lanes(|lane| lane));
}

#[test]
fn ldmatrix_spreads_rows_and_columns() {
    // Row r of four tiles: halves 16 · row + column.
    let fill = "    shl.b32 %r2, %r0, 4;\n    add.u32 %r3, %r1, %r2;\n    mul.lo.u32 %r4, %r0, 0x00100010;\n    add.u32 %r5, %r4, 0x00010000;\n    add.u32 %r6, %r5, 0x00020002;\n    add.u32 %r7, %r6, 0x00020002;\n    add.u32 %r8, %r7, 0x00020002;\n    st.shared.v4.u32 [%r3], {%r5, %r6, %r7, %r8};\n    bar.sync 0;\n";
    let half = |row: u32, column: u32| 16 * row + column;
    for tile in 0..4u32 {
        for (modifier, transposed) in [("", false), (".trans", true)] {
            let dst = [
                "%r31, %r20, %r21, %r22",
                "%r20, %r31, %r21, %r22",
                "%r20, %r21, %r31, %r22",
                "%r20, %r21, %r22, %r31",
            ];
            let text = format!(
                "{fill}    ldmatrix.sync.aligned.m8n8.x4{modifier}.shared.b16 {{{}}}, [%r3];\n",
                dst[tile as usize]
            );
            let wanted = lanes(|lane| {
                let (row, column) = (lane / 4, lane % 4 * 2);
                if transposed {
                    half(8 * tile + column, row) | half(8 * tile + column + 1, row) << 16
                } else {
                    half(8 * tile + row, column) | half(8 * tile + row, column + 1) << 16
                }
            });
            assert_eq!(warp(&text), wanted, "tile {tile}{modifier}");
        }
    }
}

#[test]
fn lanes_that_part_meet_again() {
    // Nested branches: lane parity, then size.
    let nested = "    mov.u32 %r31, 0;
    and.b32 %r2, %r0, 1;
    setp.eq.u32 %p0, %r2, 0;
    @%p0 bra $L1;
    setp.lt.u32 %p1, %r0, 16;
    @%p1 bra $L0;
    add.u32 %r31, %r31, 1;
$L0:
    add.u32 %r31, %r31, 10;
    bra $L2;
$L1:
    add.u32 %r31, %r31, 100;
$L2:
    add.u32 %r31, %r31, 1000;
    shfl.sync.bfly.b32 %r31, %r31, 1, 31, 0xffffffff;
";
    let plain = |lane: u32| 1000 + if lane.is_multiple_of(2) { 100 } else { 10 + u32::from(lane >= 16) };
    assert_eq!(warp(nested), lanes(|lane| plain(lane ^ 1)));
    // A loop with a trip count of its own for every lane, and a barrier of the warp behind it.
    let count = "    mov.u32 %r31, 0;
    mov.u32 %r2, 0;
$L0:
    setp.ge.u32 %p0, %r2, %r0;
    @%p0 bra $L1;
    add.u32 %r31, %r31, %r2;
    add.u32 %r2, %r2, 1;
    bra $L0;
$L1:
    bar.warp.sync 0xffffffff;
";
    assert_eq!(warp(count), lanes(|lane| lane * lane.saturating_sub(1) / 2));
    // Some lanes leave; the others go on and their barrier does not wait for them.
    let leave = "    mov.u32 %r31, 0;
    setp.ge.u32 %p0, %r0, 40;
    @%p0 ret;
    bar.warp.sync 0xffffffff;
    mov.u32 %r31, 5;
";
    let wanted: Vec<u32> = (0..64).map(|thread| if thread < 40 { 5 } else { 0 }).collect();
    assert_eq!(run([1, 1, 1], [64, 1, 1], leave), wanted);
}

#[test]
fn special_registers_say_where_a_thread_is() {
    let place = "    mov.u32 %r2, %tid.y;
    mov.u32 %r3, %tid.z;
    mov.u32 %r4, %ctaid.x;
    mov.u32 %r5, %laneid;
    mad.lo.u32 %r31, %r2, 10, %r0;
    mad.lo.u32 %r31, %r3, 100, %r31;
    mad.lo.u32 %r31, %r4, 1000, %r31;
    mad.lo.u32 %r31, %r5, 10000, %r31;
";
    let results = run([3, 1, 1], [5, 4, 3], place);
    let wanted: Vec<u32> = (0..3 * 60)
        .map(|at| {
            let (block, thread) = (at / 60, at % 60);
            let (x, y, z) = (thread % 5, thread / 5 % 4, thread / 20);
            x + 10 * y + 100 * z + 1000 * block + 10_000 * (thread % 32)
        })
        .collect();
    assert_eq!(results, wanted);
    let masks = "    mov.u32 %r2, %lanemask_lt;
    mov.u32 %r3, %lanemask_ge;
    xor.b32 %r31, %r2, %r3;
";
    assert_eq!(warp(masks), [u32::MAX; 32]);
    // The last warp has what threads are left.
    let active = run([1, 1, 1], [40, 1, 1], "    activemask.b32 %r31;\n");
    assert_eq!((active[0], active[39]), (u32::MAX, 0xFF));
}

/// Divisors that are constants become shifts and multiplications; they divide all the same.
#[test]
fn division_by_a_constant_is_division() {
    const DIVISORS: [u32; 14] = [1, 2, 3, 5, 6, 7, 9, 10, 64, 641, 1 << 16, 0x7FFF_FFFF, 0x8000_0001, u32::MAX];
    let numbers = [0u32, 1, 2, 5, 6, 7, 8, 9, 63, 64, 65, 641, 0xFFFF, 0x10000, 0x7FFF_FFFE, 0x7FFF_FFFF, 0x8000_0000]
        .into_iter()
        .chain((0..=14).map(|below| u32::MAX - below));
    let numbers: Vec<u32> = numbers.collect();
    let module = Module::kernel("kernel", Target::Sm80, |k| {
        let (numbers, out) = (k.pointer::<u32>("numbers"), k.pointer::<u32>("out"));
        let thread = k.thread_idx().x();
        let number = numbers.at(thread).load();
        let place = thread * (2 * DIVISORS.len() as u32);
        for (index, divisor) in (0u32..).zip(DIVISORS) {
            out.at(place + 2 * index).store(number / divisor);
            out.at(place + (2 * index + 1)).store(number % divisor);
        }
    });
    let text = module.unwrap().to_string();
    assert!(!text.contains("div.") && !text.contains("rem."), "{text}");
    let program = Program::load(&text, Profile::Sm80).unwrap();
    let memory = Memory::new(1 << 20);
    let (count, bytes) = (numbers.len(), numbers.len() * DIVISORS.len() * 8);
    let (input, out) = (memory.allocate(count as u64 * 4).unwrap(), memory.allocate(bytes as u64).unwrap());
    memory.write(input, &numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>()).unwrap();
    let launch = Launch { grid: [1; 3], block: [count as u32, 1, 1], dynamic_shared_bytes: 0 };
    let parameters = [input.to_le_bytes(), out.to_le_bytes()].concat();
    let outcome = program.launch(&memory, "kernel", launch, &parameters, &Options::DEFAULT).unwrap();
    assert!(outcome.report.is_clean(), "{}", outcome.report);
    let mut found = vec![0; bytes];
    memory.read(out, &mut found).unwrap();
    let found: Vec<u32> = found.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let wanted: Vec<u32> = numbers
        .iter()
        .flat_map(|number| DIVISORS.into_iter().flat_map(move |divisor| [number / divisor, number % divisor]))
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn addresses_of_arrays_take_offsets() {
    // %r1 is the start of `tile`; each address reads what lies 16 or 12 bytes into it.
    let shared = "    shl.b32 %r2, %r0, 2;\n    add.u32 %r2, %r2, %r1;\n    add.u32 %r3, %r0, 100;\n    st.shared.u32 [%r2], %r3;\n    bar.sync 0;\n";
    for (address, offset) in [("%r4", 16), ("%rd2", 16), ("%r4", -4), ("%rd2", -4)] {
        let ty = if address.starts_with("%rd") { "u64" } else { "u32" };
        let (lane, at) = if offset < 0 { (104, 16 - offset) } else { (104, 0) };
        let body =
            format!("{shared}    mov.{ty} {address}, tile+{offset};\n    ld.shared.u32 %r31, [{address}+{at}];\n");
        assert_eq!(warp(&body), [lane; 32], "{body}");
    }
    for (address, ty) in [("%r4", "u32"), ("%rd2", "u64"), ("%r4", "b32"), ("%rd2", "b64")] {
        let body = format!(
            "    .local .align 8 .b8 depot[32];\n    st.local.u32 [depot+12], %r0;\n    mov.{ty} {address}, depot+8;\n    ld.local.u32 %r31, [{address}+4];\n"
        );
        assert_eq!(warp(&body), lanes(|lane| lane), "{body}");
        let body = body.replace("depot+8", "depot").replace("+4];", "+12];");
        assert_eq!(warp(&body), lanes(|lane| lane), "{body}");
    }
}

/// PTX ISA 9.0, section 9.7.13.5 (`atom`): `add.f32` flushes subnormal inputs and results to a zero of their sign in global memory, and keeps them in shared memory.
/// By a generic address it is the memory that counts.
#[test]
fn atomic_sums_of_f32_flush_in_global_memory_alone() {
    // The least normal number, half of it, and the least subnormal one.
    let (normal, half, least) = (0x0080_0000u32, 0x0040_0000u32, 1u32);
    let sign = 0x8000_0000;
    // (what lies there, what is added, the sum in global memory, in shared memory)
    let sums = [
        (least, least, 0, 2),
        (half, half, 0, normal),
        (sign | least, sign | least, sign, sign | 2),
        (normal, half, normal, normal + half),
        (normal + half, sign | normal, 0, half),
        (sign | (normal + half), normal, sign, sign | half),
        (normal, normal, 2 * normal, 2 * normal),
    ];
    for (before, added, in_global, in_shared) in sums {
        for (space, generic, wanted) in [
            ("global", "", in_global),
            ("shared", "", in_shared),
            ("global", "g", in_global),
            ("shared", "g", in_shared),
        ] {
            for instruction in ["atom{space}.add.f32 %r4, [{address}], %r3", "red{space}.add.f32 [{address}], %r3"] {
                let start = if space == "global" {
                    "    ld.param.u64 %rd2, [out];\n    mul.wide.u32 %rd3, %r0, 4;\n    add.u64 %rd2, %rd2, %rd3;\n"
                } else {
                    "    mad.lo.u32 %r5, %r0, 4, %r1;\n    cvt.u64.u32 %rd2, %r5;\n"
                };
                let cvta = if generic == "g" { format!("    cvta.{space}.u64 %rd3, %rd2;\n") } else { String::new() };
                let (suffix, address) =
                    if generic == "g" { (String::new(), "%rd3") } else { (format!(".{space}"), "%rd2") };
                let instruction = instruction.replace("{space}", &suffix).replace("{address}", address);
                let body = format!(
                    "{start}{cvta}    mov.b32 %r2, {before};\n    mov.b32 %r3, {added};\n    st.{space}.b32 [%rd2], %r2;\n    {instruction};\n    ld.{space}.b32 %r31, [%rd2];\n"
                );
                assert_eq!(warp(&body), [wanted; 32], "{before:#x} + {added:#x}\n{body}");
            }
        }
    }
}
