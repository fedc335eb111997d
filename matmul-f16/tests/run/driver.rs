//! What the product asks of the driver.

use half::f16;
use tilewright_ffi::{Context, DeviceBuffer, Stream};
use tilewright_matmul_f16::{Error, Matmul, Shape};
use tilewright_testkit::{assert_one_launch, calls_of_a_second_run, each_call_fails_once};

const SHAPE: Shape = Shape { m: 2, n: 3, k: 4 };

struct Work {
    stream: Stream,
    matmul: Matmul,
    x: DeviceBuffer<f16>,
    w: DeviceBuffer<f16>,
    y: DeviceBuffer<f16>,
}

impl Work {
    fn new(context: &Context) -> Result<Self, Error> {
        let stream = context.stream()?;
        let (x, w) = (stream.upload(&[f16::ONE; 8])?, stream.upload(&[f16::ONE; 12])?);
        Ok(Self { matmul: Matmul::new(context)?, x, w, y: stream.alloc(6)?, stream })
    }

    fn run(&mut self) -> Result<(), Error> {
        let y = &mut self.y.as_slice_mut();
        self.matmul.run(&self.stream, SHAPE, self.x.as_slice(), self.w.as_slice(), None, y)
    }
}

/// Nothing is built, loaded, allocated or awaited.
#[test]
fn a_later_call_is_one_launch() {
    let calls = calls_of_a_second_run(|context| Work::new(context).unwrap(), |work| work.run().unwrap());
    assert_one_launch(&calls);
}

#[test]
fn each_call_of_the_driver_fails_once() {
    each_call_fails_once(|context| -> Result<(), Error> {
        let mut work = Work::new(context)?;
        work.run()?;
        assert_eq!(work.stream.download(work.y.as_slice())?, [f16::from_f32(4.0); 6]);
        Ok(())
    });
}
