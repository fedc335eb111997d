//! Blocks that notice each other.

use super::stage::{buffer, fresh, ints, noise, run, value};

#[test]
fn the_last_block_adds() {
    let x = ints(1000, 30, 1000);
    let sum: i32 = x.iter().sum();
    let args = [buffer(&x), fresh::<i32>(8), fresh::<i32>(1), value(1000i32)];
    run("reduce_last_block", [8, 1, 1], [128, 1, 1], 0, &args, |found| assert_eq!(found.get::<i32>(2), [sum]));
}

#[test]
fn counts_of_bytes() {
    let x: Vec<u8> = noise(3000, 31).into_iter().map(|v| (v >> 40) as u8 & 63).collect();
    let mut wanted = vec![0u32; 256];
    x.iter().for_each(|v| wanted[usize::from(*v)] += 1);
    let args = [buffer(&x), buffer(&vec![0u32; 256]), value(3000i32)];
    run("histogram", [4, 1, 1], [64, 1, 1], 0, &args, |found| assert_eq!(found.get::<u32>(1), wanted));
}

#[test]
fn a_step_of_a_search() {
    // A ring of 50 nodes with chords.
    let nodes = 50;
    let targets: Vec<i32> =
        (0..nodes).flat_map(|n| [(n + 1) % nodes, (n + nodes - 1) % nodes, n * 7 % nodes]).collect();
    let offsets: Vec<i32> = (0..=nodes).map(|n| 3 * n).collect();
    let frontier = [3, 4, 5, 20];
    let mut levels = vec![-1i32; nodes as usize];
    frontier.iter().for_each(|n| levels[*n as usize] = 0);
    let mut wanted = levels.clone();
    for n in frontier {
        for target in &targets[3 * n as usize..3 * n as usize + 3] {
            if wanted[*target as usize] == -1 {
                wanted[*target as usize] = 1;
            }
        }
    }
    let args = [
        buffer(&offsets),
        buffer(&targets),
        buffer(&levels),
        buffer(&frontier),
        value(4i32),
        buffer(&[-1i32; 12]),
        buffer(&[0i32]),
        value(1i32),
    ];
    run("bfs_step", [1, 1, 1], [32, 1, 1], 0, &args, |found| {
        assert_eq!(found.get::<i32>(2), wanted);
        let count = found.get::<i32>(5)[0] as usize;
        let mut next = found.get::<i32>(4)[..count].to_vec();
        next.sort_unstable();
        let new: Vec<i32> = (0..nodes).filter(|n| wanted[*n as usize] == 1).collect();
        assert_eq!(next, new);
    });
}

#[test]
fn a_lock_guards_a_counter() {
    run("spin_lock", [3, 1, 1], [40, 1, 1], 0, &[buffer(&[0i32])], |found| assert_eq!(found.get::<i32>(0), [120]));
}

#[test]
fn a_block_waits_for_another() {
    let wanted: Vec<i32> = (0..64).map(|t| t * 3 + 1).collect();
    let args = [fresh::<i32>(64), buffer(&[0i32]), fresh::<i32>(64)];
    run("flag_between_blocks", [2, 1, 1], [64, 1, 1], 0, &args, |found| assert_eq!(found.get::<i32>(2), wanted));
}

#[test]
fn a_ticket_by_libcudacxx() {
    let args = [fresh::<i32>(1), buffer(&[0i32]), fresh::<i32>(1)];
    run("atomic_scopes", [2, 1, 1], [32, 1, 1], 0, &args, |found| {
        assert_eq!((found.get::<i32>(1), found.get::<i32>(2)), (vec![2], vec![42]));
    });
}

#[test]
fn a_dot_product_in_doubles() {
    let (x, y): (Vec<f64>, Vec<f64>) = (0..500).map(|i| (f64::from(i % 17), f64::from(i % 13))).unzip();
    let sum: f64 = x.iter().zip(&y).map(|(a, b)| a * b).sum();
    let args = [buffer(&x), buffer(&y), buffer(&[0f64]), value(500i32)];
    run("dot_double", [2, 1, 1], [64, 1, 1], 0, &args, |found| assert_eq!(found.get::<f64>(2), [sum]));
}

#[test]
fn atomics_of_every_kind() {
    let x: Vec<i64> = noise(100, 32).into_iter().map(|v| v as i64).collect();
    let out = [0u64, i64::MAX as u64, i64::MIN as u64, 0, u64::MAX, 0, 0, 1];
    let small = [0i32, i32::MAX, i32::MIN, -1, 5, 0];
    let low: Vec<i32> = x.iter().map(|v| *v as i32).collect();
    let mut chain = 1u64;
    x.iter().for_each(|_| chain = chain.wrapping_mul(3).wrapping_add(1));
    let wide = [
        x.iter().fold(0u64, |sum, v| sum.wrapping_add(*v as u64)),
        *x.iter().min().unwrap() as u64,
        *x.iter().max().unwrap() as u64,
        x.iter().map(|v| *v as u64).max().unwrap(),
        x.iter().fold(u64::MAX, |all, v| all & *v as u64),
        x.iter().fold(0, |all, v| all | *v as u64),
        x.iter().fold(0, |all, v| all ^ *v as u64),
        chain,
    ];
    let mut down = 5i32;
    x.iter().for_each(|_| down = if down == 0 { 9 } else { down - 1 });
    let narrow = [
        low.iter().fold(0i32, |sum, v| sum.wrapping_sub(*v)),
        *low.iter().min().unwrap(),
        *low.iter().max().unwrap(),
        low.iter().map(|v| *v as u32).min().unwrap() as i32,
        down,
        low.iter().fold(0, |all, v| all ^ v),
    ];
    let args = [buffer(&x), buffer(&out), buffer(&small), value(100i32)];
    run("atomics_wide", [2, 1, 1], [64, 1, 1], 0, &args, |found| {
        assert_eq!(found.get::<u64>(1), wide);
        assert_eq!(found.get::<i32>(2), narrow);
    });
}
