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
