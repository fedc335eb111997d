//! Bad input: a typed error with the numbers in it, nothing launched, nothing written.

use tilewright_reduce::{Affine, Quantized, RowKernels, Shape};
use tilewright_testkit::{Guarded, Refusals, context, other_context, stream};

#[test]
fn bad_input_is_refused() {
    let mut refusals = Refusals::of("tilewright-reduce");
    let (stream, kernels) = (stream(), RowKernels::new(context()).unwrap());
    let x = stream.upload(&[1f32; 6]).unwrap();
    let weight = stream.upload(&[1f32; 4]).unwrap();
    let mut y = Guarded::<f32>::new(&stream, 6);
    let before = y.download(&stream);
    let shape = Shape { rows: 2, columns: 3 };

    let mut softmax = |class: &str, shape| {
        refusals.add(class, kernels.softmax(&stream, shape, x.as_slice(), &mut y.as_slice_mut()));
    };
    softmax("no rows", Shape { rows: 0, columns: 3 });
    softmax("no columns", Shape { rows: 2, columns: 0 });
    softmax("more rows than a grid has blocks for", Shape { rows: usize::MAX, columns: 1 });
    softmax("more columns than can be indexed", Shape { rows: 1, columns: usize::MAX });
    softmax("x one element short", Shape { rows: 7, columns: 1 });
    softmax("x one element long", Shape { rows: 5, columns: 1 });

    let three = weight.slice(0..3).unwrap();
    let mut rms_norm = |class: &str, weight, epsilon| {
        refusals.add(class, kernels.rms_norm(&stream, shape, x.as_slice(), weight, epsilon, &mut y.as_slice_mut()));
    };
    rms_norm("a weight too many", weight.as_slice(), 0.0);
    rms_norm("a weight too few", weight.slice(0..2).unwrap(), 0.0);
    rms_norm("a negative epsilon", three, -1.0);
    rms_norm("an epsilon that is not a number", three, f32::NAN);
    rms_norm("an infinite epsilon", three, f32::INFINITY);

    let affine = Affine { weight: three, bias: Some(weight.as_slice()) };
    let norm = kernels.layer_norm(&stream, shape, x.as_slice(), affine, 0.0, &mut y.as_slice_mut());
    refusals.add("a bias too many", norm);
    refusals.add("y one element a row too many", kernels.sum(&stream, shape, x.as_slice(), &mut y.as_slice_mut()));
    y.assert_unchanged(&stream, &before);

    let (mut codes, mut scales) = (Guarded::<i8>::new(&stream, 6), Guarded::<f32>::new(&stream, 3));
    let before = (codes.download(&stream), scales.download(&stream));
    let mut quantize = |class: &str, code_count, scale_count| {
        let (mut codes, mut scales) = (codes.as_slice_mut(), scales.as_slice_mut());
        let (codes, scales) = (codes.slice(0..code_count).unwrap(), scales.slice(0..scale_count).unwrap());
        let y = &mut Quantized { codes, scales };
        refusals.add(class, kernels.quantize(&stream, shape, x.as_slice(), y));
        let norm = kernels.rms_norm_quantize(&stream, shape, x.as_slice(), three, 0.0, y);
        refusals.add(&format!("{class}, after a norm"), norm);
    };
    quantize("a scale too many", 6, 3);
    quantize("a scale too few", 6, 1);
    quantize("a code too few", 5, 2);
    codes.assert_unchanged(&stream, &before.0);
    scales.assert_unchanged(&stream, &before.1);

    let other = other_context().stream().unwrap();
    let other_x = other.upload(&[1f32; 6]).unwrap();
    let mut softmax = |class: &str, stream, x| {
        refusals.add(class, kernels.softmax(stream, shape, x, &mut y.as_slice_mut()));
    };
    softmax("a stream of another context", &other, x.as_slice());
    softmax("x of another context", &stream, other_x.as_slice());
    refusals.assert_table("tests/refusals.md");
}
