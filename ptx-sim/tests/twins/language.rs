//! What the language has besides arithmetic: functions, memory of threads and modules, branches.

use super::stage::{Arg, buffer, fresh, ints, noise, run, value};

#[test]
fn functions_call_functions() {
    let x = ints(32, 40, 1000);
    let mix = |a: i32, b: i32| a.wrapping_mul(31).wrapping_add(b);
    let wanted: Vec<i64> = x
        .iter()
        .map(|x| {
            let values: Vec<i32> = (0..4).map(|k| mix(x + k, x + k)).collect();
            let v = i64::from(values[(x & 3) as usize]) * 70001;
            let (low, high) = ((v & 0xffff) as i32 * 2, v >> 16);
            high * 1000 + i64::from(low) + i64::from(mix(values[0], values[3]))
        })
        .collect();
    run("functions", [1, 1, 1], [32, 1, 1], 0, &[buffer(&x), fresh::<i64>(32)], |found| {
        assert_eq!(found.get::<i64>(1), wanted);
    });
}

#[test]
fn an_array_of_the_thread() {
    let x: Vec<i16> = noise(33 * 9, 41).into_iter().map(|v| v as i16).collect();
    let mut wanted = x.clone();
    wanted.chunks_mut(9).for_each(<[i16]>::sort_unstable);
    run("local_array", [3, 1, 1], [11, 1, 1], 0, &[buffer(&x), fresh::<i16>(33 * 9), value(9i32)], |found| {
        assert_eq!(found.get::<i16>(1), wanted);
    });
}

#[test]
fn a_branch_with_many_targets() {
    let x: Vec<i32> = (0..64).map(|i| i * 5 % 9).collect();
    let before: Vec<i32> = (0..64).map(|i| i + 1000).collect();
    let wanted: Vec<i32> = (0i32..64)
        .map(|i| {
            let v = x[i as usize];
            match v {
                0 => v + 17,
                1 => v * i,
                2 => i / 3,
                3 => i % 7 + before[i as usize],
                4 => !i,
                5 => i * i * i,
                6 => i.count_ones() as i32,
                _ => -1,
            }
        })
        .collect();
    run("switch_table", [1, 1, 1], [64, 1, 1], 0, &[buffer(&x), buffer(&before)], |found| {
        assert_eq!(found.get::<i32>(1), wanted);
    });
}

#[test]
fn variables_of_the_module() {
    let (table, bytes) = ([3, 1, 4, 1, 5, 9, 2, 6], [200, 100, 50, 25, 12, 6]);
    let mut wanted: Vec<i32> = (0..32).map(|i| table[i % 8] * 1000 + table[4 + i % 4] * 10 + bytes[i % 6]).collect();
    wanted.push(table.iter().sum());
    run("globals", [1, 1, 1], [32, 1, 1], 0, &[fresh::<i32>(33)], |found| assert_eq!(found.get::<i32>(0), wanted));
}

#[test]
fn a_struct_by_value() {
    let extent = [7i32, -3, 11, 1000];
    let mut shape: Vec<u8> = extent.iter().flat_map(|v| v.to_le_bytes()).collect();
    shape.extend(0.5f32.to_le_bytes());
    shape.extend([1, 0, 0, 0]);
    shape.extend(2.25f64.to_le_bytes());
    let wanted: Vec<f64> = (0..8).map(|i| f64::from(extent[i & 3]) * 0.5 + 2.25).collect();
    run("struct_param", [1, 1, 1], [8, 1, 1], 0, &[Arg::Bytes(shape), fresh::<f64>(8)], |found| {
        assert_eq!(found.get::<f64>(0), wanted);
    });
}

#[test]
fn points_that_escape() {
    let (width, height) = (40, 20);
    let steps = |c: usize, r: usize| {
        let (a, b) = (c as f64 * 3.0 / width as f64 - 2.0, r as f64 * 2.0 / height as f64 - 1.0);
        let (mut x, mut y, mut n) = (0.0, 0.0, 0u16);
        while n < 200 && x * x + y * y < 4.0 {
            (x, y) = (x * x - y * y + a, 2.0 * x * y + b);
            n += 1;
        }
        n
    };
    let wanted: Vec<u16> = (0..height).flat_map(|r| (0..width).map(move |c| steps(c, r))).collect();
    let args = [fresh::<u16>(width * height), value(width as i32), value(height as i32)];
    run("mandelbrot", [3, 5, 1], [16, 4, 1], 0, &args, |found| assert_eq!(found.get::<u16>(0), wanted));
}

#[test]
fn what_is_printed_changes_nothing_else() {
    let x = ints(32, 41, 20);
    let wanted: Vec<i32> = x.iter().map(|x| x + 1).collect();
    run("prints", [1, 1, 1], [32, 1, 1], 0, &[buffer(&x)], |found| assert_eq!(found.get::<i32>(0), wanted));
}
