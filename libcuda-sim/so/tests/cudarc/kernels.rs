//! Kernels.

fn module(entry: &str, parameters: &str, body: &str) -> String {
    format!(
        ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry {entry}({parameters})\n{{\n\
         .reg .pred %p<4>;\n.reg .b32 %r<8>;\n.reg .b64 %rd<8>;\n.reg .f32 %f<4>;\n{body}\nret;\n}}\n"
    )
}

/// `y[i] += amount * x[i]` for the `count` values, and for so many more as `excess` says.
pub(crate) fn add_scaled(excess: u32) -> String {
    module(
        "add_scaled",
        ".param .u64 y, .param .u64 x, .param .f32 amount, .param .u32 count",
        &format!(
            "ld.param.u64 %rd0, [y];
             ld.param.u64 %rd1, [x];
             ld.param.f32 %f0, [amount];
             ld.param.u32 %r0, [count];
             add.u32 %r0, %r0, {excess};
             mov.u32 %r1, %ctaid.x;
             mov.u32 %r2, %ntid.x;
             mov.u32 %r3, %tid.x;
             mad.lo.u32 %r4, %r1, %r2, %r3;
             setp.ge.u32 %p0, %r4, %r0;
             @%p0 ret;
             mad.wide.u32 %rd2, %r4, 4, %rd0;
             mad.wide.u32 %rd3, %r4, 4, %rd1;
             ld.global.f32 %f1, [%rd3];
             ld.global.f32 %f2, [%rd2];
             fma.rn.f32 %f3, %f0, %f1, %f2;
             st.global.f32 [%rd2], %f3;"
        ),
    )
}

/// Turns 64 words of `x` around through shared memory; without the barrier it races.
pub(crate) fn reverse(barrier: &str) -> String {
    module(
        "reverse",
        ".param .u64 x",
        &format!(
            ".shared .align 4 .b8 tile[256];
             ld.param.u64 %rd0, [x];
             mov.u32 %r0, %tid.x;
             mad.wide.u32 %rd1, %r0, 4, %rd0;
             ld.global.u32 %r1, [%rd1];
             mov.u32 %r2, tile;
             shl.b32 %r3, %r0, 2;
             add.u32 %r4, %r2, %r3;
             st.shared.u32 [%r4], %r1;
             {barrier}
             sub.u32 %r5, 252, %r3;
             add.u32 %r5, %r2, %r5;
             ld.shared.u32 %r6, [%r5];
             st.global.u32 [%rd1], %r6;"
        ),
    )
}
