//! Kernels as Triton prints them (`triton/kernels.py`): lanes that load nothing exchange what they have not got, and threads store what others store too.

use half::f16;

use super::stage::{Arg, Buffers, buffer, floats, fresh, ints, run, text, value};

/// Memory that Triton passes to kernels which ask for it; these do not.
fn scratch() -> [Arg; 2] {
    [value(0u64), value(0u64)]
}

/// The dynamic shared memory that a text says it needs.
fn shared(name: &str) -> u32 {
    let text = text(name);
    let words = text.lines().next().and_then(|line| line.split("128 threads, ").nth(1)).unwrap();
    words.split(' ').next().unwrap().parse().unwrap()
}

fn launch(name: &str, grid: [u32; 3], own: Vec<Arg>, check: impl Fn(&Buffers)) {
    let name = format!("triton/{name}");
    let args: Vec<Arg> = own.into_iter().chain(scratch()).collect();
    run(&name, grid, [128, 1, 1], shared(&name), &args, check);
}

#[test]
fn softmax_of_rows_that_a_block_does_not_fill() {
    let (rows, columns) = (3, 700);
    let x = floats(rows * columns, 1);
    let wanted: Vec<f64> = x
        .chunks(columns)
        .flat_map(|row| {
            let powers: Vec<f64> = row.iter().map(|x| f64::from(*x).exp()).collect();
            let sum: f64 = powers.iter().sum();
            powers.into_iter().map(move |power| power / sum)
        })
        .collect();
    let args = vec![buffer(&x), fresh::<f32>(rows * columns), value(columns as i32)];
    launch("softmax", [rows as u32, 1, 1], args, |found| {
        for (found, wanted) in found.get::<f32>(1).into_iter().zip(&wanted) {
            // ex2.approx of a rounded product, both within 2^-22, a sum of 700 numbers in f32 and a quotient within 2 units.
            assert!((f64::from(found) - wanted).abs() <= wanted * 1e-5, "{found} {wanted}");
        }
    });
}

#[test]
fn a_histogram_whose_threads_clear_the_same_bins() {
    let x = ints(2048, 2, 64);
    let mut wanted = vec![0; 64];
    for bin in &x {
        wanted[*bin as usize] += 1;
    }
    let args = vec![buffer(&x), buffer(&[0i32; 64])];
    launch("histogram", [2, 1, 1], args, |found| assert_eq!(found.get::<i32>(1), wanted));
}

#[test]
fn a_product_by_the_tensor_cores_with_ragged_edges() {
    let (m, n, k) = (70, 50, 40);
    let halves = |count, seed| floats(count, seed).into_iter().map(f16::from_f32).collect::<Vec<_>>();
    let (a, b) = (halves(m * k, 3), halves(k * n, 4));
    // Sums of few bits are exact.
    let wanted: Vec<f32> =
        (0..m * n).map(|at| (0..k).map(|i| a[at / n * k + i].to_f32() * b[i * n + at % n].to_f32()).sum()).collect();
    let sizes = [m, n, k].map(|size| value(size as i32));
    let args = [buffer(&a), buffer(&b), fresh::<f32>(m * n)].into_iter().chain(sizes).collect();
    launch("product", [2, 2, 1], args, |found| assert_eq!(found.get::<f32>(2), wanted));
}

#[test]
fn where_the_largest_is() {
    let x = floats(768, 5);
    let wanted: Vec<i32> = x
        .chunks(256)
        .map(|block| {
            let largest = block.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            block.iter().position(|x| *x == largest).unwrap() as i32
        })
        .collect();
    let args = vec![buffer(&x), fresh::<i32>(3)];
    launch("largest", [3, 1, 1], args, |found| assert_eq!(found.get::<i32>(1), wanted));
}

#[test]
fn running_sums() {
    let x = ints(1024, 6, 1000);
    let mut wanted = x.clone();
    for block in wanted.chunks_mut(512) {
        for at in 1..block.len() {
            block[at] += block[at - 1];
        }
    }
    let args = vec![buffer(&x), fresh::<i32>(1024)];
    launch("running_sums", [2, 1, 1], args, |found| assert_eq!(found.get::<i32>(1), wanted));
}

/// The numbers of a thread fill half of a vector of four, which is packed and unpacked as one: of the other half nobody has written anything.
#[test]
fn floats_of_eight_bits_in_half_of_a_vector() {
    // With three significant bits nothing is rounded.
    let x: Vec<f32> =
        (0..256i32).map(|i| (i % 4 + 4) as f32 * 2f32.powi(i / 4 % 24 - 14) * (1 - i % 2 * 2) as f32).collect();
    let wanted: Vec<u8> = x.iter().map(|x| (f16::from_f32(*x).to_bits() >> 8) as u8).collect();
    launch("narrow_floats", [1, 1, 1], vec![buffer(&x), fresh::<u8>(256), fresh::<f32>(256)], |found| {
        assert_eq!(found.get::<u8>(1), wanted);
        assert_eq!(found.get::<f32>(2), x);
    });
}
