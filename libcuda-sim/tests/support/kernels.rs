//! Kernels.

/// A module of one kernel.
pub(crate) fn module(entry: &str, parameters: &str, body: &str) -> String {
    format!(
        ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry {entry}({parameters})\n{{\n\
         .reg .pred %p<4>;\n.reg .b32 %r<8>;\n.reg .b64 %rd<8>;\n.reg .f32 %f<4>;\n{body}\nret;\n}}\n"
    )
}

/// `values[i] += amount` for the `count` values.
pub(crate) fn add() -> String {
    module(
        "add",
        ".param .u64 values, .param .u32 count, .param .f32 amount",
        "ld.param.u64 %rd0, [values];
         ld.param.u32 %r0, [count];
         ld.param.f32 %f0, [amount];
         mov.u32 %r1, %ctaid.x;
         mov.u32 %r2, %ntid.x;
         mov.u32 %r3, %tid.x;
         mad.lo.u32 %r4, %r1, %r2, %r3;
         setp.ge.u32 %p0, %r4, %r0;
         @%p0 ret;
         mad.wide.u32 %rd1, %r4, 4, %rd0;
         ld.global.f32 %f1, [%rd1];
         add.rn.f32 %f2, %f1, %f0;
         st.global.f32 [%rd1], %f2;",
    )
}

/// Its parameters' sizes.
pub(crate) const ADD: &[usize] = &[8, 4, 4];
