//! Each condition on a tensor map, one by one.

use tilewright_ffi::sys::{CUtensorMapDataType, CUtensorMapL2promotion, CUtensorMapSwizzle};
use tilewright_ffi::{DeviceBuffer, Error, TensorMap, Tiling};

use crate::fake::Fake;

const GOOD: Tiling<'_> = Tiling {
    dtype: CUtensorMapDataType::FLOAT16,
    extents: &[64, 32],
    strides_bytes: &[128],
    box_extents: &[64, 8],
    swizzle: CUtensorMapSwizzle::BYTES_128,
    l2_promotion: CUtensorMapL2promotion::BYTES_128,
};

fn memory(fake: &Fake) -> DeviceBuffer<u16> {
    fake.context().stream().unwrap().alloc(64 * 32).unwrap()
}

#[test]
fn each_condition_is_checked_before_the_driver_is_called() {
    let fake = Fake::start();
    let memory = memory(&fake);
    fake.take_calls();
    let five = [2u64; 6];
    let refused: [(&str, Tiling<'_>); 22] = [
        ("the element type", Tiling { dtype: CUtensorMapDataType(99), ..GOOD }),
        ("the number of dimensions", Tiling { extents: &[], strides_bytes: &[], box_extents: &[], ..GOOD }),
        ("the number of dimensions", Tiling { extents: &five, strides_bytes: &[16; 5], box_extents: &[8; 6], ..GOOD }),
        ("the count of box extents and strides", Tiling { strides_bytes: &[], ..GOOD }),
        ("the count of box extents and strides", Tiling { strides_bytes: &[128, 128], ..GOOD }),
        ("the count of box extents and strides", Tiling { box_extents: &[64], ..GOOD }),
        ("the count of box extents and strides", Tiling { box_extents: &[64, 8, 1], ..GOOD }),
        ("an extent", Tiling { extents: &[0, 32], ..GOOD }),
        ("an extent", Tiling { extents: &[64, 0], ..GOOD }),
        ("an extent", Tiling { extents: &[64, (1 << 32) + 1], ..GOOD }),
        ("a stride in bytes", Tiling { strides_bytes: &[120], ..GOOD }),
        ("a stride in bytes", Tiling { strides_bytes: &[1 << 40], ..GOOD }),
        ("a box extent", Tiling { box_extents: &[0, 8], ..GOOD }),
        ("a box extent", Tiling { box_extents: &[64, 0], ..GOOD }),
        ("a box extent", Tiling { box_extents: &[64, 257], ..GOOD }),
        ("the bytes of a box's row", Tiling { box_extents: &[4, 8], ..GOOD }),
        ("the bytes of a box's row", Tiling { box_extents: &[72, 8], ..GOOD }),
        ("the bytes of a box's row", Tiling { swizzle: CUtensorMapSwizzle::BYTES_64, ..GOOD }),
        ("the bytes of a box's row", Tiling { swizzle: CUtensorMapSwizzle::BYTES_32, box_extents: &[24, 8], ..GOOD }),
        ("the end of the tensor in bytes", Tiling { extents: &[64, 33], ..GOOD }),
        ("the end of the tensor in bytes", Tiling { extents: &[65, 32], ..GOOD }),
        (
            "the end of the tensor in bytes",
            Tiling { strides_bytes: &[(1 << 40) - 16], extents: &[64, 1 << 32], ..GOOD },
        ),
    ];
    for (wanted, tiling) in refused {
        let error = TensorMap::tiled(memory.as_slice(), &tiling).expect_err(wanted);
        assert!(matches!(error, Error::TensorMap { what, .. } if what == wanted), "{wanted}: {error}");
    }
    // 8 elements on, the address is a multiple of 16 again.
    let rest = |start: usize| memory.slice(start..64 * 32).unwrap();
    let smaller = Tiling { extents: &[64, 31], ..GOOD };
    for start in 1..8 {
        let error = TensorMap::tiled(rest(start), &smaller).expect_err("misaligned");
        assert!(matches!(error, Error::TensorMap { what: "the address", .. }), "{start}: {error}");
    }
    assert_eq!(fake.take_calls(), [""; 0]);
    assert!(TensorMap::tiled(rest(8), &smaller).is_ok());
}

#[test]
fn the_limits_themselves_are_allowed() {
    let fake = Fake::start();
    let memory = memory(&fake);
    for tiling in [
        GOOD,
        Tiling { extents: &[64], strides_bytes: &[], box_extents: &[64], ..GOOD },
        Tiling { extents: &[8, 2, 2, 2, 2], strides_bytes: &[16, 32, 64, 128], box_extents: &[8, 1, 1, 1, 1], ..GOOD },
        Tiling { box_extents: &[64, 256], ..GOOD },
        Tiling { box_extents: &[256, 1], swizzle: CUtensorMapSwizzle::NONE, ..GOOD },
        Tiling { extents: &[64, 1 << 32], strides_bytes: &[0], ..GOOD },
        Tiling { dtype: CUtensorMapDataType::UINT8, extents: &[128, 32], box_extents: &[128, 8], ..GOOD },
        Tiling { dtype: CUtensorMapDataType::INT32, extents: &[32, 32], box_extents: &[32, 8], ..GOOD },
        Tiling { dtype: CUtensorMapDataType::FLOAT32, extents: &[32, 32], box_extents: &[32, 8], ..GOOD },
        Tiling { dtype: CUtensorMapDataType::BFLOAT16, ..GOOD },
    ] {
        let map = TensorMap::tiled(memory.as_slice(), &tiling).unwrap_or_else(|error| panic!("{tiling:?}: {error}"));
        assert_eq!(map.raw().opaque[0], memory.address());
    }
}

#[test]
fn a_driver_without_tensor_maps_says_so() {
    let fake = Fake::start();
    let mut api = crate::fake::api();
    api.tensor_map_encode_tiled = None;
    let driver = tilewright_ffi::Driver::from_api(fake.table(api)).unwrap();
    let stream = driver.device(0).unwrap().primary_context().unwrap().stream().unwrap();
    let memory = stream.alloc::<u16>(64 * 32).unwrap();
    let error = TensorMap::tiled(memory.as_slice(), &GOOD).expect_err("no such function");
    assert!(matches!(error, Error::MissingSymbol { symbol: "cuTensorMapEncodeTiled", .. }), "{error}");
}

#[test]
fn a_map_is_passed_by_value() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let memory = stream.alloc::<u16>(64 * 32).unwrap();
    let map = TensorMap::tiled(memory.as_slice(), &GOOD).unwrap();
    let function = context.load_ptx("load 128 4").unwrap().function("load", &[128, 4]).unwrap();
    let mut arguments = tilewright_ffi::Arguments::new();
    arguments.tensor_map(&map).value(7u32);
    // SAFETY: the fake runs nothing.
    unsafe { function.launch(&stream, &tilewright_ffi::Launch::new([1, 1, 1], 32, 0), &arguments) }.unwrap();
    let launched = fake.take_launches();
    let wanted: Vec<u8> = map.raw().opaque.iter().flat_map(|word| word.to_le_bytes()).collect();
    assert_eq!(launched[0].arguments, [wanted, 7u32.to_le_bytes().to_vec()]);
}
