//! What the product asks of the driver.

use half::f16;
use tilewright_ffi::{Context, DeviceBuffer, Stream};
use tilewright_matmul_int4::{Error, Matmul, Weight};
use tilewright_quant_pack::{Group, Grouping, Int4, Int4Affine, Shape};
use tilewright_testkit::{assert_one_launch, calls_of_a_second_run, each_call_fails_once};

struct Work {
    stream: Stream,
    matmul: Matmul,
    x: DeviceBuffer<f16>,
    w: Weight,
    y: DeviceBuffer<f16>,
}

impl Work {
    fn new(context: &Context) -> Result<Self, Error> {
        let stream = context.stream()?;
        let w = Int4::pack(&[1; 24], Shape { n: 3, k: 8 }, Group::WholeRow, vec![f16::ONE; 3])?;
        let (x, w) = (stream.upload(&[f16::ONE; 16])?, Weight::load(&stream, &w)?);
        Ok(Self { matmul: Matmul::new(context)?, x, w, y: stream.alloc(6)?, stream })
    }

    fn run(&mut self) -> Result<(), Error> {
        self.matmul.run(&self.stream, 2, self.x.as_slice(), &self.w, &mut self.y.as_slice_mut())
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
        assert_eq!(work.stream.download(work.y.as_slice())?, [f16::from_f32(8.0); 6]);
        Ok(())
    });
}

/// With zero points and gathered columns: three more buffers' worth of calls on load, one launch later.
#[test]
fn each_call_of_the_driver_fails_once_with_zero_points_and_an_order() {
    each_call_fails_once(|context| -> Result<(), Error> {
        let stream = context.stream()?;
        let index: Vec<u32> = (0..64).map(|column| column % 2).collect();
        let grouping = Grouping::from_index(&index, 2)?;
        let shape = Shape { n: 3, k: 64 };
        let w = Int4Affine::pack(&[5; 192], shape, grouping, vec![f16::ONE; 6], Some(vec![4; 6]))?;
        let (x, w) = (stream.upload(&[f16::ONE; 128])?, Weight::load_affine(&stream, &w)?);
        let mut y = stream.alloc::<f16>(6)?;
        Matmul::new(context)?.run(&stream, 2, x.as_slice(), &w, &mut y.as_slice_mut())?;
        assert_eq!(stream.download(y.as_slice())?, [f16::from_f32(64.0); 6]);
        Ok(())
    });
}
