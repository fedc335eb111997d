//! Bad input: a typed error with the numbers in it, nothing launched, nothing written.

use half::f16;
use tilewright_matmul_int8::{Matmul, Operands, ScalesOf, Shape, Weight};
use tilewright_quant_pack::{Granularity, Int8, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{Guarded, Refusals, context, other_context, stream};

#[test]
fn bad_input_is_refused() {
    let mut refusals = Refusals::of("tilewright-matmul-int8");
    let (stream, matmul) = (stream(), Matmul::new(context()).unwrap());
    let mut run = |class: &str, shape: Shape, lengths: [usize; 5]| {
        let [x, w, x_scale, w_scale, y] = lengths;
        let [x, w] = [x, w].map(|len| stream.upload(&vec![1i8; len]).unwrap());
        let [x_scale, w_scale] = [x_scale, w_scale].map(|len| stream.upload(&vec![1f32; len]).unwrap());
        let mut y = Guarded::<f16>::new(&stream, y);
        let before = y.download(&stream);
        let operands = Operands { x: x.as_slice(), w: w.as_slice() };
        let scales = ScalesOf { x: x_scale.as_slice(), w: w_scale.as_slice() };
        refusals.add(class, matmul.w8a8(&stream, shape, operands, scales, &mut y.as_slice_mut()));
        y.assert_unchanged(&stream, &before);
    };
    let shape = Shape { m: 2, n: 3, k: 4 };
    run("W8A8: x one element short", shape, [7, 12, 1, 1, 6]);
    run("W8A8: x one element long", shape, [9, 12, 1, 1, 6]);
    run("W8A8: w one element short", shape, [8, 11, 1, 1, 6]);
    run("W8A8: w one element long", shape, [8, 13, 1, 1, 6]);
    run("W8A8: a scale of x too many", shape, [8, 12, 3, 1, 6]);
    run("W8A8: no scale of x", shape, [8, 12, 0, 1, 6]);
    run("W8A8: a scale of w too few", shape, [8, 12, 2, 2, 6]);
    run("W8A8: no scale of w", shape, [8, 12, 2, 0, 6]);
    run("W8A8: y one element short", shape, [8, 12, 2, 3, 5]);
    run("W8A8: y one element long", shape, [8, 12, 2, 3, 7]);
    run("W8A8: no rows", Shape { m: 0, ..shape }, [0, 12, 1, 1, 0]);
    run("W8A8: no columns", Shape { n: 0, ..shape }, [8, 0, 1, 1, 0]);
    run("W8A8: k of zero", Shape { k: 0, ..shape }, [0, 0, 1, 1, 6]);
    run("W8A8: sums that could leave an i32", Shape { k: 131_072, ..shape }, [8, 12, 1, 1, 6]);

    let weights = Int8::quantize(&[1f32; 12], WeightShape { n: 3, k: 4 }, Granularity::PerTensor, ScaleRule::Max);
    let weights = weights.unwrap();
    let weight = Weight::load(&stream, &weights).unwrap();
    let mut run = |class: &str, m: usize, x: usize, y: usize| {
        let x = stream.upload(&vec![f16::ONE; x]).unwrap();
        let mut y = Guarded::<f16>::new(&stream, y);
        let before = y.download(&stream);
        refusals.add(class, matmul.w8a16(&stream, m, x.as_slice(), &weight, &mut y.as_slice_mut()));
        y.assert_unchanged(&stream, &before);
    };
    run("W8A16: x one element short", 2, 7, 6);
    run("W8A16: x one element long", 2, 9, 6);
    run("W8A16: y one element short", 2, 8, 5);
    run("W8A16: y one element long", 2, 8, 7);
    run("W8A16: no rows", 0, 0, 0);

    let x = stream.upload(&[f16::ONE; 8]).unwrap();
    let mut y = stream.alloc::<f16>(6).unwrap();
    let other = other_context().stream().unwrap();
    let other_x = other.upload(&[f16::ONE; 8]).unwrap();
    let mut other_y = other.alloc::<f16>(6).unwrap();
    let other_weight = Weight::load(&other, &weights).unwrap();
    let mut foreign = |class: &str, outcome| refusals.add(&format!("W8A16: {class} of another context"), outcome);
    foreign("a stream", matmul.w8a16(&other, 2, x.as_slice(), &weight, &mut y.as_slice_mut()));
    foreign("x", matmul.w8a16(&stream, 2, other_x.as_slice(), &weight, &mut y.as_slice_mut()));
    foreign("weights", matmul.w8a16(&stream, 2, x.as_slice(), &other_weight, &mut y.as_slice_mut()));
    foreign("y", matmul.w8a16(&stream, 2, x.as_slice(), &weight, &mut other_y.as_slice_mut()));
    refusals.assert_table("tests/refusals.md");
}
