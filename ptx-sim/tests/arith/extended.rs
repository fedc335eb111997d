//! Numbers of several words: the carry flag.

use crate::support::config;
use proptest::prelude::*;
use tilewright_ptx_ir::ir::{MulPart, Type};
use tilewright_ptx_sim::arith::{carry_multiply_add, carry_sum};
use tilewright_ptx_sim::{Launch, Memory, Options, Profile, Program};

fn word() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), 0u32..3, (0u32..3).prop_map(|less| u32::MAX - less)]
}

fn words() -> impl Strategy<Value = u128> {
    prop::array::uniform4(word()).prop_map(joined)
}

fn joined(words: [u32; 4]) -> u128 {
    words.iter().rev().fold(0, |value, word| value << 32 | u128::from(*word))
}

/// The words of a number, lowest first.
fn parted(value: u128) -> [u32; 4] {
    [0, 32, 64, 96].map(|shift| (value >> shift) as u32)
}

/// A sum or difference of 128 bits by words of `ty`, and what is carried out of it.
fn by_words(subtracts: bool, ty: Type, a: u128, b: u128) -> (u128, bool) {
    let width = 8 * ty.bytes();
    let mut carry = subtracts;
    let mut result = 0;
    for shift in (0..128).step_by(width as usize) {
        let (word, out) = carry_sum(subtracts, ty, (a >> shift) as u64, (b >> shift) as u64, carry).unwrap();
        result |= u128::from(word) << shift;
        carry = out;
    }
    (result, carry != subtracts)
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn sums_and_differences_of_128_bits(a in words(), b in words()) {
        for ty in [Type::U32, Type::S32, Type::U64, Type::S64] {
            prop_assert_eq!(by_words(false, ty, a, b), a.overflowing_add(b));
            prop_assert_eq!(by_words(true, ty, a, b), a.overflowing_sub(b));
        }
    }

    #[test]
    fn products_of_64_bits_by_halves(a in words(), carry: bool) {
        let [x, y, z, _] = parted(a);
        let [unsigned, signed] = [u64::from(x) * u64::from(y), (i64::from(x as i32) * i64::from(y as i32)) as u64];
        for (part, ty, half) in [
            (MulPart::Lo, Type::U32, unsigned as u32),
            (MulPart::Hi, Type::U32, (unsigned >> 32) as u32),
            (MulPart::Lo, Type::S32, signed as u32),
            (MulPart::Hi, Type::S32, (signed >> 32) as u32),
        ] {
            let sum = u64::from(half) + u64::from(z) + u64::from(carry);
            let found = carry_multiply_add(part, ty, [x.into(), y.into(), z.into()], carry).unwrap();
            prop_assert_eq!(found, (sum & 0xFFFF_FFFF, sum >> 32 == 1));
        }
        let (x, y, z) = ((a >> 64) as u64, a as u64, !(a as u64));
        let whole = u128::from(x) * u128::from(y);
        for (part, half) in [(MulPart::Lo, whole as u64), (MulPart::Hi, (whole >> 64) as u64)] {
            let sum = u128::from(half) + u128::from(z) + u128::from(carry);
            let found = carry_multiply_add(part, Type::U64, [x, y, z], carry).unwrap();
            prop_assert_eq!(found, (sum as u64, sum >> 64 == 1));
        }
    }
}

#[test]
fn words_that_are_shorter_have_no_carry() {
    assert_eq!(carry_sum(false, Type::U16, 1, 1, false), None);
    assert_eq!(carry_sum(false, Type::B32, 1, 1, false), None);
    assert_eq!(carry_multiply_add(MulPart::Wide, Type::U32, [1, 1, 1], false), None);
}

/// Runs `body` in one warp; it has the thread in %r0 and leaves eight words in %r1 to %r8.
fn run(body: &str) -> Result<Vec<[u32; 8]>, String> {
    let text = format!(
        ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry kernel(.param .u64 out)\n{{\n\
         .reg .pred %p<2>;\n.reg .b32 %r<40>;\n.reg .b64 %rd<4>;\n\
         mov.u32 %r0, %tid.x;\nld.param.u64 %rd0, [out];\nmul.wide.u32 %rd1, %r0, 32;\nadd.u64 %rd0, %rd0, %rd1;\n\
         {body}\nst.global.v4.u32 [%rd0], {{%r1, %r2, %r3, %r4}};\nst.global.v4.u32 [%rd0+16], {{%r5, %r6, %r7, %r8}};\nret;\n}}\n"
    );
    let program = Program::load(&text, Profile::Sm80).map_err(|error| error.to_string())?;
    let memory = Memory::new(1 << 16);
    let out = memory.allocate(1024).unwrap();
    let launch = Launch { grid: [1; 3], block: [32, 1, 1], dynamic_shared_bytes: 0 };
    let outcome = program.launch(&memory, "kernel", launch, &out.to_le_bytes(), &Options::DEFAULT).unwrap();
    if !outcome.report.is_clean() {
        return Err(outcome.report.to_string());
    }
    let mut bytes = [0; 1024];
    memory.read(out, &mut bytes).unwrap();
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    Ok(bytes.chunks_exact(32).map(|row| std::array::from_fn(|at| word(&row[4 * at..4 * at + 4]))).collect())
}

/// Four words in %r10 to %r13, a number of the thread.
const NUMBERS: &str =
    "sub.u32 %r10, 5, %r0;\nshr.s32 %r11, %r10, 31;\nmov.b32 %r12, %r11;\nmul.lo.u32 %r13, %r0, 0x12345679;\n";

fn number(thread: u32) -> u128 {
    let low = 5u32.wrapping_sub(thread);
    let sign = (low as i32 >> 31) as u32;
    joined([low, sign, sign, thread.wrapping_mul(0x1234_5679)])
}

#[test]
fn the_flag_goes_from_instruction_to_instruction_of_each_thread() {
    let found = run(&format!(
        "{NUMBERS}add.cc.u32 %r1, %r10, 7;\naddc.cc.u32 %r2, %r11, 0;\naddc.cc.s32 %r3, %r12, 0;\naddc.u32 %r4, %r13, 0;\n\
         sub.cc.u32 %r5, %r10, 3;\nsubc.cc.s32 %r6, %r11, 0;\nsubc.cc.u32 %r7, %r12, 0;\nsubc.u32 %r8, %r13, 0;\n"
    ));
    for (thread, row) in (0..).zip(found.unwrap()) {
        let (sum, difference) = (number(thread).wrapping_add(7), number(thread).wrapping_sub(3));
        assert_eq!(row[..4], parted(sum), "thread {thread}");
        assert_eq!(row[4..], parted(difference), "thread {thread}");
    }
}

/// As nvcc's division of 128 bits asks whether it took too much, and adds it back.
#[test]
fn a_difference_leaves_a_carry_where_nothing_was_borrowed() {
    let found = run(&format!(
        "{NUMBERS}mov.u32 %r1, 0;\nmov.u32 %r2, 0;\nmov.u32 %r3, 0;\nmov.u32 %r4, 0;\nmov.u32 %r7, 0;\nmov.u32 %r8, 0;\n\
         sub.cc.u32 %r5, %r0, 9;\naddc.u32 %r1, 0, 0;\n\
         sub.cc.u32 %r6, %r0, 9;\nsubc.cc.u32 %r6, 7, 7;\naddc.u32 %r2, 0, 0;\n\
         add.cc.u32 %r6, %r0, -9;\nsubc.u32 %r3, 4, 1;\n"
    ));
    for (thread, row) in (0u32..).zip(found.unwrap()) {
        let fits = u32::from(thread >= 9);
        assert_eq!(row[..3], [fits, fits, 2 + fits], "thread {thread}");
    }
}

#[test]
fn a_product_of_two_words_by_two_is_put_together() {
    let found = run(&format!(
        "{NUMBERS}mul.lo.u32 %r1, %r10, %r13;\nmul.hi.u32 %r2, %r10, %r13;\nmov.u32 %r3, 0;\nmov.u32 %r4, 0;\n\
         mad.lo.cc.u32 %r2, %r11, %r13, %r2;\nmadc.hi.u32 %r3, %r11, %r13, 0;\n\
         mad.lo.cc.u32 %r2, %r10, 77, %r2;\nmadc.hi.cc.u32 %r3, %r10, 77, %r3;\naddc.u32 %r4, 0, 0;\n\
         mad.lo.cc.u32 %r3, %r11, 77, %r3;\nmadc.hi.u32 %r4, %r11, 77, %r4;\n\
         mov.u32 %r5, 0;\nmov.u32 %r6, 0;\nmov.u32 %r7, 0;\nmov.u32 %r8, 0;\n"
    ));
    for (thread, row) in (0..).zip(found.unwrap()) {
        let [a, b, _, c] = parted(number(thread)).map(u128::from);
        assert_eq!(row[..4], parted((a | b << 32) * (c | 77 << 32)), "thread {thread}");
    }
}

#[test]
fn a_flag_that_nobody_wrote_is_found() {
    let rest: String = (2..9).map(|register| format!("mov.u32 %r{register}, 0;\n")).collect();
    let error = run(&format!("addc.u32 %r1, %r0, 0;\n{rest}")).unwrap_err();
    assert!(error.contains("CC.CF"), "{error}");
    // Written in some threads alone.
    let guarded = format!("setp.lt.u32 %p0, %r0, 5;\n@%p0 add.cc.u32 %r2, %r0, 1;\naddc.u32 %r1, %r0, 0;\n{rest}");
    let error = run(&guarded).unwrap_err();
    assert!(error.contains("uninitialised") && error.contains("CC.CF"), "{error}");
    assert!(run(&guarded.replace("@%p0 ", "")).is_ok());
}
