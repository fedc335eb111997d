//! Forms that compilers print: what the parser makes of each, that the verifier takes it, and that it prints to the same module.

use tilewright_ptx_ir::ir::{Inst, Module, Op, Reg, RegClass, Statement};
use tilewright_ptx_ir::{parse, verify};

fn text(version: &str, target: &str, body: &str) -> String {
    format!(
        ".version {version}\n.target {target}\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n.reg .pred %p<4>;\n.reg .b16 %h<8>;\n\
         .reg .b32 %r<24>;\n.reg .b64 %rd<8>;\n.reg .f32 %f<12>;\n.reg .f64 %fd<24>;\n.shared .align 16 .b8 tile[1024];\nld.param.u64 %rd1, [p];\n\
         mov.u32 %r1, %tid.x;\nmov.u32 %r2, tile;\n{body}\nret;\n}}\n"
    )
}

fn module(body: &str) -> Module {
    let text = text("8.6", "sm_90", body);
    let module = parse(&text).unwrap_or_else(|errors| panic!("{errors}\n{body}")).module;
    verify(&module).unwrap_or_else(|errors| panic!("{errors:?}\n{body}"));
    let printed = module.to_string();
    assert_eq!(parse(&printed).unwrap_or_else(|errors| panic!("{errors}\n{printed}")).module, module);
    module
}

/// The instruction before the `ret`.
fn last(body: &str) -> Op {
    let statements = module(body).kernels.remove(0).body;
    match statements.into_iter().nth_back(1) {
        Some(Statement::Inst(Inst { op, .. })) => op,
        other => panic!("{other:?}"),
    }
}

fn reg(class: RegClass, number: u32) -> Reg {
    Reg { class, number }
}

/// `_` is a register of its own behind the declared ones.
#[test]
fn a_value_thrown_away_goes_to_a_register_that_nothing_reads() {
    let written = |body: &str| {
        let mut registers = Vec::new();
        last(body).for_each_write(|register| registers.push(register));
        registers
    };
    let b32 = |number| reg(RegClass::B32, number);
    assert_eq!(written("ld.global.v4.b32 {%r3, _, _, %r4}, [%rd1];"), [b32(3), b32(25), b32(26), b32(4)]);
    assert_eq!(written("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {_, %r4}, [%r2];"), [b32(24), b32(4)]);
    assert_eq!(written("mov.b64 {_, %r4}, %rd1;"), [b32(24), b32(4)]);
    assert_eq!(written("mov.b32 {%h2, _}, %r1;"), [reg(RegClass::B16, 2), reg(RegClass::B16, 9)]);
    assert_eq!(written("atom.global.exch.b64 _, [%rd1], %rd1;"), [reg(RegClass::B64, 8)]);
    assert_eq!(written("atom.global.add.f32 _, [%rd1], 0f3F800000;"), [reg(RegClass::F32, 12)]);
    assert_eq!(written("shfl.sync.idx.b32 %r3|_, %r1, 0, 31, -1;"), [b32(3), reg(RegClass::Pred, 4)]);
    assert_eq!(written("match.all.sync.b32 %r3|_, %r1, -1;"), [b32(3), reg(RegClass::Pred, 4)]);
    let product =
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f1, _, %f2, %f3}, {%r1, %r1}, {%r1}, {%f4, %f4, %f4, %f4};";
    let product = format!("mov.f32 %f4, 0f00000000;\n{product}");
    assert_eq!(written(&product), [1, 13, 2, 3].map(|number| reg(RegClass::F32, number)));
}

/// As ptxas: somebody must want something.
#[test]
fn not_everything_is_thrown_away() {
    for body in [
        "ld.global.v2.b32 {_, _}, [%rd1];",
        "ld.global.b32 _, [%rd1];",
        "mov.b64 {_, _}, %rd1;",
        "add.u32 _, %r1, 1;",
        "shfl.sync.idx.b32 _|%p1, %r1, 0, 31, -1;",
    ] {
        let errors = parse(&text("8.6", "sm_90", body)).expect_err(body);
        assert!(errors.to_string().starts_with("line 16: "), "{body}: {errors}");
    }
}

/// Forms with the PTX version that each needs, printed as they stand.
const HINTS: [(&str, &str); 34] = [
    ("7.4", "createpolicy.fractional.L2::evict_normal.b64 %rd4, 0f3F800000;"),
    ("7.4", "createpolicy.fractional.L2::evict_last.L2::evict_unchanged.b64 %rd4, 0f3F000000;"),
    ("7.4", "createpolicy.fractional.L2::evict_first.L2::evict_first.b64 %rd4, 0f3F000000;"),
    ("7.4", "createpolicy.range.global.L2::evict_last.L2::evict_first.b64 %rd4, [%rd1], 4096, 8192;"),
    ("7.4", "createpolicy.range.L2::evict_unchanged.b64 %rd4, [%rd1+8], %r1, %r2;"),
    ("7.4", "createpolicy.cvt.L2.b64 %rd4, 1;"),
    ("7.4", "st.global.L1::no_allocate.b32 [%rd1], %r1;"),
    ("7.4", "st.relaxed.gpu.L1::evict_last.L2::cache_hint.b32 [%rd1], %r1, %rd1;"),
    ("7.4", "ld.L1::evict_last.b32 %r3, [%rd1];"),
    ("7.4", "ld.global.nc.L1::no_allocate.L2::cache_hint.L2::128B.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1], %rd1;"),
    ("7.4", "atom.global.add.L2::cache_hint.u32 %r3, [%rd1], 1, %rd1;"),
    ("7.4", "atom.exch.L2::cache_hint.b32 %r3, [%rd1], 1, %rd1;"),
    ("7.4", "red.relaxed.gpu.global.add.noftz.L2::cache_hint.f16x2 [%rd1], %r1, %rd1;"),
    ("7.0", "prefetch.global.L1 [%rd1];"),
    ("7.0", "prefetch.local.L2 [%rd1];"),
    ("7.0", "prefetch.L2 [%rd1+8];"),
    ("7.4", "prefetch.global.L2::evict_last [%rd1];"),
    ("7.4", "prefetch.L2::evict_normal [%rd1];"),
    ("7.0", "prefetchu.L1 [%rd1];"),
    ("7.4", "applypriority.global.L2::evict_normal [%rd1], 128;"),
    ("7.4", "applypriority.L2::evict_normal [%rd1+4], 128;"),
    ("7.4", "discard.global.L2 [%rd1+128], 128;"),
    ("7.4", "discard.L2 [%rd1], 128;"),
    ("7.0", "ldu.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1];"),
    ("7.0", "ldu.u32 %r3, [%rd1];"),
    ("8.2", "ld.mmio.relaxed.sys.global.u8 %r3, [%rd1];"),
    ("8.2", "st.mmio.relaxed.sys.u32 [%rd1], %r1;"),
    ("7.0", "pmevent 15;"),
    ("7.0", "pmevent.mask 65535;"),
    ("7.0", "st.shared.wt.u32 [%r2], %r1;"),
    ("7.0", "st.global.wb.u32 [%rd1], %r1;"),
    ("7.5", "cp.async.ca.shared.global [%r2], [%rd1], 8, !%p1;"),
    ("7.5", "cp.async.cg.shared.global.L2::cache_hint.L2::128B [%r2], [%rd1], 16, %p1, %rd1;"),
    ("7.4", "cp.async.cg.shared.global.L2::cache_hint [%r2], [%rd1], 16, 8, %rd1;"),
];

#[test]
fn hints_print_as_they_stand_and_need_the_version_that_has_them() {
    for (version, text) in HINTS {
        let module = module(&format!("setp.eq.u32 %p1, %r1, 0;\n{text}"));
        let mut kernels = module.kernels.clone();
        assert_eq!(kernels[0].statement_text(kernels[0].body.len() - 2).as_deref(), Some(text));
        let mut low = Module::new(tilewright_ptx_ir::Target::Sm80, Vec::new());
        low.kernels.push(kernels.remove(0));
        assert_eq!(low.version().to_string(), version, "{text}");
    }
}

#[test]
fn other_spellings_mean_the_same() {
    for (text, same) in [
        (
            "createpolicy.fractional.L2::evict_last.b64 %rd4;",
            "createpolicy.fractional.L2::evict_last.b64 %rd4, 0f3F800000;",
        ),
        (
            "createpolicy.fractional.L2::evict_last.b64 %rd4, 0.5;",
            "createpolicy.fractional.L2::evict_last.b64 %rd4, 0f3F000000;",
        ),
        ("ld.global.L2::128B.ca.u32 %r3, [%rd1];", "ld.global.ca.L2::128B.u32 %r3, [%rd1];"),
        ("ld.global.L1::evict_normal.u32 %r3, [%rd1];", "ld.global.u32 %r3, [%rd1];"),
        ("ld.relaxed.mmio.sys.global.u32 %r3, [%rd1];", "ld.mmio.relaxed.sys.global.u32 %r3, [%rd1];"),
        (
            "red.add.L2::cache_hint.noftz.f16x2 [%rd1], %r1, %rd1;",
            "red.add.noftz.L2::cache_hint.f16x2 [%rd1], %r1, %rd1;",
        ),
    ] {
        assert_eq!(last(text), last(same), "{text}");
    }
}

/// What ptxas 13.0 refuses, the parser or the verifier refuses.
#[test]
fn hints_where_there_are_none_are_refused() {
    for body in [
        "createpolicy.fractional.L2::evict_last.L2::evict_last.b64 %rd4, 0.5;",
        "createpolicy.fractional.L2::evict_last.L2::evict_normal.b64 %rd4, 0.5;",
        "createpolicy.range.shared.L2::evict_last.b64 %rd4, [%rd1], 1, 8192;",
        "createpolicy.range.global.L2::evict_last.b64 %rd4, [%rd1], 8193, 8192;",
        "createpolicy.range.global.L2::evict_last.b64 %rd4, [%rd1], -1, 8192;",
        "st.shared.L1::no_allocate.b32 [%r2], %r1;",
        "st.global.cs.L1::no_allocate.b32 [%rd1], %r1;",
        "st.volatile.global.L1::no_allocate.b32 [%rd1], %r1;",
        "atom.global.cas.L2::cache_hint.b32 %r3, [%rd1], 1, 2, %rd1;",
        "atom.shared.add.L2::cache_hint.u32 %r3, [%r2], 1, %rd1;",
        "prefetch.shared.L1 [%r2];",
        "prefetch.const.L1 [%rd1];",
        "prefetch.global.L2::evict_first [%rd1];",
        "prefetch.local.L2::evict_last [%rd1];",
        "prefetchu.L2 [%rd1];",
        "applypriority.global.L2::evict_normal [%rd1], 64;",
        "applypriority.global.L2::evict_last [%rd1], 128;",
        "discard.global.L2 [%rd1], 64;",
        "discard.shared.L2 [%r2], 128;",
        "ldu.shared.u32 %r3, [%r2];",
        "ldu.volatile.global.f32 %f1, [%rd1];",
        "ldu.global.L1::no_allocate.f32 %f1, [%rd1];",
        "ldu.global.ca.f32 %f1, [%rd1];",
        "ld.mmio.relaxed.gpu.global.u32 %r3, [%rd1];",
        "ld.mmio.acquire.sys.global.u32 %r3, [%rd1];",
        "ld.mmio.sys.global.u32 %r3, [%rd1];",
        "ld.mmio.relaxed.sys.shared.u32 %r3, [%r2];",
        "ld.mmio.relaxed.sys.global.v2.u32 {%r3, %r4}, [%rd1];",
        "ld.mmio.relaxed.sys.global.L1::no_allocate.u32 %r3, [%rd1];",
        "st.mmio.release.sys.global.u32 [%rd1], %r1;",
        "pmevent 16;",
        "cp.async.ca.shared.global [%r2], [%rd1], 8, 4, %p1;",
        "ld.global.ldu.u32 %r3, [%rd1];",
    ] {
        let text = text("8.6", "sm_90", &format!("setp.eq.u32 %p1, %r1, 0;\n{body}"));
        let refused = parse(&text).is_err_and(|errors| errors.to_string().starts_with("line 17: "));
        assert!(refused || parse(&text).is_ok_and(|source| verify(&source.module).is_err()), "{body}");
    }
}

/// What the driver would have to say is refused by its name.
#[test]
fn registers_of_the_driver_are_unsupported() {
    for name in ["%envreg0", "%envreg31", "%reserved_smem_offset_begin", "%reserved_smem_offset_0"] {
        let errors = parse(&text("8.6", "sm_90", &format!("mov.u32 %r3, {name};"))).expect_err(name);
        assert_eq!(errors.to_string(), format!("line 16: unsupported special register `{name}`"));
        assert!(errors.is_unsupported());
    }
}
