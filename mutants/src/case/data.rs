//! Inputs that hurt, the same in every process.

use half::{bf16, f16};
use tilewright_quant_pack::{Group, Grouping, Int4, Int4Affine, Shape};
use tilewright_testkit::{Bits, Random, Values};

/// A float that a kernel takes.
pub(super) trait Number: Bits + bytemuck::Pod + Send + Sync {
    /// The nearest to a value.
    fn new(value: f64) -> Self;
}

impl Number for f32 {
    #[expect(clippy::cast_possible_truncation, reason = "the rounding is what is wanted")]
    fn new(value: f64) -> Self {
        value as Self
    }
}

impl Number for f16 {
    fn new(value: f64) -> Self {
        Self::from_f64(value)
    }
}

impl Number for bf16 {
    // `from_f64` looks at the upper half of the significand alone.
    #[expect(clippy::cast_possible_truncation, reason = "values of f32, and sums that are exact in it")]
    fn new(value: f64) -> Self {
        Self::from_f32(value as f32)
    }
}

/// As f32, which holds every one of them.
#[expect(clippy::cast_possible_truncation, reason = "values of 32-bit and smaller floats")]
pub(super) fn floats<T: Bits>(values: &[T]) -> Vec<f32> {
    values.iter().map(|value| value.value() as f32).collect()
}

/// `count` numbers.
pub(super) fn draw<T: Number>(random: &mut Random, values: Values, count: usize) -> Vec<T> {
    (0..count).map(|_| T::new(f64::from(random.float(values)))).collect()
}

/// An index as a small integer that differs from its neighbours'.
#[expect(clippy::cast_precision_loss, reason = "the remainder is below the modulus, which is small")]
pub(super) fn ramp(index: usize, modulus: usize) -> f64 {
    (index % modulus) as f64
}

/// What int4 weights have beside their scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Affine {
    /// Nothing.
    Symmetric,
    /// Zero points.
    Zeros,
    /// Zero points, and groups in another order than the columns.
    Gathered,
    /// Groups in another order, without zero points.
    GatheredSymmetric,
}

impl Affine {
    pub(super) const ALL: [Self; 4] = [Self::Symmetric, Self::Zeros, Self::Gathered, Self::GatheredSymmetric];

    pub(super) const fn has_zeros(self) -> bool {
        matches!(self, Self::Zeros | Self::Gathered)
    }

    pub(super) const fn is_gathered(self) -> bool {
        matches!(self, Self::Gathered | Self::GatheredSymmetric)
    }
}

/// Groups of `size` columns, or one if `size` is 0 or more than there are.
pub(super) fn groups(size: usize, k: usize) -> Option<Group> {
    if size == 0 || size > k { Some(Group::WholeRow) } else { Group::new(size).ok() }
}

/// Scales of four bits and both signs; those of neighbouring columns and groups differ, and those of other weights. Every third column has negative ones alone: a row of zeros
/// shows a sum that began with -0.
fn scales(random: &mut Random, n: usize, count: usize) -> Vec<f16> {
    let own = random.below(13);
    let scale = |at: usize| {
        let sign = if (at / n * 3 + at % n) % 7 == 4 || at % n % 3 == 2 { -1.0 } else { 1.0 };
        f16::from_f64(sign * (1.0 + ramp(own + at / n * 5 + at % n * 3, 13)) / 64.0)
    };
    (0..n * count).map(scale).collect()
}

fn below(random: &mut Random, end: usize) -> u8 {
    u8::try_from(random.below(end)).unwrap_or(0)
}

/// A symmetric weight of any nibbles, or of ones.
pub(super) fn int4(random: &mut Random, [n, k]: [usize; 2], group: Group, fill: Fill) -> Option<Int4> {
    let mut values: Vec<i8> = (0..n * k).map(|_| below(random, 16).cast_signed() - 8).collect();
    let mut scales = scales(random, n, group.count(k));
    if fill == Fill::Ties {
        values.fill(1);
        scales.fill(f16::ONE);
    }
    Int4::pack(&values, Shape { n, k }, group, scales).ok()
}

/// The activations for weights of such groups. Ties are made in the first group, and what is more than one comes from another one in every row.
pub(super) fn activations(random: &mut Random, [m, k]: [usize; 2], group: usize, fill: Fill) -> Vec<f16> {
    let mut x: Vec<f16> = draw(random, Values::SmallIntegers, m * k);
    match fill {
        Fill::Whole | Fill::Tiny => {}
        Fill::Infinities => {
            with_infinities(&mut x, k, 3);
            // Rows of zeros, whose sums show a sign that a zero must not have.
            x.chunks_mut(k).skip(3).step_by(5).for_each(|row| row.fill(f16::ZERO));
        }
        Fill::Ties => {
            let others = k.div_ceil(group.max(1)).saturating_sub(1).max(1);
            for (row, x) in x.chunks_mut(k).enumerate() {
                x.fill(f16::ZERO);
                let more = (1 + row % others) * group;
                for (place, value) in [(0, 2048.0), (1, 1.0), (more, 3.0 * 2f64.powi(-14))] {
                    if let Some(x) = x.get_mut(place) {
                        *x = f16::from_f64(value);
                    }
                }
            }
        }
    }
    x
}

/// A weight of any nibbles with what `affine` says.
pub(super) fn int4_affine(
    random: &mut Random,
    [n, k]: [usize; 2],
    group: Group,
    affine: Affine,
    fill: Fill,
) -> Option<Int4Affine> {
    let mut values: Vec<u8> = (0..n * k).map(|_| below(random, 16)).collect();
    let count = group.count(k);
    let mut scales = scales(random, n, count);
    if fill == Fill::Ties {
        let one = if affine == Affine::GatheredSymmetric { 9 } else { 6 };
        values.fill(one);
        scales.fill(f16::ONE);
        let zeros = (affine != Affine::GatheredSymmetric).then(|| vec![5; n * count]);
        let mut grouping = Grouping::in_order(k, group).ok()?;
        if affine != Affine::Zeros {
            // The first groups last: as good as any other order.
            let last = grouping.count() - 1;
            let index: Vec<u32> = (0..k).map(|at| u32::try_from(last - grouping.of(at)).unwrap_or(0)).collect();
            grouping = Grouping::from_index(&index, grouping.count()).ok()?;
        }
        return Int4Affine::pack(&values, Shape { n, k }, grouping, scales, zeros).ok();
    }
    let zeros = (affine != Affine::GatheredSymmetric)
        .then(|| (0..n * count).map(|at| u8::try_from((at / n * 5 + at % n * 7 + 3) % 16).unwrap_or(0)).collect());
    let mut grouping = Grouping::in_order(k, group).ok()?;
    if affine != Affine::Zeros {
        let index: Vec<u32> = (0..k).map(|at| u32::try_from(grouping.of(at * 5 % k)).unwrap_or(0)).collect();
        // A stride that shares no factor with k reaches every column once.
        let reached = if k.is_multiple_of(5) {
            (0..k).map(|at| u32::try_from(grouping.of(k - 1 - at)).unwrap_or(0)).collect()
        } else {
            index
        };
        grouping = Grouping::from_index(&reached, grouping.count()).ok()?;
    }
    Int4Affine::pack(&values, Shape { n, k }, grouping, scales, zeros).ok()
}

/// What x and w of a product hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// Whole numbers, so that sums are exact until they are stored.
    Whole,
    /// The same, but some rows start with an infinity: what is read past the end of the row before makes NaN of its zeros.
    Infinities,
    /// Sums that are subnormal in f32.
    Tiny,
    /// Sums halfway between two results, and a little more in another step: it is lost if a sum is rounded towards zero.
    Ties,
}

/// Some rows of a matrix start with an infinity.
pub(super) fn with_infinities<T: Number>(values: &mut [T], k: usize, every: usize) {
    for row in values.chunks_mut(k.max(1)).skip(1).step_by(every) {
        if let Some(first) = row.first_mut() {
            *first = T::new(f64::INFINITY);
        }
    }
}

/// Extents of products whose edges fall everywhere in the tiles: rows, columns and depths of the `index`-th.
pub(super) fn extents(index: usize, tile: [usize; 2], depths: &[usize]) -> [usize; 3] {
    let [rows, columns] = tile;
    let few = [1, 16, 5, 9, 15, 2, 8, 13, 3, 11];
    let many = [81, 17, 64, 113, 66, 34, 97, 128, 50, 130];
    let of = |from: &[usize]| from.get(index % from.len().max(1)).copied().unwrap_or(1);
    let m = of(if rows <= 16 { &few } else { &many });
    [m, 1 + (index * 37 + 13) % (2 * columns + 9), of(depths)]
}

/// Depths for weights of groups of `size` columns (0 for the whole row, whose kernel depends on how many tiles of 64 it has): few groups, which warps do not share, and
/// many, with which every ring comes round more than once.
pub(super) fn depths(size: usize) -> [Vec<usize>; 2] {
    const DEEP: [usize; 11] = [136, 1096, 200, 1288, 648, 328, 2632, 712, 1352, 264, 1480];
    if size == 0 {
        return [(9..17).map(|eights| 8 * eights).collect(), (137..145).map(|eights| 8 * eights).collect()];
    }
    if size > 1000 {
        return [vec![8, 136, size - 56, size + 8, size + 328, 2 * size + 8, 3 * size], vec![4 * size + 8]];
    }
    let few = (0..8).map(|part| (size + 2 * size * part / 7).next_multiple_of(8).min(3 * size)).collect();
    let many = DEEP.into_iter().chain([4 * size, 5 * size + 8]).filter(|k| *k > 3 * size).collect();
    [few, many]
}

/// Rows and columns around every edge in a tile.
pub(super) fn edges(tile: [usize; 2]) -> Vec<[usize; 2]> {
    if tile[0] <= 16 {
        let columns = [1, 9, 16, 19, 30, 32, 35, 42, 48, 55, 61, 64, 71, 87, 94, 97];
        return (1..=16).zip(columns).map(|(m, n)| [m, n]).collect();
    }
    let rows = [17, 32, 33, 48, 49, 64, 65, 80, 18, 34, 50, 66, 81, 96, 97, 113];
    let columns = [62, 64, 65, 29, 32, 33, 16, 27, 9, 1, 128, 121, 42, 48, 55, 129];
    rows.into_iter().zip(columns).map(|(m, n)| [m, n]).collect()
}
