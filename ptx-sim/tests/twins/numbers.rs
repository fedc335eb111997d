//! Arithmetic.

use super::stage::{buffer, fresh, noise, run, value};
use half::{bf16, f16};

#[test]
fn pairs_of_halves() {
    let lane = |i: usize| (f16::from_f32(i as f32 / 8.0 - 1.0), f16::from_f32(1.0 - i as f32 / 16.0));
    let x: Vec<f16> = (0..32).flat_map(|i| [lane(i).0, lane(i).1]).collect();
    let u: Vec<bf16> = (0..32).map(|i| bf16::from_f32(i as f32 / 4.0)).collect();
    let fma = |a: f16, b: f16, c: f16| f16::from_f64(a.to_f64() * b.to_f64() + c.to_f64());
    let clamp = |v: f16| f16::from_f32(v.to_f32().clamp(0.0, 1.0));
    let (mut y, mut v) = (Vec::new(), Vec::new());
    for (i, u) in u.iter().enumerate() {
        let (a0, a1) = lane(i);
        let mut r: Vec<f16> =
            [(a0, 0.5), (a1, -2.0)].into_iter().map(|(a, b)| fma(a, f16::from_f32(b), a * a)).collect();
        r.iter_mut().for_each(|r| *r = f16::from_f32(r.to_f32().abs()));
        if a0 > a1 {
            r = vec![r[0] - a0, r[1] - a1];
        }
        y.push(clamp(r[0] + f16::from_f32(a0.to_f32().abs())));
        y.push(clamp(r[1] + f16::from_f32(a1.to_f32().abs())));
        let w = bf16::from_f64(u.to_f64() * u.to_f64() + u.to_f64());
        v.push(w.to_f32() + r[1].to_f32());
    }
    let args = [buffer(&x), fresh::<f16>(64), buffer(&u), fresh::<f32>(32)];
    run("halves", [1, 1, 1], [32, 1, 1], 0, &args, |found| {
        assert_eq!(found.get::<f16>(1), y);
        assert_eq!(found.get::<f32>(3), v);
    });
}

#[test]
fn integers_of_32_bits() {
    let x: Vec<i32> = noise(32, 50).into_iter().map(|v| v as i32).collect();
    let y: Vec<i32> = noise(32, 51).into_iter().map(|v| v as i32).collect();
    let mut wanted = Vec::new();
    for (&a, &b) in x.iter().zip(&y) {
        let bytes = |v: i32| v.to_le_bytes().map(|byte| i32::from(byte as i8));
        wanted.push(bytes(a).iter().zip(bytes(b)).map(|(a, b)| a * b).sum::<i32>() as u32 + 7);
        wanted.push((a as u32).reverse_bits());
        wanted.push(a.leading_zeros());
        wanted.push((((b as u32 as u64) << 32 | a as u32 as u64) << 11 >> 32) as u32);
        let all = [a.to_le_bytes(), b.to_le_bytes()].concat();
        wanted.push(u32::from_le_bytes([all[1], all[7], all[2], all[5]]));
        wanted.push(((a as u32 as u64 * b as u32 as u64) >> 32) as u32);
        wanted.push(((i64::from(a) * i64::from(b)) >> 32) as u32);
        wanted.push((a ^ b).count_ones() + if b == 0 { 0 } else { b.trailing_zeros() + 1 });
        wanted.push(a.abs_diff(b).wrapping_add(5));
        wanted.push((a & 0xff00ff) as u32 | (!b & 0xff00) as u32);
        wanted.push((a.min(b) as u32).wrapping_sub(a.max(b) as u32));
        let halves = |v: i32| [v as u16, (v >> 16) as u16];
        let sums: Vec<u16> = halves(a).iter().zip(halves(b)).map(|(a, b)| a.wrapping_add(b)).collect();
        wanted.push(u32::from(sums[0]) | u32::from(sums[1]) << 16);
    }
    run("integers", [1, 1, 1], [32, 1, 1], 0, &[buffer(&x), buffer(&y), fresh::<u32>(384)], |found| {
        assert_eq!(found.get::<u32>(2), wanted);
    });
}

#[test]
fn integers_of_64_bits() {
    let x: Vec<i64> = noise(32, 52).into_iter().map(|v| v as i64).collect();
    let y: Vec<i64> = noise(32, 53).into_iter().enumerate().map(|(i, v)| (v as i64) >> i | 1).collect();
    let mut wanted = Vec::new();
    for (&a, &b) in x.iter().zip(&y) {
        wanted.extend([
            a.wrapping_div(b),
            a.wrapping_rem(b),
            (a as u64 / b as u64) as i64,
            a >> (b & 63),
            ((a as u64) << (b & 31)) as i64,
            ((i128::from(a) * i128::from(b)) >> 64) as i64,
            ((a as u64 as u128 * b as u64 as u128) >> 64) as i64,
            i64::from(a.leading_zeros()) * 100 + i64::from(b.count_ones()),
        ]);
    }
    run("integers_wide", [1, 1, 1], [32, 1, 1], 0, &[buffer(&x), buffer(&y), fresh::<i64>(256)], |found| {
        assert_eq!(found.get::<i64>(2), wanted);
    });
}

/// Results of directed rounding lie beside or at the nearest one, on the right side of the exact value.
#[test]
fn every_rounding() {
    let x: Vec<f32> = noise(32, 54).into_iter().map(|v| (v as i32) as f32 / 1e5).collect();
    let y: Vec<f32> = noise(32, 55).into_iter().map(|v| (v as i32) as f32 / 3e8).collect();
    let z: Vec<f64> = noise(32, 56).into_iter().map(|v| (v as i64) as f64 / 1e15).collect();
    let args = [buffer(&x), buffer(&y), buffer(&z), fresh::<f32>(256), fresh::<i32>(128), fresh::<f64>(128)];
    run("roundings", [1, 1, 1], [32, 1, 1], 0, &args, |found| {
        let (f, n, d) = (found.get::<f32>(3), found.get::<i32>(4), found.get::<f64>(5));
        for i in 0..32 {
            let (a, b, c) = (x[i], y[i], z[i]);
            let f = &f[i * 8..i * 8 + 8];
            let sum = f64::from(a) + f64::from(b);
            assert!(f64::from(f[0]) <= sum && f64::from(f[0].next_up()) > sum);
            let product = f64::from(a) * f64::from(b);
            assert!(f64::from(f[1]) >= product && f64::from(f[1].next_down()) < product);
            let exact = product + 1.0;
            assert!(
                (f64::from(f[2]).abs() <= exact.abs())
                    && (f64::from(f[2]) - a.mul_add(b, 1.0) as f64).abs() <= exact.abs() * 2e-7
            );
            assert_eq!(f[3], a / b);
            assert_eq!(f[4], a.abs().sqrt());
            assert!(f64::from(f[5]) >= c && f64::from(f[5].next_down()) < c);
            let bits = a.to_bits() as i32;
            assert!(f64::from(f[6]).abs() <= f64::from(bits).abs() && (f[6] - bits as f32).abs() <= 128.0);
            assert_eq!(f[7], a.floor() + b.ceil() + a.trunc() + b.round_ties_even());
            let n = &n[i * 4..i * 4 + 4];
            assert_eq!(n[0], a.floor() as i32);
            assert_eq!(n[1], b.abs().round_ties_even() as i32);
            assert_eq!(n[2], c.trunc() as i32);
            assert_eq!(n[3], 2 * i32::from(c > 1.0));
            let d = &d[i * 4..i * 4 + 4];
            let sum = c + 0.1;
            assert!(d[0] == sum || d[0] == sum.next_down() || d[0] == sum.next_up());
            assert!(d[1] == c * c || d[1] == (c * c).next_down());
            assert_eq!(d[2], 1.0 / c);
            assert_eq!(d[3], c.abs().sqrt() + 9_223_372_036_854_775_808.0);
        }
    });
}

/// The library's functions to within the errors that its documentation promises, and those of the approximate instructions in it.
#[test]
fn functions_of_the_library() {
    let x: Vec<f32> = (0..32).map(|i| (i as f32 - 16.0) * 3.7).chain([1e6, -1e6, 12345.678, 0.0]).collect();
    let count = x.len();
    run("math", [1, 1, 1], [count as u32, 1, 1], 0, &[buffer(&x), fresh::<f32>(count * 6)], |found| {
        for (v, y) in x.iter().zip(found.get::<f32>(1).chunks(6)) {
            let v = f64::from(*v);
            let wanted = [v.sin(), (v * 0.01).exp(), (v.abs() + 1.0).ln(), v.abs().powf(0.3), v.atan2(2.0)];
            for (found, wanted) in y.iter().zip(wanted) {
                // Past the range of f32 both are infinite.
                let wanted = if wanted > f64::from(f32::MAX) { f64::INFINITY } else { wanted };
                if f64::from(*found) == wanted {
                    continue;
                }
                let error = (f64::from(*found) - wanted).abs();
                assert!(error <= wanted.abs() * 2e-6 + 1e-6, "{v}: {found}, wanted {wanted}");
            }
        }
    });
}

#[test]
fn quotients_of_128_bits() {
    let count = 70;
    let words = noise(4 * count, 77);
    // Of all sizes, none by zero.
    let number = |high: u64, low: u64, size: usize| (u128::from(high) << 64 | u128::from(low)) >> size;
    let pairs: Vec<(u128, u128)> = words
        .chunks(4)
        .enumerate()
        .map(|(i, w)| (number(w[0], w[1], i * 5 % 100), number(w[2], w[3], i * 37 % 127).max(1)))
        .collect();
    let halves = |value: u128| [value as u64, (value >> 64) as u64];
    let x: Vec<u64> = pairs.iter().flat_map(|(a, b)| [halves(*a), halves(*b)].concat()).collect();
    let wanted: Vec<u64> = pairs
        .iter()
        .flat_map(|(a, b)| [halves(a / b), halves((a.cast_signed() % 97).cast_unsigned())].concat())
        .collect();
    let args = [buffer(&x), fresh::<u64>(4 * count), value(count as i32)];
    run("division_128", [3, 1, 1], [32, 1, 1], 0, &args, |found| assert_eq!(found.get::<u64>(1), wanted));
}
