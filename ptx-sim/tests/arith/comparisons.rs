//! Comparisons with two results or with results that are no predicates, against plain Rust.

use crate::support::kernel::{bytes, run, words};
use half::{bf16, f16};

/// Two words of each thread.
const PAIRS: [(u32, u32); 12] = [
    (0, 0),
    (1, 2),
    (0xFFFF_FFFF, 1),
    (0x8000_0000, 0x7FFF_FFFF),
    (0x3C00_3C00, 0x3C00_4000),
    (0x7E00_0001, 0x0001_8001),
    (0x8000_0000, 0x0000_8000),
    (0x3F80_4000, 0x4000_3F80),
    (0x7FC0_0000, 0x7FC0_0000),
    (0x8000_0001, 0x0000_0001),
    (0xFF80_FC00, 0x7F80_7C00),
    (0x3F80_0000, 0x3F80_0000),
];

/// What `body` leaves in %r31 of each thread, which has its pair in %r3 and %r4, and as floats in %f3 and %f4; %p0 holds in odd threads.
fn answers(body: &str) -> Vec<u32> {
    let input = bytes(PAIRS.iter().flat_map(|(a, b)| [*a, *b]).chain([0; 40]));
    let text = format!(
        "mul.wide.u32 %rd3, %r1, 8;\nadd.u64 %rd4, %rd1, %rd3;\nld.global.v2.u32 {{%r3, %r4}}, [%rd4];\n\
         mov.b32 %f3, %r3;\nmov.b32 %f4, %r4;\nand.b32 %r5, %r1, 1;\nsetp.eq.u32 %p0, %r5, 1;\n\
         mov.b32 {{%h3, %h5}}, %r3;\nmov.b32 {{%h4, %h6}}, %r4;\n{body}\n\
         mul.wide.u32 %rd3, %r1, 4;\nadd.u64 %rd4, %rd2, %rd3;\nst.global.u32 [%rd4], %r31;"
    );
    words(&run(&text, 32, &input, 128))[..PAIRS.len()].to_vec()
}

#[track_caller]
fn check(body: &str, wanted: impl Fn(u32, u32, bool) -> u32) {
    let wanted: Vec<u32> = PAIRS.iter().enumerate().map(|(thread, (a, b))| wanted(*a, *b, thread % 2 == 1)).collect();
    assert_eq!(answers(body), wanted, "{body}");
}

fn all(holds: bool) -> u32 {
    if holds { u32::MAX } else { 0 }
}

fn halves(word: u32) -> [f16; 2] {
    [word as u16, (word >> 16) as u16].map(f16::from_bits)
}

fn brains(word: u32) -> [bf16; 2] {
    [word as u16, (word >> 16) as u16].map(bf16::from_bits)
}

#[test]
fn set_of_integers_and_floats() {
    check("set.gt.u32.s32 %r31, %r3, %r4;", |a, b, _| all(a as i32 > b as i32));
    check("set.lo.s32.u32 %r31, %r3, %r4;", |a, b, _| all(a < b));
    check("set.ne.u32.b32 %r31, %r3, %r4;", |a, b, _| all(a != b));
    check("set.num.u32.f32 %r31, %f3, %f4;", |a, b, _| all(!f32::from_bits(a).is_nan() && !f32::from_bits(b).is_nan()));
    let one = 1.0f32.to_bits();
    let single = |holds: bool| if holds { one } else { 0 };
    check("set.leu.f32.f32 %f5, %f3, %f4; mov.b32 %r31, %f5;", |a, b, _| {
        single(f32::from_bits(a).partial_cmp(&f32::from_bits(b)) != Some(std::cmp::Ordering::Greater))
    });
    // A subnormal is a zero then.
    check("set.eq.ftz.f32.f32 %f5, %f3, %f4; mov.b32 %r31, %f5;", |a, b, _| {
        let flushed = |bits: u32| if f32::from_bits(bits).is_subnormal() { 0.0 } else { f32::from_bits(bits) };
        single(flushed(a) == flushed(b))
    });
    check("set.ge.and.u32.s32 %r31, %r3, %r4, %p0;", |a, b, p| all(a as i32 >= b as i32 && p));
    check("set.ge.or.u32.s32 %r31, %r3, %r4, !%p0;", |a, b, p| all(a as i32 >= b as i32 || !p));
    check("set.ge.xor.u32.s32 %r31, %r3, %r4, 1;", |a, b, _| all((a as i32) < b as i32));
}

#[test]
fn set_of_halves() {
    let word = |low: bool, high: bool, one: u32| u32::from(low) * one + u32::from(high) * (one << 16);
    check("set.gt.f16x2.f16x2 %r31, %r3, %r4;", |a, b, _| {
        let ([a, c], [b, d]) = (halves(a), halves(b));
        word(a > b, c > d, 0x3C00)
    });
    check("set.neu.u32.f16x2 %r31, %r3, %r4;", |a, b, _| {
        let ([a, c], [b, d]) = (halves(a), halves(b));
        word(a != b, c != d, 0xFFFF)
    });
    check("set.lt.xor.bf16x2.bf16x2 %r31, %r3, %r4, %p0;", |a, b, p| {
        let ([a, c], [b, d]) = (brains(a), brains(b));
        word((a < b) != p, (c < d) != p, 0x3F80)
    });
    let half = "mov.b32 %r31, {%h7, %h7};";
    let twice = |bits: u32| bits << 16 | bits;
    let first = |a: u32, b: u32| (halves(a)[0], halves(b)[0]);
    check(&format!("set.eq.f16.f16 %h7, %h3, %h4; {half}"), |a, b, _| {
        let (a, b) = first(a, b);
        twice(u32::from(a == b) * 0x3C00)
    });
    check(&format!("set.nan.s16.f16 %h7, %h3, %h4; {half}"), |a, b, _| {
        let (a, b) = first(a, b);
        twice(u32::from(a.is_nan() || b.is_nan()) * 0xFFFF)
    });
    check(&format!("set.lt.bf16.s32 %h7, %r3, %r4; {half}"), |a, b, _| {
        twice(u32::from((a as i32) < b as i32) * 0x3F80)
    });
    check("set.le.u32.f16 %r31, %h3, %h4;", |a, b, _| {
        let (a, b) = first(a, b);
        all(a <= b)
    });
}

#[test]
fn setp_has_two_results() {
    let both = "selp.u32 %r5, 1, 0, %p1; selp.u32 %r6, 2, 0, %p2; add.u32 %r31, %r5, %r6;";
    let bits = |p: bool, q: bool| u32::from(p) | u32::from(q) << 1;
    check(&format!("setp.lt.s32 %p1|%p2, %r3, %r4; {both}"), |a, b, _| {
        let holds = (a as i32) < b as i32;
        bits(holds, !holds)
    });
    check(&format!("setp.lt.and.u32 %p1|%p2, %r3, %r4, !%p0; {both}"), |a, b, p| bits(a < b && !p, a >= b && !p));
    // What is not a number is not less than anything: the opposite holds.
    check(&format!("setp.lt.f32 %p1|%p2, %f3, %f4; {both}"), |a, b, _| {
        let holds = f32::from_bits(a) < f32::from_bits(b);
        bits(holds, !holds)
    });
    check(&format!("setp.le.f16x2 %p1|%p2, %r3, %r4; {both}"), |a, b, _| {
        let ([a, c], [b, d]) = (halves(a), halves(b));
        bits(a <= b, c <= d)
    });
    check(&format!("setp.le.or.bf16x2 %p1|%p2, %r3, %r4, %p0; {both}"), |a, b, p| {
        let ([a, c], [b, d]) = (brains(a), brains(b));
        bits(a <= b || p, c <= d || p)
    });
    let one = "selp.u32 %r31, 1, 0, %p1;";
    check(&format!("setp.lt.s32 %p1|_, %r3, %r4; {one}"), |a, b, _| u32::from((a as i32) < b as i32));
    check(&format!("setp.lt.s32 _|%p1, %r3, %r4; {one}"), |a, b, _| u32::from(a as i32 >= b as i32));
    check(&format!("setp.lt.and.s32 %p1, %r3, %r4, 1; {one}"), |a, b, _| u32::from((a as i32) < b as i32));
    check(&format!("setp.lt.and.s32 %p1, %r3, %r4, !%p0; {one}"), |a, b, p| u32::from((a as i32) < b as i32 && !p));
}

#[test]
fn votes_on_constants() {
    let one = "selp.u32 %r31, 1, 0, %p1;";
    for (instruction, wanted) in [("uni.pred %p1, 1", 1), ("all.pred %p1, 0", 0), ("any.pred %p1, !0", 1)] {
        check(&format!("vote.sync.{instruction}, 0xffffffff; {one}"), |_, _, _| wanted);
    }
    check("vote.sync.ballot.b32 %r31, 1, 0xffffffff;", |_, _, _| u32::MAX);
    check("vote.sync.ballot.b32 %r31, !%p0, 0xffffffff;", |_, _, _| 0x5555_5555);
}
