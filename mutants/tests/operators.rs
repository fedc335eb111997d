//! Each operator changes what it says; a few mutants end to end.

#![expect(clippy::unwrap_used, reason = "a test that panics fails")]

use tilewright_mutants::{Case, Group, Kill, OPERATORS, Operator, Outcome, Subject, discover, judge};
use tilewright_ptx_ir::{ir::Kernel, parse, verify};

const TEXT: &str = "
.version 7.8
.target sm_90
.address_size 64
.visible .entry tiny(.param .u64 tiny_x, .param .u64 tiny_y, .param .u32 tiny_n)
.reqntid 64, 1, 1
{
    .reg .pred %p<3>;
    .reg .b16 %h<3>;
    .reg .b32 %r<12>;
    .reg .b64 %rd<4>;
    .reg .f32 %f<8>;
    .shared .align 16 .b8 tile[1024];
    ld.param.u64 %rd0, [tiny_x];
    ld.param.u64 %rd1, [tiny_y];
    ld.param.u32 %r0, [tiny_n];
    mov.u32 %r1, %tid.x;
    mad.lo.u32 %r2, %r1, 4, 0;
    mov.u32 %r3, tile;
    add.u32 %r3, %r3, %r2;
    mad.wide.u32 %rd2, %r1, 4, %rd0;
    cp.async.ca.shared.global [%r3], [%rd2], 4;
    cp.async.commit_group;
    cp.async.wait_group 0;
    bar.sync 0;
    ld.shared.f32 %f0, [%r3];
    setp.lt.u32 %p0, %r1, %r0;
    @!%p0 bra $L0;
    fma.rn.f32 %f1, %f0, 0f40000000, %f0;
    shr.u32 %r4, %r1, 3;
    and.b32 %r4, %r4, 7;
    min.u32 %r4, %r4, 5;
    max.NaN.f32 %f2, %f1, 0f00000000;
    mad.wide.u32 %rd3, %r1, 4, %rd1;
    @%p0 st.global.f32 [%rd3], %f2;
$L0:
    ret;
}
";

fn tiny() -> Kernel {
    parse(TEXT).unwrap().module.kernels.remove(0)
}

fn changes(operator: &str) -> Vec<String> {
    let kernel = tiny();
    let mutants = Operator::named(operator).unwrap().mutants(&kernel);
    mutants.iter().map(|mutant| mutant.edit.describe(&kernel)).collect()
}

#[test]
fn operators_change_what_they_say() {
    for (operator, wanted) in [
        ("drop-barrier", "without bar.sync 0;"),
        ("late-barrier", "ld.shared.f32 %f0, [%r3]; bar.sync 0; for bar.sync 0; ld.shared.f32 %f0, [%r3];"),
        ("drop-commit", "without cp.async.commit_group;"),
        ("drop-wait", "without cp.async.wait_group 0;"),
        ("late-wait", "cp.async.wait_group 1; for cp.async.wait_group 0;"),
        ("drop-guard", "st.global.f32 [%rd3], %f2; for @%p0 st.global.f32 [%rd3], %f2;"),
        ("never-branch", "without @!%p0 bra $L0;"),
        ("compare-boundary", "setp.le.u32 %p0, %r1, %r0; for setp.lt.u32 %p0, %r1, %r0;"),
        ("bound-plus", "add.s32 %r5, %r0, 1; setp.lt.u32 %p0, %r1, %r5; for setp.lt.u32 %p0, %r1, %r0;"),
        ("shift-sign", "shr.s32 %r4, %r1, 3; for shr.u32 %r4, %r1, 3;"),
        ("mask-bit", "and.b32 %r4, %r4, 6; for and.b32 %r4, %r4, 7;"),
        ("min-max", "max.u32 %r4, %r4, 5; for min.u32 %r4, %r4, 5;"),
        ("drop-nan", "max.f32 %f2, %f1, 0f00000000; for max.NaN.f32 %f2, %f1, 0f00000000;"),
        ("float-rounding", "fma.rz.f32 %f1, %f0, 0f40000000, %f0; for fma.rn.f32 %f1, %f0, 0f40000000, %f0;"),
        ("drop-store", "without @%p0 st.global.f32 [%rd3], %f2;"),
        ("drop-copy", "without cp.async.ca.shared.global [%r3], [%rd2], 4;"),
        ("offset-row", "ld.shared.f32 %f0, [%r3+128]; for ld.shared.f32 %f0, [%r3];"),
    ] {
        let changes = changes(operator);
        assert!(changes.iter().any(|change| change == wanted), "{operator}: {changes:#?}");
    }
}

#[test]
fn operators_have_names_of_their_own_and_mutants_are_kernels() {
    let module = parse(TEXT).unwrap().module;
    assert!(verify(&module).is_ok() && OPERATORS.len() >= 30);
    for operator in OPERATORS {
        assert_eq!(Operator::named(operator.name).map(|found| found.what), Some(operator.what));
        for mutant in operator.mutants(&module.kernels[0]) {
            let mut changed = module.clone();
            changed.kernels[0] = mutant.edit.apply(&module.kernels[0]);
            assert_ne!(changed, module, "{}", operator.name);
            // Whether the verifier takes it or not, its text is PTX.
            assert!(
                parse(&changed.to_string()).is_ok(),
                "{}: {}",
                operator.name,
                mutant.edit.describe(&module.kernels[0])
            );
        }
    }
}

/// By a value, by a finding, and not at all.
#[test]
fn mutants_of_a_kernel_are_judged() {
    let cases = Case::of(Group::Reduce);
    let first = cases.iter().position(|case| case.name().starts_with("Sum f32 4x2048 Integers")).unwrap();
    let (module, seen) = discover(&cases[first]).unwrap();
    assert_eq!(seen.kernel, "row_sum_f32_128x4_vector");
    let subject = Subject { module, cases: vec![first] };
    let kernel = subject.kernel().unwrap();
    let outcome = |operator: &str, index: usize| {
        let operator = Operator::named(operator).unwrap();
        judge(&subject, &cases, &operator.mutants(kernel)[index], operator.is_sync)
    };
    let by = |outcome: Outcome| match outcome {
        Outcome::Killed { by, .. } => Some(by),
        _ => None,
    };
    assert!(matches!(by(outcome("drop-shuffle", 0)), Some(Kill::Value(_))));
    assert!(matches!(by(outcome("drop-barrier", 1)), Some(Kill::Finding(_))));
    // Nothing lies in front of the first barrier of a reduction.
    assert_eq!(outcome("drop-barrier", 0), Outcome::Survived);
}
