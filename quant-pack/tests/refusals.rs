//! Every bad input is its own error, with what came and what was wanted.

mod refused_files;

use half::f16;
use tilewright_quant_pack::balance::Balance;
use tilewright_quant_pack::formats::Format;
use tilewright_quant_pack::formats::gguf::{self, Gguf, Kind, OutputTensor, Value};
use tilewright_quant_pack::gptq::{self, Hessian, Options};
use tilewright_quant_pack::{Error, Granularity, Group, Grouping, Int4, Int4Affine, Int8, ScaleRule, Shape};
use tilewright_testkit::Refusals;

const SHAPE: Shape = Shape { n: 3, k: 40 };
const RULES: [ScaleRule; 2] = [ScaleRule::Max, ScaleRule::LeastSquares];

fn group() -> Group {
    Group::new(32).unwrap()
}

fn int4(weights: &[f32], shape: Shape) -> Result<Int4, Error> {
    Int4::quantize(weights, shape, group(), ScaleRule::Max)
}

fn int8(weights: &[f32], shape: Shape) -> Result<Int8, Error> {
    Int8::quantize(weights, shape, Granularity::PerChannel, ScaleRule::Max)
}

fn parts(qweight: usize, scales: usize) -> Result<Int4, Error> {
    Int4::from_parts(SHAPE, group(), vec![0; qweight], vec![f16::ONE; scales])
}

#[test]
fn zero_dimensions() {
    for (shape, dimension) in [(Shape { n: 0, k: 40 }, "n"), (Shape { n: 3, k: 0 }, "k"), (Shape { n: 0, k: 0 }, "n")] {
        let of = |tensor| Error::ZeroDimension { tensor, dimension };
        assert_eq!(int4(&[], shape), Err(of("weights")));
        assert_eq!(int8(&[], shape), Err(of("weights")));
        assert_eq!(Int4::from_parts(shape, Group::WholeRow, vec![], vec![]), Err(of("qweight")));
        assert_eq!(Int4::pack(&[], shape, Group::WholeRow, vec![]), Err(of("values")));
        assert_eq!(Int8::from_parts(shape, Granularity::PerTensor, vec![], vec![1.0]), Err(of("values")));
    }
}

#[test]
fn products_that_overflow() {
    // The last two fit a usize as a count, not the address space as bytes of f32.
    for (n, k) in [
        (usize::MAX, 40),
        (8, usize::MAX - 7),
        (1 << (usize::BITS / 2), 1 << (usize::BITS / 2)),
        (usize::MAX / 64, 32),
        (1 << (usize::BITS - 6), 8),
    ] {
        let shape = Shape { n, k };
        let of = |tensor| Error::Overflow { tensor, n, k };
        assert_eq!(int4(&[0.0; 40], shape), Err(of("weights")));
        assert_eq!(int8(&[0.0; 40], shape), Err(of("weights")));
        assert_eq!(Int4::from_parts(shape, Group::WholeRow, vec![0; 5], vec![f16::ONE]), Err(of("qweight")));
        assert_eq!(Int4::pack(&[0; 40], shape, Group::WholeRow, vec![f16::ONE]), Err(of("values")));
        assert_eq!(Int8::from_parts(shape, Granularity::PerTensor, vec![0; 40], vec![1.0]), Err(of("values")));
    }
}

#[test]
fn lengths_wrong_by_one() {
    let Shape { n, k } = SHAPE;
    let of = |tensor, found, wanted| Error::WrongLength { tensor, found, wanted, n, k };
    for found in [0, 119, 121] {
        assert_eq!(int4(&vec![0.0; found], SHAPE), Err(of("weights", found, 120)));
        assert_eq!(int8(&vec![0.0; found], SHAPE), Err(of("weights", found, 120)));
        let packed = Int4::pack(&vec![0; found], SHAPE, group(), vec![f16::ONE; 6]);
        assert_eq!(packed, Err(of("values", found, 120)));
        let packed = Int8::from_parts(SHAPE, Granularity::PerTensor, vec![0; found], vec![1.0]);
        assert_eq!(packed, Err(of("values", found, 120)));
    }
    for found in [14, 16] {
        assert_eq!(parts(found, 6), Err(of("qweight", found, 15)));
    }
    for found in [0, 3, 5, 7] {
        assert_eq!(parts(15, found), Err(of("scales", found, 6)));
        assert_eq!(Int4::pack(&[0; 120], SHAPE, group(), vec![f16::ONE; found]), Err(of("scales", found, 6)));
    }
    for (granularity, wanted) in [(Granularity::PerTensor, 1), (Granularity::PerChannel, 3)] {
        for found in [0, 2, 4] {
            let packed = Int8::from_parts(SHAPE, granularity, vec![0; 120], vec![1.0; found]);
            assert_eq!(packed, Err(of("scales", found, wanted)));
        }
    }
    assert!(parts(15, 6).is_ok());
}

#[test]
fn k_that_is_not_whole_words() {
    for k in [1, 7, 33, 39, 41, 47] {
        let refused = Err(Error::PartialWord { k });
        assert_eq!(Int4::quantize(&vec![0.0; k], Shape { n: 1, k }, Group::WholeRow, ScaleRule::Max), refused);
        assert_eq!(Int4::from_parts(Shape { n: 1, k }, Group::WholeRow, vec![0; k / 8], vec![f16::ONE]), refused);
        assert_eq!(Int4::pack(&vec![0; k], Shape { n: 1, k }, Group::WholeRow, vec![f16::ONE]), refused);
    }
}

#[test]
fn groups_that_do_not_fit() {
    for size in [0, 1, 8, 16, 31, 33, 48, 100, usize::MAX] {
        assert_eq!(Group::new(size), Err(Error::GroupSize { size }));
    }
    for size in [64, 128, 1 << 40] {
        let group = Group::new(size).unwrap();
        let refused = Err(Error::GroupTooLarge { size, k: 40 });
        assert_eq!(Int4::quantize(&[0.0; 120], SHAPE, group, ScaleRule::Max), refused);
        assert_eq!(Int4::from_parts(SHAPE, group, vec![0; 15], vec![f16::ONE; 3]), refused);
        assert_eq!(Int4::pack(&[0; 120], SHAPE, group, vec![f16::ONE; 3]), refused);
    }
}

#[test]
fn weights_that_are_not_finite() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for place in [0, 39, 40, 85, 119] {
            let mut weights = [0.5; 120];
            weights[place] = bad;
            let errors = [int4(&weights, SHAPE).unwrap_err(), int8(&weights, SHAPE).unwrap_err()];
            for error in errors {
                let Error::NotFinite { row, column, value } = error else { panic!("{error}") };
                assert_eq!((row, column, value.to_bits()), (place / 40, place % 40, bad.to_bits()));
            }
        }
    }
    let mut halves = [f16::ONE; 120];
    halves[41] = f16::INFINITY;
    let packed = Int4::quantize(&halves, SHAPE, group(), ScaleRule::Max);
    assert_eq!(packed, Err(Error::NotFinite { row: 1, column: 1, value: f32::INFINITY }));
}

#[test]
fn weights_beyond_the_scales() {
    // From 7 · 65520 on the scale rounds to infinity.
    for value in [458_640.0_f32, -458_640.0, 1e30, -f32::MAX] {
        for place in [0, 31, 32, 72, 119] {
            let mut weights = [0.5; 120];
            weights[place] = value;
            let refused = Err(Error::ScaleOverflow { row: place / 40, column: place % 40, value });
            for rule in RULES {
                assert_eq!(Int4::quantize(&weights, SHAPE, group(), rule), refused);
            }
            assert!(int8(&weights, SHAPE).is_ok());
        }
    }
}

#[test]
fn scales_that_are_not_finite() {
    for (place, bad) in [(0, f16::INFINITY), (4, f16::NEG_INFINITY), (5, f16::INFINITY)] {
        let mut scales = vec![f16::ONE; 6];
        scales[place] = bad;
        let refused = Err(Error::ScaleNotFinite { group: place / 3, row: place % 3, value: bad.to_f32() });
        assert_eq!(Int4::from_parts(SHAPE, group(), vec![0; 15], scales.clone()), refused);
        assert_eq!(Int4::pack(&[0; 120], SHAPE, group(), scales), refused);
    }
    let refused = Err(Error::ScaleNotFinite { group: 0, row: 2, value: f32::INFINITY });
    let scales = vec![1.0, 0.0, f32::INFINITY];
    assert_eq!(Int8::from_parts(SHAPE, Granularity::PerChannel, vec![-128; 120], scales), refused);
    let scales = vec![f32::NAN];
    let refused = Int8::from_parts(SHAPE, Granularity::PerTensor, vec![0; 120], scales);
    assert!(matches!(refused, Err(Error::ScaleNotFinite { group: 0, row: 0, .. })));
}

#[test]
fn integers_of_more_than_four_bits() {
    for value in [-128, -9, 8, 127] {
        let mut values = [7; 120];
        values[79] = value;
        let packed = Int4::pack(&values, SHAPE, group(), vec![f16::ONE; 6]);
        assert_eq!(packed, Err(Error::ValueOutOfRange { row: 1, column: 39, value }));
    }
}

/// One of each class, for the documentation.
#[test]
fn the_table_of_refusals_is_up_to_date() {
    let mut refusals = Refusals::of("tilewright-quant-pack");
    let weights = |len: usize, place: usize, value: f32| {
        let mut weights = vec![0.5; len];
        weights[place] = value;
        weights
    };
    refusals.add("no rows", int4(&[], Shape { n: 0, k: 40 }));
    refusals.add("no columns", int4(&[], Shape { n: 3, k: 0 }));
    refusals.add("a product that overflows", int4(&[0.0; 40], Shape { n: usize::MAX, k: 40 }));
    refusals.add("weights one element short", int4(&[0.0; 119], SHAPE));
    refusals.add("weights one element long", int4(&[0.0; 121], SHAPE));
    refusals.add("packed words one short", parts(14, 6));
    refusals.add("a scale too few", parts(15, 5));
    refusals.add("int8 scales too many", Int8::from_parts(SHAPE, Granularity::PerTensor, vec![0; 120], vec![1.0; 2]));
    refusals.add("k that does not fill its words", int4(&[0.0; 41], Shape { n: 1, k: 41 }));
    refusals.add("a group size that is no multiple of 32", Group::new(48));
    refusals.add("a group size of zero", Group::new(0));
    let large = Group::new(64).unwrap();
    refusals.add("a group larger than the row", Int4::quantize(&[0.0; 120], SHAPE, large, ScaleRule::Max));
    refusals.add("a weight that is not a number", int4(&weights(120, 40, f32::NAN), SHAPE));
    refusals.add("an infinite weight", int8(&weights(120, 85, f32::INFINITY), SHAPE));
    refusals.add("a weight beyond the scales", int4(&weights(120, 72, 1e30), SHAPE));
    let scales = vec![f16::INFINITY; 6];
    refusals.add("a scale that is not finite", Int4::from_parts(SHAPE, group(), vec![0; 15], scales));
    let value = Int4::pack(&[8; 120], SHAPE, group(), vec![f16::ONE; 6]);
    refusals.add("an integer of more than four bits", value);
    refusals.add("a group of `g_idx` that does not exist", Grouping::from_index(&[2; 40], 2));
    refusals.add("groups of `g_idx` of other sizes", Grouping::from_index(&[[0; 32], [1; 32], [1; 32]].concat(), 2));
    let whole = || Grouping::in_order(8, Group::WholeRow).unwrap();
    let row = Shape { n: 1, k: 8 };
    let zero = Int4Affine::from_parts(row, whole(), vec![0], vec![f16::ONE], Some(vec![16]));
    refusals.add("a zero point of more than four bits", zero);
    refusals
        .add("a stored integer of more than four bits", Int4Affine::pack(&[16; 8], row, whole(), vec![f16::ONE], None));
    gptq_refusals(&mut refusals);
    balance_refusals(&mut refusals);
    refused_files::add(&mut refusals);
    refusals.assert_table("tests/refusals.md");
}

fn balance_refusals(refusals: &mut Refusals) {
    let (inputs, weights, shape) = ([1.0_f32; 16], [1.0_f32; 24], Shape { n: 3, k: 8 });
    let smooth = |layers: &[(&[f32], Shape)], exponent| Balance::smooth(&inputs, layers, exponent);
    let layer = (&weights[..], shape);
    refusals.add("an exponent above 1", smooth(&[layer], 1.5));
    refusals.add("no layers to balance", smooth(&[], 0.5));
    refusals.add("layers of other inputs", smooth(&[layer, (&weights[..16], Shape { n: 1, k: 16 })], 0.5));
    let balance = smooth(&[layer], 0.5).unwrap();
    refusals.add("weights of other columns than the factors", balance.onto_weights(&weights, Shape { n: 1, k: 24 }));
}

fn gptq_refusals(refusals: &mut Refusals) {
    let options = Options::of(Group::WholeRow);
    let shape = Shape { n: 1, k: 8 };
    let mut hessian = Hessian::new(8).unwrap();
    refusals.add("no columns to calibrate", Hessian::new(0));
    refusals.add("inputs that are no whole rows", hessian.add(&[0.0_f32; 9]));
    refusals.add("an input that is not a number", hessian.add(&[f32::NAN; 8]));
    hessian.add(&[1.0_f32; 8]).unwrap();
    let quantize =
        |shape: Shape, options: &Options| gptq::quantize(&vec![1.0_f32; shape.n * shape.k], shape, &hessian, options);
    refusals.add("a calibration of another layer", quantize(Shape { n: 1, k: 16 }, &options));
    refusals.add("a damping of zero", quantize(shape, &Options { damping: 0.0, ..options }));
    // Eight equal columns have a matrix of rank one; so little damping vanishes beside its entries.
    refusals.add("inputs that leave no factor", quantize(shape, &Options { damping: 1e-300, ..options }));
}

/// A file that ends early is refused wherever it ends, and no byte of it makes anything panic.
#[test]
fn files_cut_anywhere_are_refused() {
    for format in [Format::Gptq, Format::AwqGemm, Format::AwqGemv, Format::CompressedTensors] {
        let whole = refused_files::file(&refused_files::layer(format));
        assert!(refused_files::read(&whole, None).is_ok(), "{format}");
        for length in 0..whole.len() {
            assert!(refused_files::read(&whole[..length], None).is_err(), "{format}, {length} bytes");
        }
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[place] ^= 1 << bit;
                // Names and values may change unseen; layers then may be none.
                drop(refused_files::read_all(&bytes));
            }
        }
    }
    let data = [0x3c; 68];
    let tensor = OutputTensor { name: "w", kind: Kind::Q8_0, shape: &[2, 32], data: &data };
    let whole = gguf::write(&[("a", Value::Text("b")), ("c", Value::F32(1.0))], &[tensor]).unwrap();
    for length in 0..whole.len() {
        assert!(Gguf::parse(&whole[..length]).is_err(), "{length} bytes");
    }
    for place in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << bit;
            // Either refused or read; names and data may change unseen.
            if let Ok(gguf) = Gguf::parse(&bytes) {
                for tensor in gguf.tensors() {
                    assert!(gguf.data(tensor).is_ok() || tensor.kind.block().is_none());
                }
            }
        }
    }
}

#[test]
fn messages_say_what_came_and_what_was_wanted() {
    let message = int4(&[0.0; 119], SHAPE).unwrap_err().to_string();
    assert_eq!(message, "tensor `weights` has 119 elements, n = 3 by k = 40 wants 120");
    let message = Group::new(48).unwrap_err().to_string();
    assert_eq!(message, "group size 48 is not a multiple of 32 from 32 on; use `Group::WholeRow` for one group a row");
    let message = Error::PartialWord { k: 41 }.to_string();
    assert_eq!(message, "k = 41 is not a multiple of 8, which a word of tensor `qweight` packs together");
}
