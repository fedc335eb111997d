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
