//! attention: 16,384 tokens of 2,048 columns, and one query over many keys.

use anyhow::Result;
use half::f16;
use tilewright_attention::{Attention, Dtype, Mask, Problem, Shape, reference};
use tilewright_ffi::DeviceSliceMut;
use tilewright_testkit::{Random, Values};

use super::{Timed, copies, draw};
use crate::bench::record::Limit;
use crate::bench::{Bench, Work};
use crate::operations::floats;

const TOKENS: usize = 16_384;
const WIDTH: usize = 2048;
const LENGTHS: [usize; 6] = [512, 1024, 2048, 4096, 8192, 16_384];

pub(super) fn run(bench: &mut Bench<'_>) -> Result<()> {
    for dim in [64, 128] {
        for mask in [Mask::None, Mask::Causal] {
            for len in LENGTHS {
                let heads = WIDTH / dim;
                let shape =
                    Shape { batch: TOKENS / len, heads_q: heads, heads_kv: heads, len_q: len, len_kv: len, dim };
                case(bench, shape, mask)?;
            }
        }
    }
    let decoding = Shape { batch: 8, heads_q: 32, heads_kv: 32, len_q: 1, len_kv: 8192, dim: 128 };
    case(bench, decoding, Mask::None)?;
    // Grouped: eight heads of queries on one of keys.
    case(bench, Shape { heads_kv: 4, ..decoding }, Mask::None)
}

fn case(bench: &mut Bench<'_>, shape: Shape, mask: Mask) -> Result<()> {
    let Shape { batch, heads_q, heads_kv, len_q, len_kv, dim } = shape;
    let stream = &bench.session.stream;
    let attention = Attention::new(&bench.session.context)?;
    let problem = Problem::new(shape, mask)?;
    let (queries, keys) = (batch * heads_q * len_q * dim, batch * heads_kv * len_kv * dim);
    let mut random = Random::new(9);
    let [q, k, v] = [queries, keys, keys].map(|count| draw(count, |len| random.halves(Values::Uniform, len)));
    let bytes = 2 * (2 * queries + 2 * keys);
    let sets = bench.sets(bytes);
    let (device_q, device_k, device_v) =
        (copies(stream, &q, sets)?, copies(stream, &k, sets)?, copies(stream, &v, sets)?);
    let half = if mask == Mask::Causal { 2 } else { 1 };
    let work = Work {
        operation: "attention",
        variant: if mask == Mask::Causal { "causal" } else { "full" }.to_owned(),
        shape: format!("{batch} x {heads_q}:{heads_kv} x {len_q}:{len_kv} x {dim}"),
        bytes,
        operations: 4 * queries * len_kv / half,
        units: Limit::F16,
        memory: Limit::Read,
    };
    let call = |set: usize, o: &mut DeviceSliceMut<'_, f16>| {
        let inputs = [device_q[set].as_slice(), device_k[set].as_slice(), device_v[set].as_slice()];
        Ok(attention.run(stream, &problem, inputs, o)?)
    };
    Timed::new(bench, batch * heads_q * len_q, dim)?.run(bench, &work, sets, call, |sample| {
        let mut expected = Vec::new();
        for row in &sample.rows {
            // One query, with the keys that it sees.
            let (query, head) = (row % len_q, row / len_q);
            let seen = if mask == Mask::Causal { (query + 1 + len_kv).saturating_sub(len_q) } else { len_kv };
            let first = (head / heads_q * heads_kv + head % heads_q / (heads_q / heads_kv)) * len_kv * dim;
            let part = Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q: 1, len_kv: seen, dim };
            let tensors =
                [&q[row * dim..(row + 1) * dim], &k[first..first + seen * dim], &v[first..first + seen * dim]];
            let [q, k, v] = tensors.map(floats);
            let row = reference::attention(&Problem::new(part, Mask::None)?, Dtype::F16, [&q, &k, &v]);
            expected.extend(sample.columns.iter().map(|column| (row[*column].value, row[*column].bound)));
        }
        Ok(expected)
    })
}
