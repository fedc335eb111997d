//! The rotation kernel.

use tilewright_ptx_ir::build::{Builder, Pointer, Value};
use tilewright_ptx_ir::ir::Module;
use tilewright_ptx_ir::{Target, VerifyErrors};

use super::{Pairs, RopePlan};

/// The module with the kernel that `plan` describes.
///
/// A thread turns one pair: it reads the two elements, the cosine and the sine of its row and pair, and writes the two results, so x and y may be the same.
///
/// # Errors
/// None that a plan of [`RopePlan::all`] can cause.
pub fn module(plan: &RopePlan, target: Target) -> Result<Module, VerifyErrors> {
    Module::kernel(&plan.name(), target, |k| build(k, plan))
}

/// Parameters: x, y, cos, sin; len and pairs of a row; batch, head and row strides of x and of y.
fn build(k: &Builder, plan: &RopePlan) {
    k.require_threads(RopePlan::THREADS, 1, 1);
    let (x, y) = (k.pointer::<u16>("x"), k.pointer::<u16>("y"));
    let (cos, sin) = (k.pointer::<f32>("cos"), k.pointer::<f32>("sin"));
    let (len, half) = (k.param::<u32>("len"), k.param::<u32>("half"));
    let strides = ["x", "y"].map(|name| {
        let batch = k.param::<u64>(&format!("{name}_batch_stride"));
        let head = k.param::<u32>(&format!("{name}_head_stride"));
        (batch, head, k.param::<u32>(&format!("{name}_row_stride")))
    });

    let index = k.block_idx().x() * RopePlan::THREADS + k.thread_idx().x();
    k.return_if(index.ge(len * half));
    let (row, pair) = (index / half, index % half);
    let (head, batch) = (k.block_idx().y(), k.block_idx().z());
    let at = (batch, head, row);
    let [from, to] = [(x, strides[0]), (y, strides[1])].map(|(base, strides)| row_of(base, strides, at));
    let (first, second) = match plan.pairs {
        Pairs::Interleaved => (pair * 2, pair * 2 + 1),
        Pairs::Halves => (pair, pair + half),
    };
    let (c, s) = (cos.at(index).load(), sin.at(index).load());
    let [a, b] = [first, second].map(|element| plan.dtype.widen(from.at(element).load()));
    let turned = plan.dtype.pack(k, a * c - b * s, b * c + a * s);
    let [low, high] = turned.unpack();
    to.at(first).store(low);
    to.at(second).store(high);
}

type Strides<'k> = (Value<'k, u64>, Value<'k, u32>, Value<'k, u32>);
type Index<'k> = (Value<'k, u32>, Value<'k, u32>, Value<'k, u32>);

/// Row (batch, head, row) of a tensor.
fn row_of<'k>(
    base: Pointer<'k, u16>,
    (batch_stride, head_stride, row_stride): Strides<'k>,
    (batch, head, row): Index<'k>,
) -> Pointer<'k, u16> {
    let sequence = (batch_stride * 2u64).mad(batch.cast::<u64>(), base.address());
    Pointer::from_address(sequence.offset_by(head, head_stride * 2).offset_by(row, row_stride * 2))
}
