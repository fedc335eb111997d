//! Bad input: a typed error with the numbers in it, nothing launched, nothing written.

use half::f16;
use tilewright_matmul_f16::{Matmul, Shape};
use tilewright_testkit::{Guarded, Refusals, context, other_context, stream};

#[test]
fn bad_input_is_refused() {
    let mut refusals = Refusals::of("tilewright-matmul-f16");
    let (stream, matmul) = (stream(), Matmul::new(context()).unwrap());
    let mut run = |class: &str, shape: Shape, lengths: [usize; 4]| {
        let [x, w, bias, y] = lengths;
        let [x, w, bias] = [x, w, bias].map(|len| stream.upload(&vec![f16::ONE; len]).unwrap());
        let mut y = Guarded::<f16>::new(&stream, y);
        let before = y.download(&stream);
        let bias = Some(bias.as_slice());
        refusals.add(class, matmul.run(&stream, shape, x.as_slice(), w.as_slice(), bias, &mut y.as_slice_mut()));
        y.assert_unchanged(&stream, &before);
    };
    let shape = Shape { m: 2, n: 3, k: 4 };
    run("x one element short", shape, [7, 12, 3, 6]);
    run("x one element long", shape, [9, 12, 3, 6]);
    run("w one element short", shape, [8, 11, 3, 6]);
    run("w one element long", shape, [8, 13, 3, 6]);
    run("bias one element short", shape, [8, 12, 2, 6]);
    run("bias one element long", shape, [8, 12, 4, 6]);
    run("y one element short", shape, [8, 12, 3, 5]);
    run("y one element long", shape, [8, 12, 3, 7]);
    run("no rows", Shape { m: 0, ..shape }, [0, 12, 3, 0]);
    run("no columns", Shape { n: 0, ..shape }, [8, 0, 0, 0]);
    run("k of zero", Shape { k: 0, ..shape }, [0, 0, 3, 6]);
    run("more rows than can be indexed", Shape { m: usize::MAX, ..shape }, [8, 12, 3, 6]);
    run("more columns than a grid has blocks for", Shape { n: 1 << 23, ..shape }, [8, 12, 3, 6]);
    run("k longer than an index", Shape { k: 1 << 30, ..shape }, [8, 12, 3, 6]);

    let [x, w] = [8, 12].map(|len| stream.upload(&vec![f16::ONE; len]).unwrap());
    let mut y = stream.alloc::<f16>(6).unwrap();
    let other = other_context().stream().unwrap();
    let [other_x, other_w] = [8, 12].map(|len| other.upload(&vec![f16::ONE; len]).unwrap());
    let mut other_y = other.alloc::<f16>(6).unwrap();
    let mut foreign = |class: &str, outcome| refusals.add(&format!("{class} of another context"), outcome);
    foreign("a stream", matmul.run(&other, shape, x.as_slice(), w.as_slice(), None, &mut y.as_slice_mut()));
    foreign("x", matmul.run(&stream, shape, other_x.as_slice(), w.as_slice(), None, &mut y.as_slice_mut()));
    foreign("w", matmul.run(&stream, shape, x.as_slice(), other_w.as_slice(), None, &mut y.as_slice_mut()));
    foreign("y", matmul.run(&stream, shape, x.as_slice(), w.as_slice(), None, &mut other_y.as_slice_mut()));
    refusals.assert_table("tests/refusals.md");
}
