//! Every table of layouts is a bijection, and the swizzle does what it is for.

use std::collections::HashSet;

use tilewright_tile::{PackedOrder, fragment, packed::UNIT_K, swizzle};

#[test]
fn every_fragment_layout_is_a_bijection() {
    for (name, layout) in fragment::ALL {
        let mut places = HashSet::new();
        for lane in 0..32 {
            for register in 0..layout.registers {
                for element in 0..layout.elements {
                    let place = layout.place(lane, register, element);
                    assert!(place.row < layout.rows && place.column < layout.columns, "{name}: {place:?} lies outside");
                    assert!(places.insert(place), "{name}: {place:?} is held twice");
                }
            }
        }
        assert_eq!(places.len(), (layout.rows * layout.columns) as usize, "{name}: something is held by no lane");
    }
}

#[test]
fn eight_bit_fragments_are_sixteen_bit_fragments_byte_for_byte() {
    for (wide, narrow) in [(fragment::A_M16K16, fragment::A_M16K32)] {
        for lane in 0..32 {
            for register in 0..4 {
                for byte in 0..4 {
                    let (w, n) = (wide.place(lane, register, byte / 2), narrow.place(lane, register, byte));
                    assert_eq!((w.row, w.column * 2 + byte % 2), (n.row, n.column));
                }
            }
        }
    }
}

/// ldmatrix.x4 over 8 x 8 tiles in the order (rows, left), (rows + 8, left), (rows, right), (rows + 8, right) gives fragment a.
#[test]
fn four_matrices_make_fragment_a() {
    for lane in 0..32 {
        for register in 0..4 {
            for element in 0..2 {
                let tile = fragment::LDMATRIX.place(lane, 0, element);
                let a = fragment::A_M16K16.place(lane, register, element);
                assert_eq!((a.row, a.column), (tile.row + register % 2 * 8, tile.column + register / 2 * 8));
            }
        }
    }
}

#[test]
fn the_swizzle_is_a_bijection_and_free_of_conflicts() {
    let all: HashSet<u32> =
        (0..64).flat_map(|row| (0..swizzle::CHUNKS).map(move |chunk| swizzle::offset(row, chunk))).collect();
    assert_eq!(all.len(), 64 * 8);
    assert!(all.iter().all(|offset| offset % 16 == 0 && *offset < 64 * 128));
    for first in 0..56 {
        for chunk in 0..swizzle::CHUNKS {
            // One phase of ldmatrix: eight rows, one chunk. Eight distinct quarters of the 128-byte bank line.
            let banks: HashSet<u32> = (first..first + 8).map(|row| swizzle::offset(row, chunk) % 128).collect();
            assert_eq!(banks.len(), 8, "rows {first}.. chunk {chunk}");
        }
    }
}

#[test]
fn packed_orders_are_bijections_of_a_unit() {
    for order in [PackedOrder::Int4, PackedOrder::Int8] {
        let mut places = HashSet::new();
        for lane in 0..32 {
            for word in 0..4 {
                for element in 0..order.elements() {
                    let place = order.place(lane, word, element);
                    assert!(place.column < order.columns() && place.k < UNIT_K);
                    assert!(places.insert(place), "{order:?}: {place:?} twice");
                }
            }
        }
        assert_eq!(places.len(), (order.columns() * UNIT_K) as usize);
    }
}

/// The words a lane holds are the b fragment of each K step.
#[test]
fn packed_orders_hold_fragment_b() {
    for lane in 0..32 {
        for step in 0..4 {
            for register in 0..2 {
                for half in 0..2 {
                    let b = fragment::B_K16N8.place(lane, register, half);
                    let int8 = PackedOrder::Int8.place(lane, step, register * 2 + half);
                    assert_eq!((int8.column, int8.k), (b.column, step * 16 + b.row));
                    for side in 0..2 {
                        let element = step % 2 * 2 + register + half * 4;
                        let int4 = PackedOrder::Int4.place(lane, side * 2 + step / 2, element);
                        assert_eq!((int4.column, int4.k), (b.column + side * 8, step * 16 + b.row));
                    }
                }
            }
        }
    }
}

#[test]
fn packed_sources_cover_a_padded_matrix_once() {
    for order in [PackedOrder::Int4, PackedOrder::Int8] {
        for (n, k) in [(1, 8), (17, 64), (24, 72), (40, 200)] {
            let (units_n, units_k) = order.units(n, k);
            let all: HashSet<_> = (0..order.words(n, k))
                .flat_map(|word| (0..order.elements()).map(move |element| order.source(units_k, word, element)))
                .collect();
            assert_eq!(all.len(), units_n * order.columns() as usize * units_k * UNIT_K as usize);
            assert!((0..n).all(|column| (0..k).all(|row| all.contains(&(column, row)))));
        }
    }
}
