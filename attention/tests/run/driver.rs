//! What attention and rotation ask of the driver.

use half::f16;
use tilewright_attention::rope::{Pairs, Rope, RopeProblem, RopeShape};
use tilewright_attention::{Attention, Error, Layout, Mask, Problem, Shape};
use tilewright_ffi::{Context, DeviceBuffer, Stream};
use tilewright_testkit::{assert_one_launch, calls_of_a_second_run, each_call_fails_once};

struct Work {
    stream: Stream,
    attention: Attention,
    rope: Rope,
    problem: Problem,
    rotation: RopeProblem,
    x: DeviceBuffer<f16>,
    turns: DeviceBuffer<f32>,
    y: DeviceBuffer<f16>,
}

impl Work {
    fn new(context: &Context) -> Result<Self, Error> {
        let stream = context.stream()?;
        let shape = Shape { batch: 1, heads_q: 1, heads_kv: 1, len_q: 2, len_kv: 2, dim: 32 };
        let layout = Layout::heads_first(1, 2, 32);
        let rotated = RopeShape { batch: 1, heads: 1, len: 2, dim: 32 };
        Ok(Self {
            attention: Attention::new(context)?,
            rope: Rope::new(context)?,
            problem: Problem::new(shape, Mask::Causal)?,
            rotation: RopeProblem::new(rotated, Pairs::Halves, layout, layout)?,
            x: stream.upload(&[f16::ONE; 64])?,
            turns: stream.upload(&[0.5; 32])?,
            y: stream.alloc(64)?,
            stream,
        })
    }

    fn attend(&mut self) -> Result<(), Error> {
        let x = self.x.as_slice();
        self.attention.run(&self.stream, &self.problem, [x, x, x], &mut self.y.as_slice_mut())
    }

    fn rotate(&mut self) -> Result<(), Error> {
        let turns = [self.turns.as_slice(), self.turns.as_slice()];
        self.rope.run(&self.stream, &self.rotation, self.x.as_slice(), turns, &mut self.y.as_slice_mut())
    }
}

/// Nothing is built, loaded, allocated or awaited.
#[test]
fn a_later_call_is_one_launch() {
    assert_one_launch(&calls_of_a_second_run(|context| Work::new(context).unwrap(), |work| work.attend().unwrap()));
    assert_one_launch(&calls_of_a_second_run(|context| Work::new(context).unwrap(), |work| work.rotate().unwrap()));
}

#[test]
fn each_call_of_the_driver_fails_once() {
    each_call_fails_once(|context| -> Result<(), Error> {
        let mut work = Work::new(context)?;
        work.attend()?;
        assert_eq!(work.stream.download(work.y.as_slice())?, [f16::ONE; 64]);
        work.rotate()?;
        assert_eq!(work.stream.download(work.y.as_slice())?[0], f16::ZERO);
        Ok(())
    });
}
