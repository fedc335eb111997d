//! Blocks that share memory and meet at barriers.

use super::stage::{buffer, floats, fresh, ints, run, value};
use half::f16;

#[test]
fn saxpy() {
    let (x, y) = (floats(100, 1), floats(100, 2));
    let wanted: Vec<f32> = x.iter().zip(&y).map(|(x, y)| 1.5 * x + y).collect();
    let args = [value(1.5f32), buffer(&x), buffer(&y), value(100i32)];
    run("saxpy", [4, 1, 1], [32, 1, 1], 0, &args, |found| assert_eq!(found.get::<f32>(1), wanted));
}

#[test]
fn sums_by_a_tree() {
    let x = ints(500, 3, 1000);
    let wanted: Vec<i32> = x.chunks(128).map(|block| block.iter().sum()).collect();
    let args = [buffer(&x), fresh::<i32>(4), value(500i32)];
    run("reduce_tree", [4, 1, 1], [128, 1, 1], 512, &args, |found| assert_eq!(found.get::<i32>(1), wanted));
}

#[test]
fn inclusive_sums_of_blocks() {
    let x: Vec<u32> = ints(512, 4, 1000).into_iter().map(|v| v as u32).collect();
    let wanted: Vec<u32> = x
        .chunks(256)
        .flat_map(|block| {
            block
                .iter()
                .scan(0, |sum, v| {
                    Some({
                        *sum += v;
                        *sum
                    })
                })
                .collect::<Vec<u32>>()
        })
        .collect();
    run("scan_block", [2, 1, 1], [256, 1, 1], 0, &[buffer(&x), fresh::<u32>(512)], |found| {
        assert_eq!(found.get::<u32>(1), wanted);
    });
}

#[test]
fn a_merge_sort_that_reads_one_word_past_its_runs_and_drops_it() {
    let x = ints(512, 17, 1000);
    let mut wanted = x.clone();
    wanted.chunks_mut(256).for_each(<[i32]>::sort_unstable);
    run("merge_sort", [2, 1, 1], [64, 1, 1], 0, &[buffer(&x), fresh::<i32>(512)], |found| {
        assert_eq!(found.get::<i32>(1), wanted);
    });
}

#[test]
fn phases_of_a_barrier_in_shared_memory() {
    let (rounds, x) = (3, ints(288, 18, 1000));
    let turned = |sums: &[i32], by: usize| (0..96).map(|t| sums[(t + by) % 96]).collect::<Vec<_>>();
    let mut sums = vec![0; 96];
    for round in 0..rounds {
        let values = turned(&x[96 * round..96 * (round + 1)], 7);
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum = (*sum + value * (round as i32 + 1)) ^ round as i32);
    }
    let others = turned(&sums, 2);
    sums.iter_mut().zip(others).step_by(2).for_each(|(sum, other)| *sum += other);
    let args = [buffer(&x), fresh::<i32>(96), value(rounds as i32)];
    run("barrier_phases", [1, 1, 1], [96, 1, 1], 0, &args, |found| assert_eq!(found.get::<i32>(1), sums));
}

#[test]
fn a_pipeline_of_a_block() {
    let (tiles, x) = (5, floats(320, 19));
    let value_of = |t: usize, tile: usize| x[64 * tile + (5 * t + tile) % 64] * (tile + 1) as f32;
    let wanted: Vec<f32> = (0..64).map(|t| (0..tiles).fold(0.0, |sum, tile| sum + value_of(t, tile))).collect();
    let args = [buffer(&x), fresh::<f32>(64), value(tiles as i32)];
    run("pipeline_block", [1, 1, 1], [64, 1, 1], 0, &args, |found| assert_eq!(found.get::<f32>(1), wanted));
}

#[test]
fn a_transpose_with_ragged_edges() {
    let (rows, columns) = (40, 70);
    let x = floats(rows * columns, 5);
    let wanted: Vec<f32> =
        (0..columns).flat_map(|c| (0..rows).map(move |r| (r, c))).map(|(r, c)| x[r * columns + c]).collect();
    let args = [buffer(&x), fresh::<f32>(rows * columns), value(rows as i32), value(columns as i32)];
    run("transpose", [3, 2, 1], [32, 8, 1], 0, &args, |found| assert_eq!(found.get::<f32>(1), wanted));
}

#[test]
fn a_stencil_with_constant_weights() {
    let (x, n) = (floats(300, 6), 300i32);
    let weights = [1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 3.0, 2.0, 1.0];
    let at = |i: i32| if (0..n).contains(&i) { x[i as usize] } else { 0.0 };
    let wanted: Vec<f32> = (0..n).map(|i| (0..9).map(|k| weights[k as usize] * at(i + k - 4)).sum()).collect();
    run("stencil_constant", [3, 1, 1], [128, 1, 1], 0, &[buffer(&x), fresh::<f32>(300), value(n)], |found| {
        assert_eq!(found.get::<f32>(1), wanted);
    });
}

#[test]
fn a_stencil_in_doubles() {
    let (width, height) = (37, 11);
    let x: Vec<f64> = floats(width * height, 7).into_iter().map(f64::from).collect();
    let mut wanted = vec![0.0; width * height];
    for r in 1..height - 1 {
        for c in 1..width - 1 {
            let at = r * width + c;
            wanted[at] = 0.25 * (x[at - 1] + x[at + 1] + x[at - width] + x[at + width]);
        }
    }
    let zeros = vec![0.0f64; width * height];
    let args = [buffer(&x), buffer(&zeros), value(width as i32), value(height as i32)];
    run("stencil_2d", [3, 3, 1], [16, 4, 1], 0, &args, |found| assert_eq!(found.get::<f64>(1), wanted));
}

fn product(a: &[f32], b: &[f32], (m, n, k): (usize, usize, usize)) -> Vec<f32> {
    (0..m * n).map(|at| (0..k).map(|i| a[at / n * k + i] * b[i * n + at % n]).sum()).collect()
}

#[test]
fn a_product_in_tiles() {
    let (m, n, k) = (35, 20, 50);
    let (a, b) = (floats(m * k, 8), floats(k * n, 9));
    let wanted = product(&a, &b, (m, n, k));
    let args = [buffer(&a), buffer(&b), fresh::<f32>(m * n), value(m as i32), value(n as i32), value(k as i32)];
    run("product_tiled", [2, 3, 1], [16, 16, 1], 0, &args, |found| assert_eq!(found.get::<f32>(2), wanted));
}

#[test]
fn products_on_tensor_cores() {
    let (a, b) = (floats(16 * 16, 10), floats(16 * 8, 11));
    let wanted = product(&a, &b, (16, 8, 16));
    let halves = |values: &[f32]| values.iter().map(|v| f16::from_f32(*v)).collect::<Vec<_>>();
    let args = [buffer(&halves(&a)), buffer(&halves(&b)), fresh::<f32>(128)];
    run("product_mma", [1, 1, 1], [32, 1, 1], 0, &args, |found| assert_eq!(found.get::<f32>(2), wanted));
    let (a, b) = (floats(16 * 8, 12), floats(8 * 8, 13));
    let wanted = product(&a, &b, (16, 8, 8));
    run("product_tf32", [1, 1, 1], [32, 1, 1], 0, &[buffer(&a), buffer(&b), fresh::<f32>(128)], |found| {
        assert_eq!(found.get::<f32>(2), wanted);
    });
}

#[test]
fn keys_in_order() {
    let keys = ints(512, 14, 1 << 30);
    let mut wanted = keys.clone();
    wanted.sort_unstable();
    run("sort_bitonic", [1, 1, 1], [256, 1, 1], 0, &[buffer(&keys)], |found| assert_eq!(found.get::<i32>(0), wanted));
}

#[test]
fn copies_in_flight() {
    let (tiles, x) = (5, ints(5 * 128, 15, 1000));
    let wanted: Vec<i32> = (0..32)
        .map(|t| {
            (0..tiles)
                .flat_map(|tile| (0..4).map(move |k| (tile, k)))
                .map(|(tile, k)| x[tile * 128 + (t + k * 32) % 128] * (k as i32 + 1))
                .sum()
        })
        .collect();
    let args = [buffer(&x), fresh::<i32>(32), value(tiles as i32)];
    run("pipeline_async", [1, 1, 1], [32, 1, 1], 0, &args, |found| assert_eq!(found.get::<i32>(1), wanted));
}

#[test]
fn producers_and_consumers_at_named_barriers() {
    let (rounds, x) = (6, ints(6 * 64, 16, 1000));
    let wanted: Vec<i32> = (64..128).map(|t| (0..rounds).map(|r| x[r * 64 + t * 5 % 64]).sum()).collect();
    let args = [buffer(&x), fresh::<i32>(64), value(rounds as i32)];
    run("barriers_named", [1, 1, 1], [128, 1, 1], 0, &args, |found| assert_eq!(found.get::<i32>(1), wanted));
}
