//! Each rule proves something of one small kernel, and not the same of another.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics fails")]

use tilewright_mutants::equivalence::Facts;
use tilewright_mutants::{Group, Operator};
use tilewright_ptx_ir::parse;

/// Whether each change that `operator` makes of a kernel of these statements is proved not to matter; the names of parameters are those after the kernel's.
#[track_caller]
fn proofs(group: Group, name: &str, body: &str, operator: &str) -> Vec<(String, bool)> {
    let text = format!(
        ".version 7.8\n.target sm_90\n.address_size 64\n.visible .entry {name}(.param .u64 {name}_q, .param .u64 {name}_v, .param .u32 {name}_columns, .param .u32 {name}_len_kv)
.reqntid 64, 1, 1
{{
.reg .pred %p<8>;
.reg .b16 %h<8>;
.reg .b32 %r<32>;
.reg .b64 %rd<12>;
.reg .f32 %f<24>;
.shared .align 16 .b8 tile[1024];
ld.param.u64 %rd0, [{name}_q];
ld.param.u64 %rd1, [{name}_v];
ld.param.u32 %r0, [{name}_columns];
ld.param.u32 %r1, [{name}_len_kv];
mov.u32 %r2, %tid.x;
mad.wide.u32 %rd2, %r2, 4, %rd0;
mad.wide.u32 %rd3, %r2, 4, %rd1;
mov.u32 %r3, tile;
mad.lo.u32 %r3, %r2, 16, %r3;
{body}
ret;
}}"
    );
    let mut kernel = parse(&text).unwrap_or_else(|error| panic!("{error:?}")).module.kernels.pop().unwrap();
    let prefix = format!("{name}_");
    kernel.params.iter_mut().for_each(|param| param.name = param.name.replace(&prefix, ""));
    let facts = Facts::of(&kernel, group, None);
    let mutants = Operator::named(operator).unwrap().mutants(&kernel);
    mutants.iter().map(|mutant| (mutant.edit.describe(&kernel), facts.proof(mutant).is_some())).collect()
}

/// Asserts of the changes for which `part` is part of the text, in their order.
#[track_caller]
fn says(proofs: &[(String, bool)], part: &str, wanted: &[bool]) {
    let found: Vec<bool> =
        proofs.iter().filter(|(text, _)| text.contains(part)).map(|(_, is_proved)| *is_proved).collect();
    assert_eq!(found, wanted, "{part}: {proofs:#?}");
}

const SUMS: &str = "
ld.global.f32 %f0, [%rd2];
ld.global.u16 %h0, [%rd2];
cvt.f32.f16 %f1, %h0;
mov.f32 %f2, 0f00000000;
add.rn.f32 %f2, %f2, %f0;
add.rn.f32 %f2, %f2, %f1;
mov.f32 %f3, 0f00000000;
fma.rn.f32 %f3, %f1, %f1, %f3;
fma.rn.f32 %f3, %f1, %f1, %f3;
mov.f32 %f4, 0f00000000;
fma.rn.f32 %f4, %f0, %f1, %f4;
mov.f32 %f5, 0f80000000;
fma.rn.f32 %f5, %f0, %f1, %f5;
st.global.f32 [%rd3], %f2;
st.global.f32 [%rd3+256], %f3;
st.global.f32 [%rd3+512], %f4;
st.global.f32 [%rd3+768], %f5;";

#[test]
fn the_first_addend_of_a_sum_is_not_rounded() {
    let proofs = |operator| proofs(Group::MatmulF16, "sums", SUMS, operator);
    let rounding = proofs("float-rounding");
    // The second addend is.
    says(&rounding, "add.rz.f32 %f2", &[true, false]);
    // So is a product that is not one of two f16.
    says(&rounding, "fma.rz.f32 %f3", &[true, false]);
    says(&rounding, "fma.rz.f32 %f4", &[false]);
    // A product may be -0, which +0 makes +0; a square is not.
    let drop = proofs("fma-drop");
    says(&drop, "%f3, %f1, %f1", &[true, false]);
    says(&drop, "%f4, %f0, %f1", &[false]);
    says(&drop, "%f5, %f0, %f1", &[true]);
    let sign = proofs("fma-sign");
    says(&sign, "fma.rn.f32 %f3", &[true, false]);
    says(&sign, "fma.rn.f32 %f4", &[false]);
}

const QUOTIENTS: &str = "
mul.hi.u32 %r4, %r2, 613566757;
sub.u32 %r5, %r2, %r4;
shr.u32 %r6, %r5, 1;
mul.hi.u32 %r7, %r0, 613566757;
sub.u32 %r8, %r0, %r7;
shr.u32 %r9, %r8, 1;
st.global.u32 [%rd3], %r6;
st.global.u32 [%rd3+256], %r9;";

#[test]
fn a_number_less_a_part_of_it_is_no_negative_one() {
    // Of the thread's index, which is small; of a parameter nothing is known.
    let proofs = proofs(Group::MatmulF16, "quotients", QUOTIENTS, "shift-sign");
    says(&proofs, "shr.s32 %r6", &[true]);
    says(&proofs, "shr.s32 %r9", &[false]);
}

const SQUARES: &str = "
ld.global.f32 %f0, [%rd2];
mov.f32 %f1, 0f00000000;
mov.f32 %f4, 0f00000000;
setp.lt.u32 %p0, %r2, %r0;
fma.rn.f32 %f2, %f0, %f0, %f1;
@%p0 mov.f32 %f1, %f2;
setp.lt.u32 %p1, %r2, %r0;
add.rn.f32 %f3, %f0, %f4;
@%p1 mov.f32 %f4, %f3;
sub.rn.f32 %f5, %f0, %f1;
fma.rn.f32 %f6, %f5, %f5, %f1;
sub.rn.f32 %f7, %f0, %f4;
fma.rn.f32 %f8, %f7, %f7, %f7;
st.global.f32 [%rd3], %f1;
st.global.f32 [%rd3+256], %f4;
st.global.f32 [%rd3+512], %f6;
st.global.f32 [%rd3+768], %f8;";

#[test]
fn an_absent_element_may_be_squared() {
    let of = |name, operator| proofs(Group::Reduce, name, SQUARES, operator);
    // One that is only added is not known to be 0.
    says(&of("rms_norm_f32_32x1", "compare-boundary"), "setp.le.u32 %p0", &[true]);
    says(&of("rms_norm_f32_32x1", "compare-boundary"), "setp.le.u32 %p1", &[false]);
    // In another kernel it is another number.
    says(&of("row_sum_f32_32x1", "compare-boundary"), "setp.le.u32 %p0", &[false]);
    // A difference that is only squared has no sign.
    let swapped = of("rms_norm_f32_32x1", "operand-swap");
    says(&swapped, "%f5", &[true]);
    says(&swapped, "%f7", &[false]);
}

const LOADS: &str = "
setp.lt.u32 %p0, %r2, %r1;
mov.u16 %h0, 0;
@%p0 ld.global.u16 %h0, [%rd2];
mov.u16 %h1, 0;
@%p0 ld.global.u16 %h1, [%rd3];
st.shared.u16 [%r3], %h0;
st.shared.u16 [%r3+2], %h1;";

#[test]
fn an_absent_query_may_be_any_that_is_there() {
    // A value that is not there is one that is multiplied by 0: it must not be infinite.
    let loads = proofs(Group::Attention, "attention_f16_d64_m16", LOADS, "drop-guard");
    says(&loads, "[%rd2]", &[true]);
    says(&loads, "[%rd3]", &[false]);
}

const TILES: &str = "
setp.lt.u32 %p0, %r2, %r1;
selp.u32 %r5, %r1, 0, %p0;
add.u32 %r6, %r5, 63;
shr.u32 %r7, %r6, 6;
setp.gt.u32 %p1, %r7, 0;
@!%p1 bra $L0;
cp.async.cg.shared.global [%r3], [%rd2], 16;
$L0:
cp.async.commit_group;
setp.gt.u32 %p2, %r7, 1;
@!%p2 bra $L1;
cp.async.cg.shared.global [%r3], [%rd2], 16;
st.global.u32 [%rd3], %r1;
$L1:
cp.async.commit_group;
mov.u32 %r8, 0;
setp.lt.u32 %p3, %r8, %r7;
@!%p3 bra $L3;
$L2:
add.u32 %r8, %r8, 1;
setp.lt.u32 %p4, %r8, %r7;
@%p4 bra $L2;
$L3:
mov.u32 %r9, 0;
setp.lt.u32 %p5, %r9, %r1;
@!%p5 bra $L5;
$L4:
add.u32 %r9, %r9, 1;
setp.lt.u32 %p6, %r9, %r1;
@%p6 bra $L4;
$L5:
st.global.u32 [%rd3], %r9;";

#[test]
fn a_tile_that_no_row_sees_may_be_copied() {
    let of = |operator| proofs(Group::Attention, "attention_f16_d64_m16", TILES, operator);
    // A store goes with the second copy.
    says(&of("never-branch"), "bra $L0", &[true]);
    says(&of("never-branch"), "bra $L1", &[false]);
    says(&of("compare-boundary"), "setp.ge.u32 %p1", &[true]);
    says(&of("compare-boundary"), "setp.ge.u32 %p2", &[false]);
    // One trip more of the loop over tiles, not of another one.
    says(&of("bound-plus"), "setp.lt.u32 %p4, %r8, %r7", &[true]);
    says(&of("bound-plus"), "setp.lt.u32 %p6, %r9, %r1", &[false]);
    // The end that rows have that there are not, not another choice's.
    says(&of("select-first"), "%r5", &[true]);
}

const EXPONENTS: &str = "
ld.param.u32 %r10, [NAME_columns];
mov.b32 %f0, %r10;
ld.global.f32 %f1, [%rd2];
ld.global.f32 %f2, [%rd3];
sub.rn.f32 %f3, %f1, %f2;
ex2.approx.ftz.f32 %f4, %f3;
sub.rn.f32 %f5, %f2, %f1;
ex2.approx.ftz.f32 %f6, %f5;
fma.rn.f32 %f7, %f1, %f0, %f2;
ex2.approx.ftz.f32 %f8, %f7;
shfl.sync.bfly.b32 %f9, %f4, 1, 31, 4294967295;
add.rn.f32 %f10, %f4, %f9;
add.rn.f32 %f11, %f4, %f6;
st.global.f32 [%rd3], %f5;
st.global.f32 [%rd3+256], %f8;
st.global.f32 [%rd3+512], %f10;
st.global.f32 [%rd3+768], %f11;";

#[test]
fn a_subnormal_exponent_is_as_good_as_none() {
    let of = |name: &str| proofs(Group::Attention, name, &EXPONENTS.replace("NAME", name), "float-ftz");
    let (half, brain) = (of("attention_f16_d64_m16"), of("attention_bf16_d64_m16"));
    says(&half, "sub.rn.ftz.f32 %f3", &[true]);
    // It is stored too.
    says(&half, "sub.rn.ftz.f32 %f5", &[false]);
    // Scores of bf16 may be subnormal themselves.
    says(&half, "fma.rn.ftz.f32 %f7", &[true]);
    says(&brain, "fma.rn.ftz.f32 %f7", &[false]);
    // Over the lanes of a query, not the sum of two weights.
    says(&brain, "add.rn.ftz.f32 %f10", &[true]);
    says(&brain, "add.rn.ftz.f32 %f11", &[false]);
}

const RINGS: &str = "
mov.u32 %r10, tile;
mov.u32 %r11, %r10;
mov.u32 %r14, %r10;
mov.u32 %r12, 0;
setp.lt.u32 %p0, %r12, %r1;
@!%p0 bra $L1;
$L0:
setp.lt.u32 %p1, %r11, 5000;
@%p1 st.global.u32 [%rd2], %r12;
setp.lt.u32 %p4, %r14, 5000;
@%p4 st.global.u32 [%rd3], %r12;
add.u32 %r11, %r11, 256;
add.u32 %r13, %r10, 1024;
setp.ge.u32 %p2, %r11, %r13;
@%p2 mov.u32 %r11, %r10;
add.u32 %r14, %r14, 256;
add.u32 %r15, %r10, 1024;
setp.ge.u32 %p3, %r14, %r15;
@%p3 mov.u32 %r15, %r10;
add.u32 %r12, %r12, 1;
setp.lt.u32 %p5, %r12, %r1;
@%p5 bra $L0;
$L1:
st.global.u32 [%rd3], %r15;";

#[test]
fn a_pointer_that_goes_round_stays_small() {
    // One that is put back at the end, and one that is not.
    let proofs = proofs(Group::MatmulF16, "rings", RINGS, "compare-sign");
    says(&proofs, "setp.lt.s32 %p1", &[true]);
    says(&proofs, "setp.lt.s32 %p4", &[false]);
}

const DIFFERENCES: &str = "
add.u32 %r4, 7, %r2;
sub.u32 %r5, %r4, %r2;
shr.u32 %r6, %r5, 1;
sub.u32 %r7, %r4, %r0;
shr.u32 %r8, %r7, 1;
mov.u32 %r9, %nctaid.x;
sub.u32 %r10, %r9, 1;
mov.u32 %r11, %ctaid.x;
sub.u32 %r12, %r10, %r11;
shr.u32 %r13, %r12, 1;
sub.u32 %r14, %r10, %r0;
shr.u32 %r15, %r14, 1;
st.global.u32 [%rd3], %r6;
st.global.u32 [%rd3+256], %r8;
st.global.u32 [%rd3+512], %r13;
st.global.u32 [%rd3+768], %r15;";

#[test]
fn a_sum_less_its_part_and_the_blocks_behind_are_no_negative_numbers() {
    let proofs = proofs(Group::Attention, "differences", DIFFERENCES, "shift-sign");
    says(&proofs, "shr.s32 %r6", &[true]);
    says(&proofs, "shr.s32 %r8", &[false]);
    says(&proofs, "shr.s32 %r13", &[true]);
    says(&proofs, "shr.s32 %r15", &[false]);
}

const ENTRIES: &str = "
mov.u32 %r4, %r2;
setp.lt.u32 %p0, %r4, 64;
@!%p0 bra $L1;
$L0:
st.global.u32 [%rd3], %r4;
add.u32 %r4, %r4, 64;
setp.lt.u32 %p1, %r4, 640;
@%p1 bra $L0;
$L1:
mov.u32 %r5, %r2;
setp.lt.u32 %p2, %r5, 63;
@!%p2 bra $L3;
$L2:
st.global.u32 [%rd3+256], %r5;
add.u32 %r5, %r5, 64;
setp.lt.u32 %p3, %r5, 640;
@%p3 bra $L2;
$L3:
st.global.u32 [%rd3+512], %r5;";

#[test]
fn a_counter_that_starts_below_the_end_needs_no_branch_around_the_loop() {
    // Thread 63 does not enter the second.
    let proofs = proofs(Group::MatmulF16, "entries", ENTRIES, "never-branch");
    says(&proofs, "bra $L1", &[true]);
    says(&proofs, "bra $L3", &[false]);
}
