//! Device memory against a vector: the same writes, fills and copies give the same bytes.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use tilewright_ffi::Driver;
use tilewright_libcuda_sim::{Profile, Simulator};

#[derive(Clone, Debug)]
enum Step {
    Write {
        at: usize,
        bytes: Vec<u8>,
    },
    Fill {
        at: usize,
        count: usize,
        byte: u8,
    },
    /// Between two parts that do not overlap.
    Copy {
        from: usize,
        to: usize,
        count: usize,
    },
}

const LEN: usize = 300;

fn step() -> impl Strategy<Value = Step> {
    let write = (0..LEN, prop::collection::vec(any::<u8>(), 0..80)).prop_map(|(at, mut bytes)| {
        bytes.truncate(LEN - at);
        Step::Write { at, bytes }
    });
    let fill =
        (0..LEN, 0..LEN, any::<u8>()).prop_map(|(at, count, byte)| Step::Fill { at, count: count.min(LEN - at), byte });
    let copy = (0..LEN / 2, 0..LEN / 2, 0..LEN / 2).prop_map(|(from, to, count)| {
        let count = count.min(LEN / 2 - from).min(LEN / 2 - to);
        Step::Copy { from, to: LEN / 2 + to, count }
    });
    prop_oneof![write, fill, copy]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn device_memory_does_what_a_vector_does(steps in prop::collection::vec(step(), 1..30)) {
        let driver = Driver::from_api(Simulator::new(Profile::Sm90).api()).unwrap();
        let context = driver.device(0).unwrap().primary_context().unwrap();
        let stream = context.stream().unwrap();
        let mut model = vec![0u8; LEN];
        let mut memory = stream.upload(&model).unwrap();
        for step in &steps {
            match step {
                Step::Write { at, bytes } => {
                    model[*at..at + bytes.len()].copy_from_slice(bytes);
                    stream.write(bytes, &mut memory.slice_mut(*at..at + bytes.len()).unwrap()).unwrap();
                }
                Step::Fill { at, count, byte } => {
                    model[*at..at + count].fill(*byte);
                    stream.fill_bytes(&mut memory.slice_mut(*at..at + count).unwrap(), *byte).unwrap();
                }
                Step::Copy { from, to, count } => {
                    model.copy_within(*from..from + count, *to);
                    let mut between = stream.alloc::<u8>(*count).unwrap();
                    stream.copy(memory.slice(*from..from + count).unwrap(), &mut between.as_slice_mut()).unwrap();
                    stream.copy(between.as_slice(), &mut memory.slice_mut(*to..to + count).unwrap()).unwrap();
                }
            }
        }
        prop_assert_eq!(stream.download(memory.as_slice()).unwrap(), model);
    }
}
