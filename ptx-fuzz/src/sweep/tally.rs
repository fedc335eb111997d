//! What answers are found to be: how far off, where, which are not what they should be.

use super::format::Format;
use super::instruction::Instruction;
use super::laws::{Measure, Region, SUBNORMAL};

/// What was found of an instruction's answers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tally {
    /// By sign and exponent of the first operand.
    pub exponents: Vec<Exponent>,
    /// In the order of [`Instruction::regions`].
    pub regions: Vec<Errors>,
    /// The region of subnormal answers, if they have one.
    subnormal: Option<usize>,
    /// Answers for operands or exact answers that are zero, infinite or not a number; subnormal operands with `.ftz` are zeros.
    pub specials: Checked,
    /// Those among them that are NaN, but of another pattern than the simulator's.
    pub nan: Checked,
    /// Answers that the simulator says every chip gives exactly, rounded: of powers of two, of integers.
    pub exact: Checked,
    /// All others, which a bound holds for.
    pub bounded: Checked,
}

/// The answers for operands of one sign and exponent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Exponent {
    /// How many.
    pub count: u64,
    /// The sum of a hash of each with its input: the same in whatever order.
    pub hash: u64,
    /// The largest error in units in the last place, of answers whose exact ones are normal numbers.
    pub ulps: f64,
}

/// The errors in a region.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Errors {
    /// The region.
    pub region: Region,
    /// Answers measured.
    pub count: u64,
    /// The largest, in the region's measure.
    pub largest: Error,
    /// The largest in units in the last place.
    pub ulps: Error,
}

/// One answer's error. An error of 0 is that of no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Error {
    /// How large it is.
    pub size: f64,
    /// The operands: two are one number, the first in the upper half.
    pub input: u64,
    /// The answer.
    pub answer: u32,
}

/// Answers that are right or wrong.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Checked {
    /// How many were looked at.
    pub count: u64,
    /// How many of them are wrong.
    pub wrong: u64,
    /// The first of those, with operands and answer.
    pub first: Vec<(u64, u32)>,
}

/// What an answer is to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Special,
    Exact,
    /// Near the exact one, as this region says.
    In(usize),
}

/// So many wrong answers are kept.
const KEPT: usize = 5;

impl Checked {
    fn wrong(&mut self, input: u64, answer: u32) {
        self.wrong += 1;
        if self.first.len() < KEPT {
            self.first.push((input, answer));
        }
    }

    fn merge(&mut self, later: Self) {
        self.count += later.count;
        self.wrong += later.wrong;
        self.first.extend(later.first);
        self.first.truncate(KEPT);
    }
}

impl Error {
    #[inline(always)]
    fn grow(&mut self, error: f64, scale: f64, input: u64, answer: u32) {
        // Divided only where it is the largest so far.
        if error > self.size * scale {
            *self = Self { size: error / scale, input, answer };
        }
    }

    fn merge(&mut self, later: Self) {
        if later.size > self.size {
            *self = later;
        }
    }
}

impl Errors {
    /// How much of the limit the largest error is.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.largest.size / self.region.limit
    }
}

impl Tally {
    /// Of no answers.
    pub(super) fn new(instruction: &Instruction) -> Self {
        let regions = instruction.regions();
        let subnormal = regions.iter().position(|region| region.place == SUBNORMAL);
        let errors = |region| Errors { region, count: 0, largest: Error::default(), ulps: Error::default() };
        // f16 has fewer exponents; the others stay empty.
        Self {
            exponents: vec![Exponent::default(); 512],
            regions: regions.into_iter().map(errors).collect(),
            subnormal,
            specials: Checked::default(),
            nan: Checked::default(),
            exact: Checked::default(),
            bounded: Checked::default(),
        }
    }

    /// Whether every answer is one that the simulator may give.
    #[must_use]
    pub fn passes(&self) -> bool {
        [&self.specials, &self.nan, &self.exact, &self.bounded].iter().all(|checked| checked.wrong == 0)
    }

    /// The hash of all answers.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.exponents.iter().fold(0, |sum, exponent| sum.wrapping_add(exponent.hash))
    }

    /// Joins it with that of answers for later inputs.
    #[must_use]
    pub(super) fn merged(mut self, later: Self) -> Self {
        for (exponent, later) in self.exponents.iter_mut().zip(later.exponents) {
            exponent.count += later.count;
            exponent.hash = exponent.hash.wrapping_add(later.hash);
            exponent.ulps = exponent.ulps.max(later.ulps);
        }
        for (errors, later) in self.regions.iter_mut().zip(later.regions) {
            errors.count += later.count;
            errors.largest.merge(later.largest);
            errors.ulps.merge(later.ulps);
        }
        self.specials.merge(later.specials);
        self.nan.merge(later.nan);
        self.exact.merge(later.exact);
        self.bounded.merge(later.bounded);
        self
    }

    /// Hashes an answer. `operand` is the first of the input.
    #[inline(always)]
    pub(super) fn count<F: Format>(&mut self, operand: u32, input: u64, answer: u32) {
        if let Some(exponent) = self.exponents.get_mut((operand >> F::FRACTION_BITS) as usize) {
            exponent.count += 1;
            exponent.hash = exponent.hash.wrapping_add(mixed(input, answer));
        }
    }

    /// Measures an answer, `exact` before rounding.
    #[inline(always)]
    pub(super) fn judge<F: Format>(
        &mut self,
        (operand, input): (u32, u64),
        answer: u32,
        ftz: bool,
        kind: Kind,
        exact: f64,
    ) {
        let region = match kind {
            Kind::In(region) => region,
            Kind::Special | Kind::Exact => return self.compare::<F>(input, answer, ftz, kind, exact),
        };
        self.bounded.count += 1;
        let (value, magnitude, unit) = (F::value(answer), exact.abs(), F::unit(exact));
        let error = (value - exact).abs();
        let subnormal = magnitude < F::SMALLEST_NORMAL;
        let region = if subnormal { self.subnormal.unwrap_or(region) } else { region };
        let Some(errors) = self.regions.get_mut(region) else { return };
        let scale = match errors.region.measure {
            Measure::Relative => magnitude,
            Measure::Absolute => 1.0,
            Measure::Ulps => unit,
        };
        let allowed = errors.region.limit * scale;
        // Written so that a NaN is not within; with `.ftz` nothing subnormal is.
        let within = error <= allowed && !(ftz && F::flushed(answer) != answer);
        let measured = magnitude <= F::LARGEST && !(ftz && magnitude < F::SMALLEST_NORMAL + allowed && value == 0.0);
        if measured && error.is_finite() {
            errors.count += 1;
            errors.largest.grow(error, scale, input, answer);
            errors.ulps.grow(error, unit, input, answer);
            let exponent = self.exponents.get_mut((operand >> F::FRACTION_BITS) as usize);
            if let Some(exponent) = exponent.filter(|exponent| !subnormal && error > exponent.ulps * unit) {
                exponent.ulps = error / unit;
            }
        }
        if !within && !tolerated::<F>(answer, ftz, exact, allowed) {
            self.bounded.wrong(input, answer);
        }
    }

    /// Looks whether an answer is the exact one, rounded.
    #[inline(always)]
    fn compare<F: Format>(&mut self, input: u64, answer: u32, ftz: bool, kind: Kind, exact: f64) {
        let wanted = F::nearest(exact);
        let wanted = if ftz { F::flushed(wanted) } else { wanted };
        let checked = if matches!(kind, Kind::Exact) { &mut self.exact } else { &mut self.specials };
        checked.count += 1;
        self.nan.count += u64::from(exact.is_nan());
        if answer != wanted {
            let pattern = exact.is_nan() && F::is_nan(answer);
            if pattern { self.nan.wrong(input, answer) } else { checked.wrong(input, answer) }
        }
    }
}

/// Whether an answer outside the bound is nevertheless right: what the exact answer rounds to, which may be infinity; with `.ftz` the zero for answers that may
/// be subnormal.
#[cold]
fn tolerated<F: Format>(answer: u32, ftz: bool, exact: f64, allowed: f64) -> bool {
    let nearest = F::nearest(exact);
    let flushes = ftz && exact.abs() - allowed < F::SMALLEST_NORMAL;
    answer == nearest && !(ftz && F::flushed(nearest) != nearest) || flushes && answer == nearest & F::SIGN
}

/// The finalizer of splitmix64 on input and answer.
const fn mixed(input: u64, answer: u32) -> u64 {
    let value = input.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(answer as u64);
    let value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ value >> 31
}
