//! What other attention kernels are known to refuse or get wrong.

use half::f16;
use tilewright_attention::{Mask, Problem, Shape};
use tilewright_testkit::Values;

use crate::support::Case;

fn check(shape: Shape) {
    for mask in [Mask::None, Mask::Causal] {
        Case::<f16>::new(Problem::new(shape, mask).unwrap(), Values::Uniform, 21).check(0);
    }
}

#[test]
fn lengths_need_not_be_multiples_of_16() {
    for (len_q, len_kv) in [(17, 33), (1, 1), (15, 17), (63, 65), (5, 300)] {
        check(Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q, len_kv, dim: 64 });
    }
}

#[test]
fn more_than_384_keys_are_attended_to() {
    check(Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q: 20, len_kv: 385, dim: 64 });
    check(Shape { batch: 1, heads_q: 2, heads_kv: 1, len_q: 1, len_kv: 1500, dim: 64 });
}

#[test]
fn heads_may_be_wider_than_128() {
    check(Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q: 33, len_kv: 40, dim: 144 });
    check(Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q: 17, len_kv: 70, dim: 256 });
}

#[test]
fn there_may_be_many_heads_and_sequences() {
    check(Shape { batch: 3, heads_q: 8, heads_kv: 2, len_q: 9, len_kv: 20, dim: 32 });
    check(Shape { batch: 2, heads_q: 8, heads_kv: 1, len_q: 1, len_kv: 33, dim: 48 });
}
