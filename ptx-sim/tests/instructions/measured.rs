//! The tensor-core model against what an H200 computed: normal numbers, zeros, subnormals, infinities, NaN, overflow, cancellation.

use safetensors::SafeTensors;
use tilewright_ptx_sim::Profile;
use tilewright_ptx_sim::tensor_core::{Operand, multiply_accumulate, multiply_accumulate_f16};

const MEASURED: &[u8] = include_bytes!("../data/tensor-core-h200.safetensors");
const K: usize = 16;

fn halves(file: &SafeTensors<'_>, name: &str) -> Vec<u16> {
    let bytes = file.tensor(name).unwrap().data().to_vec();
    bytes.chunks_exact(2).map(|bytes| u16::from_le_bytes(bytes.try_into().unwrap())).collect()
}

fn words(file: &SafeTensors<'_>, name: &str) -> Vec<u32> {
    let bytes = file.tensor(name).unwrap().data().to_vec();
    bytes.chunks_exact(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[test]
fn f32_accumulators() {
    let file = SafeTensors::deserialize(MEASURED).unwrap();
    let model = Profile::Sm90.tensor_core();
    for (name, operand) in [("fp16", Operand::F16), ("bf16", Operand::Bf16)] {
        let tensor = |part: &str| format!("H200.{name}.{part}");
        let (a, b) = (halves(&file, &tensor("a")), halves(&file, &tensor("b")));
        let (c, d) = (words(&file, &tensor("c")), words(&file, &tensor("d")));
        assert_eq!(d.len(), 1680);
        for (row, (a, b)) in a.chunks(K).zip(b.chunks(K)).enumerate() {
            let ours = multiply_accumulate(model, operand, a, b, c[row]);
            assert_eq!(ours, d[row], "{name}, row {row}: {a:x?} . {b:x?} + {:x}", c[row]);
        }
    }
}

#[test]
fn f16_accumulators() {
    let file = SafeTensors::deserialize(MEASURED).unwrap();
    let model = Profile::Sm90.tensor_core();
    let (a, b) = (halves(&file, "H200.fp16.a"), halves(&file, "H200.fp16.b"));
    let (c, d) = (halves(&file, "H200.fp16.c16"), halves(&file, "H200.fp16.d16"));
    for (row, (a, b)) in a.chunks(K).zip(b.chunks(K)).enumerate() {
        let ours = multiply_accumulate_f16(model, a, b, c[row]);
        assert_eq!(ours, d[row], "row {row}: {a:x?} . {b:x?} + {:x}", c[row]);
    }
}
