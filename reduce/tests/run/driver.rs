//! What the row kernels ask of the driver.

use tilewright_ffi::{Context, DeviceBuffer, Stream};
use tilewright_reduce::{Error, RowKernels, Shape};
use tilewright_testkit::{assert_one_launch, calls_of_a_second_run, each_call_fails_once};

struct Work {
    stream: Stream,
    kernels: RowKernels,
    x: DeviceBuffer<f32>,
    y: DeviceBuffer<f32>,
}

impl Work {
    fn new(context: &Context) -> Result<Self, Error> {
        let stream = context.stream()?;
        Ok(Self { kernels: RowKernels::new(context)?, x: stream.upload(&[1.0; 6])?, y: stream.alloc(6)?, stream })
    }

    fn run(&mut self) -> Result<(), Error> {
        let shape = Shape { rows: 3, columns: 2 };
        self.kernels.softmax(&self.stream, shape, self.x.as_slice(), &mut self.y.as_slice_mut())
    }
}

/// Nothing is built, loaded, allocated or awaited.
#[test]
fn a_later_call_is_one_launch() {
    assert_one_launch(&calls_of_a_second_run(|context| Work::new(context).unwrap(), |work| work.run().unwrap()));
}

#[test]
fn each_call_of_the_driver_fails_once() {
    each_call_fails_once(|context| -> Result<(), Error> {
        let mut work = Work::new(context)?;
        work.run()?;
        assert_eq!(work.stream.download(work.y.as_slice())?, [0.5; 6]);
        Ok(())
    });
}
