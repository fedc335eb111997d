//! 8-bit floats: every code back, and forth every f16 and a dense set of f32, against the table of their values in f64.

use crate::support::kernel::{bytes, run, words};
use half::f16;

#[derive(Clone, Copy, PartialEq)]
enum Format {
    E4M3,
    E5M2,
}
use Format::{E4M3, E5M2};

impl Format {
    fn name(self) -> &'static str {
        if self == E4M3 { "e4m3x2" } else { "e5m2x2" }
    }

    /// What a code means, as the paper's table has it.
    fn value(self, code: u8) -> f64 {
        let (bits, bias) = if self == E4M3 { (3, 7) } else { (2, 15) };
        let (fraction, exponent) =
            (i32::from(code & ((1 << bits) - 1)), i32::from(code >> bits & ((1 << (7 - bits)) - 1)));
        let magnitude = match (self, exponent, fraction) {
            (E4M3, 15, 7) => f64::NAN,
            (E5M2, 31, 0) => f64::INFINITY,
            (E5M2, 31, _) => f64::NAN,
            (_, 0, _) => f64::from(fraction) * 2f64.powi(1 - bias - bits),
            _ => (1.0 + f64::from(fraction) / 2f64.powi(bits)) * 2f64.powi(exponent - bias),
        };
        if code >= 128 { -magnitude } else { magnitude }
    }

    /// The finite code nearest to a value: all are compared, of two that are as near the even one.
    fn nearest(self, value: f64, relu: bool) -> u8 {
        if value.is_nan() {
            return 0x7F;
        }
        if relu && value.is_sign_negative() {
            return 0;
        }
        // In 2^-200 of a unit nothing is lost: differences of f64 are exact where it matters, as both are multiples of their last bits.
        let finite = (0..128u8).filter(|code| self.value(*code).is_finite());
        let distance = |code: u8| (self.value(code) - value.abs().min(1e9)).abs();
        let code = finite.min_by(|a, b| distance(*a).total_cmp(&distance(*b)).then((a & 1).cmp(&(b & 1)))).unwrap();
        code | u8::from(value.is_sign_negative()) << 7
    }
}

const PLACES: &str = "mul.wide.u32 %rd3, %r1, 4;\nadd.u64 %rd4, %rd2, %rd3;\nadd.u64 %rd3, %rd1, %rd3;\n";

/// `body` on many words, from %r3 to %r4, 1024 threads at a time in a loop.
fn each(input: &[u32], body: &str) -> Vec<u32> {
    let rounds = input.len().div_ceil(1024);
    let mut padded = input.to_vec();
    padded.resize(rounds * 1024, 0);
    let text = format!(
        "{PLACES}mov.u32 %r9, 0;\n$L0:\nld.global.b32 %r3, [%rd3];\n{body}\nst.global.b32 [%rd4], %r4;\nadd.u64 %rd3, %rd3, 4096;\n\
         add.u64 %rd4, %rd4, 4096;\nadd.u32 %r9, %r9, 1;\nsetp.lt.u32 %p1, %r9, {rounds};\n@%p1 bra $L0;"
    );
    let mut found = words(&run(&text, 1024, &bytes(padded), rounds * 4096));
    found.truncate(input.len());
    found
}

#[test]
fn every_pair_of_codes_has_its_value_in_f16() {
    let all: Vec<u32> = (0..=0xFFFF).collect();
    for (format, relu) in [(E4M3, false), (E4M3, true), (E5M2, false), (E5M2, true)] {
        let (name, form) = (format.name(), if relu { ".relu" } else { "" });
        let found = each(&all, &format!("cvt.u16.u32 %h1, %r3;\ncvt.rn{form}.f16x2.{name} %r4, %h1;"));
        let half = |code: u8| {
            let value = format.value(code);
            match value {
                _ if value.is_nan() => 0x7FFF,
                _ if relu && value.is_sign_negative() => 0,
                _ => u32::from(f16::from_f64(value).to_bits()),
            }
        };
        for (pair, found) in all.iter().zip(found) {
            assert_eq!(found, half((pair >> 8) as u8) << 16 | half(*pair as u8), "{name}{form} {pair:#x}");
        }
        // Nothing was rounded: f16 holds them all.
        assert!(
            (0..=255).all(|code| f16::from_f64(format.value(code)).to_f64().to_bits() == format.value(code).to_bits()
                || format.value(code).is_nan())
        );
    }
}

#[test]
fn every_f16_goes_to_the_nearest_code() {
    let all: Vec<u32> = (0..=0xFFFFu32).map(|half| half << 16 | (half ^ 0x1234)).collect();
    for (format, relu) in [(E4M3, false), (E4M3, true), (E5M2, false), (E5M2, true)] {
        let (name, form) = (format.name(), if relu { ".relu" } else { "" });
        let found = each(&all, &format!("cvt.rn.satfinite{form}.{name}.f16x2 %h1, %r3;\ncvt.u32.u16 %r4, %h1;"));
        let codes: Vec<u32> =
            (0..=0xFFFFu16).map(|half| u32::from(format.nearest(f16::from_bits(half).to_f64(), relu))).collect();
        for (pair, found) in all.iter().zip(found) {
            let code = |half: u32| codes[(half & 0xFFFF) as usize];
            assert_eq!(found, code(pair >> 16) << 8 | code(*pair), "{name}{form} {pair:#x}");
        }
    }
}

/// Around every code and every middle between two, the f32 on it and next to it; and powers of two of all sizes with fractions of all kinds.
#[test]
fn f32_goes_to_the_nearest_code() {
    for (format, relu) in [(E4M3, false), (E5M2, false), (E4M3, true), (E5M2, true)] {
        let mut inputs = Vec::new();
        let finite: Vec<f64> = (0..128u8).map(|code| format.value(code)).filter(|value| value.is_finite()).collect();
        for pair in finite.windows(2) {
            for value in [pair[0], (pair[0] + pair[1]) / 2.0, (3.0 * pair[0] + pair[1]) / 4.0] {
                let bits = (value as f32).to_bits();
                assert_eq!(f64::from(f32::from_bits(bits)).to_bits(), value.to_bits());
                inputs.extend([bits.saturating_sub(1), bits, bits + 1]);
            }
        }
        // Past the greatest: what would be rounded to it without saturation, and everything else.
        let most = (finite[finite.len() - 1] as f32).to_bits();
        inputs.extend((0..64).map(|step| most + (step << 15)));
        for exponent in 0..=255u32 {
            inputs.extend([0, 1, 0x40_0000, 0x40_0001, 0x60_0000, 0x7F_FFFF].map(|fraction| exponent << 23 | fraction));
        }
        let inputs: Vec<u32> = inputs.into_iter().flat_map(|bits| [bits, bits | 0x8000_0000]).collect();
        let (name, form) = (format.name(), if relu { ".relu" } else { "" });
        let body = format!(
            "xor.b32 %r5, %r3, 0x80000000;\nmov.b32 %f1, %r3;\nmov.b32 %f2, %r5;\ncvt.rn.satfinite{form}.{name}.f32 %h1, %f1, %f2;\ncvt.u32.u16 %r4, %h1;"
        );
        for (bits, found) in inputs.iter().zip(each(&inputs, &body)) {
            let code = |bits: u32| u32::from(format.nearest(f32::from_bits(bits).into(), relu));
            assert_eq!(found, code(*bits) << 8 | code(bits ^ 0x8000_0000), "{name}{form} {bits:#x}");
        }
    }
}
