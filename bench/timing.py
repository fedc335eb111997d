"""Kernel time of a peer's call, by the method of `showcase bench`.

A CUDA graph of many calls is replayed; the calls rotate over several sets of weights or inputs, more than four times the L2 in all where one
set is smaller. The time between two events, divided by the calls, is a sample.
"""

import math

import torch

# As in showcase/src/bench/timing.rs.
REPLAYS = 24
REPLAY_US = 2000.0
MOST_CALLS = 256


def sets_of(size):
    """How many sets of `size` bytes exceed four times the L2."""
    l2 = torch.cuda.get_device_properties(0).L2_cache_size
    return min(64, max(1, math.ceil(4 * l2 / max(size, 1))))


def measure(calls):
    """Times `calls`, one function for each set. Returns microseconds a call: median, smallest, largest, samples."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        # Once for every set: compiles, tunes, allocates. Then once more for an estimate.
        for call in calls:
            call()
        estimate = between_events(lambda: [call() for call in calls]) / len(calls)
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()

    count = len(calls)
    while count * estimate < REPLAY_US and count + len(calls) <= max(MOST_CALLS, len(calls)):
        count += len(calls)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for index in range(count):
            calls[index % len(calls)]()
    samples = [between_events(graph.replay) / count for _ in range(REPLAYS + 1)]
    # The first replay warms up.
    samples = sorted(samples[1:])
    return {
        "median": samples[len(samples) // 2],
        "smallest": samples[0],
        "largest": samples[-1],
        "samples": len(samples),
    }


def once(calls):
    """Calls the first once and times nothing: what compiles is compiled."""
    calls[0]()
    torch.cuda.synchronize()
    return {"median": 0.0, "smallest": 0.0, "largest": 0.0, "samples": 0}


def between_events(work):
    """Microseconds on the device from before `work` to after it."""
    before, after = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    before.record()
    work()
    after.record()
    after.synchronize()
    return before.elapsed_time(after) * 1e3
