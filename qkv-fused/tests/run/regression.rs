//! Shapes that other fused projections are known to get wrong.

use half::f16;
use tilewright_qkv_fused::{QkvShape, QkvWeights, Schedule, reference};
use tilewright_quant_pack::{Granularity, Group, Int4, Int8, ScaleRule};
use tilewright_testkit::{Random, Values, assert_within, context, stream};

use crate::support::{run_in, weights};

fn floats(x: &[f16]) -> Vec<f32> {
    x.iter().map(|x| x.to_f32()).collect()
}

/// Both weights, every schedule: results within their bounds, guards intact.
fn check(m: usize, n: usize, k: usize) {
    let shape = QkvShape { m, n_q: n, n_kv: n, k };
    let x = Random::new(1).halves(Values::Uniform, m * k);
    let group = Group::new(64).unwrap();
    let int4 = weights(shape, 2, |w, shape| Int4::quantize(w, shape, group, ScaleRule::Max).unwrap());
    let int8 = weights(shape, 3, |w, shape| Int8::quantize(w, shape, Granularity::PerChannel, ScaleRule::Max).unwrap());
    let cases = [
        (QkvWeights::load_int4(&stream(), int4.each_ref()), reference::qkv_int4(shape, &floats(&x), int4.each_ref())),
        (QkvWeights::load_int8(&stream(), int8.each_ref()), reference::qkv_int8(shape, &floats(&x), int8.each_ref())),
    ];
    for (loaded, expected) in cases {
        let loaded = loaded.unwrap();
        for schedule in Schedule::ALL {
            for (result, expected) in run_in(context(), schedule, shape, &x, &loaded, 0).iter().zip(&expected) {
                let bounds = expected.iter().map(|e| (e.value, reference::bound(e, k, group.count(k))));
                assert_within(&format!("{schedule:?}, {shape:?}"), result, bounds);
            }
        }
    }
}

/// A whole tile of rows written for one: 4,032 elements past the output.
#[test]
fn one_row_of_64_columns_writes_only_its_row() {
    check(1, 64, 128);
}

/// Stores of a tile's columns past the row's end reach the next row.
#[test]
fn columns_18_and_24_leave_the_next_row_alone() {
    check(64, 18, 128);
    check(64, 24, 128);
}

/// Rows of 18 or 13 results do not start on 4, 8 or 16 bytes.
#[test]
fn rows_of_18_and_13_columns_are_not_misaligned() {
    check(5, 18, 64);
    check(66, 13, 192);
}

/// The block's column offset added twice in the loader is wrong from the second block of columns on.
#[test]
fn the_second_block_of_columns_reads_its_own_weights() {
    check(17, 130, 64);
    check(3, 200, 128);
}
