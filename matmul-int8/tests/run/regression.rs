//! What other int8 products are known to get wrong.

use tilewright_matmul_int8::{Error, Matmul, Operands, Shape, W8A8_K_LIMIT};
use tilewright_testkit::{assert_same_bits, context, stream};

use crate::support::Case;

/// 131,072 products of -128 by -128 are 2^31, one more than an i32 holds.
#[test]
fn a_sum_that_could_leave_i32_is_refused() {
    let (stream, k) = (stream(), W8A8_K_LIMIT + 1);
    let x = stream.upload(&vec![-128i8; k]).unwrap();
    let mut y = stream.alloc::<i32>(1).unwrap();
    let operands = Operands { x: x.as_slice(), w: x.as_slice() };
    let matmul = Matmul::new(context()).unwrap();
    let error =
        matmul.w8a8_sums(&stream, Shape { m: 1, n: 1, k }, operands, &mut y.as_slice_mut()).expect_err("refused");
    assert!(matches!(error, Error::SumOverflow { k: 131_072, limit: 131_071 }), "{error}");
    assert!(error.to_string().contains("k may be 131071 at most"), "{error}");
    // The longest that is allowed holds the largest sum.
    let k = W8A8_K_LIMIT;
    let operands = Operands { x: x.slice(0..k).unwrap(), w: x.slice(0..k).unwrap() };
    matmul.w8a8_sums(&stream, Shape { m: 1, n: 1, k }, operands, &mut y.as_slice_mut()).unwrap();
    assert_eq!(stream.download(y.as_slice()).unwrap(), [131_071 * 16_384]);
}

#[test]
fn extremes_fill_the_accumulator_without_leaving_it() {
    let k = 4096;
    for (a, b) in [(-128, -128), (-128, 127), (127, 127)] {
        let case = Case { shape: Shape { m: 2, n: 3, k }, x: vec![a; 2 * k], w: vec![b; 3 * k] };
        assert_eq!(case.sums(0), vec![i32::from(a) * i32::from(b) * 4096; 6]);
    }
}

/// Odd rows of results and of operands are misaligned for anything wider than a byte.
#[test]
fn odd_columns_are_not_misaligned() {
    for (n, k) in [(1, 1), (7, 33), (9, 64), (13, 256), (18, 129), (24, 31)] {
        let case = Case::new((65, n, k), 3);
        assert_same_bits("y", &case.sums(0), &case.wanted());
        assert_same_bits("y", &case.sums(3), &case.wanted());
    }
}

/// One row in a tile of 16: what lies behind it belongs to someone else.
#[test]
fn one_row_writes_only_its_row() {
    for n in [1, 8, 64, 65, 200] {
        let case = Case::new((1, n, 96), 4);
        assert_same_bits("y", &case.sums(0), &case.wanted());
    }
}
