//! What the projections ask of the driver.

use half::f16;
use tilewright_ffi::{Context, DeviceBuffer, Stream};
use tilewright_qkv_fused::{Error, Outputs, QkvFused, QkvWeights};
use tilewright_quant_pack::{Granularity, Int8, Shape};
use tilewright_testkit::{assert_one_launch, calls_of_a_second_run, each_call_fails_once};

struct Work {
    stream: Stream,
    qkv: QkvFused,
    x: DeviceBuffer<f16>,
    weights: QkvWeights,
    results: [DeviceBuffer<f16>; 3],
}

impl Work {
    fn new(context: &Context) -> Result<Self, Error> {
        let stream = context.stream()?;
        let weight = |n: usize, value: i8| {
            Int8::from_parts(Shape { n, k: 4 }, Granularity::PerTensor, vec![value; n * 4], vec![1.0])
        };
        let weights = QkvWeights::load_int8(&stream, [&weight(3, 1)?, &weight(2, 2)?, &weight(2, 3)?])?;
        Ok(Self {
            qkv: QkvFused::new(context)?,
            x: stream.upload(&[f16::ONE; 8])?,
            weights,
            results: [stream.alloc(6)?, stream.alloc(4)?, stream.alloc(4)?],
            stream,
        })
    }

    fn run(&mut self) -> Result<(), Error> {
        let [q, k, v] = &mut self.results;
        let outputs = Outputs { q: &mut q.as_slice_mut(), k: &mut k.as_slice_mut(), v: &mut v.as_slice_mut() };
        self.qkv.run(&self.stream, 2, self.x.as_slice(), &self.weights, outputs)
    }
}

/// Three results by one launch; nothing is built, loaded, allocated or awaited.
#[test]
fn a_later_call_is_one_launch() {
    assert_one_launch(&calls_of_a_second_run(|context| Work::new(context).unwrap(), |work| work.run().unwrap()));
}

#[test]
fn each_call_of_the_driver_fails_once() {
    each_call_fails_once(|context| -> Result<(), Error> {
        let mut work = Work::new(context)?;
        work.run()?;
        assert_eq!(work.stream.download(work.results[2].as_slice())?, [f16::from_f32(12.0); 4]);
        Ok(())
    });
}
