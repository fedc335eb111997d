//! What the instructions compute, and how far from it they may answer: the table of `ptx-sim/src/arith/approximate.rs` once more, in f64 and without its code.
//! A test holds the two together.
//!
//! # Source
//! PTX ISA 9.0, sections 9.7.3 and 9.7.4, the tables of each instruction; further where an H100 goes past them.

use tilewright_ptx_ir::ir::Type;

use super::format::is_power_of_two;

/// What an error is a multiple of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measure {
    /// The exact answer.
    Relative,
    /// One.
    Absolute,
    /// A unit in the last place of the exact answer.
    Ulps,
}

/// Operands for which one bound holds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Region {
    /// Which they are; empty for those of no other region.
    pub place: &'static str,
    /// How errors are measured.
    pub measure: Measure,
    /// What they may be; infinite where nothing is promised.
    pub limit: f64,
}

impl Region {
    const fn new(place: &'static str, measure: Measure, limit: f64) -> Self {
        Self { place, measure, limit }
    }

    fn relative(exponent: f64) -> Self {
        Self::new("", Measure::Relative, exponent.exp2())
    }
}

/// A function of one operand.
pub(super) trait Law {
    /// Of every type that the instruction has.
    fn regions(ty: Type) -> Vec<Region>;

    /// The function itself.
    fn of(x: f64) -> f64;

    /// Whether every chip gives the exact answer, rounded.
    fn is_exact(_: f64) -> bool {
        false
    }

    /// The place in `regions`, for a finite operand that is not 0.
    fn region(_: f64) -> usize {
        0
    }

    /// Whether the function is not asked of this operand but now and then: there it is slow and nothing is promised.
    fn is_free(_: f64) -> bool {
        false
    }
}

pub(super) struct Rcp;
pub(super) struct Sqrt;
pub(super) struct Rsqrt;
pub(super) struct Ex2;
pub(super) struct Lg2;
pub(super) struct Sin;
pub(super) struct Cos;
pub(super) struct Tanh;

impl Law for Rcp {
    fn regions(_: Type) -> Vec<Region> {
        vec![Region::relative(-23.0)]
    }

    fn of(x: f64) -> f64 {
        1.0 / x
    }

    fn is_exact(x: f64) -> bool {
        is_power_of_two(x)
    }
}

impl Law for Sqrt {
    fn regions(_: Type) -> Vec<Region> {
        vec![Region::relative(-23.0)]
    }

    fn of(x: f64) -> f64 {
        x.sqrt()
    }
}

impl Law for Rsqrt {
    fn regions(_: Type) -> Vec<Region> {
        vec![Region::relative(-22.9)]
    }

    fn of(x: f64) -> f64 {
        1.0 / x.sqrt()
    }
}

impl Law for Ex2 {
    fn regions(ty: Type) -> Vec<Region> {
        vec![Region::relative(match ty {
            Type::F16 => -9.9,
            Type::Bf16 => -7.0,
            _ => -22.5,
        })]
    }

    fn of(x: f64) -> f64 {
        // Beyond, the answer is infinity or zero in every format; f64's own overflow is slow.
        x.clamp(-1020.0, 1020.0).exp2()
    }

    fn is_exact(x: f64) -> bool {
        x.trunc() == x && x >= -126.0
    }
}

impl Law for Lg2 {
    fn regions(_: Type) -> Vec<Region> {
        let limit = (-22.0f64).exp2();
        vec![Region::new("from 1/2 to 2", Measure::Absolute, limit), Region::new("elsewhere", Measure::Relative, limit)]
    }

    fn of(x: f64) -> f64 {
        if x < 0.0 { f64::NAN } else { x.log2() }
    }

    fn is_exact(x: f64) -> bool {
        is_power_of_two(x) && x >= 1.0
    }

    fn region(x: f64) -> usize {
        usize::from(!(0.5..2.0).contains(&x))
    }
}

/// Up to 2 pi, up to 100 pi, beyond.
fn turns(exponent: f64) -> Vec<Region> {
    vec![
        Region::new("up to 2 pi", Measure::Absolute, exponent.exp2()),
        Region::new("up to 100 pi", Measure::Absolute, (-14.7f64).exp2()),
        Region::new("beyond", Measure::Absolute, f64::INFINITY),
    ]
}

fn turn(x: f64) -> usize {
    use std::f64::consts::PI;
    usize::from(x.abs() > 2.0 * PI) + usize::from(x.abs() > 100.0 * PI)
}

impl Law for Sin {
    fn regions(_: Type) -> Vec<Region> {
        turns(-20.5)
    }

    fn of(x: f64) -> f64 {
        x.sin()
    }

    fn region(x: f64) -> usize {
        turn(x)
    }

    fn is_free(x: f64) -> bool {
        turn(x) == 2
    }
}

impl Law for Cos {
    fn regions(_: Type) -> Vec<Region> {
        turns(-20.4)
    }

    fn of(x: f64) -> f64 {
        x.cos()
    }

    fn region(x: f64) -> usize {
        turn(x)
    }

    fn is_free(x: f64) -> bool {
        turn(x) == 2
    }
}

impl Law for Tanh {
    fn regions(ty: Type) -> Vec<Region> {
        vec![match ty {
            Type::F16 => Region::new("", Measure::Absolute, (-10.987f64).exp2()),
            Type::Bf16 => Region::new("", Measure::Absolute, (-7.999f64).exp2()),
            _ => Region::relative(-11.0),
        }]
    }

    fn of(x: f64) -> f64 {
        x.tanh()
    }
}

/// The regions of a division: of divisors that are normal, and of those that are not, of which `div.approx` promises nothing but the simulator what it
/// promises of the others.
pub(super) fn division() -> Vec<Region> {
    vec![Region::new("", Measure::Ulps, 2.1), Region::new("by subnormals", Measure::Ulps, 2.1)]
}

/// The last region of instructions with a relative bound: answers below the normal numbers, where rounding alone may pass it. They may be a unit in the last
/// place off, or what the bound allows for the largest of them; `None` if that is so much that the bound itself will do.
/// `ex2.approx.f32` is the square of the power of half the operand there, and twice as far off.
pub(super) fn subnormal(relative: f64, fraction_bits: u32, is_square: bool) -> Option<Region> {
    let allowed = if is_square { 2.5 } else { relative * f64::from(1u32 << fraction_bits) };
    (allowed < 3.0).then(|| Region::new(SUBNORMAL, Measure::Ulps, allowed.max(1.0)))
}

pub(super) const SUBNORMAL: &str = "subnormal answers";
