//! What compilers print around memory accesses: values thrown away, cache hints and policies.

mod support;

use support::kernel::{bytes, run, words};

/// Address of the thread's four words of the input in `%rd3`, and of its words of the output in `%rd4`.
const PLACES: &str = "mul.wide.u32 %rd3, %r1, 16;\nadd.u64 %rd4, %rd2, %rd3;\nadd.u64 %rd3, %rd1, %rd3;\n";

#[test]
fn a_value_thrown_away_leaves_the_others() {
    let input = bytes((0..128).map(|word| 0x0101_0000 * (word + 1) + word));
    let body = format!(
        "{PLACES}ld.global.v4.b32 {{%r3, _, _, %r4}}, [%rd3];\nld.global.v2.b64 {{_, %rd5}}, [%rd3];\nmov.b64 {{_, %r5}}, %rd5;\n\
         mov.b32 {{%h1, _}}, %r4;\nmov.b32 {{_, %h2}}, %r3;\nmov.b32 %r6, {{%h1, %h2}};\natom.global.exch.b32 _, [%rd4], %r3;\n\
         atom.global.add.u32 _, [%rd4], 5;\nst.global.b32 [%rd4+4], %r4;\nst.global.b32 [%rd4+8], %r5;\nst.global.b32 [%rd4+12], %r6;"
    );
    let given = words(&input);
    let wanted: Vec<u32> = given
        .chunks_exact(4)
        .flat_map(|w| [w[0].wrapping_add(5), w[3], w[3], w[3] & 0xFFFF | w[0] & 0xFFFF_0000])
        .collect();
    assert_eq!(words(&run(&body, 32, &input, 512)), wanted);
}
