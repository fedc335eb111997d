use super::*;
use crate::arith::Jitter;
use crate::decode::Source;
use crate::decode::{Narrow, Wide};
use crate::registers::Registers;

/// What an instruction gives for 32-bit registers.
fn narrow(run: Run, sources: &[&Lanes]) -> Lanes {
    let mut registers = Registers::of_counts(4, 0, 0);
    for (slot, source) in (1..).zip(sources) {
        registers.set_narrow(slot, source, u32::MAX);
    }
    run(&mut registers, &Plain::new(run, 0, &[1, 2, 3]), u32::MAX);
    registers.narrow(Narrow::Register(0), u32::MAX)
}

/// The same for 64-bit registers.
fn wide(run: Run, sources: &[&WideLanes]) -> WideLanes {
    let mut registers = Registers::of_counts(0, 4, 0);
    for (slot, source) in (1..).zip(sources) {
        registers.set_wide(slot, source, u32::MAX);
    }
    run(&mut registers, &Plain::new(run, 0, &[1, 2, 3]), u32::MAX);
    registers.wide(Wide::Register(0), u32::MAX)
}

/// The lanes in which a comparison holds.
fn holding(run: Run, a: &Lanes, b: &Lanes) -> u32 {
    let mut registers = Registers::of_counts(3, 0, 1);
    registers.set_narrow(1, a, u32::MAX);
    registers.set_narrow(2, b, u32::MAX);
    run(&mut registers, &Plain::new(run, 0, &[1, 2]), u32::MAX);
    registers.pred(0, u32::MAX)
}

/// Values at which floats and integers change their behaviour, and some between.
fn operands() -> Vec<u32> {
    let edges = [
        0,
        1,
        2,
        31,
        32,
        33,
        0x7F,
        0x80,
        0xFFFF,
        0x8000_0000,
        0x7FFF_FFFF,
        0xFFFF_FFFF,
        0x3F80_0000,
        0xBF80_0000,
        0x7F80_0000,
        0xFF80_0000,
        0x7FC0_0001,
        0xFFC0_0000,
        0x0080_0000,
        0x007F_FFFF,
        0x7F7F_FFFF,
        0x3380_0000,
    ];
    let mut state = 1u32;
    let random = std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state
    });
    edges.into_iter().chain(random.take(42)).collect()
}

#[test]
fn every_fast_function_gives_the_bits_of_the_plain_one() {
    let types = Type::ALL;
    let operands = operands();
    let mut checked = 0;
    for &a in &operands {
        for &b in &operands {
            let (la, lb) = ([a; 32], [b; 32]);
            let (wa, wb) = (u64::from(a) << 17 | u64::from(b), u64::from(b) << 29 | u64::from(a));
            for ty in types {
                for &op in BinaryOp::ALL {
                    for rounding in [None, Some(Rounding::Nearest)] {
                        let form = BinaryForm { rounding, ..BinaryForm::default() };
                        let plain = |a, b| arith::binary(op, ty, form, a, b, Jitter::default());
                        if let Some(fast) = binary(op, ty, form) {
                            let out = narrow(fast, &[&la, &lb]);
                            assert_eq!(Some(u64::from(out[7])), plain(a.into(), b.into()), "{op:?} {ty} {a:#x} {b:#x}");
                            checked += 1;
                        }
                        if let Some(fast) = wide_binary(op, ty, form) {
                            let out = wide(fast, &[&[wa; 32], &[wb; 32]]);
                            assert_eq!(Some(out[31]), plain(wa, wb), "{op:?} {ty} {wa:#x} {wb:#x}");
                            checked += 1;
                        }
                    }
                }
                for &op in UnaryOp::ALL {
                    let forms = [(None, false, false), (Some(Rounding::Nearest), false, false), (None, true, true)];
                    for (rounding, approx, ftz) in forms {
                        if let Some(fast) = unary(op, ty, rounding, approx, ftz) {
                            let out = narrow(fast, &[&la]);
                            let plain = arith::unary(op, ty, rounding, approx, ftz, a.into(), Jitter::default());
                            assert_eq!(Some(u64::from(out[9])), plain, "{op:?} {ty} {a:#x}");
                            checked += 1;
                        }
                    }
                }
                for to in types {
                    for rounding in [None, Some(Rounding::Nearest)] {
                        if let Some(fast) = cvt(to, ty, rounding, false, false) {
                            let out = narrow(fast, &[&la]);
                            // As wide as the register that it goes to.
                            let plain = arith::cvt(to, ty, rounding, false, false, a.into()).unwrap() & 0xFFFF_FFFF;
                            assert_eq!(u64::from(out[0]), plain, "cvt {to} {ty} {a:#x}");
                            checked += 1;
                        }
                    }
                }
                for &comparison in Compare::ALL {
                    if let Some(fast) = compare(comparison, ty, false) {
                        let holds = holding(fast, &la, &lb) == u32::MAX;
                        let plain = arith::compare(comparison, ty, false, a.into(), b.into());
                        assert_eq!(Some(holds), plain, "{comparison:?} {ty} {a:#x} {b:#x}");
                        checked += 1;
                    }
                }
                for &part in MulPart::ALL {
                    if let Some(fast) = wide_multiply(part, ty) {
                        let out = wide(fast, &[&[wa; 32], &[wb; 32]]);
                        assert_eq!(Some(out[5]), arith::multiply(part, ty, wa, wb));
                        let fast = wide_multiply_add(part, ty).unwrap();
                        let out = wide(fast, &[&[wa; 32], &[wb; 32], &[wa; 32]]);
                        assert_eq!(Some(out[5]), arith::multiply_add(part, ty, wa, wb, wa));
                        checked += 1;
                    }
                    if let Some(fast) = multiply(part, ty) {
                        let out = narrow(fast, &[&la, &lb]);
                        assert_eq!(Some(u64::from(out[0])), arith::multiply(part, ty, a.into(), b.into()));
                        checked += 1;
                    }
                }
            }
            for &c in operands.iter().take(24) {
                let lc = [c; 32];
                let form = TernaryForm { rounding: Some(Rounding::Nearest), ..TernaryForm::default() };
                let out = narrow(ternary(TernaryOp::Fma, Type::F32, form).unwrap(), &[&la, &lb, &lc]);
                let plain = arith::ternary(TernaryOp::Fma, Type::F32, form, a.into(), b.into(), c.into());
                assert_eq!(Some(u64::from(out[3])), plain, "fma {a:#x} {b:#x} {c:#x}");
                let out = narrow(multiply_add(MulPart::Lo, Type::U32).unwrap(), &[&la, &lb, &lc]);
                let plain = arith::multiply_add(MulPart::Lo, Type::U32, a.into(), b.into(), c.into());
                assert_eq!(Some(u64::from(out[3])), plain, "mad {a:#x} {b:#x} {c:#x}");
            }
        }
    }
    assert!(checked > 100_000, "{checked}");
}

/// f16 patterns at which something changes, and some between.
fn halves() -> Vec<u32> {
    let edges = [0, 1, 2, 0x3FF, 0x400, 0x401, 0x3BFF, 0x3C00, 0x3C01, 0x7BFF, 0x7C00, 0x7C01, 0x7E00, 0x7FFF];
    let signed = edges.iter().flat_map(|bits| [*bits, bits | 0x8000]);
    signed.chain((0..0x1_0000).step_by(397)).collect()
}

#[test]
fn products_and_sums_of_f16_are_rounded_once() {
    let form = TernaryForm { rounding: Some(Rounding::Nearest), ..TernaryForm::default() };
    let fast = ternary(TernaryOp::Fma, Type::F16x2, form).unwrap();
    let halves = halves();
    let mut state = 1u32;
    for &a in &halves {
        for &b in &halves {
            let mut c = [0; 32];
            for (lane, c) in c.iter_mut().enumerate() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Anything, and so little that it only matters where the product is half way between two.
                *c = if lane % 2 == 0 { state } else { state >> 4 & 0x8003_8003 };
            }
            let (a, b) = (a | b << 16, b | a << 16);
            let out = narrow(fast, &[&[a; 32], &[b; 32], &c]);
            for (c, out) in c.iter().zip(out) {
                let plain = arith::ternary(TernaryOp::Fma, Type::F16x2, form, a.into(), b.into(), (*c).into());
                assert_eq!(Some(u64::from(out)), plain, "{a:#x} {b:#x} {c:#x}");
            }
        }
    }
}

#[test]
fn f16_is_made_of_f32_as_arith_does() {
    let nearest = Some(Rounding::Nearest);
    let fast = cvt(Type::F16, Type::F32, nearest, false, false).unwrap();
    let back = cvt(Type::F32, Type::F16, None, false, false).unwrap();
    for bits in 0..0x1_0000u32 {
        let out = narrow(back, &[&[bits; 32]]);
        let plain = arith::cvt(Type::F32, Type::F16, None, false, false, bits.into());
        assert_eq!(Some(u64::from(out[0])), plain, "{bits:#x}");
        // The f16 itself, what is half way to the next, and what is beside these.
        let around = [0, 1, 0x0FFF, 0x1000, 0x1001, 0x1FFF].map(|more| out[0].wrapping_add(more));
        let mut all = [0; 32];
        all[..6].copy_from_slice(&around);
        all[6..12].copy_from_slice(&around.map(|bits| bits.wrapping_sub(0x1000)));
        all[12] = bits << 16;
        all[13] = bits << 14;
        let out = narrow(fast, &[&all]);
        for (a, out) in all.iter().zip(out) {
            let plain = arith::cvt(Type::F16, Type::F32, nearest, false, false, (*a).into());
            assert_eq!(Some(u64::from(out)), plain, "{a:#x}");
        }
    }
}

#[test]
fn powers_of_two_are_those_of_arith() {
    let fast = unary(UnaryOp::Ex2, Type::F32, None, true, true).unwrap();
    let mut state = 7u32;
    for _ in 0..4096 {
        let mut a = [0; 32];
        for (lane, a) in (0u32..).zip(&mut a) {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Anything, and exponents that are not extreme.
            *a = if lane % 2 == 0 { state } else { state & 0x80FF_FFFF | (0x38 + state % 12) << 24 >> 1 };
        }
        let out = narrow(fast, &[&a]);
        for (a, out) in a.iter().zip(out) {
            let plain = arith::unary(UnaryOp::Ex2, Type::F32, None, true, true, (*a).into(), Jitter::default());
            assert_eq!(Some(u64::from(out)), plain, "{a:#x}");
        }
    }
}

#[test]
fn every_table_of_three_operands() {
    let (a, b, c) = (0xF0, 0xCC, 0xAA);
    for table in 0..=u8::MAX {
        let expected = arith::lop3(table, a, b, c);
        assert_eq!(expected & 0xFF, u32::from(table));
        assert_eq!(arith::Lop3::new(table).of(a, b, c), expected);
    }
}

#[test]
fn other_lanes_keep_their_values() {
    let add = binary(BinaryOp::Add, Type::U32, BinaryForm::default()).unwrap();
    let wide_add = wide_binary(BinaryOp::Add, Type::U64, BinaryForm::default()).unwrap();
    let lanes = 0x8421_00FF;
    let mut registers = Registers::of_counts(2, 2, 0);
    let values: Lanes = std::array::from_fn(|lane| u32::try_from(lane).unwrap());
    for slot in [0, 1] {
        registers.set_narrow(slot, &values, u32::MAX);
        registers.set_wide(slot, &values.map(u64::from), u32::MAX);
    }
    // The destination is a source.
    add(&mut registers, &Plain::new(add, 0, &[0, 1]), lanes);
    wide_add(&mut registers, &Plain::new(wide_add, 0, &[1, 0]), lanes);
    let expected: Lanes = std::array::from_fn(|lane| values[lane] << (lanes >> lane & 1));
    assert_eq!(registers.narrow(Narrow::Register(0), u32::MAX), expected);
    assert_eq!(registers.wide(Wide::Register(0), u32::MAX), expected.map(u64::from));
    assert!(!registers.is_missing());
}

#[test]
fn lanes_that_were_not_written_are_missing() {
    let add = binary(BinaryOp::Add, Type::U32, BinaryForm::default()).unwrap();
    let mut registers = Registers::of_counts(2, 0, 0);
    registers.set_narrow(1, &[1; 32], 0xFF);
    add(&mut registers, &Plain::new(add, 0, &[1, 1]), 0xFF);
    assert!(!registers.is_missing());
    add(&mut registers, &Plain::new(add, 0, &[0, 1]), 0x1FF);
    let missing = [0, 1].map(|slot| (Source::Narrow(Narrow::Register(slot)), 0x100));
    assert_eq!(registers.take_missing(), missing);
}
