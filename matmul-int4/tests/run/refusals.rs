//! Bad input: a typed error with the numbers in it, nothing launched, nothing written.

use half::f16;
use tilewright_matmul_int4::{Matmul, Problem, Shape, Weight};
use tilewright_quant_pack::{Group, Int4, ScaleRule, Shape as WeightShape};
use tilewright_testkit::{Guarded, Refusals, context, other_context, stream};

#[test]
fn bad_input_is_refused() {
    let mut refusals = Refusals::of("tilewright-matmul-int4");
    let stream = stream();
    let quantized =
        Int4::quantize(&vec![1f32; 3 * 40], WeightShape { n: 3, k: 40 }, Group::new(32).unwrap(), ScaleRule::Max)
            .unwrap();
    let weight = Weight::load(&stream, &quantized).unwrap();
    let matmul = Matmul::new(context()).unwrap();
    let mut run = |class: &str, m: usize, x: usize, y: usize| {
        let x = stream.upload(&vec![f16::ONE; x]).unwrap();
        let mut y = Guarded::<f16>::new(&stream, y);
        let before = y.download(&stream);
        refusals.add(class, matmul.run(&stream, m, x.as_slice(), &weight, &mut y.as_slice_mut()));
        y.assert_unchanged(&stream, &before);
    };
    run("x one element short", 2, 79, 6);
    run("x one element long", 2, 81, 6);
    run("y one element short", 2, 80, 5);
    run("y one element long", 2, 80, 7);
    run("no rows", 0, 0, 0);
    run("more rows than can be indexed", usize::MAX, 0, 0);
    let (good_x, mut good_y) = (stream.upload(&[f16::ONE; 80]).unwrap(), stream.alloc::<f16>(6).unwrap());
    let other = other_context().stream().unwrap();
    let foreign_x = other.upload(&[f16::ONE; 80]).unwrap();
    let mut foreign_y = other.alloc::<f16>(6).unwrap();
    let foreign_weight = Weight::load(&other, &quantized).unwrap();
    let mut foreign = |class: &str, outcome| refusals.add(&format!("{class} of another context"), outcome);
    foreign("a stream", matmul.run(&other, 2, good_x.as_slice(), &weight, &mut good_y.as_slice_mut()));
    foreign("x", matmul.run(&stream, 2, foreign_x.as_slice(), &weight, &mut good_y.as_slice_mut()));
    foreign("weights", matmul.run(&stream, 2, good_x.as_slice(), &foreign_weight, &mut good_y.as_slice_mut()));
    foreign("y", matmul.run(&stream, 2, good_x.as_slice(), &weight, &mut foreign_y.as_slice_mut()));
    let mut problem = |class: &str, (m, n, k), group| refusals.add(class, Problem::new(Shape { m, n, k }, group));
    let group = |size| Group::new(size).unwrap();
    problem("no columns", (1, 0, 8), Group::WholeRow);
    problem("k of zero", (1, 1, 0), Group::WholeRow);
    problem("k that does not fill its words", (1, 1, 12), Group::WholeRow);
    problem("more columns than a grid has blocks for", (1, 1 << 23, 8), group(32));
    problem("k longer than an index", (1, 1, 1 << 30), group(32));
    refusals.assert_table("tests/refusals.md");
}
