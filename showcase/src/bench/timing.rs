//! Kernel time and host time of a call.
//!
//! Kernel time: a graph of many calls that rotate over several sets of inputs, more than four times the L2 in all where one set is smaller, is
//! replayed; the time between two events, divided by the calls. So neither launch gaps nor cached weights flatter it.
//! Host time: calls on the caller's stream, one after the other, without a graph; the clock of the host, divided by the calls.
#![expect(unsafe_code, reason = "replaying a graph needs a promise that everything in it still lives")]

use std::time::{Duration, Instant};

use anyhow::Result;
use tilewright_ffi::Event;

use super::record::Spread;
use crate::device::Session;

/// Replays that are timed.
const REPLAYS: usize = 24;
/// Microseconds that one replay should take at least: much more than events resolve.
const REPLAY_US: f64 = 2_000.0;
/// Calls in a graph at most.
const MOST_CALLS: usize = 256;
/// Batches and calls a batch for the host time; fewer calls than the driver queues.
const HOST_BATCHES: usize = 20;
const HOST_CALLS: usize = 50;

/// The times of a call.
pub(crate) struct Timing {
    pub(crate) kernel_us: Spread,
    pub(crate) host_us: Spread,
    pub(crate) first_call: Duration,
}

/// Times `call(set)` for sets 0 to `sets` - 1, in turn. Everything it enqueues must stay alive until this returns.
pub(crate) fn measure(session: &Session, sets: usize, mut call: impl FnMut(usize) -> Result<()>) -> Result<Timing> {
    let stream = &session.stream;
    let start = Instant::now();
    call(0)?;
    let first_call = start.elapsed();
    for set in 0..sets {
        call(set)?;
    }
    stream.synchronize()?;

    let (before, after) = (Event::timed(&session.context)?, Event::timed(&session.context)?);
    before.record(stream)?;
    for set in 0..sets {
        call(set)?;
    }
    after.record(stream)?;
    after.synchronize()?;
    let estimate_us = f64::from(before.elapsed_ms(&after)?) * 1e3 / as_f64(sets);

    let calls = calls_of_a_graph(estimate_us, sets);
    let graph = stream.capture(|_| (0..calls).try_for_each(|index| call(index % sets)).map_err(Spoilt))?;
    let graph = graph.instantiate()?;
    let mut samples = Vec::with_capacity(REPLAYS);
    for replay in 0..=REPLAYS {
        before.record(stream)?;
        // SAFETY:
        // - the caller keeps buffers and kernels alive until this function returns; the last replay is awaited below.
        // - nothing else is enqueued meanwhile.
        unsafe { graph.launch(stream) }?;
        after.record(stream)?;
        after.synchronize()?;
        // The first replay warms up.
        if replay > 0 {
            samples.push(f64::from(before.elapsed_ms(&after)?) * 1e3 / as_f64(calls));
        }
    }
    let host_us = host(session, sets, &mut call)?;
    Ok(Timing { kernel_us: Spread::of(samples), host_us, first_call })
}

/// Microseconds of the host for a call, on the stream and without a graph.
pub(super) fn host(session: &Session, sets: usize, call: &mut impl FnMut(usize) -> Result<()>) -> Result<Spread> {
    let mut samples = Vec::with_capacity(HOST_BATCHES);
    for _ in 0..HOST_BATCHES {
        session.stream.synchronize()?;
        let start = Instant::now();
        for index in 0..HOST_CALLS {
            call(index % sets)?;
        }
        samples.push(start.elapsed().as_secs_f64() * 1e6 / as_f64(HOST_CALLS));
    }
    session.stream.synchronize()?;
    Ok(Spread::of(samples))
}

/// A multiple of `sets`, so that every set is used equally often.
fn calls_of_a_graph(estimate_us: f64, sets: usize) -> usize {
    let mut calls = sets;
    while as_f64(calls) * estimate_us < REPLAY_US && calls + sets <= MOST_CALLS.max(sets) {
        calls += sets;
    }
    calls
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
pub(crate) const fn as_f64(count: usize) -> f64 {
    count as f64
}

/// An error inside a capture: `capture` wants a type that the driver's errors convert to.
#[derive(Debug)]
struct Spoilt(anyhow::Error);

impl From<tilewright_ffi::Error> for Spoilt {
    fn from(error: tilewright_ffi::Error) -> Self {
        Self(error.into())
    }
}

impl From<Spoilt> for anyhow::Error {
    fn from(error: Spoilt) -> Self {
        error.0
    }
}
