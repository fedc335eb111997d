//! The approximate instructions, answer by answer: each within the bound that the simulator has for it, and special operands with the very bits.
//!
//! Instructions with one operand get every operand there is, or every so many; divisions get pairs of any exponents ([`pair`]). Answers are measured against
//! the function in f64. Its own errors, below a unit in the last place of f64, are 2^-29 of one of f32: they do not matter.

mod device;
mod format;
mod instruction;
mod laws;
mod pairs;
mod tally;

use rayon::prelude::*;
use tilewright_ptx_ir::ir::{Type, UnaryOp};

pub use device::Sweeper;
use format::{Brain, Format, Half, Single, is_power_of_two, power_of_two};
pub use instruction::Instruction;
use instruction::Operation;
use laws::Law;
pub use laws::{Measure, Region};
pub use pairs::pair;
use tally::Kind;
pub use tally::{Checked, Error, Errors, Exponent, Tally};

/// Pairs of operands that a division gets, over the stride.
pub const PAIRS: u64 = 1 << 28;

/// Operands of which nothing is promised are measured so seldom.
const FREE_STRIDE: u64 = 4096;

/// How many inputs an instruction gets: with `stride` every so many of them, though always all of 16 bits.
#[must_use]
pub fn count(instruction: &Instruction, stride: u32) -> u64 {
    let stride = u64::from(stride.max(1));
    if instruction.divides() {
        PAIRS.div_ceil(stride)
    } else if instruction.bits() == 16 {
        1 << 16
    } else {
        (1u64 << 32).div_ceil(stride)
    }
}

/// The step from one input to the next.
fn step(instruction: &Instruction, stride: u32) -> u32 {
    if instruction.bits() == 16 { 1 } else { stride.max(1) }
}

/// Input `index` of an instruction with that stride.
fn input(instruction: &Instruction, stride: u32, index: u64) -> u64 {
    if instruction.divides() {
        let (dividend, divisor) = pair(index);
        u64::from(dividend) << 32 | u64::from(divisor)
    } else {
        index * u64::from(step(instruction, stride))
    }
}

/// Measures what `answer` says for each input: two operands are one number, the first in the upper half.
#[must_use]
pub fn measure(instruction: &Instruction, stride: u32, answer: impl Fn(u64) -> u32 + Sync) -> Tally {
    let block = |start: u64| {
        let end = count(instruction, stride).min(start + BLOCK as u64);
        let answers: Vec<u32> = (start..end).map(|index| answer(input(instruction, stride, index))).collect();
        scan(instruction, stride, start, &answers)
    };
    let starts: Vec<u64> = (0..count(instruction, stride)).step_by(BLOCK).collect();
    starts.into_par_iter().map(block).reduce(|| Tally::new(instruction), Tally::merged)
}

/// Answers that one thread looks at.
const BLOCK: usize = 1 << 18;

/// Measures the answers for the inputs from `first` on, on all cores.
fn measure_answers(instruction: &Instruction, stride: u32, first: u64, answers: &[u32]) -> Tally {
    let blocks = answers.par_chunks(BLOCK).enumerate();
    blocks
        .map(|(index, answers)| scan(instruction, stride, first + (index * BLOCK) as u64, answers))
        .reduce(|| Tally::new(instruction), Tally::merged)
}

/// Measures the answers for the inputs from `first` on.
fn scan(instruction: &Instruction, stride: u32, first: u64, answers: &[u32]) -> Tally {
    let mut tally = Tally::new(instruction);
    let unary = Unary { ftz: instruction.ftz, first, step: u64::from(step(instruction, stride)), answers };
    match (instruction.operation, instruction.ty) {
        (Operation::Divide { full }, _) => divisions(&mut tally, instruction.ftz, full, first, answers),
        (Operation::Unary(op), Type::F16) => unary.scan_op::<Half>(op, &mut tally),
        (Operation::Unary(op), Type::Bf16) => unary.scan_op::<Brain>(op, &mut tally),
        (Operation::Unary(op), _) => unary.scan_op::<Single>(op, &mut tally),
    }
    tally
}

/// Answers of an instruction with one operand.
#[derive(Debug)]
struct Unary<'a> {
    ftz: bool,
    first: u64,
    step: u64,
    answers: &'a [u32],
}

impl Unary<'_> {
    fn scan_op<F: Format>(&self, op: UnaryOp, tally: &mut Tally) {
        match op {
            UnaryOp::Rcp => self.scan::<F, laws::Rcp>(tally),
            UnaryOp::Sqrt => self.scan::<F, laws::Sqrt>(tally),
            UnaryOp::Rsqrt => self.scan::<F, laws::Rsqrt>(tally),
            UnaryOp::Ex2 => self.scan::<F, laws::Ex2>(tally),
            UnaryOp::Lg2 => self.scan::<F, laws::Lg2>(tally),
            UnaryOp::Sin => self.scan::<F, laws::Sin>(tally),
            UnaryOp::Cos => self.scan::<F, laws::Cos>(tally),
            _ => self.scan::<F, laws::Tanh>(tally),
        }
    }

    fn scan<F: Format, L: Law>(&self, tally: &mut Tally) {
        let mut input = self.first * self.step;
        for (index, answer) in (self.first..).zip(self.answers) {
            let bits = input as u32;
            tally.count::<F>(bits, input, *answer);
            let x = F::value(if self.ftz { F::flushed(bits) } else { bits });
            if !(x.is_finite() && L::is_free(x)) || index % FREE_STRIDE == 0 {
                let exact = L::of(x);
                let kind = if !x.is_finite() || x == 0.0 || !exact.is_finite() || exact == 0.0 {
                    Kind::Special
                } else if L::is_exact(x) {
                    Kind::Exact
                } else {
                    Kind::In(L::region(x))
                };
                tally.judge::<F>((bits, input), *answer, self.ftz, kind, exact);
            }
            input += self.step;
        }
    }
}

fn divisions(tally: &mut Tally, ftz: bool, full: bool, first: u64, answers: &[u32]) {
    for (index, answer) in (first..).zip(answers) {
        let (dividend, divisor) = pair(index);
        let input = u64::from(dividend) << 32 | u64::from(divisor);
        tally.count::<Single>(dividend, input, *answer);
        let [x, y] = [dividend, divisor].map(|bits| Single::value(if ftz { Single::flushed(bits) } else { bits }));
        // Above 2^126 the reciprocal is subnormal, and flushed.
        let vanishes = !full && y.is_finite() && y.abs() > const { power_of_two(126) };
        let exact = match x / y {
            _ if vanishes && x.is_infinite() => f64::NAN,
            quotient if vanishes => quotient * 0.0,
            // Flushed before it is rounded.
            quotient if ftz && is_power_of_two(y) && quotient.abs() < Single::SMALLEST_NORMAL => quotient * 0.0,
            quotient => quotient,
        };
        let kind = if !exact.is_finite() || exact == 0.0 || !y.is_finite() {
            Kind::Special
        } else if is_power_of_two(y) {
            Kind::Exact
        } else {
            Kind::In(usize::from(y.abs() < Single::SMALLEST_NORMAL))
        };
        tally.judge::<Single>((dividend, input), *answer, ftz, kind, exact);
    }
}
