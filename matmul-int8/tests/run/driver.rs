//! What the products ask of the driver.

use half::f16;
use tilewright_ffi::{Context, DeviceBuffer, Stream};
use tilewright_matmul_int8::{Error, Matmul, Operands, ScalesOf, Shape, Weight};
use tilewright_quant_pack::{Granularity, Int8, Shape as WeightShape};
use tilewright_testkit::{assert_one_launch, calls_of_a_second_run, each_call_fails_once};

const SHAPE: Shape = Shape { m: 2, n: 3, k: 4 };

struct Work {
    stream: Stream,
    matmul: Matmul,
    bytes: DeviceBuffer<i8>,
    halves: DeviceBuffer<f16>,
    scales: DeviceBuffer<f32>,
    weight: Weight,
    y: DeviceBuffer<f16>,
}

impl Work {
    fn new(context: &Context) -> Result<Self, Error> {
        let stream = context.stream()?;
        let weight = Int8::from_parts(WeightShape { n: 3, k: 4 }, Granularity::PerTensor, vec![2; 12], vec![1.0])?;
        Ok(Self {
            matmul: Matmul::new(context)?,
            bytes: stream.upload(&[1i8; 12])?,
            halves: stream.upload(&[f16::ONE; 8])?,
            scales: stream.upload(&[1.0])?,
            weight: Weight::load(&stream, &weight)?,
            y: stream.alloc(6)?,
            stream,
        })
    }

    fn w8a8(&mut self) -> Result<(), Error> {
        let operands = Operands { x: self.bytes.slice(0..8)?, w: self.bytes.as_slice() };
        let scales = ScalesOf { x: self.scales.as_slice(), w: self.scales.as_slice() };
        self.matmul.w8a8(&self.stream, SHAPE, operands, scales, &mut self.y.as_slice_mut())
    }

    fn w8a16(&mut self) -> Result<(), Error> {
        let y = &mut self.y.as_slice_mut();
        self.matmul.w8a16(&self.stream, SHAPE.m, self.halves.as_slice(), &self.weight, y)
    }
}

/// Nothing is built, loaded, allocated or awaited.
#[test]
fn a_later_call_is_one_launch() {
    assert_one_launch(&calls_of_a_second_run(|context| Work::new(context).unwrap(), |work| work.w8a8().unwrap()));
    assert_one_launch(&calls_of_a_second_run(|context| Work::new(context).unwrap(), |work| work.w8a16().unwrap()));
}

#[test]
fn each_call_of_the_driver_fails_once() {
    each_call_fails_once(|context| -> Result<(), Error> {
        let mut work = Work::new(context)?;
        work.w8a8()?;
        assert_eq!(work.stream.download(work.y.as_slice())?, [f16::from_f32(4.0); 6]);
        work.w8a16()?;
        assert_eq!(work.stream.download(work.y.as_slice())?, [f16::from_f32(8.0); 6]);
        Ok(())
    });
}
