//! Bad input: a typed error with the numbers in it, nothing launched, nothing written.

use half::f16;
use tilewright_attention::rope::{Pairs, Rope, RopeProblem, RopeShape};
use tilewright_attention::{Attention, Layout, Layouts, Mask, Problem, Shape};
use tilewright_testkit::{Guarded, Refusals, context, other_context, stream};

const GOOD: Shape = Shape { batch: 1, heads_q: 4, heads_kv: 2, len_q: 3, len_kv: 5, dim: 64 };

#[test]
fn bad_input_is_refused() {
    let mut refusals = Refusals::of("tilewright-attention");
    shapes(&mut refusals);
    scales_and_layouts(&mut refusals);
    tensors(&mut refusals);
    rotations(&mut refusals);
    refusals.assert_table("tests/refusals.md");
}

fn shapes(refusals: &mut Refusals) {
    let mut shape = |class: &str, shape| refusals.add(class, Problem::new(shape, Mask::None));
    shape("batch of zero", Shape { batch: 0, ..GOOD });
    shape("more sequences than a grid has blocks for", Shape { batch: 65_536, ..GOOD });
    shape("no heads of q", Shape { heads_q: 0, ..GOOD });
    shape("no heads of k and v", Shape { heads_kv: 0, ..GOOD });
    shape("heads that do not share evenly", Shape { heads_kv: 3, ..GOOD });
    shape("no queries", Shape { len_q: 0, ..GOOD });
    shape("no keys", Shape { len_kv: 0, ..GOOD });
    shape("more keys than can be indexed", Shape { len_kv: usize::MAX, ..GOOD });
    shape("a head of zero", Shape { dim: 0, ..GOOD });
    shape("a head that is too narrow", Shape { dim: 16, ..GOOD });
    shape("a head that is no multiple of 16", Shape { dim: 40, ..GOOD });
    shape("a head that is too wide", Shape { dim: 272, ..GOOD });
}

fn scales_and_layouts(refusals: &mut Refusals) {
    let problem = Problem::new(GOOD, Mask::None).unwrap();
    refusals.add("a scale that is not a number", problem.with_scale(f32::NAN));
    refusals.add("an infinite scale", problem.with_scale(f32::INFINITY));
    let mut layout = |class: &str, o: Layout| {
        refusals.add(class, problem.with_layouts(Layouts { o, ..problem.layouts() }));
    };
    let good = problem.layouts().o;
    layout("rows of the result that overlap", Layout { row_stride: 63, ..good });
    layout("a stride longer than an index", Layout { head_stride: 1 << 31, ..good });
}

fn tensors(refusals: &mut Refusals) {
    let (stream, attention) = (stream(), Attention::new(context()).unwrap());
    let problem = Problem::new(GOOD, Mask::None).unwrap();
    let mut run = |class: &str, lengths: [usize; 4]| {
        let [q, k, v] = [0, 1, 2].map(|index| stream.upload(&vec![f16::ONE; lengths[index]]).unwrap());
        let mut o = Guarded::<f16>::new(&stream, lengths[3]);
        let before = o.download(&stream);
        let inputs = [q.as_slice(), k.as_slice(), v.as_slice()];
        refusals.add(class, attention.run(&stream, &problem, inputs, &mut o.as_slice_mut()));
        o.assert_unchanged(&stream, &before);
    };
    run("q one element short", [767, 640, 640, 768]);
    run("k one element long", [768, 641, 640, 768]);
    run("v one element short", [768, 640, 639, 768]);
    run("o one element long", [768, 640, 640, 769]);

    let [q, k, v] = [768, 640, 640].map(|len| stream.upload(&vec![f16::ONE; len]).unwrap());
    let mut o = stream.alloc::<f16>(768).unwrap();
    let other = other_context().stream().unwrap();
    let foreign = other.upload(&vec![f16::ONE; 640]).unwrap();
    let mut run = |class: &str, stream, k| {
        let inputs = [q.as_slice(), k, v.as_slice()];
        refusals.add(class, attention.run(stream, &problem, inputs, &mut o.as_slice_mut()));
    };
    run("a stream of another context", &other, k.as_slice());
    run("k of another context", &stream, foreign.as_slice());
}

fn rotations(refusals: &mut Refusals) {
    let layout = Layout::heads_first(1, 4, 6);
    let shape = RopeShape { batch: 1, heads: 1, len: 4, dim: 6 };
    let mut problem = |class: &str, shape| refusals.add(class, RopeProblem::new(shape, Pairs::Halves, layout, layout));
    problem("a rotation of an odd number of elements", RopeShape { dim: 5, ..shape });
    problem("a rotation of nothing", RopeShape { dim: 0, ..shape });
    problem("a rotation of no rows", RopeShape { len: 0, ..shape });

    let (stream, rope) = (stream(), Rope::new(context()).unwrap());
    let problem = RopeProblem::new(shape, Pairs::Halves, layout, layout).unwrap();
    let mut run = |class: &str, x: usize, cos: usize, sin: usize, y: usize| {
        let x = stream.upload(&vec![f16::ONE; x]).unwrap();
        let [cos, sin] = [cos, sin].map(|len| stream.upload(&vec![1f32; len]).unwrap());
        let mut y = Guarded::<f16>::new(&stream, y);
        let before = y.download(&stream);
        let turns = [cos.as_slice(), sin.as_slice()];
        refusals.add(class, rope.run(&stream, &problem, x.as_slice(), turns, &mut y.as_slice_mut()));
        y.assert_unchanged(&stream, &before);
    };
    run("a rotation's x one element short", 23, 12, 12, 24);
    run("a rotation's cosines one short", 24, 11, 12, 24);
    run("a rotation's sines one long", 24, 12, 13, 24);
    run("a rotation's y one element long", 24, 12, 12, 25);
}
