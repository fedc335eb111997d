//! Matrices in the lanes of a warp against matrices: `mma` in the forms beyond [`MmaShape`](tilewright_ptx_ir::ir::MmaShape), `movmatrix`, `stmatrix`; and `elect`.

use crate::support::kernel::{bytes, launch, run, words};
use tilewright_ptx_ir::ir::{MmaBits, MmaElement, MmaForm};
use tilewright_ptx_sim::Options;

/// Numbers without an order to them.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ self.0 >> 29
    }
}

fn value(element: MmaElement, field: u64) -> i64 {
    match element {
        MmaElement::S8 => i64::from(field as u8 as i8),
        MmaElement::S4 => i64::from(((field as u8) << 4) as i8 >> 4),
        _ => field as i64,
    }
}

/// Where an element of a lies: the lane, the register, the part of it. As the figures of the ISA have it, written from the element's side.
fn place_of_a(form: MmaForm, row: u32, column: u32) -> (usize, usize, u32) {
    let per = form.elements();
    let (group, inside) = (column / (4 * per), column % (4 * per));
    let register = if form.m() == 8 { group } else { 2 * group + row / 8 };
    ((row % 8 * 4 + inside / per) as usize, register as usize, inside % per)
}

fn place_of_b(form: MmaForm, row: u32, column: u32) -> (usize, usize, u32) {
    let per = form.elements();
    let (group, inside) = (row / (4 * per), row % (4 * per));
    ((column * 4 + inside / per) as usize, group as usize, inside % per)
}

fn place_of_sum(row: u32, column: u32) -> (usize, usize) {
    ((row % 8 * 4 + column / 2) as usize, (row / 8 * 2 + column % 2) as usize)
}

/// The instruction's result for registers [register][lane] of a, b and c, 8 bytes each, low halves for 32-bit registers.
fn multiply(form: MmaForm, satfinite: bool, operands: [&[[u64; 32]]; 3]) -> Vec<[u64; 32]> {
    let (ty, prefix, step) = if form.is_f64() { ("f64", "%fd", 8) } else { ("b32", "%r", 8) };
    let mut body = String::from("mul.wide.u32 %rd3, %r1, 8;\nadd.u64 %rd1, %rd1, %rd3;\nadd.u64 %rd2, %rd2, %rd3;\n");
    let mut lists = Vec::new();
    let (mut input, mut next) = (Vec::new(), 3);
    for operand in operands {
        let mut names = Vec::new();
        for lanes in operand {
            body += &format!("ld.global.{ty} {prefix}{next}, [%rd1+{}];\n", input.len());
            input.extend(lanes.iter().flat_map(|value| value.to_le_bytes()));
            names.push(format!("{prefix}{next}"));
            next += 1;
        }
        lists.push(format!("{{{}}}", names.join(", ")));
    }
    let count = operands[2].len();
    let results: Vec<String> = (next..next + count).map(|number| format!("{prefix}{number}")).collect();
    body += &format!("{} {{{}}}, {};\n", form.mnemonic(satfinite), results.join(", "), lists.join(", "));
    for (index, name) in results.iter().enumerate() {
        body += &format!("st.global.{ty} [%rd2+{}], {name};\n", index * 32 * step);
    }
    let output = run(&body, 32, &input, count * 32 * step);
    let values: Vec<u64> = output.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().unwrap())).collect();
    values.chunks_exact(32).map(|lanes| lanes.try_into().unwrap()).collect()
}

#[test]
fn products_of_integers_and_bits_are_exact() {
    let mut numbers = Numbers(1);
    let mut seen = 0;
    for form in MmaForm::all().filter(|form| !form.is_f64()) {
        for (again, satfinite) in [(0, false), (1, false), (2, true)] {
            if satfinite && !form.saturates() {
                continue;
            }
            let (m, k, bits) = (form.m(), form.k(), form.a().bits());
            let mut registers = [vec![[0u64; 32]; form.a_registers()], vec![[0; 32]; form.b_registers()], Vec::new()];
            registers[2] = vec![[0; 32]; form.accumulator_registers()];
            // Extremes in the second and third round: every product as large as it can be.
            let extreme = ((1u64 << bits) - 1) >> u32::from(form.a().is_signed());
            let (mut a, mut b) = (vec![vec![0; k as usize]; m as usize], vec![vec![0; 8]; k as usize]);
            for (row, line) in (0..).zip(&mut a) {
                for (column, field) in (0..).zip(line) {
                    *field = if again > 0 && row % 2 == 0 { extreme } else { numbers.next() % (1 << bits) };
                    let (lane, register, part) = place_of_a(form, row, column);
                    registers[0][register][lane] |= *field << (part * bits);
                }
            }
            for (row, line) in (0..).zip(&mut b) {
                for (column, field) in (0..).zip(line) {
                    *field = numbers.next() % (1 << bits);
                    let (lane, register, part) = place_of_b(form, row, column);
                    registers[1][register][lane] |= *field << (part * bits);
                }
            }
            for lanes in &mut registers[2] {
                for value in lanes {
                    *value = match again {
                        0 => numbers.next() & 0xFFFF_FFFF,
                        _ => [0x7FFF_FFFF, 0x8000_0000][(numbers.next() % 2) as usize],
                    };
                }
            }
            let found = multiply(form, satfinite, [&registers[0], &registers[1], &registers[2]]);
            for (row, line) in (0..).zip(&a) {
                for column in 0..8u32 {
                    let (lane, register) = place_of_sum(row, column);
                    let pairs = line.iter().zip(b.iter().map(|line| line[column as usize]));
                    let dot: i64 = pairs
                        .map(|(a, b)| match form.bits() {
                            Some(MmaBits::Xor) => (*a != b).into(),
                            Some(_) => (*a == 1 && b == 1).into(),
                            None => value(form.a(), *a) * value(form.b(), b),
                        })
                        .sum();
                    let sum = dot + i64::from(registers[2][register][lane] as u32 as i32);
                    let sum = if satfinite { sum.clamp(i32::MIN.into(), i32::MAX.into()) } else { sum };
                    let mnemonic = form.mnemonic(satfinite);
                    assert_eq!(found[register][lane] as u32, sum as u32, "{mnemonic} row {row} column {column}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 5000, "{seen}");
}

/// One fma after the other, in the order of k; the values are such that every other order, and products that are rounded before they are added, would show.
#[test]
fn products_of_f64_are_chains_of_fma() {
    let mut numbers = Numbers(2);
    let mut differ = [0; 2];
    for form in MmaForm::all().filter(|form| form.is_f64()) {
        for _ in 0..4 {
            let (m, k) = (form.m(), form.k());
            let mut registers = [vec![[0u64; 32]; form.a_registers()], vec![[0; 32]; form.b_registers()], Vec::new()];
            registers[2] = vec![[0; 32]; form.accumulator_registers()];
            for value in registers.iter_mut().flatten().flatten() {
                // Near 1, of either sign, with all bits of the fraction, and four powers of two.
                let power = [0, 26, 52, 53][(numbers.next() % 4) as usize];
                *value = (numbers.next() & 0x800F_FFFF_FFFF_FFFF) | (1023 + power) << 52;
            }
            let found = multiply(form, false, [&registers[0], &registers[1], &registers[2]]);
            for (row, column) in (0..m).flat_map(|row| (0..8).map(move |column| (row, column))) {
                let (lane, register) = place_of_sum(row, column);
                let of =
                    |(lane, register, _): (usize, usize, u32), of: usize| f64::from_bits(registers[of][register][lane]);
                let a: Vec<f64> = (0..k).map(|inner| of(place_of_a(form, row, inner), 0)).collect();
                let b: Vec<f64> = (0..k).map(|inner| of(place_of_b(form, inner, column), 1)).collect();
                let c = f64::from_bits(registers[2][register][lane]);
                let wanted = a.iter().zip(&b).fold(c, |sum, (a, b)| a.mul_add(*b, sum));
                let backwards = a.iter().zip(&b).rev().fold(c, |sum, (a, b)| a.mul_add(*b, sum));
                let rounded = a.iter().zip(&b).fold(c, |sum, (a, b)| sum + a * b);
                assert_eq!(
                    found[register][lane],
                    wanted.to_bits(),
                    "{} row {row} column {column}",
                    form.mnemonic(false)
                );
                differ[0] += u32::from(backwards != wanted);
                differ[1] += u32::from(rounded != wanted);
            }
        }
    }
    assert!(differ.iter().all(|count| *count > 200), "{differ:?}");
}

/// A fragment whose element (row, column) is 8 · row + column.
fn fragment(element: impl Fn(u32, u32) -> u32) -> Vec<u32> {
    (0..32).map(|lane| element(lane / 4, lane % 4 * 2) | element(lane / 4, lane % 4 * 2 + 1) << 16).collect()
}

const PLACES: &str = "mul.wide.u32 %rd3, %r1, 4;\nadd.u64 %rd4, %rd2, %rd3;\nadd.u64 %rd3, %rd1, %rd3;\n";

#[test]
fn movmatrix_transposes() {
    let input = bytes(fragment(|row, column| 8 * row + column));
    let body = format!(
        "{PLACES}ld.global.b32 %r3, [%rd3];\nmovmatrix.sync.aligned.m8n8.trans.b16 %r4, %r3;\nst.global.b32 [%rd4], %r4;"
    );
    assert_eq!(words(&run(&body, 32, &input, 128)), fragment(|row, column| 8 * column + row));
}

/// Row r of tile i at 16 · (8i + 7 - r): what `stmatrix` leaves there.
#[test]
fn stmatrix_stores_rows_or_columns() {
    for (count, transpose) in [1, 2, 4].into_iter().flat_map(|count| [(count, ""), (count, ".trans")]) {
        let tiles = (0..count).flat_map(|tile| fragment(|row, column| 1000 * tile + 8 * row + column));
        let input = bytes(tiles.chain(vec![0; 128]).take(128));
        let mut body = PLACES.to_owned();
        for tile in 0..4 {
            body += &format!("ld.global.b32 %r{}, [%rd3+{}];\n", 10 + tile, 128 * tile);
        }
        let list = (0..count).map(|tile| format!("%r{}", 10 + tile)).collect::<Vec<_>>().join(", ");
        // Lane 8i + r names the row; lanes of tiles that there are not name what nobody looks at.
        body += &format!(
            "xor.b32 %r3, %r1, 7;\nshl.b32 %r3, %r3, 4;\nadd.u32 %r3, %r2, %r3;\n\
             stmatrix.sync.aligned.m8n8.x{count}{transpose}.shared.b16 [%r3], {{{list}}};\nbar.sync 0;\n\
             shl.b32 %r4, %r1, 2;\nadd.u32 %r4, %r2, %r4;\n"
        );
        for tile in 0..count {
            body += &format!("ld.shared.b32 %r5, [%r4+{0}];\nst.global.b32 [%rd4+{0}], %r5;\n", 128 * tile);
        }
        let found: Vec<u32> = words(&run(&body, 32, &input, 128 * count as usize))
            .into_iter()
            .flat_map(|word| [word & 0xFFFF, word >> 16])
            .collect();
        for (tile, (row, column)) in
            (0..count).flat_map(|tile| (0..8).flat_map(move |row| (0..8).map(move |column| (tile, (row, column)))))
        {
            let wanted = 1000 * tile + if transpose.is_empty() { 8 * row + column } else { 8 * column + row };
            assert_eq!(found[(64 * tile + 8 * (7 - row) + column) as usize], wanted, "x{count}{transpose}");
        }
    }
}

fn found(body: &str, threads: u32) -> Vec<&'static str> {
    let outcome = launch(body, threads, &[7; 4096], 4096, &Options::DEFAULT).0;
    let mut names: Vec<_> = outcome.report.findings.iter().map(|finding| finding.kind.name()).collect();
    names.dedup();
    names
}

#[test]
fn stmatrix_is_looked_at_as_any_store() {
    for transpose in ["", ".trans"] {
        let store = format!("stmatrix.sync.aligned.m8n8.x4{transpose}.shared.b16 [%r3], {{%r1, %r1, %r1, %r1}};");
        let own = "shl.b32 %r3, %r1, 4;\nadd.u32 %r3, %r2, %r3;";
        assert_eq!(found(&format!("{own}\n{store}"), 32), [""; 0]);
        // Two warps store to the same rows.
        let same = "and.b32 %r3, %r1, 31;\nshl.b32 %r3, %r3, 4;\nadd.u32 %r3, %r2, %r3;";
        assert_eq!(found(&format!("{same}\n{store}"), 64), ["race"]);
        // What another lane stored is read without a barrier.
        assert_eq!(found(&format!("{own}\n{store}\nld.shared.b32 %r4, [%r2+252];"), 32), ["race"]);
        assert_eq!(found(&format!("{own}\n{store}\nbar.warp.sync -1;\nld.shared.b32 %r4, [%r2+252];"), 32), [""; 0]);
        assert_eq!(found(&format!("{own}\nadd.u32 %r3, %r3, 8;\n{store}"), 32), ["misaligned"]);
        assert_eq!(found(&format!("{own}\nadd.u32 %r3, %r3, 4096;\n{store}"), 32), ["out-of-bounds"]);
        assert_eq!(found(&format!("{own}\nsetp.lt.u32 %p1, %r1, 8;\n@%p1 {store}"), 32), ["divergence"]);
    }
}

/// Rows 128 bytes apart are in the same banks: eight passes for a tile, as `ldmatrix` needs.
#[test]
fn stmatrix_counts_its_passes() {
    let passes = |scale: u32, op: &str| {
        let body = format!(
            "mul.lo.u32 %r3, %r1, {scale};\nadd.u32 %r3, %r2, %r3;\nand.b32 %r3, %r3, 4095;\nmov.u32 %r4, 1;\n{op}"
        );
        let (outcome, _) =
            launch(&body, 32, &[0; 16], 16, &Options { check: tilewright_ptx_sim::Check::Off, ..Options::DEFAULT });
        (outcome.statistics.shared_passes, outcome.statistics.shared_passes_ideal)
    };
    let store = "stmatrix.sync.aligned.m8n8.x1.shared.b16 [%r3], {%r4};";
    let load = "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r5}, [%r3];";
    assert_eq!(passes(16, store), (1, 1));
    assert_eq!(passes(128, store), (8, 1));
    for scale in [16, 32, 64, 80, 128] {
        assert_eq!(passes(scale, store), passes(scale, load), "{scale}");
    }
}

/// One lane of those that are named; everybody learns which.
#[test]
fn elect_names_one_lane() {
    for (mask, leader) in [(0xFFFF_FFFFu32, 0), (0xFFFF_0000, 16), (0x0F00_0000, 24)] {
        let body = format!(
            "{PLACES}mov.u32 %r5, 99;\nmov.u32 %r7, {mask};\nshr.u32 %r6, %r7, %r1;\nand.b32 %r6, %r6, 1;\nsetp.ne.u32 %p1, %r6, 0;\n\
             @!%p1 bra $L0;\nelect.sync %r5|%p2, %r7;\nselp.u32 %r6, 100, 0, %p2;\nadd.u32 %r5, %r5, %r6;\nelect.sync _|%p3, %r7;\nselp.u32 %r6, 1000, 0, %p3;\n\
             add.u32 %r5, %r5, %r6;\n$L0:\nst.global.b32 [%rd4], %r5;\ngriddepcontrol.launch_dependents;\ngriddepcontrol.wait;"
        );
        let wanted: Vec<u32> = (0..32)
            .map(|lane| if mask >> lane & 1 == 0 { 99 } else { leader + if lane == leader { 1100 } else { 0 } })
            .collect();
        assert_eq!(words(&run(&body, 32, &[], 128)), wanted);
    }
}

/// Each block is a cluster of its own.
#[test]
fn a_block_is_alone_in_its_cluster() {
    let names = [
        "%clusterid.x",
        "%nclusterid.y",
        "%cluster_ctaid.z",
        "%cluster_nctaid.x",
        "%cluster_ctarank",
        "%cluster_nctarank",
    ];
    let read = (0..)
        .step_by(4)
        .zip(names)
        .map(|(at, name)| format!("mov.u32 %r3, {name};\nst.global.b32 [%rd2+{at}], %r3;\n"));
    assert_eq!(words(&run(&read.collect::<String>(), 1, &[], 24)), [0, 1, 0, 1, 0, 1]);
}
