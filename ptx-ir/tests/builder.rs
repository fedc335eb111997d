//! What the builder writes: kernels against stored text, and the version in the header.
//!
//! `TILEWRIGHT_UPDATE_SNAPSHOTS=1` rewrites `tests/snapshots`.

use half::f16;
use tilewright_ptx_ir::build::{Builder, F16x2, SharedArray, Value};
use tilewright_ptx_ir::ir::{AtomicOp, MmaShape, Module};
use tilewright_ptx_ir::{PtxVersion, Target, parse, verify};

fn check_snapshot(name: &str, module: &Module) {
    let text = module.to_string();
    assert_eq!(parse(&text).unwrap().module, *module);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{name}.ptx"));
    if std::env::var_os("TILEWRIGHT_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap();
    let different = text.lines().zip(stored.lines()).position(|(new, old)| new != old);
    assert!(text == stored, "{name}: first different line: {different:?}\n{text}");
}

#[test]
fn scale() {
    let module = Module::kernel("scale", Target::Sm80, |k| {
        let (x, y) = (k.pointer::<f32>("x"), k.pointer::<f32>("y"));
        let (a, n) = (k.param::<f32>("a"), k.param::<u32>("n"));
        let i = k.block_idx().x() * 128 + k.thread_idx().x();
        k.if_(i.lt(n), || y.at(i).store(x.at(i).load() * a));
    });
    check_snapshot("scale", &module.unwrap());
}

#[test]
fn softmax() {
    const THREADS: u32 = 128;
    fn over_block<'k>(
        k: &'k Builder,
        partials: SharedArray<'k, f32>,
        mine: Value<'k, f32>,
        neutral: f32,
        combine: fn(Value<'k, f32>, Value<'k, f32>) -> Value<'k, f32>,
    ) -> Value<'k, f32> {
        let over_warp =
            |value| [16, 8, 4, 2, 1].into_iter().fold(value, |v: Value<'k, f32>, step| combine(v, v.shuffle_xor(step)));
        let (warp, lane) = (over_warp(mine), k.lane());
        k.barrier();
        partials.at(k.thread_idx().x() >> 5).store_if(lane.eq(0), warp);
        k.barrier();
        over_warp(partials.at(lane).load_or(lane.lt(THREADS / 32), neutral))
    }
    let module = Module::kernel("softmax", Target::Sm80, |k| {
        k.require_threads(THREADS, 1, 1);
        let (x, y, columns) = (k.pointer::<f16>("x"), k.pointer::<f16>("y"), k.param::<u32>("columns"));
        let partials = k.shared::<f32>("partials", THREADS / 32);
        let (thread, row) = (k.thread_idx().x(), k.block_idx().x().widening_mul(columns));
        let (x, y) = (x.skip(row), y.skip(row));
        let largest = k.local(f32::NEG_INFINITY);
        k.for_(thread, columns, THREADS, |i| largest.raise_to(x.at(i).load().cast::<f32>()));
        let max = over_block(k, partials, largest.now(), f32::NEG_INFINITY, Value::max);
        let sum = k.local(0.0f32);
        let weight = |i| ((x.at(i).load().cast::<f32>() - max) * std::f32::consts::LOG2_E).exp2();
        k.for_(thread, columns, THREADS, |i| sum.add(weight(i)));
        let scale = over_block(k, partials, sum.now(), 0.0, |a, b| a + b).reciprocal();
        k.for_(thread, columns, THREADS, |i| y.at(i).store((weight(i) * scale).cast::<f16>()));
    });
    check_snapshot("softmax", &module.unwrap());
}

#[test]
fn tile_product() {
    let module = Module::kernel("tile_product", Target::Sm80, |k| {
        let (a, d) = (k.pointer::<u32>("a"), k.pointer::<f32>("d"));
        let tile = k.dynamic_shared::<u32>("tile");
        let lane = k.lane();
        k.copy_async_16(tile.address_of(lane << 2), a.address(), None, Default::default());
        k.commit_copies();
        k.wait_copies(0);
        k.barrier();
        let accumulator = k.locals::<f32, 4>(0.0);
        let fragments = k.ldmatrix::<4>(tile.address_of(lane << 2), 0, false);
        let columns = k.ldmatrix::<2>(tile.address_of(lane << 2), 512, true);
        k.mma(MmaShape::M16N8K16F16F32, &accumulator, &fragments, &columns);
        d.at(lane << 2).store_vector(accumulator.map(|local| local.now()));
    });
    check_snapshot("tile_product", &module.unwrap());
}

#[test]
fn votes_and_reductions() {
    let module = Module::kernel("votes", Target::Sm80, |k| {
        let (x, y) = (k.pointer::<u32>("x"), k.pointer::<u32>("y"));
        let lane = k.lane();
        let value = x.at(lane).load();
        let (sum, odd) = (value.reduce_lanes(AtomicOp::Add), (value & 1).eq(1));
        k.if_else(odd.any(), || y.at(0).store(sum), || y.at(0).plus(1).store(odd.ballot().count_ones()));
        let _before = y.at(2).fetch_add(1u32);
    });
    check_snapshot("votes", &module.unwrap());
}

/// A kernel of one instruction, for each target the lowest version that ptxas takes it at.
#[test]
fn the_version_is_the_lowest_that_covers_the_module() {
    type Build = fn(&Builder);
    let plain: Build = |k| k.barrier();
    let halves: Build = |k| {
        let a = k.pointer::<F16x2>("x").at(0).load();
        k.pointer::<F16x2>("y").at(0).store(a * a + a);
    };
    let prefetching: Build = |k| {
        let tile = k.shared::<u32>("tile", 4);
        let from = k.pointer::<u32>("x").address();
        let hint = tilewright_ptx_ir::build::CopyHint { l2_prefetch: Some(128) };
        k.copy_async_16(tile.address(), from, None, hint);
    };
    let read_once: Build = |k| {
        let value = k.pointer::<u32>("x").at(0).read_only().evict_first().load();
        k.pointer::<u32>("y").at(0).streaming().store(value);
    };
    for (build, versions) in [
        (plain, [(7, 0), (7, 1), (7, 8), (7, 8), (8, 0)]),
        (halves, [(7, 0), (7, 1), (7, 8), (7, 8), (8, 0)]),
        (prefetching, [(7, 4), (7, 4), (7, 8), (7, 8), (8, 0)]),
        (read_once, [(7, 4), (7, 4), (7, 8), (7, 8), (8, 0)]),
    ] {
        for (target, (major, minor)) in Target::ALL.into_iter().zip(versions) {
            let module = Module::kernel("k", target, build).unwrap();
            assert_eq!(module.version(), PtxVersion::new(major, minor), "{target}");
            assert!(module.to_string().starts_with(&format!(".version {major}.{minor}\n.target {target}\n")));
        }
    }
}

/// Hints stay with a place that moves or is seen as another type, those of loads with its loads and those of stores with its stores.
#[test]
fn hints_follow_the_place() {
    let module = Module::kernel("copy", Target::Sm80, |k| {
        let (x, y) = (k.pointer::<u32>("x").at(0), k.pointer::<u32>("y").at(0));
        let values = x.read_only().evict_first().plus(4).cast::<f32>().load_vector::<4>();
        y.streaming().plus(4).cast::<f32>().store_vector(values);
        y.evict_first().streaming().store(y.streaming().load());
    });
    let text = module.unwrap().to_string();
    let has = |count: usize, part: &str| assert_eq!(text.matches(part).count(), count, "{part} in\n{text}");
    has(1, "ld.global.nc.L1::evict_first.v4.f32");
    has(1, "st.global.cs.v4.f32");
    has(1, "ld.global.u32");
    has(1, "st.global.cs.u32");
}

/// An instruction that a body does not verify with is the builder's caller's error, not a panic.
#[test]
fn a_wrong_kernel_is_an_error() {
    let wrong = Module::kernel("k", Target::Sm80, |k| {
        let value = k.shared::<f32>("x", 12 * 1024 + 1).at(0).load();
        k.pointer::<f32>("y").at(0).store(value);
    });
    assert!(wrong.unwrap_err().to_string().contains("static shared arrays take 49156 bytes"));
    assert!(Module::kernel("no name", Target::Sm80, |_| {}).is_err());
    assert_eq!(verify(&Module::kernel("k", Target::Sm80, |_| {}).unwrap()), Ok(()));
}
