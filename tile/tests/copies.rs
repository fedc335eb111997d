//! Tiles of rows: what a copy and `ldmatrix` bring to each lane's registers, at every edge, against the matrix itself.
#![expect(unsafe_code, reason = "the kernel of this test is launched here, with arguments made here")]

use proptest::prelude::*;
use tilewright_ffi::{Arguments, KernelCache, KernelSource, Launch};
use tilewright_ptx_ir::Target;
use tilewright_ptx_ir::ir::{Kernel, Module};
use tilewright_testkit::{Guarded, Random, assert_same_bits, cases, context, stream};
use tilewright_tile::{CopyMode, RowTile, Rows, Warp};
use tilewright_tile::{Geometry, swizzle};

/// 64 rows by 128 bytes, four warps of 16 rows.
const GEOMETRY: Geometry =
    Geometry { block_m: 64, block_n: 16, warps_m: 4, warps_n: 1, warps_k: 1, stages: 1, stage_tiles: 1 };

/// Copies one tile of x and stores every lane's registers of a: [warp, step, lane, register].
fn module(mode: CopyMode, present_only: bool) -> Module {
    let build = |k: &tilewright_ptx_ir::build::Builder| {
        k.require_threads(GEOMETRY.threads(), 1, 1);
        let (base, out) = (k.pointer::<u8>("x"), k.pointer::<u32>("out"));
        let (count, columns) = (k.param::<u32>("count"), k.param::<u32>("columns"));
        let (first, tile) = (k.param::<u32>("first"), k.param::<u32>("tile"));
        let warp = Warp::new(k, &GEOMETRY);
        let rows = Rows { base, count, columns, element_bytes: 2, order: None };
        let x = RowTile::new(k, mode, rows, first, GEOMETRY.block_m, GEOMETRY.threads(), warp.thread);
        let x = if present_only { x.with_present_rows_only(first) } else { x };
        let stage = k.shared::<u8>("stage", GEOMETRY.block_m * swizzle::ROW_BYTES).address();
        x.copy(stage, tile);
        k.commit_copies();
        k.wait_copies(0);
        k.barrier();
        for (step, offset) in (0u32..).zip(x.a_offsets(warp.row)) {
            let registers = x.a_fragment(stage, offset, 0);
            let place = warp.row / 16 * 512 + (warp.lane * 4 + step * 128);
            (0u32..).zip(registers).for_each(|(register, value)| out.at(place + register).store(value));
        }
    };
    Module::kernel("tile_copy", Target::Sm80, build).unwrap()
}

fn run(
    (mode, present_only): (CopyMode, bool),
    x: &[u16],
    [count, columns, first, tile]: [u32; 4],
    offset: usize,
) -> Vec<i32> {
    let stream = stream();
    let cache = KernelCache::new(context());
    let function = cache
        .function(&mode, || {
            let module = module(mode, present_only);
            let parameters = module.kernels.first().map(Kernel::parameter_bytes).unwrap();
            Ok::<_, tilewright_ffi::Error>(KernelSource {
                text: module.to_string(),
                entry: "tile_copy".into(),
                parameters,
            })
        })
        .unwrap();
    let input = Guarded::upload(&stream, x, offset);
    let mut out = Guarded::<i32>::new(&stream, 4 * 4 * 32 * 4);
    let mut slice = out.as_slice_mut();
    let mut arguments = Arguments::new();
    arguments.pointer(input.as_slice()).pointer_mut(&mut slice);
    arguments.value(count).value(columns).value(first).value(tile);
    // SAFETY: x has count · columns elements, out a register for each of 4 warps, steps, 32 lanes and 4 registers; the mode fits x's address.
    unsafe { function.launch(&stream, &Launch::new([1, 1, 1], GEOMETRY.threads(), 0), &arguments) }.unwrap();
    input.assert_unchanged(&stream, x);
    out.download(&stream)
}

proptest! {
    #![proptest_config(cases(300))]

    /// Register r of lane l holds rows l / 4 (+ 8 for odd r) and columns 2 (l % 4) (+ 8 for r of 2 and 3) and the next of a 16 x 16 step; zero past the last
    /// column, the last row past that.
    #[test]
    fn lanes_get_the_elements_of_their_fragment(
        count in 1..150u32, columns in 1..200u32, first in 0..140u32, tile in 0..4u32, offset in 0..3usize,
        present_only: bool, seed: u64,
    ) {
        // Tiles without copies of rows past the last have at least one that is there.
        let first = if present_only { first % count } else { first };
        let mut random = Random::new(seed);
        let x: Vec<u16> = (0..count * columns).map(|_| random.bits() as u16).collect();
        let mode = CopyMode::choose(2 * offset as u64, 2 * columns as usize);
        let element = |row: u32, column: u32| {
            if column < columns { u32::from(x[(row.min(count - 1) * columns + column) as usize]) } else { 0 }
        };
        let mut wanted = Vec::new();
        for warp in 0..4 {
            for step in 0..4 {
                for lane in 0..32u32 {
                    for register in 0..4 {
                        let row = first + warp * 16 + lane / 4 + register % 2 * 8;
                        let column = tile * 64 + step * 16 + lane % 4 * 2 + register / 2 * 8;
                        wanted.push((element(row, column) | element(row, column + 1) << 16).cast_signed());
                    }
                }
            }
        }
        assert_same_bits("registers", &run((mode, present_only), &x, [count, columns, first, tile], offset), &wanted);
    }
}
