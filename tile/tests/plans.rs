//! The tiles that are chosen fit the chip that they are chosen for.

use tilewright_ptx_ir::Target;
use tilewright_tile::packed::{UNIT_BYTES, UNIT_K};
use tilewright_tile::packed_geometry::{self, Choice};
use tilewright_tile::problem::MAX_K;
use tilewright_tile::{CopyMode, Grouping, WeightFormat, packed_product, row_product};

const ROWS: [u32; 8] = [1, 16, 17, 64, 65, 128, 512, 4096];
const COLUMNS: [u32; 4] = [1, 192, 4096, 12288];

/// With int8 weights and many rows a launch asked for 112 KiB where sm_86 and sm_89 have 99.
#[test]
fn tiles_of_packed_weights_fit_shared_memory_and_are_listed() {
    let groups = [32, 64, 96, 128, 1024].map(|group| Grouping::new(group).unwrap());
    let int4 =
        groups.into_iter().flat_map(|groups| [WeightFormat::int4(groups), WeightFormat::int4_with_zeros(groups)]);
    for format in int4.chain([WeightFormat::INT8]) {
        for (target, m, n) in problems() {
            let all = packed_geometry::all(target, format);
            for x_copy in [CopyMode::Async16, CopyMode::Elements, CopyMode::Gathered] {
                for k in [64, 4096] {
                    let blocks = |width: u32| u64::from(n.div_ceil(width));
                    let geometry = Choice { target, format, m, k, x_copy, blocks }.geometry();
                    let bytes = packed_product::shared_bytes(&geometry, format);
                    let most = target.shared_bytes_per_block();
                    assert!(bytes <= most, "{target}, {m} x {n} x {k}, {format:?}: {bytes} of {most}");
                    let listed = all
                        .iter()
                        .any(|(one, elements)| *one == geometry && CopyMode::of_tile(*elements).contains(&x_copy));
                    assert!(listed, "{geometry:?} is not among {all:?}");
                }
            }
        }
    }
}

#[test]
fn tiles_of_rows_fit_shared_memory_and_are_listed() {
    for (target, m, n) in problems() {
        let all = row_product::all(target);
        for x_copy in [CopyMode::Async16, CopyMode::Elements] {
            for w_copy in [CopyMode::Async16, CopyMode::Elements] {
                let geometry = row_product::geometry(target, m, n, [x_copy, w_copy]);
                let (bytes, most) = (row_product::shared_bytes(&geometry), target.shared_bytes_per_block());
                assert!(bytes <= most, "{target}, {m} x {n}: {bytes} of {most}");
                assert!(all.contains(&(geometry, [x_copy, w_copy])), "{geometry:?} is not among {all:?}");
            }
        }
    }
}

/// The offsets from the first row of a tile to its others, of whole rows and of packed weights, wrapped around from k = 2^24 on: what lay there was read instead.
#[test]
fn the_rows_of_a_tile_lie_within_32_bits() {
    let longest = u64::try_from(MAX_K).unwrap();
    let offset = |rows: u32, row_bytes: u64| u32::try_from(u64::from(rows - 1) * row_bytes);
    for (geometry, _) in Target::ALL.into_iter().flat_map(row_product::all) {
        for rows in [geometry.block_m, geometry.block_n] {
            assert!(offset(rows, longest * 2).is_ok(), "{geometry:?}: {rows} rows of {longest} f16");
        }
    }
    let groups = Grouping::new(128).unwrap();
    for format in [WeightFormat::int4(groups), WeightFormat::INT8] {
        for (geometry, _) in Target::ALL.into_iter().flat_map(|target| packed_geometry::all(target, format)) {
            assert!(offset(geometry.block_m, longest * 2).is_ok(), "{geometry:?}: rows of {longest} f16");
            let unit_row = longest.div_ceil(u64::from(UNIT_K)) * u64::from(UNIT_BYTES);
            let units = geometry.block_n / format.order.columns();
            assert!(offset(units, unit_row).is_ok(), "{geometry:?}: {units} units of {longest}");
        }
    }
}

fn problems() -> impl Iterator<Item = (Target, u32, u32)> {
    Target::ALL.into_iter().flat_map(|target| ROWS.into_iter().flat_map(move |m| COLUMNS.map(|n| (target, m, n))))
}
