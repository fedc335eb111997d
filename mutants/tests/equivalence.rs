//! What the rules prove of a small kernel, and what they must not.

use tilewright_mutants::equivalence::Facts;
use tilewright_mutants::{Group, Operator};
use tilewright_ptx_ir::parse;

const TEXT: &str = "
.version 7.8
.target sm_90
.address_size 64
.visible .entry tiny(.param .u64 tiny_x, .param .u64 tiny_y, .param .u32 tiny_k)
.reqntid 64, 1, 1
{
    .reg .pred %p<6>;
    .reg .b32 %r<20>;
    .reg .b64 %rd<6>;
    .reg .f32 %f<8>;
    .shared .align 16 .b8 tile[1024];
    ld.param.u64 %rd0, [tiny_x];
    ld.param.u64 %rd1, [tiny_y];
    ld.param.u32 %r0, [tiny_k];
    mov.u32 %r1, %tid.x;
    mul.lo.u32 %r2, %r1, 8;
    add.u32 %r3, %r2, 3;
    setp.lt.u32 %p0, %r3, %r0;
    setp.lt.u32 %p1, %r1, %r0;
    selp.u32 %r4, %r1, 0, %p1;
    mad.wide.u32 %rd2, %r4, 16, %rd0;
    selp.u32 %r5, 16, 0, %p1;
    mov.u32 %r6, tile;
    mad.lo.u32 %r6, %r1, 16, %r6;
    cp.async.cg.shared.global [%r6], [%rd2], 16, %r5;
    cp.async.commit_group;
    cp.async.commit_group;
    cp.async.wait_group 0;
    bar.sync 0;
    ld.shared.f32 %f0, [%r6];
    lop3.b32 %r7, %r1, 983055, 1677747200, 234;
    add.u32 %r8, %r7, %r1;
    mad.wide.u32 %rd3, %r8, 4, %rd1;
    @%p0 st.global.f32 [%rd3], %f0;
    ret;
}
";

/// The changes that an operator makes, and whether each is proved not to matter.
fn proofs(operator: &str) -> Vec<(String, bool)> {
    let module = parse(TEXT).map(|parsed| parsed.module);
    let kernel = module.ok().and_then(|mut module| module.kernels.pop());
    let (Some(kernel), Some(operator)) = (kernel, Operator::named(operator)) else { return Vec::new() };
    let mut kernel = kernel;
    // Host code checks k by this name: a multiple of 8 for int4 weights.
    kernel.params.iter_mut().for_each(|param| param.name = param.name.replace("tiny_", ""));
    let facts = Facts::of(&kernel, Group::MatmulInt4, Some([1, 64]));
    let mutants = operator.mutants(&kernel);
    mutants.iter().map(|mutant| (mutant.edit.describe(&kernel), facts.proof(mutant).is_some())).collect()
}

#[track_caller]
fn says(operator: &str, change: &str, is_proved: bool) {
    let proofs = proofs(operator);
    let found = proofs.iter().find(|(text, _)| text.starts_with(change));
    assert_eq!(found.map(|(_, proved)| *proved), Some(is_proved), "{operator} {change}: {proofs:#?}");
}

#[test]
fn a_wait_may_leave_an_empty_group_out() {
    says("late-wait", "cp.async.wait_group 1;", true);
    says("drop-commit", "without", true);
    says("drop-wait", "without", false);
}

#[test]
fn an_index_in_a_chunk_is_compared_with_a_multiple_of_it() {
    // 8 i + 3 is never k, nor k - 1, where k is a multiple of 8.
    says("compare-boundary", "setp.le.u32 %p0", true);
    says("bound-plus", "add.s32 %r9, %r0, 1; setp.lt.u32 %p0", true);
    says("immediate-plus", "add.u32 %r3, %r2, 4;", true);
    // i may be.
    says("compare-boundary", "setp.le.u32 %p1", false);
}

#[test]
fn an_address_where_nothing_is_read_does_not_matter() {
    says("select-first", "mov.u32 %r4, %r1;", true);
    says("select-first", "mov.u32 %r5, 16;", false);
}

#[test]
fn two_constants_do_not_look_all_of_a_table_up() {
    let proofs = proofs("lop3-table");
    let proved: Vec<bool> = proofs.iter().map(|(_, proved)| *proved).collect();
    // Entries a, b, c = 0, 1, 1 and 1, 1, 1: where the mask is set the third operand is not.
    assert_eq!(proved, [false, false, false, true, false, false, false, true], "{proofs:#?}");
}

/// A loop that is entered whatever its counter is later, and constants that are put down in front of it.
const LOOP: &str = "
.version 7.8
.target sm_90
.address_size 64
.visible .entry w4a16_16x48_shared(.param .u64 w4a16_16x48_shared_y, .param .u32 w4a16_16x48_shared_m)
.reqntid 32, 1, 1
{
    .reg .pred %p<3>;
    .reg .b32 %r<12>;
    .reg .b64 %rd<4>;
    .reg .f32 %f<8>;
    .shared .align 16 .b8 tile[1024];
    ld.param.u64 %rd0, [w4a16_16x48_shared_y];
    ld.param.u32 %r0, [w4a16_16x48_shared_m];
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, tile;
    mad.lo.u32 %r2, %r1, 8, %r2;
    mov.f32 %f0, 0f00000000;
    mov.f32 %f1, 0f00000000;
    mov.f32 %f2, 0f40000000;
    mov.f32 %f3, 0f00000000;
    st.shared.v2.f32 [%r2], {%f0, %f1};
    st.shared.v2.f32 [%r2+256], {%f0, %f2};
    sub.u32 %r3, %r0, 1;
    min.u32 %r4, %r1, %r3;
    min.u32 %r5, %r1, %r0;
    bar.sync 0;
    mov.u32 %r6, 0;
    setp.lt.u32 %p0, %r6, 3;
    @!%p0 bra $L1;
$L0:
    add.u32 %r6, %r6, 1;
    add.f32 %f3, %f3, %f1;
    setp.lt.u32 %p0, %r6, 3;
    @%p0 bra $L0;
$L1:
    mad.wide.u32 %rd1, %r4, 4, %rd0;
    mad.wide.u32 %rd2, %r5, 4, %rd0;
    st.global.f32 [%rd1], %f3;
    st.global.f32 [%rd2], %f3;
    ret;
}
";

/// Whether each change that an operator makes of [`LOOP`] is proved not to matter.
fn in_loop(operator: &str) -> Vec<(String, bool)> {
    let mut kernel = parse(LOOP).unwrap().module.kernels.pop().unwrap();
    kernel.params.iter_mut().for_each(|param| param.name = param.name.replace("w4a16_16x48_shared_", ""));
    let facts = Facts::of(&kernel, Group::MatmulInt4, None);
    let mutants = Operator::named(operator).unwrap().mutants(&kernel);
    mutants.iter().map(|mutant| (mutant.edit.describe(&kernel), facts.proof(mutant).is_some())).collect()
}

#[track_caller]
fn proves(operator: &str, wanted: &[bool]) {
    let found = in_loop(operator);
    assert_eq!(found.iter().map(|(_, proved)| *proved).collect::<Vec<_>>(), wanted, "{operator}: {found:#?}");
}

#[test]
fn a_loop_that_is_always_entered_needs_no_branch_around_it() {
    // In front of the loop the counter is 0, which it is not behind the step.
    proves("never-branch", &[true, false]);
    proves("always-branch", &[false, false]);
    proves("compare-boundary", &[true, false]);
    proves("bound-minus", &[true, false]);
}

#[test]
fn equal_constants_may_change_places() {
    proves("vector-swap", &[true, false]);
    proves("vector-last", &[true, false]);
}

#[test]
fn the_row_of_an_absent_row_does_not_matter() {
    // m - 1 is a limit of rows; m is none.
    proves("drop-limit", &[true, false]);
    proves("operand-swap", &[true]);
}

#[test]
fn only_what_is_put_down_before_the_first_round_may_be_another_number() {
    let found = in_loop("initial-value");
    let of = |register: &str| {
        let found = found.iter().find(|(text, _)| text.contains(&format!("mov.f32 {register}, ")));
        found.map(|(_, proved)| *proved)
    };
    // The second is summed too, the third is no zero.
    assert_eq!([of("%f0"), of("%f1"), of("%f3")], [Some(true), Some(false), Some(false)], "{found:#?}");
}
