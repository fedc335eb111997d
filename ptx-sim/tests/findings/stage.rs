//! The kernels that the tests write a body for, and how they are run.

use tilewright_ptx_sim::{Kind, Launch, Memory, Options, Outcome, Profile, Program};

/// A kernel with one pointer parameter, in %rd0; `body` may use the registers declared here and the 1 KiB shared array `tile`.
pub(crate) fn text(body: &str) -> String {
    format!(
        ".version 7.8
.target sm_80
.address_size 64
.visible .entry kernel(.param .u64 x)
{{
    .reg .pred %p<8>;
    .reg .b32 %r<32>;
    .reg .b64 %rd<8>;
    .reg .f32 %f<8>;
    .shared .align 16 .b8 tile[1024];
    ld.param.u64 %rd0, [x];
    mov.u32 %r0, %tid.x;
    mov.u32 %r1, tile;
    shl.b32 %r2, %r0, 2;
    add.u32 %r3, %r1, %r2;
    mul.wide.u32 %rd1, %r0, 4;
    add.u64 %rd2, %rd0, %rd1;
{body}
    ret;
}}
"
    )
}

pub(crate) struct Run {
    pub(crate) threads: u32,
    /// Bytes of the buffer, zeroed.
    pub(crate) bytes: u64,
}

pub(crate) const ONE_WARP: Run = Run { threads: 32, bytes: 4096 };
pub(crate) const TWO_WARPS: Run = Run { threads: 64, bytes: 4096 };

pub(crate) fn launch(body: &str, run: &Run, seed: u64, max_instructions: u64) -> Outcome {
    let program = Program::load(&text(body), Profile::Sm80).unwrap_or_else(|error| panic!("{error}\n{}", text(body)));
    let memory = Memory::new(1 << 20);
    let address = memory.allocate(run.bytes).unwrap();
    memory.fill(address, 0, run.bytes).unwrap();
    let launch = Launch { grid: [1, 1, 1], block: [run.threads, 1, 1], dynamic_shared_bytes: 0 };
    let options = Options { seed, max_instructions, ..Options::default() };
    program.launch(&memory, "kernel", launch, &address.to_le_bytes(), &options).unwrap()
}

/// The first finding on every seed must satisfy `wanted`.
pub(crate) fn finds(body: &str, run: &Run, wanted: impl Fn(&Kind) -> bool) -> Outcome {
    let mut last = None;
    for seed in 0..8 {
        let outcome = launch(body, run, seed, 100_000);
        let first = outcome.report.findings.first().unwrap_or_else(|| panic!("seed {seed}: nothing found in\n{body}"));
        assert!(wanted(&first.kind), "seed {seed}: {}", outcome.report);
        assert!(
            !first.accesses.is_empty() && first.accesses.iter().all(|access| access.line > 0),
            "{}",
            outcome.report
        );
        last = Some(outcome);
    }
    last.unwrap()
}

pub(crate) fn is_clean(body: &str, run: &Run) {
    for seed in 0..8 {
        let outcome = launch(body, run, seed, 100_000);
        assert!(outcome.report.is_clean(), "seed {seed}: {}\n{body}", outcome.report);
    }
}

pub(crate) const STORE: &str = "    st.shared.u32 [%r3], %r0;\n";
pub(crate) const LOAD_NEIGHBOUR: &str = "    xor.b32 %r4, %r2, 128;\n    add.u32 %r5, %r1, %r4;\n    ld.shared.u32 %r6, [%r5];\n    st.global.u32 [%rd2], %r6;\n";
