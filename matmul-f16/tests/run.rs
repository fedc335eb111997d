//! The products against the f64 oracle, on the test device.

use half::{bf16, f16};
use proptest::prelude::*;
use tilewright_matmul_f16::{Dtype, Element, Error, Matmul, Shape, reference};
use tilewright_testkit::{Bits, Guarded, Random, Values, assert_same_bits, assert_within, cases, context, stream};

/// Sizes around the edges of tiles (16, 64, 128), of 16-byte chunks (8) and of mma steps (16).
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![1..20usize, prop::sample::select(vec![31, 32, 33, 63, 64, 65, 96, 127, 128, 129, 136, 192, 200])]
}

fn values() -> impl Strategy<Value = Values> {
    prop::sample::select(Values::ALL.to_vec())
}

struct Case<T> {
    shape: Shape,
    x: Vec<T>,
    w: Vec<T>,
    bias: Option<Vec<T>>,
}

trait Number: Element + Bits {
    fn new(value: f32) -> Self;
    fn float(self) -> f32;
}

impl Number for f16 {
    fn new(value: f32) -> Self {
        Self::from_f32(value)
    }
    fn float(self) -> f32 {
        self.to_f32()
    }
}

impl Number for bf16 {
    fn new(value: f32) -> Self {
        Self::from_f32(value)
    }
    fn float(self) -> f32 {
        self.to_f32()
    }
}

impl<T: Number> Case<T> {
    fn new(shape: Shape, values: Values, with_bias: bool, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let Shape { m, n, k } = shape;
        let mut draw = |count| (0..count).map(|_| T::new(random.float(values))).collect::<Vec<T>>();
        Self { shape, x: draw(m * k), w: draw(n * k), bias: with_bias.then(|| draw(n)) }
    }

    /// Runs it with tensors that start `offset` elements behind an aligned address.
    fn run(&self, offset: usize) -> Vec<T> {
        let stream = stream();
        let x = Guarded::upload(&stream, &self.x, offset);
        let w = Guarded::upload(&stream, &self.w, offset);
        let bias = self.bias.as_ref().map(|bias| Guarded::upload(&stream, bias, offset));
        let mut y = Guarded::misaligned(&stream, self.shape.m * self.shape.n, offset);
        let matmul = Matmul::new(context()).unwrap();
        let bias_slice = bias.as_ref().map(Guarded::as_slice);
        matmul.run(&stream, self.shape, x.as_slice(), w.as_slice(), bias_slice, &mut y.as_slice_mut()).unwrap();
        let result = y.download(&stream);
        x.assert_unchanged(&stream, &self.x);
        w.assert_unchanged(&stream, &self.w);
        result
    }

    fn check(&self, offset: usize) -> Vec<T> {
        let floats = |values: &[T]| values.iter().map(|value| value.float()).collect::<Vec<_>>();
        let bias = self.bias.as_deref().map(floats).unwrap_or_default();
        let expected = reference::matmul(self.shape, &floats(&self.x), &floats(&self.w), &bias);
        let y = self.run(offset);
        assert_within(
            "y",
            &y,
            expected.iter().map(|element| (element.value, reference::bound(element, self.shape.k, T::DTYPE))),
        );
        y
    }
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn f16_is_within_the_bound(
        (m, n, k) in (sizes(), sizes(), sizes()), values in values(), bias: bool, offset in 0..4usize, seed: u64,
    ) {
        Case::<f16>::new(Shape { m, n, k }, values, bias, seed).check(offset);
    }

    #[test]
    fn bf16_is_within_the_bound(
        (m, n, k) in (sizes(), sizes(), sizes()), values in values(), bias: bool, offset in 0..4usize, seed: u64,
    ) {
        Case::<bf16>::new(Shape { m, n, k }, values, bias, seed).check(offset);
    }

    /// Every plan sums in the same order: a row alone, at another address, gives the bits that it gives among others.
    #[test]
    fn a_row_does_not_depend_on_the_others(
        (m, n, k) in (2..140usize, sizes(), sizes()), values in values(), offset in 0..4usize, seed: u64,
    ) {
        let case = Case::<f16>::new(Shape { m, n, k }, values, false, seed);
        let all = case.run(0);
        let row = usize::try_from(seed % m as u64).unwrap();
        let alone = Case { shape: Shape { m: 1, n, k }, x: case.x[row * k..(row + 1) * k].to_vec(), w: case.w, bias: None };
        assert_same_bits("row", &all[row * n..(row + 1) * n], &alone.run(offset));
    }
}

#[test]
fn integers_are_exact() {
    for (m, n, k) in [(1, 1, 1), (17, 9, 33), (64, 64, 64), (130, 67, 100)] {
        let case = Case::<f16>::new(Shape { m, n, k }, Values::SmallIntegers, true, 5);
        let expected = reference::matmul(
            case.shape,
            &case.x.iter().map(|x| x.to_f32()).collect::<Vec<_>>(),
            &case.w.iter().map(|w| w.to_f32()).collect::<Vec<_>>(),
            &case.bias.as_ref().unwrap().iter().map(|b| b.to_f32()).collect::<Vec<_>>(),
        );
        let rounded: Vec<f16> = expected.iter().map(|element| f16::from_f64(element.value)).collect();
        assert_same_bits("y", &case.run(0), &rounded);
    }
}

#[test]
fn the_wide_plan_is_within_the_bound() {
    Case::<f16>::new(Shape { m: 1024, n: 1000, k: 72 }, Values::Outliers, true, 3).check(0);
}

#[test]
fn two_runs_give_the_same_bits() {
    let case = Case::<f16>::new(Shape { m: 70, n: 130, k: 200 }, Values::Outliers, true, 11);
    assert_same_bits("y", &case.run(0), &case.run(0));
}

#[test]
fn infinities_and_nan_go_through() {
    let mut case = Case::<f16>::new(Shape { m: 3, n: 5, k: 40 }, Values::Uniform, false, 1);
    case.x[7] = f16::INFINITY;
    case.w.iter_mut().for_each(|w| *w = f16::from_f32(w.to_f32().abs() + 0.5));
    case.x[40 + 3] = f16::NAN;
    let y = case.run(0);
    assert!(y[..5].iter().all(|y| *y == f16::INFINITY), "{y:?}");
    assert!(y[5..10].iter().all(|y| y.is_nan()), "{y:?}");
    assert!(y[10..].iter().all(|y| y.is_finite()), "{y:?}");
}

/// Runs with buffers of the given lengths; the refusal, after which nothing was written.
fn refusal(shape: Shape, x: usize, w: usize, bias: Option<usize>, y: usize) -> Error {
    let stream = stream();
    let x = stream.upload(&vec![f16::ONE; x]).unwrap();
    let w = stream.upload(&vec![f16::ONE; w]).unwrap();
    let bias = bias.map(|bias| stream.upload(&vec![f16::ONE; bias]).unwrap());
    let mut y = Guarded::<f16>::new(&stream, y);
    let before = y.download(&stream);
    let matmul = Matmul::new(context()).unwrap();
    let bias = bias.as_ref().map(tilewright_ffi::DeviceBuffer::as_slice);
    let error =
        matmul.run(&stream, shape, x.as_slice(), w.as_slice(), bias, &mut y.as_slice_mut()).expect_err("refused");
    y.assert_unchanged(&stream, &before);
    error
}

#[test]
fn wrong_shapes_are_refused_by_name() {
    let shape = Shape { m: 2, n: 3, k: 4 };
    let cases = [
        (refusal(shape, 7, 12, None, 6), "tensor `x` has 7 elements, its shape 2 x 4 wants 8"),
        (refusal(shape, 9, 12, None, 6), "tensor `x` has 9 elements, its shape 2 x 4 wants 8"),
        (refusal(shape, 8, 11, None, 6), "tensor `w` has 11 elements, its shape 3 x 4 wants 12"),
        (refusal(shape, 8, 12, Some(4), 6), "tensor `bias` has 4 elements, its shape 1 x 3 wants 3"),
        (refusal(shape, 8, 12, None, 5), "tensor `y` has 5 elements, its shape 2 x 3 wants 6"),
        (refusal(Shape { m: 0, ..shape }, 0, 12, None, 0), "m is 0; every dimension must be at least 1"),
        (refusal(Shape { n: 0, ..shape }, 8, 0, None, 0), "n is 0; every dimension must be at least 1"),
        (refusal(Shape { k: 0, ..shape }, 0, 0, None, 6), "k is 0; every dimension must be at least 1"),
    ];
    for (error, wanted) in cases {
        assert_eq!(error.to_string(), wanted);
    }
    let long = refusal(Shape { m: usize::MAX, ..shape }, 8, 12, None, 6);
    assert!(long.to_string().starts_with("m = 18446744073709551615 is larger than"), "{long}");
    assert_eq!(Dtype::F16, f16::DTYPE);
}
