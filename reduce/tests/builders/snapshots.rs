//! The PTX of each builder for each type against stored text, byte for byte.
//!
//! `TILEWRIGHT_UPDATE_SNAPSHOTS=1` rewrites `tests/snapshots`.

use std::collections::BTreeMap;
use std::path::Path;

use half::{bf16, f16};
use tilewright_ptx_ir::ir::Module;
use tilewright_ptx_ir::{Target, parse};
use tilewright_reduce::{Access, Dtype, Operation, Plan, RowStorage, Team};

use crate::lanes::{Lane, OPS, Op, block_module, warp_module};

/// Every snapshot by its file's name: each builder with each type, blocks of as many warps as a power of two and of another number, and one small kernel
/// of each row operation.
fn snapshots() -> BTreeMap<String, Module> {
    fn of_type<T: Lane>(all: &mut BTreeMap<String, Module>) {
        for op in OPS {
            let (name, ty) = (op.name(), T::NAME);
            all.insert(format!("warp_{name}_{ty}.ptx"), warp_module::<T>(op, 64));
            all.insert(format!("block_{name}_{ty}.ptx"), block_module::<128, 1, 1, T>(op));
        }
    }
    let mut all = BTreeMap::new();
    of_type::<f32>(&mut all);
    of_type::<f16>(&mut all);
    of_type::<bf16>(&mut all);
    of_type::<i32>(&mut all);
    of_type::<u32>(&mut all);
    all.insert("block_sum_f32_of_3_warps.ptx".to_owned(), block_module::<96, 1, 1, f32>(Op::Sum));
    all.insert("block_max_f32_of_3_warps.ptx".to_owned(), block_module::<8, 4, 3, f32>(Op::Max));
    all.insert("block_sum_i32_of_1_warp.ptx".to_owned(), block_module::<32, 1, 1, i32>(Op::Sum));

    let (rms_norm, layer_norm) =
        (Operation::RmsNorm { weight: Dtype::F32 }, Operation::LayerNorm { weight: Dtype::F32, bias: true });
    let operations = [Operation::Softmax, rms_norm, layer_norm, Operation::Sum, Operation::Max, Operation::Min];
    let quantized = [Operation::Quantize, Operation::RmsNormQuantize { weight: Dtype::F32 }];
    for (operation, x) in operations
        .map(|operation| (operation, Dtype::F32))
        .into_iter()
        .chain(quantized.map(|operation| (operation, Dtype::F16)))
    {
        let (team, row) = (Team::Warp, RowStorage::Registers { steps: 1 });
        let plan = Plan { operation, x, team, row, access: Access::Vector };
        all.insert(format!("row_{}.ptx", plan.name()), tilewright_reduce::module(&plan, Target::Sm80).unwrap());
    }
    all
}

#[test]
fn builders_write_the_stored_ptx() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let update = std::env::var_os("TILEWRIGHT_UPDATE_SNAPSHOTS").is_some();
    let snapshots = snapshots();
    for (name, module) in &snapshots {
        let text = module.to_string();
        assert_eq!(parse(&text).unwrap().module, *module, "{name} does not read back");
        let path = folder.join(name);
        if update {
            std::fs::write(&path, &text).unwrap();
        }
        let stored = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let stored = String::from_utf8(stored).unwrap();
        let different = text.lines().zip(stored.lines()).position(|(new, old)| new != old);
        assert!(text == stored, "{name}: first different line, from 0: {different:?}\n{text}");
    }
    // A file that no builder writes any more is as wrong as one that is missing.
    let stored: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let left_over: Vec<_> = stored.iter().filter(|name| !snapshots.contains_key(&*name.to_string_lossy())).collect();
    assert!(left_over.is_empty(), "no builder writes {left_over:?}");
}
