//! Loads and stores of every width and number of elements, of whole warps and parts of them, one lane after the other and not.

use tilewright_ptx_sim::{Launch, Memory, Options, Profile, Program};

/// Copies `x` to `y` through shared memory, where thread t writes place t and reads place t ^ `flip`: `count` elements of `bits` bits each.
fn copy(bits: usize, count: usize, flip: usize, lanes: u32) -> String {
    let (class, prefix) = match bits {
        64 => ("b64", "%w"),
        32 => ("b32", "%v"),
        _ => ("b16", "%h"),
    };
    let registers: Vec<String> = (0..count).map(|index| format!("{prefix}{index}")).collect();
    let (vector, registers) = if count == 1 {
        (String::new(), registers[0].clone())
    } else {
        (format!(".v{count}"), format!("{{{}}}", registers.join(", ")))
    };
    let bytes = bits / 8 * count;
    format!(
        ".version 7.8
.target sm_80
.address_size 64
.visible .entry kernel(.param .u64 x, .param .u64 y)
{{
    .reg .pred %p<2>;
    .reg .{class} {prefix}<4>;
    .reg .b32 %r<8>;
    .reg .b64 %rd<8>;
    .shared .align 16 .b8 tile[4096];
    ld.param.u64 %rd0, [x];
    ld.param.u64 %rd1, [y];
    mov.u32 %r0, %tid.x;
    setp.lt.u32 %p0, %r0, {lanes};
    mov.u32 %r1, tile;
    mad.lo.u32 %r2, %r0, {bytes}, %r1;
    xor.b32 %r3, %r0, {flip};
    mad.lo.u32 %r3, %r3, {bytes}, %r1;
    mul.wide.u32 %rd2, %r0, {bytes};
    add.u64 %rd3, %rd0, %rd2;
    add.u64 %rd4, %rd1, %rd2;
    @%p0 ld.global{vector}.u{bits} {registers}, [%rd3];
    @%p0 st.shared{vector}.u{bits} [%r2], {registers};
    bar.sync 0;
    @%p0 ld.shared{vector}.u{bits} {registers}, [%r3];
    @%p0 st.global{vector}.u{bits} [%rd4], {registers};
    ret;
}}
"
    )
}

#[test]
fn vectors_of_every_width_keep_their_elements_in_order() {
    const THREADS: usize = 64;
    for (bits, counts) in [(8, &[1, 2, 4][..]), (16, &[1, 2, 4]), (32, &[1, 2, 4]), (64, &[1, 2])] {
        for count in counts {
            for (flip, lanes) in [(0, 64), (1, 64), (0, 63), (1, 62), (32, 64)] {
                let bytes = bits / 8 * count;
                let text = copy(bits, *count, flip, lanes);
                let program = Program::load(&text, Profile::Sm80).unwrap_or_else(|error| panic!("{error}\n{text}"));
                let memory = Memory::new(1 << 20);
                let x: Vec<u8> = (0..THREADS * bytes).map(|at| (at * 37 % 251) as u8).collect();
                let [x_address, y_address] = [(); 2].map(|()| memory.allocate(x.len() as u64).unwrap());
                memory.write(x_address, &x).unwrap();
                memory.fill(y_address, 0, x.len() as u64).unwrap();
                let launch = Launch { grid: [1, 1, 1], block: [THREADS as u32, 1, 1], dynamic_shared_bytes: 0 };
                let params = [x_address.to_le_bytes(), y_address.to_le_bytes()].concat();
                let outcome = program.launch(&memory, "kernel", launch, &params, &Options::DEFAULT).unwrap();
                assert!(outcome.report.is_clean(), "{}\n{text}", outcome.report);
                let mut y = vec![0; x.len()];
                memory.read(y_address, &mut y).unwrap();
                let expected: Vec<u8> = (0..THREADS)
                    .flat_map(|thread| {
                        let from = (thread ^ flip) * bytes;
                        if thread < lanes as usize { x[from..from + bytes].to_vec() } else { vec![0; bytes] }
                    })
                    .collect();
                assert_eq!(y, expected, "{bits} bits {count} times, {flip}, {lanes} lanes");
            }
        }
    }
}
