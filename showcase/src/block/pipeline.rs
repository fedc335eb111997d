//! The kernels, one after the other, each checked against its oracle on the very inputs that it had on the device.

use anyhow::{Context, Result};
use half::f16;
use tilewright_attention::rope::{Angles, Pairs, Rope, RopeProblem, RopeShape, Tables};
use tilewright_attention::{Attention, Dtype, Layout, Layouts, Mask, Problem, Shape as AttentionShape};
use tilewright_ffi::DeviceBuffer;
use tilewright_matmul_f16::{Matmul, Shape};
use tilewright_qkv_fused::{Outputs, QkvFused, QkvShape, QkvWeights};
use tilewright_quant_pack::gptq::{self, Hessian};
use tilewright_quant_pack::{Group, Int4, Shape as WeightShape};
use tilewright_reduce::{Operation, Plan, RowKernels, Shape as RowShape};

use super::oracle::{self, Exact};
use super::{CALIBRATION, EPSILON, GROUP, HEAD_DIM, HEADS_KV, HEADS_Q, HIDDEN, Layer, N_KV, THETA, TOKENS, Weights};
use crate::device::Session;
use crate::operations::floats;
use crate::table::{Row, Worst};

/// What the kernels gave, and what exact arithmetic on the same weights gives.
pub(super) struct Results {
    pub(super) q: Vec<f16>,
    pub(super) k: Vec<f16>,
    pub(super) v: Vec<f16>,
    pub(super) q_rope: Vec<f16>,
    pub(super) k_rope: Vec<f16>,
    pub(super) attention: Vec<f16>,
    pub(super) exact: Exact,
}

const QKV: QkvShape = QkvShape { m: TOKENS, n_q: HIDDEN, n_kv: N_KV, k: HIDDEN };

pub(super) fn run(session: &Session, layer: &Layer, weights: Weights, rows: &mut Vec<Row>) -> Result<Results> {
    let mut stage = Stage { session, layer, weights, rows };
    let normalized = stage.normalize()?;
    let ([q, k, v], dequantized) = match weights {
        Weights::Half => (stage.project_half(&normalized)?, layer.weights.each_ref().map(|weight| floats(weight))),
        Weights::Int4(_) | Weights::Gptq => stage.project_int4(&normalized)?,
    };
    let q_rope = stage.rotate(&q, HEADS_Q)?;
    let k_rope = stage.rotate(&k, HEADS_KV)?;
    let attention = stage.attend([&q_rope, &k_rope, &v])?;
    let download = |buffer: &DeviceBuffer<f16>| session.stream.download(buffer.as_slice());
    Ok(Results {
        q: download(&q)?,
        k: download(&k)?,
        v: download(&v)?,
        q_rope: download(&q_rope)?,
        k_rope: download(&k_rope)?,
        attention: download(&attention)?,
        exact: oracle::exact(layer, &dequantized),
    })
}

/// q, k and v.
type Projections = [DeviceBuffer<f16>; 3];

struct Stage<'s> {
    session: &'s Session,
    layer: &'s Layer,
    weights: Weights,
    rows: &'s mut Vec<Row>,
}

impl Stage<'_> {
    fn row(&mut self, operation: &str, shape: String, worst: Worst, cost: crate::device::Cost) {
        let operation = format!("layer {}, {}: {operation}", self.layer.number, self.weights.name());
        self.rows.push(Row { operation, shape, worst, cost });
    }

    /// RMSNorm of the hidden state.
    fn normalize(&mut self) -> Result<DeviceBuffer<f16>> {
        let (stream, kernels) = (&self.session.stream, RowKernels::new(&self.session.context)?);
        let (x, weight) = (stream.upload(&self.layer.hidden)?, stream.upload(&self.layer.norm)?);
        let mut y = stream.alloc::<f16>(TOKENS * HIDDEN)?;
        let shape = RowShape { rows: TOKENS, columns: HIDDEN };
        let cost = self.session.measure(|| {
            kernels.rms_norm(stream, shape, x.as_slice(), weight.as_slice(), EPSILON, &mut y.as_slice_mut())
        })?;
        let dtype = tilewright_reduce::Dtype::F16;
        let problem = shape.check()?;
        let additions = Plan::new(Operation::Sum, dtype, problem, true).additions(problem.columns());
        let hidden = floats(&self.layer.hidden);
        let expected: Vec<_> = hidden
            .chunks(HIDDEN)
            .flat_map(|row| tilewright_reduce::reference::rms_norm(row, &self.layer.norm, EPSILON, additions, dtype))
            .collect();
        let worst = Worst::of(&stream.download(y.as_slice())?, expected.iter().map(|e| (e.value, e.bound)));
        self.row("rms-norm", format!("{TOKENS} x {HIDDEN}"), worst, cost);
        Ok(y)
    }

    /// Three products with the trained f16 weights.
    fn project_half(&mut self, x: &DeviceBuffer<f16>) -> Result<Projections> {
        let (stream, matmul) = (&self.session.stream, Matmul::new(&self.session.context)?);
        let host_x = floats(&stream.download(x.as_slice())?);
        let mut outputs = Vec::new();
        for (part, weight) in QKV.parts().into_iter().zip(&self.layer.weights) {
            let shape = Shape { m: part.m, n: part.n, k: part.k };
            let w = stream.upload(weight)?;
            let mut y = stream.alloc::<f16>(shape.m * shape.n)?;
            let cost = self
                .session
                .measure(|| matmul.run(stream, shape, x.as_slice(), w.as_slice(), None, &mut y.as_slice_mut()))?;
            let expected = tilewright_matmul_f16::reference::matmul(shape, &host_x, &floats(weight), &[]);
            let bound = |e| tilewright_matmul_f16::reference::bound(e, shape.k, tilewright_matmul_f16::Dtype::F16);
            let worst = Worst::of(&stream.download(y.as_slice())?, expected.iter().map(|e| (e.value, bound(e))));
            self.row("matmul-f16", format!("{} x {} x {}", shape.m, shape.n, shape.k), worst, cost);
            outputs.push(y);
        }
        Projections::try_from(outputs).map_err(|_| anyhow::anyhow!("there are three projections"))
    }

    /// One fused product with int4 weights; also the weights that the integers stand for.
    fn project_int4(&mut self, x: &DeviceBuffer<f16>) -> Result<(Projections, [Vec<f32>; 3])> {
        let (stream, qkv) = (&self.session.stream, QkvFused::new(&self.session.context)?);
        let host_x = floats(&stream.download(x.as_slice())?);
        let quantized = self.quantize(&host_x)?;
        let weights = QkvWeights::load_int4(stream, quantized.each_ref())?;
        let [mut q, mut k, mut v] =
            [stream.alloc(TOKENS * HIDDEN)?, stream.alloc(TOKENS * N_KV)?, stream.alloc(TOKENS * N_KV)?];
        let cost = self.session.measure(|| {
            let outputs = Outputs { q: &mut q.as_slice_mut(), k: &mut k.as_slice_mut(), v: &mut v.as_slice_mut() };
            qkv.run(stream, TOKENS, x.as_slice(), &weights, outputs)
        })?;
        let expected = tilewright_qkv_fused::reference::qkv_int4(QKV, &host_x, quantized.each_ref());
        let groups = Group::new(GROUP)?.count(HIDDEN);
        let bounds =
            expected.iter().flatten().map(|e| (e.value, tilewright_qkv_fused::reference::bound(e, HIDDEN, groups)));
        let mut results = stream.download(q.as_slice())?;
        results.extend(stream.download(k.as_slice())?);
        results.extend(stream.download(v.as_slice())?);
        let worst = Worst::of(&results, bounds);
        self.row("qkv-int4", format!("{TOKENS} x ({HIDDEN} + 2 · {N_KV}) x {HIDDEN}"), worst, cost);
        Ok(([q, k, v], quantized.each_ref().map(Int4::dequantize)))
    }

    /// w_q, w_k and w_v in int4; `x` is what they meet.
    fn quantize(&self, x: &[f32]) -> Result<[Int4; 3]> {
        let group = Group::new(GROUP)?;
        let [q, k, v] = &self.layer.weights;
        let parts = [(q, HIDDEN), (k, N_KV), (v, N_KV)].map(|(weight, n)| (weight, WeightShape { n, k: HIDDEN }));
        let quantized = match self.weights {
            Weights::Int4(rule) => parts.map(|(weight, shape)| Ok(Int4::quantize(weight, shape, group, rule)?)),
            Weights::Half | Weights::Gptq => {
                let mut hessian = Hessian::new(HIDDEN)?;
                hessian.add(&x[..CALIBRATION * HIDDEN])?;
                let options = gptq::Options::of(group);
                parts.map(|(weight, shape)| {
                    let packed = gptq::quantize(weight, shape, &hessian, &options)?;
                    packed.to_symmetric().context("symmetric weights in order were asked for")
                })
            }
        };
        let [q, k, v] = quantized;
        Ok([q?, k?, v?])
    }

    /// The rotary embedding of [tokens, heads · 64].
    fn rotate(&mut self, x: &DeviceBuffer<f16>, heads: usize) -> Result<DeviceBuffer<f16>> {
        let (stream, rope) = (&self.session.stream, Rope::new(&self.session.context)?);
        let tables = Tables::new(Angles { theta: THETA, first_position: 0, len: TOKENS, dim: HEAD_DIM });
        let (cos, sin) = (stream.upload(&tables.cos)?, stream.upload(&tables.sin)?);
        let layout = Layout::tokens_first(TOKENS, heads, HEAD_DIM);
        let shape = RopeShape { batch: 1, heads, len: TOKENS, dim: HEAD_DIM };
        let problem = RopeProblem::new(shape, Pairs::Interleaved, layout, layout)?;
        let mut y = stream.alloc::<f16>(x.len())?;
        let turns = [cos.as_slice(), sin.as_slice()];
        let cost = self.session.measure(|| rope.run(stream, &problem, x.as_slice(), turns, &mut y.as_slice_mut()))?;
        let host_x = floats(&stream.download(x.as_slice())?);
        let expected = oracle::rotate(&host_x, &tables, heads, |row, cos, sin| {
            tilewright_attention::reference::rope(row, (cos, sin), HEAD_DIM, Pairs::Interleaved, Dtype::F16)
        });
        let worst = Worst::of(&stream.download(y.as_slice())?, expected.iter().map(|e| (e.value, e.bound)));
        self.row("rope", format!("{TOKENS} x {heads} x {HEAD_DIM}"), worst, cost);
        Ok(y)
    }

    fn attend(&mut self, inputs: [&DeviceBuffer<f16>; 3]) -> Result<DeviceBuffer<f16>> {
        let (stream, attention) = (&self.session.stream, Attention::new(&self.session.context)?);
        let problem = problem()?;
        let mut o = stream.alloc::<f16>(TOKENS * HIDDEN)?;
        let slices = inputs.map(DeviceBuffer::as_slice);
        let cost = self.session.measure(|| attention.run(stream, &problem, slices, &mut o.as_slice_mut()))?;
        let mut host = Vec::new();
        for input in inputs {
            host.push(floats(&stream.download(input.as_slice())?));
        }
        let [q, k, v] = [&host[0], &host[1], &host[2]];
        let expected = tilewright_attention::reference::attention(&problem, Dtype::F16, [q, k, v]);
        // The reference is [heads, tokens, 64], the result [tokens, heads, 64].
        let in_order = (0..TOKENS * HIDDEN).map(|at| {
            let (token, head, element) = (at / HIDDEN, at % HIDDEN / HEAD_DIM, at % HEAD_DIM);
            let e = expected[(head * TOKENS + token) * HEAD_DIM + element];
            (e.value, e.bound)
        });
        let worst = Worst::of(&stream.download(o.as_slice())?, in_order);
        self.row("attention", format!("{HEADS_Q}:{HEADS_KV} x {TOKENS} x {HEAD_DIM}, causal"), worst, cost);
        Ok(o)
    }
}

/// Causal attention of 9 heads over 3, tensors as the projections write them.
fn problem() -> Result<Problem> {
    let shape =
        AttentionShape { batch: 1, heads_q: HEADS_Q, heads_kv: HEADS_KV, len_q: TOKENS, len_kv: TOKENS, dim: HEAD_DIM };
    let queries = Layout::tokens_first(TOKENS, HEADS_Q, HEAD_DIM);
    let keys = Layout::tokens_first(TOKENS, HEADS_KV, HEAD_DIM);
    Ok(Problem::new(shape, Mask::Causal)?.with_layouts(Layouts { q: queries, k: keys, v: keys, o: queries })?)
}
