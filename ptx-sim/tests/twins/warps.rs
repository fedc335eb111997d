//! Lanes that exchange registers.

use super::stage::{buffer, floats, fresh, ints, noise, run, value};

#[test]
fn the_largest_by_shuffles() {
    let x: Vec<f32> = floats(1000, 20).into_iter().map(f32::abs).collect();
    let wanted = x.iter().copied().fold(0.0, f32::max).to_bits();
    let args = [buffer(&x), buffer(&[0u32]), value(1000i32)];
    run("reduce_shuffle", [3, 1, 1], [128, 1, 1], 0, &args, |found| assert_eq!(found.get::<u32>(1), [wanted]));
}

#[test]
fn exclusive_sums_of_warps() {
    let x = noise(64, 21);
    let wanted: Vec<u64> = x
        .chunks(32)
        .flat_map(|warp| (0..32).map(|lane| warp[..lane].iter().fold(0u64, |sum, v| sum.wrapping_add(*v))))
        .collect();
    run("scan_warp", [2, 1, 1], [32, 1, 1], 0, &[buffer(&x), fresh::<u64>(64)], |found| {
        assert_eq!(found.get::<u64>(1), wanted);
    });
}

#[test]
fn what_is_not_zero_moves_together() {
    let x: Vec<i32> = ints(200, 22, 5);
    let mut wanted: Vec<i32> = x.iter().copied().filter(|v| *v != 0).collect();
    wanted.sort_unstable();
    let args = [buffer(&x), buffer(&vec![0i32; 200]), buffer(&[0i32]), value(200i32)];
    run("compact_ballot", [2, 1, 1], [128, 1, 1], 0, &args, |found| {
        let count = found.get::<i32>(2)[0] as usize;
        let mut kept = found.get::<i32>(1)[..count].to_vec();
        kept.sort_unstable();
        assert_eq!(kept, wanted);
    });
}

#[test]
fn equal_keys_count_once() {
    let mut keys = ints(128, 23, 7);
    keys[32..64].fill(3);
    let wanted: Vec<i32> = (0..7).map(|key| keys.iter().filter(|k| **k == key).count() as i32).collect();
    run("match_aggregate", [2, 1, 1], [64, 1, 1], 0, &[buffer(&keys), buffer(&[0i32; 7]), buffer(&[0i32])], |found| {
        assert_eq!((found.get::<i32>(1), found.get::<i32>(2)), (wanted.clone(), vec![1]));
    });
}

#[test]
fn rows_times_a_vector() {
    let (rows, columns) = (8, 128);
    let (m, x) = (floats(rows * columns, 24), floats(columns, 25));
    let wanted: Vec<f32> = m.chunks(columns).map(|row| row.iter().zip(&x).map(|(a, b)| a * b).sum()).collect();
    let args = [buffer(&m), buffer(&x), fresh::<f32>(rows), value(columns as i32 / 4)];
    run("row_product", [2, 1, 1], [32, 4, 1], 0, &args, |found| assert_eq!(found.get::<f32>(2), wanted));
}

#[test]
fn cooperative_groups() {
    let x = ints(64, 26, 100);
    let wanted: Vec<i32> = x.chunks(16).map(|tile| tile.iter().sum()).collect();
    let odd = x.iter().filter(|v| **v % 2 == 1).count() as i32;
    run("groups", [1, 1, 1], [64, 1, 1], 0, &[buffer(&x), fresh::<i32>(4), buffer(&[0i32])], |found| {
        assert_eq!((found.get::<i32>(1), found.get::<i32>(2)), (wanted.clone(), vec![odd]));
    });
}

#[test]
fn whole_warp_operations() {
    let x: Vec<i32> = noise(64, 27).into_iter().map(|v| v as i32).collect();
    let part = |i: usize| if i < 32 { &x[..32] } else { &x[32..48] };
    let mut wanted = vec![0i32; 192];
    for i in 0..48 {
        let lanes = part(i);
        wanted[i * 3] = lanes.iter().fold(0, |sum: i32, v| sum.wrapping_add(*v));
        wanted[i * 3 + 1] = *lanes.iter().min().unwrap();
        wanted[i * 3 + 2] = lanes.iter().fold(0, |sum, v| sum ^ v);
    }
    run("redux", [1, 1, 1], [64, 1, 1], 0, &[buffer(&x), buffer(&vec![0i32; 192])], |found| {
        assert_eq!(found.get::<i32>(1), wanted);
    });
}

#[test]
fn votes_of_warps_and_blocks() {
    let x = ints(64, 28, 12);
    let mut wanted = Vec::new();
    let all_above = |slice: &[i32], limit: i32| slice.iter().all(|v| *v > limit) as i32;
    for (i, v) in x.iter().enumerate() {
        let warp = &x[i / 32 * 32..i / 32 * 32 + 32];
        wanted.push(all_above(warp, 0) + 2 * warp.iter().any(|v| *v > 5) as i32);
        wanted.push(x.iter().filter(|v| **v > 5).count() as i32);
        wanted.push(all_above(&x, 0) + 2 * x.iter().any(|v| *v > 100) as i32);
        wanted.push(if *v > 5 { warp.iter().filter(|v| **v > 5).count() as i32 } else { 0 });
    }
    run("votes", [1, 1, 1], [64, 1, 1], 0, &[buffer(&x), fresh::<i32>(256)], |found| {
        assert_eq!(found.get::<i32>(1), wanted);
    });
}
