//! Every rule of the verifier: a module that breaks it and nothing else, named with its place, and the same module mended.

use std::collections::BTreeSet;

use tilewright_ptx_ir::ir::{Address, Base, Kernel, Module, Op, ParamIndex, Shared, SharedSize, Statement, Type};
use tilewright_ptx_ir::{Reason, Target, VerifyError, parse, verify};

/// A kernel of this body. It has parameters `x` (8 bytes) and `n` (4), a static array `tile` and a dynamic one.
fn kernel(body: &str) -> Module {
    let text = format!(
        ".version 7.0\n.target sm_80\n.address_size 64\n.extern .shared .align 16 .b8 k_more[];\n\
         .visible .entry k(.param .u64 k_x, .param .u32 k_n)\n{{\n\
         .reg .pred %p<4>;\n.reg .b16 %h<8>;\n.reg .b32 %r<8>;\n.reg .b64 %rd<8>;\n.reg .f32 %f<8>;\n\
         .shared .align 16 .b8 tile[64];\n{body}\n}}\n"
    );
    parse(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}")).module
}

fn changed(body: &str, change: impl FnOnce(&mut Kernel)) -> Module {
    let mut module = kernel(body);
    change(&mut module.kernels[0]);
    module
}

/// The violations of `broken`, which `mended` has none of; the first is at `place`.
fn violations(broken: &Module, mended: &Module, place: Option<&str>) -> Vec<VerifyError> {
    assert_eq!(verify(mended), Ok(()), "mended");
    let errors = verify(broken).expect_err("broken").errors().to_vec();
    let text = errors[0].to_string();
    match place {
        Some(place) => {
            let (index, statement) = errors[0].statement.clone().unwrap();
            assert_eq!(statement, place, "{text}");
            assert_eq!(broken.kernels[0].statement_text(index).as_deref().unwrap_or(""), place, "{text}");
            assert!(text.starts_with(&format!("k, statement {index} `{place}`: ")), "{text}");
        }
        None => assert!(errors[0].statement.is_none() && !text.contains("statement"), "{text}"),
    }
    errors
}

/// Bodies: the broken one, the mended one, and the statement at fault.
const BODIES: [(&str, &str, &str, &str); 50] = [
    ("RunsOff", "mov.u32 %r0, 1;", "mov.u32 %r0, 1; ret;", "mov.u32 %r0, 1;"),
    ("RunsOff", "setp.eq.u32 %p0, 1, 1; @%p0 ret;", "setp.eq.u32 %p0, 1, 1; @%p0 ret; ret;", "@%p0 ret;"),
    ("RunsOff", "", "ret;", ""),
    ("Class", "mov.u32 %f0, 1; ret;", "mov.u32 %r0, 1; ret;", "mov.u32 %f0, 1;"),
    ("Class", "mov.u32 %r0, 1; @%r0 ret; ret;", "setp.eq.u32 %p0, 1, 1; @%p0 ret; ret;", "@%r0 ret;"),
    ("Literal", "mov.f32 %f0, 1; ret;", "mov.f32 %f0, 1.0; ret;", "mov.f32 %f0, 1;"),
    (
        "Modifier",
        "mov.u64 %rd0, 0; mbarrier.inval.global.b64 [%rd0]; ret;",
        "mov.u64 %rd0, 0; mbarrier.inval.shared.b64 [%rd0]; ret;",
        "mbarrier.inval.global.b64 [%rd0];",
    ),
    (
        "Modifier",
        "mbarrier.arrive.noComplete.shared.b64 %rd0, [tile]; ret;",
        "mbarrier.arrive.noComplete.shared.b64 %rd0, [tile], 1; ret;",
        "mbarrier.arrive.noComplete.shared.b64 %rd0, [tile];",
    ),
    (
        "Modifier",
        "mbarrier.test_wait.shared.b64 %p0, [tile], 0, 1; ret;",
        "mbarrier.test_wait.shared.b64 %p0, [tile], 0; ret;",
        "mbarrier.test_wait.shared.b64 %p0, [tile], 0, 1;",
    ),
    (
        "Misaligned",
        "mbarrier.init.shared.b64 [tile+4], 1; ret;",
        "mbarrier.init.shared.b64 [tile+8], 1; ret;",
        "mbarrier.init.shared.b64 [tile+4], 1;",
    ),
    (
        "NoSuchType",
        "mov.b32 %r0, 1; rem.b32 %r0, %r0, 3; ret;",
        "mov.b32 %r0, 1; rem.u32 %r0, %r0, 3; ret;",
        "rem.b32 %r0, %r0, 3;",
    ),
    ("NoSuchType", "ld.param.f16 %h0, [k_n]; ret;", "ld.param.b16 %h0, [k_n]; ret;", "ld.param.f16 %h0, [k_n];"),
    (
        "Modifier",
        "mov.f32 %f0, 1.0; rcp.f32 %f1, %f0; ret;",
        "mov.f32 %f0, 1.0; rcp.approx.f32 %f1, %f0; ret;",
        "rcp.f32 %f1, %f0;",
    ),
    (
        "Modifier",
        "mov.f32 %f0, 1.0; rcp.approx.rn.f32 %f1, %f0; ret;",
        "mov.f32 %f0, 1.0; rcp.rn.f32 %f1, %f0; ret;",
        "rcp.approx.rn.f32 %f1, %f0;",
    ),
    (
        "Modifier",
        "mov.f32 %f0, 1.0; tanh.approx.ftz.f32 %f1, %f0; ret;",
        "mov.f32 %f0, 1.0; tanh.approx.f32 %f1, %f0; ret;",
        "tanh.approx.ftz.f32 %f1, %f0;",
    ),
    (
        "Modifier",
        "mov.b32 %r0, 0; ex2.approx.ftz.f16x2 %r1, %r0; ret;",
        "mov.b32 %r0, 0; ex2.approx.f16x2 %r1, %r0; ret;",
        "ex2.approx.ftz.f16x2 %r1, %r0;",
    ),
    (
        "Modifier",
        "mov.f32 %f0, 1.0; fma.f32 %f1, %f0, %f0, %f0; ret;",
        "mov.f32 %f0, 1.0; fma.rn.f32 %f1, %f0, %f0, %f0; ret;",
        "fma.f32 %f1, %f0, %f0, %f0;",
    ),
    (
        "Modifier",
        "mov.f32 %f0, 1.0; fma.rn.relu.f32 %f1, %f0, %f0, %f0; ret;",
        "mov.f32 %f0, 1.0; fma.rn.sat.f32 %f1, %f0, %f0, %f0; ret;",
        "fma.rn.relu.f32 %f1, %f0, %f0, %f0;",
    ),
    (
        "Modifier",
        "mov.b32 %r0, 1; bfe.sat.u32 %r1, %r0, 0, 4; ret;",
        "mov.b32 %r0, 1; bfe.u32 %r1, %r0, 0, 4; ret;",
        "bfe.sat.u32 %r1, %r0, 0, 4;",
    ),
    (
        "Modifier",
        "mov.b32 %r0, 1; bfe.u32 %r1, %r0, 0, 256; ret;",
        "mov.b32 %r0, 1; bfe.u32 %r1, %r0, 0, 255; ret;",
        "bfe.u32 %r1, %r0, 0, 256;",
    ),
    (
        "Modifier",
        "mov.f32 %f0, 1.0; cvt.u32.f32 %r0, %f0; ret;",
        "mov.f32 %f0, 1.0; cvt.rzi.u32.f32 %r0, %f0; ret;",
        "cvt.u32.f32 %r0, %f0;",
    ),
    (
        "Modifier",
        "mov.b16 %h0, 1; cvt.sat.s32.u8 %r0, %h0; ret;",
        "mov.b16 %h0, 1; cvt.s32.u8 %r0, %h0; ret;",
        "cvt.sat.s32.u8 %r0, %h0;",
    ),
    (
        "Modifier",
        "mov.f32 %f0, 1.0; cvt.rn.f32.f32 %f1, %f0; ret;",
        "mov.f32 %f0, 1.0; cvt.rni.f32.f32 %f1, %f0; ret;",
        "cvt.rn.f32.f32 %f1, %f0;",
    ),
    (
        "Modifier",
        "mov.b32 %r0, 1; mul.wide.u32 %rd0, %r0, %r0; mul.wide.u64 %rd0, %rd0, %rd0; ret;",
        "mov.b32 %r0, 1; mul.wide.u32 %rd0, %r0, %r0; mul.lo.u64 %rd0, %rd0, %rd0; ret;",
        "mul.wide.u64 %rd0, %rd0, %rd0;",
    ),
    ("Modifier", "bar.sync 16; ret;", "bar.sync 15; ret;", "bar.sync 16;"),
    ("Modifier", "bar.sync 1, 48; ret;", "bar.sync 1, 64; ret;", "bar.sync 1, 48;"),
    ("Modifier", "fence.relaxed.gpu; ret;", "fence.acq_rel.gpu; ret;", "fence.relaxed.gpu;"),
    (
        "Modifier",
        "ld.shared.nc.b32 %r0, [tile]; ret;",
        "ld.shared.b32 %r0, [tile]; ret;",
        "ld.shared.nc.b32 %r0, [tile];",
    ),
    (
        "Modifier",
        "ld.acquire.shared.b32 %r0, [tile]; ret;",
        "ld.acquire.cta.shared.b32 %r0, [tile]; ret;",
        "ld.acquire.shared.b32 %r0, [tile];",
    ),
    ("Modifier", "st.shared.lu.b32 [tile], 1; ret;", "st.shared.b32 [tile], 1; ret;", "st.shared.lu.b32 [tile], 1;"),
    (
        "Modifier",
        "red.acquire.gpu.shared.add.u32 [tile], 1; ret;",
        "red.release.gpu.shared.add.u32 [tile], 1; ret;",
        "red.acquire.gpu.shared.add.u32 [tile], 1;",
    ),
    (
        "Modifier",
        "ld.shared.L2::128B.b32 %r0, [tile]; ret;",
        "ld.shared.b32 %r0, [tile]; ret;",
        "ld.shared.L2::128B.b32 %r0, [tile];",
    ),
    (
        "Modifier",
        "createpolicy.fractional.L2::no_allocate.b64 %rd0; ret;",
        "createpolicy.fractional.L2::evict_last.b64 %rd0; ret;",
        "createpolicy.fractional.L2::no_allocate.b64 %rd0, 0f3F800000;",
    ),
    (
        "Modifier",
        "createpolicy.fractional.L2::evict_last.b64 %rd0, 0f40000000; ret;",
        "createpolicy.fractional.L2::evict_last.b64 %rd0, 0f3F000000; ret;",
        "createpolicy.fractional.L2::evict_last.b64 %rd0, 0f40000000;",
    ),
    ("Count", "mov.b64 %rd0, {1, 2, 3}; ret;", "mov.b64 %rd0, {1, 2}; ret;", "mov.b64 %rd0, {1, 2, 3};"),
    (
        "Vector",
        "mov.u64 %rd0, 0; ld.global.v4.b64 {%rd0, %rd1, %rd2, %rd3}, [%rd0]; ret;",
        "mov.u64 %rd0, 0; ld.global.v2.b64 {%rd0, %rd1}, [%rd0]; ret;",
        "ld.global.v4.b64 {%rd0, %rd1, %rd2, %rd3}, [%rd0];",
    ),
    ("Undefined", "add.u32 %r0, %r1, 1; ret;", "mov.u32 %r1, 1; add.u32 %r0, %r1, 1; ret;", "add.u32 %r0, %r1, 1;"),
    (
        "Modifier",
        "mov.u32 %r0, 1; vadd4.u32.u32.u32.sat.add %r0, %r0, %r0, %r0; ret;",
        "mov.u32 %r0, 1; vadd4.u32.u32.u32.sat %r0, %r0, %r0, %r0; ret;",
        "vadd4.u32.u32.u32.sat.add %r0, %r0, %r0, %r0;",
    ),
    (
        "Modifier",
        "mad24.lo.sat.s32 %r0, 1, 2, 3; ret;",
        "mad24.hi.sat.s32 %r0, 1, 2, 3; ret;",
        "mad24.lo.sat.s32 %r0, 1, 2, 3;",
    ),
    (
        "Modifier",
        "slct.ftz.u32.s32 %r0, 1, 2, 3; ret;",
        "slct.u32.s32 %r0, 1, 2, 3; ret;",
        "slct.ftz.u32.s32 %r0, 1, 2, 3;",
    ),
    (
        "Modifier",
        "cvt.pack.sat.u8.s32 %r0, 1, 2; ret;",
        "cvt.pack.sat.u8.s32.b32 %r0, 1, 2, 3; ret;",
        "cvt.pack.sat.u8.s32 %r0, 1, 2;",
    ),
    // Only `.cc` writes the carry flag.
    (
        "Undefined",
        "mov.u32 %r1, 1; add.u32 %r1, %r1, 1; addc.u32 %r0, %r1, 1; ret;",
        "mov.u32 %r1, 1; add.cc.u32 %r1, %r1, 1; addc.u32 %r0, %r1, 1; ret;",
        "addc.u32 %r0, %r1, 1;",
    ),
    // Written on the path that falls through, not on the one that branches.
    (
        "Undefined",
        "setp.eq.u32 %p0, 1, 1; @%p0 bra $L0; mov.u32 %r1, 1; $L0: add.u32 %r0, %r1, 1; ret;",
        "setp.eq.u32 %p0, 1, 1; mov.u32 %r1, 0; @%p0 bra $L0; mov.u32 %r1, 1; $L0: add.u32 %r0, %r1, 1; ret;",
        "add.u32 %r0, %r1, 1;",
    ),
    // Written in a loop's body, read at its head: missing on the first trip.
    (
        "Undefined",
        "setp.eq.u32 %p0, 1, 1; $L0: add.u32 %r0, %r1, 1; mov.u32 %r1, 1; @%p0 bra $L0; ret;",
        "setp.eq.u32 %p0, 1, 1; $L0: mov.u32 %r1, 1; add.u32 %r0, %r1, 1; @%p0 bra $L0; ret;",
        "add.u32 %r0, %r1, 1;",
    ),
    (
        "OutOfBounds",
        "ld.shared.b32 %r0, [tile+64]; ret;",
        "ld.shared.b32 %r0, [tile+60]; ret;",
        "ld.shared.b32 %r0, [tile+64];",
    ),
    (
        "OutOfBounds",
        "ld.shared.b32 %r0, [tile-4]; ret;",
        "ld.shared.b32 %r0, [tile]; ret;",
        "ld.shared.b32 %r0, [tile+-4];",
    ),
    (
        "OutOfBounds",
        "ld.param.u64 %rd0, [k_x+8]; ret;",
        "ld.param.u64 %rd0, [k_x]; ret;",
        "ld.param.u64 %rd0, [k_x+8];",
    ),
    (
        "Misaligned",
        "ld.shared.b32 %r0, [tile+2]; ret;",
        "ld.shared.b16 %h0, [tile+2]; ret;",
        "ld.shared.b32 %r0, [tile+2];",
    ),
    (
        "MisalignedOffset",
        "mov.u64 %rd0, 0; ld.global.v4.b32 {%r0, %r1, %r2, %r3}, [%rd0+8]; ret;",
        "mov.u64 %rd0, 0; ld.global.v2.b32 {%r0, %r1}, [%rd0+8]; ret;",
        "ld.global.v4.b32 {%r0, %r1, %r2, %r3}, [%rd0+8];",
    ),
    (
        "AddressWidth",
        "mov.u32 %r0, tile; ld.global.b32 %r1, [%r0]; ret;",
        "mov.u32 %r0, tile; ld.shared.b32 %r1, [%r0]; ret;",
        "ld.global.b32 %r1, [%r0];",
    ),
];

fn name(reason: &Reason) -> String {
    let text = format!("{reason:?}");
    text.split([' ', '{']).next().unwrap().to_owned()
}

#[test]
fn broken_bodies_are_refused_where_they_break() {
    for (reason, broken, mended, place) in BODIES {
        let errors = violations(&kernel(broken), &kernel(mended), Some(place));
        assert_eq!(errors.iter().map(|error| name(&error.reason)).collect::<Vec<_>>(), [reason], "{broken}");
    }
}

/// What only a changed kernel can break: the reason, the change, and the statement.
type Change = (&'static str, fn(&mut Kernel), Option<&'static str>);

const BODY: &str =
    "ld.param.u32 %r0, [k_n]; setp.eq.u32 %p0, %r0, 1; $L0: @%p0 bra $L0; ld.shared.b32 %r1, [tile]; ret;";

const CHANGES: [Change; 15] = [
    ("Identifier", |kernel| kernel.name = "1k".to_owned(), None),
    ("Identifier", |kernel| kernel.params[0].name = "x y".to_owned(), None),
    ("Identifier", |kernel| kernel.shared[1].name.clear(), None),
    ("Duplicate", |kernel| kernel.params[0].name = "n".to_owned(), None),
    ("Duplicate", |kernel| kernel.shared[0].name = "tile".to_owned(), None),
    ("Alignment", |kernel| kernel.params[0].align = 12, None),
    ("Alignment", |kernel| kernel.shared[0].align = 0, None),
    ("ParameterSize", |kernel| kernel.params[0].bytes = 4, None),
    ("ParameterSpace", |kernel| (kernel.params[0].ty, kernel.params[0].bytes) = (Type::B8, 4352), None),
    ("SharedSpace", |kernel| kernel.shared[1].size = SharedSize::Static(Target::STATIC_SHARED_BYTES + 1), None),
    ("DuplicateLabel", |kernel| kernel.body.insert(2, kernel.body[2].clone()), Some("$L0:")),
    ("MissingLabel", |kernel| drop(kernel.body.remove(2)), Some("@%p0 bra $L0;")),
    ("Undeclared", |kernel| base(kernel, 0, Base::Param(ParamIndex(2))), Some("ld.param.u32 %r0, [k_?];")),
    ("Undeclared", |kernel| base(kernel, 4, Base::Shared(Shared(2))), Some("ld.shared.b32 %r1, [?];")),
    ("Undeclared", |kernel| base(kernel, 4, Base::Param(ParamIndex(1))), Some("ld.shared.b32 %r1, [k_n];")),
];

fn base(kernel: &mut Kernel, index: usize, base: Base) {
    if let Statement::Inst(inst) = &mut kernel.body[index]
        && let Op::Load { address, .. } = &mut inst.op
    {
        *address = Address { base, offset: 0 };
    }
}

#[test]
fn broken_declarations_are_refused_by_name() {
    for (index, (reason, change, place)) in CHANGES.into_iter().enumerate() {
        let errors = violations(&changed(BODY, change), &kernel(BODY), place);
        assert_eq!(errors.iter().map(|error| name(&error.reason)).collect::<Vec<_>>(), [reason], "change {index}");
    }
}

#[test]
fn limits_themselves_are_allowed() {
    let full = changed(BODY, |kernel| kernel.shared[1].size = SharedSize::Static(Target::STATIC_SHARED_BYTES));
    assert_eq!(verify(&full), Ok(()));
    let full = changed(BODY, |kernel| (kernel.params[0].ty, kernel.params[0].bytes) = (Type::B8, 4348));
    assert_eq!(verify(&full), Ok(()));
}

/// Instructions that sm_80 lacks and sm_90 has.
const HOPPER: [&str; 6] = [
    "mov.b16 %h0, 0; cvt.ftz.f32.bf16 %f0, %h0; ret;",
    "mov.b32 %r0, 0; add.bf16x2 %r1, %r0, %r0; ret;",
    "mov.b16 %h0, 0; setp.lt.bf16 %p0, %h0, %h0; ret;",
    "mov.b32 %r0, 0; ex2.approx.ftz.bf16x2 %r1, %r0; ret;",
    "fence.acq_rel.cluster; ret;",
    "red.cluster.shared.add.u32 [tile], 1; ret;",
];

#[test]
fn instructions_the_target_lacks_are_refused() {
    for body in HOPPER {
        let lacking = kernel(body);
        let having = Module { target: Target::Sm90, ..lacking.clone() };
        let place = lacking.kernels[0].statement_text(lacking.kernels[0].body.len() - 2).unwrap();
        let errors = violations(&lacking, &having, Some(&place));
        let [VerifyError { reason: Reason::TargetLacks { target: Target::Sm80, requirement }, .. }] = &errors[..]
        else {
            panic!("{errors:?}")
        };
        assert_eq!(requirement.capability, 90);
    }
}

/// A module with a variable that points at another, and a kernel that calls a function.
fn with_a_call() -> Module {
    let text = ".version 7.0\n.target sm_80\n.address_size 64\n.global .align 4 .u32 count = 7;\n\
                .global .align 8 .u64 there = generic(count)+4;\n\
                .func (.param .b32 f_r) f(.param .b32 f_a) { .reg .b32 %r<1>; ld.param.b32 %r0, [f_a]; st.param.b32 [f_r], %r0; ret; }\n\
                .visible .entry k() { .reg .b64 %rd<1>; { .param .b32 a; .param .b32 r; st.param.b32 [a], 1; call (r), f, (a); } \
                mov.u64 %rd0, count+4; ret; }";
    parse(text).unwrap_or_else(|errors| panic!("{errors}")).module
}

#[test]
fn calls_pass_what_the_function_wants() {
    let mended = with_a_call();
    let mut broken = mended.clone();
    broken.functions[0].code.params[0].bytes = 8;
    broken.functions[0].code.params[0].ty = Type::B64;
    let errors = violations(&broken, &mended, Some("call (r), f, (a);"));
    assert_eq!(errors[0].reason, Reason::ArgumentSize { name: "a".to_owned(), bytes: 4, wanted: 8 });
    let mut broken = mended.clone();
    broken.functions.clear();
    let errors = violations(&broken, &mended, Some("call (r), f, (a);"));
    assert!(matches!(errors[0].reason, Reason::Undeclared { what: "function", .. }), "{errors:?}");
}

#[test]
fn initialisers_fit_their_variables_and_point_at_some() {
    let mended = with_a_call();
    for change in [
        |module: &mut Module| module.variables[0].data = vec![0; 5],
        |module: &mut Module| module.variables[1].pointers[0].to = "nothing".to_owned(),
        |module: &mut Module| module.variables[1].pointers[0].at = 4,
    ] {
        let mut broken = mended.clone();
        change(&mut broken);
        let errors = violations(&broken, &mended, None);
        assert!(matches!(&errors[0].reason, Reason::Initialiser { .. }), "{errors:?}");
    }
}

#[test]
fn two_kernels_cannot_share_a_name() {
    let module = kernel("ret;");
    let twice = Module { kernels: vec![module.kernels[0].clone(), module.kernels[0].clone()], ..module.clone() };
    let errors = violations(&twice, &module, None);
    assert_eq!(errors[0].to_string(), "module: kernel `k` is declared twice");
}

#[test]
fn dynamic_arrays_of_two_kernels_cannot_share_a_printed_name() {
    let module = kernel("ret;");
    let mut other = module.kernels[0].clone();
    (other.name, other.shared[0].name) = ("k_more".to_owned(), "x".to_owned());
    let mended = Module { kernels: vec![module.kernels[0].clone(), other], ..module };
    let mut broken = mended.clone();
    broken.kernels[0].shared[0].name = "more_x".to_owned();
    assert_eq!(
        violations(&broken, &mended, None)[0].to_string(),
        "module: dynamic shared array `k_more_x` is declared twice"
    );
}

#[test]
fn all_violations_are_reported_in_the_order_of_the_text() {
    let module = kernel("add.u32 %r0, %r1, 1; mov.f32 %f0, 1; bar.sync 16; ret;");
    let errors = verify(&module).unwrap_err();
    let places: Vec<_> = errors.errors().iter().map(|error| error.statement.as_ref().unwrap().0).collect();
    assert_eq!(places, [0, 1, 2]);
    assert_eq!(errors.to_string().lines().count(), 3);
}

#[test]
fn every_reason_has_a_case() {
    let source = include_str!("../src/verify/error.rs");
    let (_, body) = source.split_once("pub enum Reason {").unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let variant = |line: &str| Some(line.strip_prefix("    ")?.split([' ', ',']).next()?.to_owned());
    let declared: BTreeSet<_> =
        body.lines().filter_map(variant).filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase())).collect();
    let bodies = BODIES.iter().map(|case| case.0);
    let tested: BTreeSet<_> = bodies
        .chain(CHANGES.iter().map(|case| case.0))
        .chain(["TargetLacks", "ArgumentSize", "Initialiser"])
        .map(str::to_owned)
        .collect();
    assert_eq!(declared, tested);
    assert_eq!(declared.len(), 24);
}
