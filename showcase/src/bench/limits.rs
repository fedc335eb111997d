//! What the kernels may do on the simulator, by operation and shape: a change that makes one do more is seen, and is a decision.

/// Ceilings of one launch.
pub(super) struct Limits {
    operation: &'static str,
    shape: &'static str,
    /// Warp instructions.
    pub(super) instructions: u64,
    /// Sectors of 32 bytes of device memory.
    pub(super) sectors: u64,
    /// Passes of shared memory more than without conflicts.
    pub(super) conflicts: u64,
}

/// The ceilings of an operation at a shape.
pub(super) fn of(operation: &str, shape: &str) -> Option<&'static Limits> {
    LIMITS.iter().find(|limits| limits.operation == operation && limits.shape == shape)
}

#[rustfmt::skip]
const LIMITS: &[Limits] = &[
    Limits { operation: "matmul-f16", shape: "1 x 65 x 72", instructions: 3_111, sectors: 453, conflicts: 0 },
    Limits { operation: "matmul-f16", shape: "16 x 64 x 64", instructions: 2_592, sectors: 576, conflicts: 0 },
    Limits { operation: "matmul-f16", shape: "65 x 127 x 200", instructions: 18_752, sectors: 9_304, conflicts: 0 },
    Limits { operation: "matmul-f16", shape: "129 x 192 x 97", instructions: 63_300, sectors: 60_840, conflicts: 0 },
    Limits { operation: "matmul-int8", shape: "1 x 65 x 144, i32", instructions: 2_730, sectors: 419, conflicts: 0 },
    Limits { operation: "matmul-int8", shape: "1 x 65 x 144, f16", instructions: 3_255, sectors: 465, conflicts: 0 },
    Limits { operation: "matmul-int8", shape: "16 x 64 x 128, i32", instructions: 2_220, sectors: 544, conflicts: 0 },
    Limits { operation: "matmul-int8", shape: "16 x 64 x 128, f16", instructions: 2_736, sectors: 600, conflicts: 0 },
    Limits { operation: "matmul-int8", shape: "65 x 127 x 201, i32", instructions: 39_024, sectors: 51_468, conflicts: 0 },
    Limits { operation: "matmul-int8", shape: "65 x 127 x 201, f16", instructions: 44_544, sectors: 51_364, conflicts: 0 },
    Limits { operation: "matmul-w8a16", shape: "1 x 65 x 144", instructions: 5_929, sectors: 645, conflicts: 0 },
    Limits { operation: "matmul-w8a16", shape: "16 x 64 x 128", instructions: 5_948, sectors: 800, conflicts: 0 },
    Limits { operation: "matmul-w8a16", shape: "65 x 127 x 201", instructions: 62_576, sectors: 23_640, conflicts: 0 },
    Limits { operation: "matmul-int4", shape: "1 x 65 x 264, group 128", instructions: 9_813, sectors: 582, conflicts: 0 },
    Limits { operation: "matmul-int4", shape: "16 x 64 x 128, group 64", instructions: 3_188, sectors: 520, conflicts: 0 },
    Limits { operation: "matmul-int4", shape: "65 x 127 x 200, group 32", instructions: 31_088, sectors: 6_248, conflicts: 0 },
    Limits { operation: "matmul-int4", shape: "17 x 129 x 72, group 72", instructions: 13_083, sectors: 1_590, conflicts: 0 },
    Limits { operation: "qkv-int8", shape: "1 x (130 + 2 · 65) x 72", instructions: 22_407, sectors: 1_583, conflicts: 0 },
    Limits { operation: "qkv-int8", shape: "16 x (64 + 2 · 64) x 128", instructions: 19_248, sectors: 2_400, conflicts: 0 },
    Limits { operation: "qkv-int8", shape: "65 x (96 + 2 · 33) x 200", instructions: 55_614, sectors: 12_426, conflicts: 0 },
    Limits { operation: "qkv-int4", shape: "1 x (130 + 2 · 65) x 72", instructions: 23_253, sectors: 892, conflicts: 0 },
    Limits { operation: "qkv-int4", shape: "16 x (64 + 2 · 64) x 128", instructions: 24_096, sectors: 1_584, conflicts: 0 },
    Limits { operation: "qkv-int4", shape: "65 x (96 + 2 · 33) x 200", instructions: 62_718, sectors: 9_862, conflicts: 0 },
    Limits { operation: "attention (rope)", shape: "3 x 33 x 64", instructions: 7_116, sectors: 2_376, conflicts: 0 },
    Limits { operation: "attention", shape: "1 x 4:2 x 1:129 x 64", instructions: 11_888, sectors: 2_112, conflicts: 0 },
    Limits { operation: "attention", shape: "2 x 3:1 x 65:65 x 64, causal", instructions: 36_228, sectors: 7_800, conflicts: 0 },
    Limits { operation: "attention", shape: "1 x 1:1 x 33:64 x 128, causal", instructions: 5_580, sectors: 1_816, conflicts: 0 },
    Limits { operation: "attention", shape: "1 x 2:2 x 70:20 x 80, causal", instructions: 9_122, sectors: 2_900, conflicts: 960 },
    Limits { operation: "attention", shape: "1 x 1:1 x 17:31 x 256", instructions: 5_526, sectors: 1_808, conflicts: 0 },
    Limits { operation: "softmax", shape: "5 x 33", instructions: 1_396, sectors: 190, conflicts: 0 },
    Limits { operation: "softmax", shape: "96 x 576", instructions: 57_216, sectors: 6_912, conflicts: 0 },
    Limits { operation: "softmax", shape: "3 x 5000", instructions: 15_024, sectors: 1_916, conflicts: 0 },
    Limits { operation: "rms-norm", shape: "5 x 33", instructions: 1_122, sectors: 355, conflicts: 0 },
    Limits { operation: "rms-norm", shape: "96 x 576", instructions: 34_848, sectors: 20_736, conflicts: 0 },
    Limits { operation: "rms-norm", shape: "3 x 5000", instructions: 9_024, sectors: 5_666, conflicts: 0 },
    Limits { operation: "layer-norm", shape: "5 x 33", instructions: 1_653, sectors: 520, conflicts: 0 },
    Limits { operation: "layer-norm", shape: "96 x 576", instructions: 57_504, sectors: 34_560, conflicts: 0 },
    Limits { operation: "layer-norm", shape: "3 x 5000", instructions: 15_096, sectors: 9_416, conflicts: 0 },
    Limits { operation: "quantize-rows", shape: "5 x 33", instructions: 1_012, sectors: 155, conflicts: 0 },
    Limits { operation: "quantize-rows", shape: "96 x 576", instructions: 33_792, sectors: 5_280, conflicts: 0 },
    Limits { operation: "quantize-rows", shape: "3 x 5000", instructions: 8_760, sectors: 1_470, conflicts: 0 },
    Limits { operation: "rms-norm-quantize", shape: "5 x 33", instructions: 1_768, sectors: 240, conflicts: 0 },
    Limits { operation: "rms-norm-quantize", shape: "96 x 576", instructions: 65_760, sectors: 8_736, conflicts: 0 },
    Limits { operation: "rms-norm-quantize", shape: "3 x 5000", instructions: 17_160, sectors: 2_409, conflicts: 0 },
    Limits { operation: "reduce-sum", shape: "5 x 33", instructions: 346, sectors: 99, conflicts: 0 },
    Limits { operation: "reduce-sum", shape: "96 x 576", instructions: 15_264, sectors: 7_008, conflicts: 0 },
    Limits { operation: "reduce-sum", shape: "3 x 5000", instructions: 5_280, sectors: 1_878, conflicts: 0 },
    Limits { operation: "reduce-max", shape: "5 x 33", instructions: 346, sectors: 99, conflicts: 0 },
    Limits { operation: "reduce-max", shape: "96 x 576", instructions: 15_264, sectors: 7_008, conflicts: 0 },
    Limits { operation: "reduce-max", shape: "3 x 5000", instructions: 5_280, sectors: 1_878, conflicts: 0 },
    Limits { operation: "reduce-min", shape: "5 x 33", instructions: 346, sectors: 99, conflicts: 0 },
    Limits { operation: "reduce-min", shape: "96 x 576", instructions: 15_264, sectors: 7_008, conflicts: 0 },
    Limits { operation: "reduce-min", shape: "3 x 5000", instructions: 5_280, sectors: 1_878, conflicts: 0 },
];
