//! Loops that repeat one kind of work.

use std::error::Error;
use std::time::{Duration, Instant};

use tilewright_ptx_sim::{Check, Launch, Memory, Options, Profile, Program};

const TRIPS: u32 = 20_000;
const BLOCKS: u32 = 4;
const THREADS: u32 = 128;

/// A loop around a body, and what the prototype reached on such.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    body: &'static str,
    pub(crate) prototype: &'static str,
}

pub(crate) const WORK: [Work; 6] = [
    Work {
        name: "f32 fma",
        body: "fma.rn.f32 %f1, %f1, %f2, %f3;\nfma.rn.f32 %f2, %f2, %f3, %f1;\nfma.rn.f32 %f3, %f3, %f1, %f2;\nfma.rn.f32 %f4, %f4, %f2, %f3;",
        prototype: "124 to 221 unchecked",
    },
    Work {
        name: "integers",
        body: "mad.lo.u32 %r4, %r4, %r5, %r6;\nxor.b32 %r5, %r5, %r4;\nshl.b32 %r6, %r4, 3;\nadd.u32 %r6, %r6, %r5;",
        prototype: "124 to 221 unchecked",
    },
    Work {
        name: "shared memory",
        body: "st.shared.u32 [%r2], %r4;\nld.shared.u32 %r4, [%r2];\nst.shared.u32 [%r2+512], %r4;\nld.shared.u32 %r5, [%r2+512];",
        prototype: "10 to 11 (309 to 353 M lane accesses)",
    },
    Work {
        name: "barriers",
        body: "st.shared.u32 [%r2], %r4;\nbar.sync 0;\nld.shared.u32 %r4, [%r3];\nbar.sync 0;",
        prototype: "",
    },
    Work {
        name: "device memory",
        body: "ld.global.u32 %r4, [%rd2];\nadd.u32 %r4, %r4, 1;\nst.global.u32 [%rd2], %r4;",
        prototype: "",
    },
    Work {
        name: "mma m16n8k16",
        body: "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f1, %f2, %f3, %f4}, {%r4, %r5, %r6, %r7}, {%r4, %r5}, {%f1, %f2, %f3, %f4};",
        prototype: "0.2 to 0.4 of mma",
    },
];

fn text(body: &str) -> String {
    format!(
        ".version 7.8
.target sm_80
.address_size 64
.visible .entry kernel(.param .u64 x)
{{
    .reg .pred %p<2>;
    .reg .b32 %r<10>;
    .reg .b64 %rd<4>;
    .reg .f32 %f<8>;
    .shared .align 4 .b8 tile[1024];
    ld.param.u64 %rd0, [x];
    mov.u32 %r0, %tid.x;
    mov.u32 %r1, tile;
    shl.b32 %r2, %r0, 2;
    xor.b32 %r3, %r2, 128;
    add.u32 %r2, %r2, %r1;
    add.u32 %r3, %r3, %r1;
    mov.u32 %r9, %ctaid.x;
    mad.lo.u32 %r9, %r9, {THREADS}, %r0;
    mul.wide.u32 %rd1, %r9, 4;
    add.u64 %rd2, %rd0, %rd1;
    mov.u32 %r4, 1;
    mov.u32 %r5, 2;
    mov.u32 %r6, 3;
    mov.u32 %r7, 4;
    mov.f32 %f1, 0f3F800000;
    mov.f32 %f2, 0f3F000000;
    mov.f32 %f3, 0f3E800000;
    mov.f32 %f4, 0f3E000000;
    mov.u32 %r8, 0;
$L0:
{body}
    add.u32 %r8, %r8, 1;
    setp.lt.u32 %p0, %r8, {TRIPS};
    @%p0 bra $L0;
    ret;
}}
"
    )
}

/// The best of three launches: its time and how many instructions it executed.
pub(crate) fn measure(work: &Work, check: Check) -> Result<(Duration, u64), Box<dyn Error>> {
    let program = Program::load(&text(work.body), Profile::Sm80)?;
    let launch = Launch { grid: [BLOCKS, 1, 1], block: [THREADS, 1, 1], dynamic_shared_bytes: 0 };
    let options = Options { check, ..Options::default() };
    let mut best = (Duration::MAX, 0);
    for _ in 0..3 {
        let memory = Memory::new(1 << 20);
        let bytes = u64::from(4 * BLOCKS * THREADS);
        let address = memory.allocate(bytes)?;
        memory.fill(address, 0, bytes)?;
        let start = Instant::now();
        let outcome = program.launch(&memory, "kernel", launch, &address.to_le_bytes(), &options)?;
        let time = start.elapsed();
        if !outcome.report.is_clean() {
            return Err(outcome.report.to_string().into());
        }
        best = best.min((time, outcome.statistics.instructions));
    }
    Ok(best)
}
