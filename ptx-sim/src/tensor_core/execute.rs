//! `mma.sync` for a warp.

use tilewright_ptx_ir::ir::MmaShape;

use super::fast::Sums;
use super::fragment;
use super::model::{Model, Operand};
use super::{fast, integer, multiply_accumulate, multiply_accumulate_f16, multiply_accumulate_tf32};
use crate::Profile;
use crate::decode::Lanes;

/// The registers of one warp: `[register][lane]`.
pub(super) type Registers<'a> = &'a [[u32; 32]];

/// d = a·b + c for one warp; every slice is indexed by register, then by lane.
///
/// Slices shorter than the shape's registers read as zeros and are written as far as they go; longer ones are left alone past them.
///
/// # Numerics
/// f16, bf16 and tf32: [`Model`] of the profile, as [`multiply_accumulate`] and [`multiply_accumulate_f16`]. Integers: exact sums in s32 that
/// wrap around, or are clamped with `satfinite`.
pub fn execute(
    shape: MmaShape,
    profile: Profile,
    satfinite: bool,
    a: Registers<'_>,
    b: Registers<'_>,
    c: Registers<'_>,
    d: &mut [[u32; 32]],
) {
    let model = profile.tensor_core();
    match shape {
        MmaShape::M16N8K16F16F32 => floating::<16>(model, Operand::F16, a, b, c, d),
        MmaShape::M16N8K8F16F32 => floating::<8>(model, Operand::F16, a, b, c, d),
        MmaShape::M16N8K16Bf16F32 => floating::<16>(model, Operand::Bf16, a, b, c, d),
        MmaShape::M16N8K8Bf16F32 => floating::<8>(model, Operand::Bf16, a, b, c, d),
        MmaShape::M16N8K16F16F16 => half::<16>(model, a, b, c, d),
        MmaShape::M16N8K8F16F16 => half::<8>(model, a, b, c, d),
        MmaShape::M16N8K4Tf32F32 => tf32::<4>(model, a, b, c, d),
        MmaShape::M16N8K8Tf32F32 => tf32::<8>(model, a, b, c, d),
        MmaShape::M16N8K32S8S32 => integer::execute::<32>(8, true, satfinite, a, b, c, d),
        MmaShape::M16N8K16S8S32 => integer::execute::<16>(8, true, satfinite, a, b, c, d),
        MmaShape::M16N8K32U8S32 => integer::execute::<32>(8, false, satfinite, a, b, c, d),
        MmaShape::M16N8K16U8S32 => integer::execute::<16>(8, false, satfinite, a, b, c, d),
        MmaShape::M16N8K64S4S32 => integer::execute::<64>(4, true, satfinite, a, b, c, d),
        MmaShape::M16N8K32S4S32 => integer::execute::<32>(4, true, satfinite, a, b, c, d),
        _ => {}
    }
}

/// [`execute`] for registers that lie apart, where that is fast; `false`, and d means nothing, if it is not.
pub(crate) fn execute_fast(
    shape: MmaShape,
    profile: Profile,
    operands: (&[&Lanes], &[&Lanes]),
    c: &[&Lanes],
    d: &mut Sums,
) -> bool {
    let model = profile.tensor_core();
    match shape {
        MmaShape::M16N8K16F16F32 => fast::accumulate::<16, true>(model, operands, c, d),
        MmaShape::M16N8K8F16F32 => fast::accumulate::<8, true>(model, operands, c, d),
        MmaShape::M16N8K16Bf16F32 => fast::accumulate::<16, false>(model, operands, c, d),
        MmaShape::M16N8K8Bf16F32 => fast::accumulate::<8, false>(model, operands, c, d),
        _ => false,
    }
}

/// Whether [`execute`] knows the shape: the IR may learn more of them.
pub(crate) const fn is_modelled(shape: MmaShape) -> bool {
    matches!(
        shape,
        MmaShape::M16N8K16F16F32
            | MmaShape::M16N8K8F16F32
            | MmaShape::M16N8K16Bf16F32
            | MmaShape::M16N8K8Bf16F32
            | MmaShape::M16N8K16F16F16
            | MmaShape::M16N8K8F16F16
            | MmaShape::M16N8K4Tf32F32
            | MmaShape::M16N8K8Tf32F32
            | MmaShape::M16N8K32S8S32
            | MmaShape::M16N8K16S8S32
            | MmaShape::M16N8K32U8S32
            | MmaShape::M16N8K16U8S32
            | MmaShape::M16N8K64S4S32
            | MmaShape::M16N8K32S4S32
    )
}

/// The 16-bit operands of one warp: a by rows, b by columns.
struct Tiles<const K: usize> {
    a: [[u16; K]; 16],
    b: [[u16; K]; 8],
}

impl<const K: usize> Tiles<K> {
    /// The halves of a register, in the order of the lanes, are eight rows of eight elements: [`fragment::a`], [`fragment::b`].
    fn gather(a: Registers<'_>, b: Registers<'_>) -> Self {
        let mut tiles = Self { a: [[0; K]; 16], b: [[0; K]; 8] };
        for (register, lanes) in a.iter().enumerate().take(K / 4) {
            for (row, quad) in tiles.a[8 * (register % 2)..].iter_mut().zip(lanes.as_chunks::<4>().0) {
                put_quad(quad, &mut row[8 * (register / 2)..]);
            }
        }
        for (register, lanes) in b.iter().enumerate().take(K / 8) {
            for (column, quad) in tiles.b.iter_mut().zip(lanes.as_chunks::<4>().0) {
                put_quad(quad, &mut column[8 * register..]);
            }
        }
        tiles
    }
}

/// Two elements of each of four lanes, one after the other.
#[inline]
fn put_quad(quad: &[u32; 4], to: &mut [u16]) {
    for (pair, bits) in to.as_chunks_mut::<2>().0.iter_mut().zip(quad) {
        *pair = [part_of(*bits, 0), part_of(*bits, 1)];
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the half asked for is what is kept")]
const fn part_of(bits: u32, part: usize) -> u16 {
    (bits >> (16 * part)) as u16
}

fn floating<const K: usize>(
    model: Model,
    operand: Operand,
    a: Registers<'_>,
    b: Registers<'_>,
    c: Registers<'_>,
    d: &mut [[u32; 32]],
) {
    let (a_lanes, b_lanes, c_lanes) = (each(a), each(b), each(c));
    let operands = (&a_lanes[..K / 4], &b_lanes[..K / 8]);
    let mut sums = Sums::default();
    let is_done = match operand {
        Operand::F16 => fast::accumulate::<K, true>(model, operands, &c_lanes, &mut sums),
        Operand::Bf16 => fast::accumulate::<K, false>(model, operands, &c_lanes, &mut sums),
    };
    if is_done {
        for (to, from) in d.iter_mut().zip(sums.registers()) {
            *to = *from;
        }
        return;
    }
    let tiles = Tiles::<K>::gather(a, b);
    for (register, (lanes, c)) in d.iter_mut().zip(c_lanes).enumerate() {
        for (lane, (sum, c)) in lanes.iter_mut().zip(c).enumerate() {
            let place = fragment::accumulator(lane, register);
            *sum = multiply_accumulate(model, operand, &tiles.a[place.row], &tiles.b[place.column], *c);
        }
    }
}

/// The registers one by one, zeros for those that there are not.
fn each<'r>(registers: Registers<'r>) -> [&'r Lanes; 4] {
    std::array::from_fn(|index| registers.get(index).unwrap_or(&[0; 32]))
}

/// Operands of 32 bits, one a register.
fn tf32<const K: usize>(model: Model, a: Registers<'_>, b: Registers<'_>, c: Registers<'_>, d: &mut [[u32; 32]]) {
    let (mut rows, mut columns) = ([[0u32; K]; 16], [[0u32; K]; 8]);
    for (register, lanes) in a.iter().enumerate().take(K / 2) {
        for (lane, &bits) in lanes.iter().enumerate() {
            let place = fragment::a(32, lane, register, 0);
            rows[place.row][place.column] = bits;
        }
    }
    for (register, lanes) in b.iter().enumerate().take(K / 4) {
        for (lane, &bits) in lanes.iter().enumerate() {
            let place = fragment::b(32, lane, register, 0);
            columns[place.column][place.row] = bits;
        }
    }
    for (register, lanes) in d.iter_mut().enumerate().take(4) {
        for (lane, result) in lanes.iter_mut().enumerate() {
            let place = fragment::accumulator(lane, register);
            let c = c.get(register).map_or(0, |lanes| lanes[lane]);
            *result = multiply_accumulate_tf32(model, &rows[place.row], &columns[place.column], c);
        }
    }
}

fn half<const K: usize>(model: Model, a: Registers<'_>, b: Registers<'_>, c: Registers<'_>, d: &mut [[u32; 32]]) {
    let tiles = Tiles::<K>::gather(a, b);
    for (register, lanes) in d.iter_mut().enumerate().take(2) {
        for (lane, result) in lanes.iter_mut().enumerate() {
            let c = c.get(register).map_or(0, |lanes| lanes[lane]);
            *result = (0..2).fold(0, |bits, part| {
                let place = fragment::accumulator_f16(lane, register, part);
                let (a, b) = (&tiles.a[place.row], &tiles.b[place.column]);
                let sum = multiply_accumulate_f16(model, a, b, part_of(c, part));
                bits | u32::from(sum) << (16 * part)
            });
        }
    }
}
