//! An evaluator that did another thing than it should would be noticed; and the kernels have every instruction that they should have.

use tilewright_ptx_fuzz::{Case, Coverage, naive};
use tilewright_ptx_ir::ir::{
    AtomicOp, BarrierOp, BinaryOp, BoolOp, Compare, Condition, FloatTest, Immediate, Inst, MmaShape, MulPart, Op,
    Operand, PermuteMode, Rounding, Selected, ShuffleMode, Space, Statement, TernaryOp, Type, UnaryOp, VideoPart,
    VoteMode,
};

/// Changes an instruction if it is of its kind, to another one of the same form.
type Alteration = fn(&mut Op) -> bool;

/// Sets `place` to another value than it has.
fn other<T: PartialEq>(place: &mut T, one: T, another: T) -> bool {
    *place = if *place == one { another } else { one };
    true
}

/// `pattern => alteration`: false for every other instruction.
macro_rules! alter {
    ($pattern:pat $(if $guard:expr)? => $alteration:expr) => {
        |op| match op {
            $pattern $(if $guard)? => $alteration,
            _ => false,
        }
    };
}

const ALTERATIONS: &[(&str, Alteration)] = &[
    ("mov", alter!(Op::Mov { src, .. } => other(src, int(1), int(2)))),
    ("lanemask", |op| match op {
        Op::ReadSpecial { src, .. } if src.name() == "%lanemask_lt" => {
            *src = tilewright_ptx_ir::ir::Special::LaneMaskLe;
            true
        }
        _ => false,
    }),
    ("local address", alter!(Op::LocalAddress { offset, .. } => other(offset, 0, 16))),
    ("address in a table", alter!(Op::SymbolAddress { offset, .. } => other(offset, 0, 16))),
    ("pack", |op| match op {
        Op::Pack { srcs, .. } => {
            srcs.reverse();
            true
        }
        _ => false,
    }),
    ("unpack", |op| match op {
        Op::Unpack { dsts, .. } => {
            dsts.reverse();
            true
        }
        _ => false,
    }),
    ("rounding of cvt", |op| match op {
        Op::Cvt { rounding: Some(rounding), .. } => match rounding {
            Rounding::Up => other(rounding, Rounding::Down, Rounding::Down),
            Rounding::Nearest => other(rounding, Rounding::Zero, Rounding::Zero),
            Rounding::IntegerUp => other(rounding, Rounding::IntegerDown, Rounding::IntegerDown),
            Rounding::IntegerNearest => other(rounding, Rounding::IntegerZero, Rounding::IntegerZero),
            _ => false,
        },
        _ => false,
    }),
    (".sat of cvt", alter!(Op::Cvt { sat, .. } => other(sat, true, false))),
    (".ftz of cvt", alter!(Op::Cvt { ftz, from: Type::F32, .. } => other(ftz, true, false))),
    ("halves of cvt", |op| match op {
        Op::CvtPair { high, low, .. } => {
            std::mem::swap(high, low);
            true
        }
        _ => false,
    }),
    (".relu of cvt", alter!(Op::CvtPair { relu, .. } => other(relu, true, false))),
    ("cvt.pack", |op| match op {
        Op::CvtPackS8 { a, b, .. } => {
            std::mem::swap(a, b);
            true
        }
        _ => false,
    }),
    ("isspacep", alter!(Op::IsSpace { space, .. } => other(space, Space::Local, Space::Global))),
    ("selp", |op| match op {
        Op::Select { a, b, .. } => {
            std::mem::swap(a, b);
            true
        }
        _ => false,
    }),
    ("neg and abs", |op| match op {
        Op::Unary { op, .. } if matches!(op, UnaryOp::Neg | UnaryOp::Abs) => other(op, UnaryOp::Neg, UnaryOp::Abs),
        _ => false,
    }),
    ("bfind", |op| match op {
        Op::Unary { op: op @ (UnaryOp::FindLeading | UnaryOp::FindLeadingShift), .. } => {
            other(op, UnaryOp::FindLeading, UnaryOp::FindLeadingShift)
        }
        _ => false,
    }),
    ("rounding of rcp and sqrt", |op| match op {
        Op::Unary { rounding: Some(rounding), .. } => other(rounding, Rounding::Nearest, Rounding::Up),
        _ => false,
    }),
    ("min and max", |op| match op {
        Op::Binary { op: op @ (BinaryOp::Min | BinaryOp::Max), .. } => other(op, BinaryOp::Min, BinaryOp::Max),
        _ => false,
    }),
    (".NaN", |op| match op {
        Op::Binary { op: BinaryOp::Min | BinaryOp::Max, nan, ty: Type::F32 | Type::F16 | Type::Bf16, .. } => {
            other(nan, true, false)
        }
        _ => false,
    }),
    ("div and rem", |op| match op {
        Op::Binary { op: op @ (BinaryOp::Div | BinaryOp::Rem), ty, .. } if !ty.is_float() => {
            other(op, BinaryOp::Div, BinaryOp::Rem)
        }
        _ => false,
    }),
    ("rounding of sums", |op| match op {
        Op::Binary { rounding: Some(rounding), ty: Type::F32 | Type::F64, .. } => {
            other(rounding, Rounding::Nearest, Rounding::Zero)
        }
        _ => false,
    }),
    (".ftz of sums", |op| match op {
        Op::Binary { op: BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul, ftz, ty: Type::F32 | Type::F16, .. } => {
            other(ftz, true, false)
        }
        _ => false,
    }),
    ("rounding of fma", |op| match op {
        Op::Ternary { op: TernaryOp::Fma, rounding: Some(rounding), ty: Type::F32 | Type::F64, .. } => {
            other(rounding, Rounding::Nearest, Rounding::Down)
        }
        _ => false,
    }),
    ("funnel shift", |op| match op {
        Op::Ternary { op: op @ (TernaryOp::FunnelLeft | TernaryOp::FunnelLeftClamp), .. } => {
            other(op, TernaryOp::FunnelLeft, TernaryOp::FunnelLeftClamp)
        }
        _ => false,
    }),
    ("sign of dp4a", |op| match op {
        Op::Ternary { op: op @ (TernaryOp::Dp4aSigned | TernaryOp::Dp4aSignedUnsigned), .. } => {
            other(op, TernaryOp::Dp4aSigned, TernaryOp::Dp4aSignedUnsigned)
        }
        _ => false,
    }),
    ("half of mul", |op| match op {
        Op::Mul { part: part @ (MulPart::Lo | MulPart::Hi), .. } => other(part, MulPart::Lo, MulPart::Hi),
        _ => false,
    }),
    (
        "set",
        alter!(Op::Set { compare: compare @ (Compare::Eq | Compare::Ne), .. } => other(compare, Compare::Eq, Compare::Ne)),
    ),
    ("two results of setp", |op| match op {
        Op::SetPredicates { dst, other: Some(other), .. } => {
            std::mem::swap(dst, other);
            true
        }
        _ => false,
    }),
    (
        "condition",
        alter!(Op::Vote { src: src @ Condition::Constant(_), .. } => other(src, Condition::Constant(true), Condition::Constant(false))),
    ),
    ("cvt.pack", |op| match op {
        Op::CvtPack { a, b, .. } => {
            std::mem::swap(a, b);
            true
        }
        _ => false,
    }),
    (".sat of video", alter!(Op::VideoParts { sat, sums: false, .. } => other(sat, true, false))),
    (".add of video", alter!(Op::VideoParts { sums, sat: false, .. } => other(sums, true, false))),
    (
        "part of video",
        alter!(Op::Video { a: Selected { part: Some(part), .. }, .. } => other(part, VideoPart::Byte0, VideoPart::Half1)),
    ),
    ("bmsk and szext", |op| match op {
        Op::Binary { op, .. } => match op {
            BinaryOp::BitMaskClamp | BinaryOp::BitMaskWrap => other(op, BinaryOp::BitMaskClamp, BinaryOp::BitMaskWrap),
            BinaryOp::ExtendClamp | BinaryOp::ExtendWrap => other(op, BinaryOp::ExtendClamp, BinaryOp::ExtendWrap),
            _ => false,
        },
        _ => false,
    }),
    ("fns", |op| match op {
        Op::Ternary { op: TernaryOp::FindNthSet, c, .. } => other(c, int(1), int(-1)),
        _ => false,
    }),
    ("products of 24 bits", |op| match op {
        Op::Mul24 { part, .. } | Op::Mad24 { part, sat: false, .. } => other(part, MulPart::Lo, MulPart::Hi),
        _ => false,
    }),
    ("dp2a", alter!(Op::Dp2a { high, .. } => other(high, true, false))),
    ("prmt by mode", alter!(Op::Permute { mode, .. } => other(mode, PermuteMode::EdgeLeft, PermuteMode::Backward4))),
    ("slct", |op| match op {
        Op::SelectBySign { a, b, .. } => {
            std::mem::swap(a, b);
            a != b
        }
        _ => false,
    }),
    ("carry in", |op| match op {
        Op::CarrySum { carry_in, .. } | Op::CarryMad { carry_in, .. } => other(carry_in, true, false),
        _ => false,
    }),
    // The first of several words.
    ("carry out", |op| match op {
        Op::CarrySum { carry_in: false, carry_out, .. } | Op::CarryMad { carry_in: false, carry_out, .. } => {
            other(carry_out, true, false)
        }
        _ => false,
    }),
    ("lop3", |op| match op {
        Op::Lop3 { table, .. } => {
            *table ^= 0xFF;
            true
        }
        _ => false,
    }),
    ("bfi", |op| match op {
        Op::BitFieldInsert { a, b, .. } => {
            std::mem::swap(a, b);
            true
        }
        _ => false,
    }),
    ("setp", |op| match op {
        Op::SetPredicate { compare: compare @ (Compare::Lt | Compare::Ge), .. } => {
            other(compare, Compare::Lt, Compare::Ge)
        }
        _ => false,
    }),
    ("ordered comparison", |op| match op {
        Op::SetPredicate { compare: compare @ (Compare::Ltu | Compare::Lt), ty, .. } if ty.is_float() => {
            other(compare, Compare::Ltu, Compare::Lt)
        }
        _ => false,
    }),
    ("combination", |op| match op {
        Op::SetPredicate { combine: Some((combine, _)), .. } => other(combine, BoolOp::And, BoolOp::Or),
        _ => false,
    }),
    ("testp", alter!(Op::TestProperty { test, .. } => other(test, FloatTest::Subnormal, FloatTest::Normal))),
    ("sign of a load", |op| match op {
        Op::Load { ty: ty @ (Type::U8 | Type::S8), .. } => other(ty, Type::U8, Type::S8),
        _ => false,
    }),
    ("atomic", |op| match op {
        Op::Atomic { op: op @ (AtomicOp::Add | AtomicOp::Xor | AtomicOp::And), ty, .. } if !ty.is_float() => {
            other(op, AtomicOp::Or, AtomicOp::Or)
        }
        _ => false,
    }),
    ("inc", |op| match op {
        Op::Atomic { op: op @ AtomicOp::Increment, .. } => other(op, AtomicOp::Decrement, AtomicOp::Decrement),
        _ => false,
    }),
    ("rest of a copy", alter!(Op::CpAsync { source_bytes, .. } => other(source_bytes, Some(int(0)), None))),
    ("ldmatrix.trans", alter!(Op::LdMatrix { transpose, .. } => other(transpose, true, false))),
    ("shfl", alter!(Op::Shuffle { mode, .. } => other(mode, ShuffleMode::Butterfly, ShuffleMode::Down))),
    ("vote", |op| match op {
        Op::Vote { mode, .. } if *mode != VoteMode::Ballot => other(mode, VoteMode::Any, VoteMode::Uniform),
        _ => false,
    }),
    ("redux", |op| match op {
        Op::Redux { op: op @ (AtomicOp::Min | AtomicOp::Max), .. } => other(op, AtomicOp::Min, AtomicOp::Max),
        _ => false,
    }),
    ("match", alter!(Op::MatchAny { src, .. } => other(src, int(0), int(1)))),
    ("sign of mma", |op| match op {
        Op::Mma { shape, .. } if matches!(shape, MmaShape::M16N8K32S8S32 | MmaShape::M16N8K32U8S32) => {
            other(shape, MmaShape::M16N8K32S8S32, MmaShape::M16N8K32U8S32)
        }
        _ => false,
    }),
    ("registers of mma", |op| match op {
        Op::Mma { a, .. } => {
            a.reverse();
            true
        }
        _ => false,
    }),
    ("bar.red", |op| match op {
        Op::BarrierReduce { op, .. } if *op != BarrierOp::PopulationCount => other(op, BarrierOp::And, BarrierOp::Or),
        _ => false,
    }),
    ("brx.idx", |op| match op {
        Op::BranchIndexed { labels, .. } => {
            labels.reverse();
            true
        }
        _ => false,
    }),
];

const fn int(value: i64) -> Operand {
    Operand::Imm(Immediate::Int(value))
}

/// One alteration a kernel, for one of the two evaluations: of the last instruction of the kind. Not every one changes a result: some compute the same, and some
/// results are written over.
#[test]
fn every_kind_of_wrong_instruction_is_noticed() {
    let mut noticed = vec![0; ALTERATIONS.len()];
    for seed in 0..1500 {
        let case = Case::new(seed);
        let run = |module: &_| naive::run(module, case.blocks, case.threads, &case.input).map(|run| run.output);
        let right = run(&case.module).unwrap();
        for ((_, alter), noticed) in ALTERATIONS.iter().zip(&mut noticed).filter(|(_, noticed)| **noticed < 3) {
            let mut module = case.module.clone();
            let mut body = module.kernels[0].body.iter_mut().skip(PROLOGUE).rev().skip(EPILOGUE);
            let altered = body.any(|statement| match statement {
                Statement::Inst(Inst { op, .. }) => alter(op),
                _ => false,
            });
            *noticed += usize::from(altered && run(&module).is_ok_and(|output| output != right));
        }
    }
    let missed: Vec<_> =
        ALTERATIONS.iter().zip(noticed).filter(|(_, noticed)| *noticed < 3).map(|(kind, _)| kind.0).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

/// Instructions that load the registers, and those that store them.
const PROLOGUE: usize = 62;
const EPILOGUE: usize = 49;

/// What the README says is covered is: these variants of `Op` ran, and no other ones.
#[test]
fn the_kernels_have_every_instruction_that_they_should_have() {
    let mut coverage = Coverage::default();
    for seed in 0..400 {
        coverage.add(&Case::new(seed)).unwrap();
    }
    let found: Vec<&str> = coverage.variants().collect();
    let readme = include_str!("../README.md");
    let table = readme.lines().skip_while(|line| !line.starts_with("| `Op`")).skip(2);
    let listed = table.take_while(|line| line.starts_with("| `")).filter_map(|line| line.split('`').nth(1));
    assert_eq!(found, listed.collect::<Vec<_>>(), "{coverage}");
}
