//! One block of a body in a kernel with two buffers.

use tilewright_ptx_sim::{Launch, Memory, Options, Outcome, Profile, Program};

/// The body's text: `%rd1` is the input, `%rd2` the output, `%r1` the thread, `%r2` a shared array of 4096 bytes.
pub(crate) fn text(body: &str) -> String {
    format!(
        ".version 8.6
.target sm_90
.address_size 64
.visible .entry kernel(.param .u64 in, .param .u64 out)
{{
    .reg .pred %p<8>;
    .reg .b16 %h<24>;
    .reg .b32 %r<40>;
    .reg .b64 %rd<40>;
    .reg .f32 %f<24>;
    .reg .f64 %fd<24>;
    .shared .align 128 .b8 tile[4096];
    ld.param.u64 %rd1, [in];
    ld.param.u64 %rd2, [out];
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, tile;
{body}
    ret;
}}
"
    )
}

/// Runs it once; what was found, and the output, which began as zeros.
pub(crate) fn launch(
    body: &str,
    threads: u32,
    input: &[u8],
    output_bytes: usize,
    options: &Options,
) -> (Outcome, Vec<u8>) {
    let text = text(body);
    let program = Program::load(&text, Profile::Sm90).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let memory = Memory::new(1 << 24);
    let given = memory.allocate(input.len().max(1) as u64).unwrap();
    memory.write(given, input).unwrap();
    let out = memory.allocate(output_bytes.max(1) as u64).unwrap();
    memory.fill(out, 0, output_bytes as u64).unwrap();
    let launch = Launch { grid: [1, 1, 1], block: [threads, 1, 1], dynamic_shared_bytes: 0 };
    let params = [given.to_le_bytes(), out.to_le_bytes()].concat();
    let outcome = program.launch(&memory, "kernel", launch, &params, options).unwrap();
    let mut bytes = vec![0; output_bytes];
    if outcome.report.is_clean() {
        memory.read(out, &mut bytes).unwrap();
    }
    (outcome, bytes)
}

/// Runs it on some seeds, on which it is clean and leaves the same.
pub(crate) fn run(body: &str, threads: u32, input: &[u8], output_bytes: usize) -> Vec<u8> {
    let mut results: Option<Vec<u8>> = None;
    for seed in 0..3 {
        let options = Options { seed, ..Options::DEFAULT };
        let (outcome, bytes) = launch(body, threads, input, output_bytes, &options);
        assert!(outcome.report.is_clean(), "seed {seed}: {}\n{}", outcome.report, text(body));
        assert!(results.as_ref().is_none_or(|before| *before == bytes), "seed {seed} changes the results");
        results = Some(bytes);
    }
    results.unwrap()
}

pub(crate) fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

pub(crate) fn bytes(words: impl IntoIterator<Item = u32>) -> Vec<u8> {
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}
