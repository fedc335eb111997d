//! Shapes that other int4 products are known to get wrong.

use tilewright_quant_pack::Group;
use tilewright_testkit::Values;

use crate::support::Case;

/// A row of 13 results is not a multiple of a 4-byte store: a paired store would be misaligned in every second row.
#[test]
fn thirteen_columns_are_not_misaligned() {
    for n in [13, 1, 2, 7, 9] {
        Case::new((64, n, 256), Group::new(128).unwrap(), Values::Uniform, 13).check(0);
        Case::new((5, n, 256), Group::WholeRow, Values::Uniform, 14).check(1);
    }
}

/// One row in a tile of 16 or 64: what lies behind it belongs to someone else.
#[test]
fn one_row_writes_only_its_row() {
    for n in [1, 8, 64, 65, 200] {
        Case::new((1, n, 128), Group::new(32).unwrap(), Values::Uniform, 15).check(0);
    }
}

/// Odd numbers of groups, and a last one that is shorter.
#[test]
fn an_odd_number_of_groups_is_summed_whole() {
    for (k, size) in [(96, 32), (136, 32), (192, 64), (200, 64), (384, 128), (392, 128), (288, 96), (40, 32)] {
        Case::new((9, 18, k), Group::new(size).unwrap(), Values::Outliers, 16).check(0);
    }
}
