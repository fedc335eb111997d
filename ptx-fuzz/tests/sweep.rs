//! The sweep of approximate instructions: the simulator passes it with every seed, and answers that are wrong do not.

use tilewright_ptx_fuzz::sweep::{Checked, Errors, Instruction, Sweeper, Tally, measure};
use tilewright_ptx_ir::{parse, verify};

/// 107,000 operands of f32, 6,700 pairs.
const STRIDE: u32 = 40_009;

fn named(name: &str) -> Instruction {
    Instruction::all().into_iter().find(|instruction| instruction.to_string() == name).unwrap()
}

/// Every answer is within its bound, whatever the seed; seeds go to the ends of the bounds, which are therefore those of the simulator.
#[test]
fn the_simulator_answers_inside_its_bounds_and_up_to_them() {
    for instruction in Instruction::all() {
        let exact = measure(&instruction, STRIDE, |input| instruction.simulated(input, None));
        assert!(exact.passes(), "{instruction}: {exact:?}");
        for errors in &exact.regions {
            // Correctly rounded; where something is promised, far better than that.
            assert!(errors.ulps.size <= 0.5 && errors.share() <= 0.51, "{instruction}: {errors:?}");
        }
        for seed in 0..4 {
            let moved = measure(&instruction, STRIDE, |input| instruction.simulated(input, Some(seed)));
            assert!(moved.passes(), "{instruction}, seed {seed}: {moved:?}");
            assert!(moved.hash() != exact.hash());
            // What is allowed of subnormal answers is meant for the largest of them.
            let reached = |errors: &&Errors| {
                errors.count > 1000 && errors.region.limit.is_finite() && errors.region.place != "subnormal answers"
            };
            for errors in moved.regions.iter().filter(reached) {
                assert!(errors.share() > 0.85, "{instruction}, seed {seed}: {errors:?}");
            }
        }
    }
}

/// What an H100 answers past the bounds of the PTX ISA, or where one would expect it to be exact, is an answer of some seed.
#[test]
fn the_simulator_gives_what_a_chip_was_seen_to_give() {
    for (name, input, answer) in [
        ("ex2.approx.f32", 0xC2FE_0000, 0x003F_FFFF),
        ("ex2.approx.f32", 0xC2FC_500A, 0x0072_DAF3),
        ("lg2.approx.f32", 0x0020_0000, 0xC2FF_FFFF),
        ("lg2.approx.ftz.f32", 0x0080_0000, 0xC2FB_FFFF),
        ("lg2.approx.ftz.f32", 0x3F00_0000, 0xBF7F_FFFF),
        ("tanh.approx.bf16", 0x3F3F, 0x3F21),
        ("div.approx.f32", 0x26EB_69DA_25EC_FF1D, 0x407E_4A3C),
        ("div.full.ftz.f32", 0x00FF_FFFF_4000_0000, 0),
        ("div.approx.ftz.f32", 0x80FF_FFFF_4000_0000, 0x8000_0000),
    ] {
        let instruction = named(name);
        assert!((0..4096).any(|seed| instruction.simulated(input, Some(seed)) == answer), "{name} of {input:#x}");
    }
    // The furthest off up to 2 pi, too small.
    let cosine = named("cos.approx.f32");
    let answers = (0..4096).map(|seed| cosine.value(cosine.simulated(0x409C_CDB6, Some(seed))));
    assert!(answers.fold(1.0, f64::min) <= cosine.value(0x3E3F_198D));
}

/// The kernels on the simulated device give what the instructions' functions give.
#[test]
fn a_device_gives_the_answers_of_its_kernels() {
    let mut sweeper = Sweeper::simulator(None).unwrap();
    for instruction in Instruction::all() {
        let source = parse(&instruction.kernel()).unwrap();
        verify(&source.module).unwrap();
        let stride = 3_000_017;
        let found = sweeper.sweep(&instruction, stride).unwrap();
        let wanted = measure(&instruction, stride, |input| instruction.simulated(input, None));
        assert!(found.passes(), "{instruction}: {found:?}");
        assert_eq!(found.exponents, wanted.exponents, "{instruction}");
    }
}

/// What is found in answers changed by `change`, which gets the operands and the right answer.
fn changed(name: &str, change: impl Fn(u64, u32) -> u32 + Sync) -> Tally {
    let instruction = named(name);
    let tally = measure(&instruction, STRIDE, |input| change(input, instruction.simulated(input, None)));
    for checked in [&tally.specials, &tally.nan, &tally.exact, &tally.bounded] {
        assert_eq!(checked.first.len() as u64, checked.wrong.min(5), "{name}");
        assert!(checked.first.iter().all(|(input, answer)| instruction.simulated(*input, None) != *answer), "{name}");
    }
    assert!(!tally.passes(), "{name}");
    tally
}

/// All wrong answers are of one kind, and there are some.
fn assert_only(what: &str, tally: &Tally, wrong: &Checked) {
    let all = [&tally.specials, &tally.nan, &tally.exact, &tally.bounded];
    let sum: u64 = all.iter().map(|checked| checked.wrong).sum();
    assert!(wrong.wrong > 0 && wrong.wrong == sum, "{what}: {tally:?}");
}

#[test]
fn answers_outside_a_bound_are_noticed() {
    // Three more units in the last place, of one operand in a hundred; and of one alone.
    for name in ["rcp.approx.ftz.f32", "sqrt.approx.f32", "rsqrt.approx.f32", "div.full.f32", "div.approx.ftz.f32"] {
        let normal = |bits: u32| (0x0100_0000..0x7E00_0000).contains(&(bits & 0x7FFF_FFFF));
        let inexact = |input: u64| input as u32 & 0x007F_FFFF != 0;
        let tally = changed(
            name,
            |input, right| {
                if input % 100 == 7 && normal(right) && inexact(input) { right + 3 } else { right }
            },
        );
        assert_only(name, &tally, &tally.bounded);
        assert!(tally.regions[0].share() > 1.0 && tally.regions[0].ulps.size > 2.5);
        let (input, answer) = tally.bounded.first[0];
        let tally = changed(name, |one, right| if one == input { answer } else { right });
        assert_eq!((tally.bounded.wrong, &tally.bounded.first), (1, &vec![(input, answer)]), "{name}");
        assert!(tally.regions.iter().any(|errors| (errors.largest.input, errors.largest.answer) == (input, answer)));
    }
    // Another function; no number at all; infinity.
    let tally = changed("ex2.approx.ftz.f32", |_, right| if right == 0x3F80_0000 { right } else { right ^ 0x40 });
    assert!(tally.bounded.wrong > 1000);
    for nothing in [0x7FFF_FFFF, 0x7F80_0000] {
        let tally = changed("tanh.approx.f32", |input, right| if input % 999 == 5 { nothing } else { right });
        assert!(tally.bounded.wrong > 50 && tally.regions[0].share() < 0.5, "{tally:?}");
    }
    // Absolute bounds, of each region and of 16 bits.
    for (name, region, operand) in [
        ("sin.approx.f32", 0, 0x3F80_0000..0x4000_0000),
        ("cos.approx.f32", 1, 0x4200_0000..0x4280_0000),
        ("lg2.approx.f32", 0, 0x3F20_0000..0x3F40_0000),
        ("lg2.approx.f32", 1, 0x4200_0000..0x4280_0000),
        ("tanh.approx.f16", 0, 0x3000..0x3C00u64),
        ("tanh.approx.bf16", 0, 0x3F00..0x3F80),
        ("ex2.approx.f16", 0, 0x3000..0x3C00),
        ("ex2.approx.ftz.bf16", 0, 0x3F00..0x3F80),
    ] {
        let flip = if name.ends_with("16") { 4 } else { 0x1000 };
        let tally = changed(name, |input, right| if operand.contains(&input) { right ^ flip } else { right });
        assert_only(name, &tally, &tally.bounded);
        assert!(tally.regions[region].share() > 1.0, "{name}: {:?}", tally.regions);
    }
}

#[test]
fn subnormal_answers_that_are_kept_or_flushed_are_noticed() {
    let subnormal = |bits: u32| bits & 0x7F80_0000 == 0 && bits & 0x007F_FFFF != 0;
    // Flushed without `.ftz`; kept with it; two units off.
    let flushed = |_, right: u32| if subnormal(right) { right & 0x8000_0000 } else { right };
    for name in ["ex2.approx.f32", "rcp.approx.f32", "div.full.f32", "tanh.approx.f32"] {
        let tally = changed(name, flushed);
        assert!(tally.bounded.wrong > 0 && tally.bounded.wrong + tally.exact.wrong > 20, "{name}: {tally:?}");
    }
    for name in ["ex2.approx", "rcp.approx", "div.full"] {
        let keeps = named(&format!("{name}.f32"));
        let kept = |input, right: u32| {
            let kept = keeps.simulated(input, None);
            if subnormal(kept) && !subnormal(input as u32) && !subnormal((input >> 32) as u32) { kept } else { right }
        };
        let tally = changed(&format!("{name}.ftz.f32"), kept);
        assert!(tally.bounded.wrong > 20, "{name}: {tally:?}");
    }
    let tally = changed("rcp.approx.f32", |_, right| if subnormal(right) { right ^ 2 } else { right });
    assert_only("rcp", &tally, &tally.bounded);
    assert_eq!(tally.regions[1].region.place, "subnormal answers");
    assert!(tally.regions[1].share() > 1.4 && tally.regions[0].share() < 0.6);
}

#[test]
fn special_answers_are_noticed() {
    const INFINITY: u32 = 0x7F80_0000;
    // A zero, an infinity of the other sign; a NaN of another pattern; a number where there is none.
    for name in ["ex2.approx.f32", "rcp.approx.ftz.f32", "rsqrt.approx.f32", "lg2.approx.ftz.f32", "div.approx.f32"] {
        let other_sign = |input: u64, right: u32| {
            let special = input & 0x7FFF_FFFF == 0 || right == 0 && input >> 31 == 1;
            if special && right & 0x7FFF_FFFF != 0x7FFF_FFFF { right ^ 0x8000_0000 } else { right }
        };
        let tally = changed(name, other_sign);
        assert!(tally.specials.wrong + tally.exact.wrong > 0, "{name}: {tally:?}");
        let tally = changed(name, |_, right| if right == 0x7FFF_FFFF { 0x7FC0_0000 } else { right });
        assert_only(name, &tally, &tally.nan);
        let tally = changed(name, |_, right| if right == 0x7FFF_FFFF { INFINITY } else { right });
        assert_only(name, &tally, &tally.specials);
    }
    for name in ["tanh.approx.f16", "ex2.approx.f16"] {
        let tally = changed(name, |_, right| if right == 0x7FFF { 0x7E00 } else { right });
        assert_only(name, &tally, &tally.nan);
    }
    let tally = changed("tanh.approx.f16", |input, right| if input == 0xFC00 { 0xBBFF } else { right });
    assert_only("infinity", &tally, &tally.specials);
    assert_eq!(tally.specials.first, [(0xFC00, 0xBBFF)]);
}

/// One unit in the last place, inside every bound.
#[test]
fn answers_that_are_exact_everywhere_are_noticed() {
    // A stride of a power of two meets powers of two.
    for (name, stride) in
        [("rcp.approx.f32", 1 << 19), ("lg2.approx.ftz.f32", 1 << 19), ("ex2.approx.ftz.f32", 1 << 19)]
    {
        let instruction = named(name);
        let tally = measure(&instruction, stride, |input| instruction.simulated(input, None) ^ 1);
        assert!(tally.exact.wrong > 100, "{name}: {tally:?}");
    }
    let tally = changed("div.approx.f32", |input, right| {
        let number = (0x0100_0000..0x7E00_0000).contains(&(right & 0x7FFF_FFFF));
        if number && input & 0x007F_FFFF == 0 { right ^ 1 } else { right }
    });
    assert_only("a divisor that is a power of two", &tally, &tally.exact);
}
