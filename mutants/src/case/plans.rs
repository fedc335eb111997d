//! What the planners of packed weights say of a case, asked for every target, not the simulated device's alone.

use tilewright_ptx_ir::Target;
use tilewright_tile::packed_geometry::Choice;
use tilewright_tile::problem::MAX_K;
use tilewright_tile::{CopyMode, Geometry, Grouping, WeightFormat};

/// The least and the largest k for which some target makes one of `geometries` for weights of `format`, if that depends on k.
///
/// How many columns there are decides on the width alone, so that every width is asked for; k decides by how many groups it has, up to the four that warps share out.
pub(super) fn depths(geometries: &[Geometry], format: WeightFormat) -> Option<[u64; 2]> {
    /// As many groups as this and more are the same to the planner.
    const MANY: u32 = 4;
    if !geometries.iter().all(Geometry::has_few_rows) {
        return None;
    }
    let size = match format.grouping {
        Grouping::OfTiles(tiles) => tiles * 64,
        Grouping::Of32(units) => units * 32,
        _ => return None,
    };
    let mut found: Option<[u64; 2]> = None;
    for target in Target::ALL {
        for groups in 1..=MANY {
            let is_made = (1..=16u32).map(|unit| 16 * unit).any(|width| {
                let blocks = |asked: u32| if asked == width { 1 } else { 1 << 20 };
                let choice = Choice { target, format, m: 16, k: groups * size, x_copy: CopyMode::Async16, blocks };
                geometries.contains(&choice.geometry())
            });
            if is_made {
                let size = u64::from(size);
                let low = u64::from(groups - 1) * size + 1;
                let high = if groups == MANY { MAX_K as u64 } else { u64::from(groups) * size };
                found = Some(found.map_or([low, high], |[least, most]| [least.min(low), most.max(high)]));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow(format: WeightFormat, k: u32, target: Target) -> Geometry {
        Choice { target, format, m: 1, k, x_copy: CopyMode::Async16, blocks: |width: u32| 40u64.div_ceil(width.into()) }
            .geometry()
    }

    #[test]
    fn few_groups_and_many_are_other_kernels() {
        let format = WeightFormat::int4(Grouping::OfTiles(2));
        let of = |k| depths(&[narrow(format, k, Target::Sm90)], format);
        assert_eq!(of(128), Some([1, 128]));
        assert_eq!(of(129), Some([129, 384]));
        assert_eq!(of(385), Some([385, MAX_K as u64]));
    }

    #[test]
    fn groups_that_nobody_shares_out_are_for_every_k() {
        let format = WeightFormat::int4(Grouping::Of32(3));
        assert_eq!(depths(&[narrow(format, 96, Target::Sm80)], format), Some([1, MAX_K as u64]));
    }

    #[test]
    fn every_target_makes_what_its_depths_say() {
        for grouping in [Grouping::Of32(1), Grouping::OfTiles(1), Grouping::OfTiles(2), Grouping::OfTiles(5)] {
            let format = WeightFormat::int4_with_zeros(grouping);
            for (asked, target) in Target::ALL.into_iter().flat_map(|target| (1..2000).map(move |k| (k, target))) {
                let [low, high] = depths(&[narrow(format, asked, target)], format).unwrap();
                assert!((low..=high).contains(&asked.into()), "{grouping:?} {asked} {target:?}");
            }
        }
    }
}
