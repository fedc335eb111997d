//! The functions of the instructions that kernels spend their time on, 32 lanes at a time.
//!
//! Each gives the bits that [`arith`](crate::arith) gives; a test holds them together. What is not here goes through `arith` lane by lane.

use tilewright_ptx_ir::ir::{BinaryOp, Compare, MulPart, Rounding, TernaryOp, Type};

use crate::arith::{BinaryForm, TernaryForm};

/// One 32-bit value a lane.
pub(crate) type Lanes = [u32; 32];
/// One 64-bit value a lane.
pub(crate) type WideLanes = [u64; 32];

pub(crate) type Binary = fn(&Lanes, &Lanes, &mut Lanes);
pub(crate) type Ternary = fn(&Lanes, &Lanes, &Lanes, &mut Lanes);
pub(crate) type WideBinary = fn(&WideLanes, &WideLanes, &mut WideLanes);
/// The mask of lanes where the comparison holds.
pub(crate) type Comparison = fn(&Lanes, &Lanes) -> u32;

macro_rules! binary {
    ($f:expr) => {
        |a: &Lanes, b: &Lanes, out: &mut Lanes| {
            for lane in 0..32 {
                out[lane] = $f(a[lane], b[lane]);
            }
        }
    };
}

macro_rules! wide_binary {
    ($f:expr) => {
        |a: &WideLanes, b: &WideLanes, out: &mut WideLanes| {
            for lane in 0..32 {
                out[lane] = $f(a[lane], b[lane]);
            }
        }
    };
}

macro_rules! ternary {
    ($f:expr) => {
        |a: &Lanes, b: &Lanes, c: &Lanes, out: &mut Lanes| {
            for lane in 0..32 {
                out[lane] = $f(a[lane], b[lane], c[lane]);
            }
        }
    };
}

macro_rules! comparison {
    ($f:expr) => {
        |a: &Lanes, b: &Lanes| {
            let mut mask = 0;
            for lane in 0..32 {
                mask |= u32::from($f(a[lane], b[lane])) << lane;
            }
            mask
        }
    };
}

/// The function of a 32-bit operation.
pub(crate) fn binary(op: BinaryOp, ty: Type, form: BinaryForm) -> Option<Binary> {
    let plain = BinaryForm { rounding: None, ..form } == BinaryForm::default();
    let nearest = plain && matches!(form.rounding, None | Some(Rounding::Nearest));
    match (op, ty) {
        (BinaryOp::Add, Type::F32) if nearest => Some(binary!(|a, b| float(f32::from_bits(a) + f32::from_bits(b)))),
        (BinaryOp::Sub, Type::F32) if nearest => Some(binary!(|a, b| float(f32::from_bits(a) - f32::from_bits(b)))),
        (BinaryOp::Mul, Type::F32) if nearest => Some(binary!(|a, b| float(f32::from_bits(a) * f32::from_bits(b)))),
        (BinaryOp::Max, Type::F32) if form == BinaryForm::default() => Some(binary!(maximum)),
        _ if form != BinaryForm::default() => None,
        (BinaryOp::Add, Type::U32 | Type::S32) => Some(binary!(u32::wrapping_add)),
        (BinaryOp::Sub, Type::U32 | Type::S32) => Some(binary!(u32::wrapping_sub)),
        (BinaryOp::And, Type::B32) => Some(binary!(|a, b| a & b)),
        (BinaryOp::Or, Type::B32) => Some(binary!(|a, b| a | b)),
        (BinaryOp::Xor, Type::B32) => Some(binary!(|a, b| a ^ b)),
        (BinaryOp::Shl, Type::B32) => Some(binary!(|a: u32, b: u32| if b > 31 { 0 } else { a << b })),
        (BinaryOp::Shr, Type::B32 | Type::U32) => Some(binary!(|a: u32, b: u32| if b > 31 { 0 } else { a >> b })),
        (BinaryOp::Shr, Type::S32) => Some(binary!(|a: u32, b: u32| (a.cast_signed() >> b.min(31)).cast_unsigned())),
        (BinaryOp::Min, Type::U32) => Some(binary!(u32::min)),
        (BinaryOp::Max, Type::U32) => Some(binary!(u32::max)),
        _ => None,
    }
}

/// The function of a 64-bit operation.
pub(crate) fn wide_binary(op: BinaryOp, ty: Type, form: BinaryForm) -> Option<WideBinary> {
    if form != BinaryForm::default() {
        return None;
    }
    match (op, ty) {
        (BinaryOp::Add, Type::U64 | Type::S64) => Some(wide_binary!(u64::wrapping_add)),
        (BinaryOp::Sub, Type::U64 | Type::S64) => Some(wide_binary!(u64::wrapping_sub)),
        (BinaryOp::And, Type::B64) => Some(wide_binary!(|a, b| a & b)),
        _ => None,
    }
}

/// The function of a 32-bit operation on three operands.
pub(crate) fn ternary(op: TernaryOp, ty: Type, form: TernaryForm) -> Option<Ternary> {
    let nearest = TernaryForm { rounding: None, ..form } == TernaryForm::default()
        && matches!(form.rounding, None | Some(Rounding::Nearest));
    match (op, ty) {
        (TernaryOp::Fma, Type::F32) if nearest => {
            Some(ternary!(|a, b, c| float(f32::from_bits(a).mul_add(f32::from_bits(b), f32::from_bits(c)))))
        }
        _ => None,
    }
}

/// The function of a 32-bit product.
pub(crate) fn multiply(part: MulPart, ty: Type) -> Option<Binary> {
    match (part, ty) {
        (MulPart::Lo, Type::U32 | Type::S32) => Some(binary!(u32::wrapping_mul)),
        _ => None,
    }
}

/// The function of a 32-bit product and sum.
pub(crate) fn multiply_add(part: MulPart, ty: Type) -> Option<Ternary> {
    match (part, ty) {
        (MulPart::Lo, Type::U32 | Type::S32) => {
            Some(ternary!(|a: u32, b: u32, c: u32| a.wrapping_mul(b).wrapping_add(c)))
        }
        _ => None,
    }
}

/// The function of a comparison.
pub(crate) fn compare(compare: Compare, ty: Type, ftz: bool) -> Option<Comparison> {
    if ftz {
        return None;
    }
    match ty {
        Type::U32 | Type::B32 => match compare {
            Compare::Eq => Some(comparison!(|a, b| a == b)),
            Compare::Ne => Some(comparison!(|a, b| a != b)),
            _ if ty == Type::B32 => None,
            Compare::Lt => Some(comparison!(|a, b| a < b)),
            Compare::Le => Some(comparison!(|a, b| a <= b)),
            Compare::Gt => Some(comparison!(|a, b| a > b)),
            Compare::Ge => Some(comparison!(|a, b| a >= b)),
            _ => None,
        },
        Type::S32 => match compare {
            Compare::Eq => Some(comparison!(|a, b| a == b)),
            Compare::Ne => Some(comparison!(|a, b| a != b)),
            Compare::Lt => Some(comparison!(|a: u32, b: u32| a.cast_signed() < b.cast_signed())),
            Compare::Le => Some(comparison!(|a: u32, b: u32| a.cast_signed() <= b.cast_signed())),
            Compare::Gt => Some(comparison!(|a: u32, b: u32| a.cast_signed() > b.cast_signed())),
            Compare::Ge => Some(comparison!(|a: u32, b: u32| a.cast_signed() >= b.cast_signed())),
            _ => None,
        },
        _ => None,
    }
}

/// The bits of a result; a NaN is always the same one.
const fn float(value: f32) -> u32 {
    if value.is_nan() { 0x7FFF_FFFF } else { value.to_bits() }
}

/// The larger one; the other one if one is NaN; +0 above -0.
fn maximum(a: u32, b: u32) -> u32 {
    let (x, y) = (f32::from_bits(a), f32::from_bits(b));
    if x.is_nan() {
        float(y)
    } else if y.is_nan() || x > y {
        a
    } else if x == y {
        // Equal bits, or zeros of either sign.
        a & b
    } else {
        b
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{self, Jitter};

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
                                let mut out = [0; 32];
                                fast(&la, &lb, &mut out);
                                assert_eq!(
                                    Some(u64::from(out[7])),
                                    plain(a.into(), b.into()),
                                    "{op:?} {ty} {a:#x} {b:#x}"
                                );
                                checked += 1;
                            }
                            if let Some(fast) = wide_binary(op, ty, form) {
                                let mut out = [0; 32];
                                fast(&[wa; 32], &[wb; 32], &mut out);
                                assert_eq!(Some(out[31]), plain(wa, wb), "{op:?} {ty} {wa:#x} {wb:#x}");
                                checked += 1;
                            }
                        }
                    }
                    for &comparison in Compare::ALL {
                        if let Some(fast) = compare(comparison, ty, false) {
                            let holds = fast(&la, &lb) == u32::MAX;
                            let plain = arith::compare(comparison, ty, false, a.into(), b.into());
                            assert_eq!(Some(holds), plain, "{comparison:?} {ty} {a:#x} {b:#x}");
                            checked += 1;
                        }
                    }
                    for &part in MulPart::ALL {
                        if let Some(fast) = multiply(part, ty) {
                            let mut out = [0; 32];
                            fast(&la, &lb, &mut out);
                            assert_eq!(Some(u64::from(out[0])), arith::multiply(part, ty, a.into(), b.into()));
                            checked += 1;
                        }
                    }
                }
                for &c in operands.iter().take(24) {
                    let (mut out, lc) = ([0; 32], [c; 32]);
                    let form = TernaryForm { rounding: Some(Rounding::Nearest), ..TernaryForm::default() };
                    ternary(TernaryOp::Fma, Type::F32, form).unwrap()(&la, &lb, &lc, &mut out);
                    let plain = arith::ternary(TernaryOp::Fma, Type::F32, form, a.into(), b.into(), c.into());
                    assert_eq!(Some(u64::from(out[3])), plain, "fma {a:#x} {b:#x} {c:#x}");
                    multiply_add(MulPart::Lo, Type::U32).unwrap()(&la, &lb, &lc, &mut out);
                    let plain = arith::multiply_add(MulPart::Lo, Type::U32, a.into(), b.into(), c.into());
                    assert_eq!(Some(u64::from(out[3])), plain, "mad {a:#x} {b:#x} {c:#x}");
                }
            }
        }
        assert!(checked > 100_000, "{checked}");
    }
}
