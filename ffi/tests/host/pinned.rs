//! Page-locked memory and its copies, which the fake performs as late as it may.

use tilewright_ffi::{DeviceBuffer, PinnedBuffer, Stream};

use crate::fake::{Fake, Kind};

struct Setting {
    stream: Stream,
    device: DeviceBuffer<u32>,
    pinned: PinnedBuffer<u32>,
}

fn setting(fake: &Fake) -> Setting {
    let stream = fake.context().stream().unwrap();
    let device = stream.upload(&[1u32, 2, 3]).unwrap();
    let pinned = PinnedBuffer::new(stream.context(), 3).unwrap();
    Setting { stream, device, pinned }
}

#[test]
fn new_memory_is_zero() {
    let fake = Fake::start();
    assert_eq!(setting(&fake).pinned.as_slice().unwrap(), [0; 3]);
}

#[test]
fn reading_waits_for_the_copy() {
    let fake = Fake::start();
    let Setting { stream, device, mut pinned } = setting(&fake);
    stream.copy_to_pinned(device.as_slice(), &mut pinned).unwrap();
    fake.take_calls();
    assert_eq!(pinned.as_slice().unwrap(), [1, 2, 3]);
    assert_eq!(fake.take_work(), ["cuEventSynchronize"]);
    // Once is enough.
    assert_eq!(pinned.as_slice().unwrap(), [1, 2, 3]);
    assert_eq!(fake.take_work(), [""; 0]);
}

#[test]
fn writing_waits_for_the_copy() {
    let fake = Fake::start();
    let Setting { stream, mut device, mut pinned } = setting(&fake);
    pinned.as_mut_slice().unwrap().copy_from_slice(&[7, 8, 9]);
    stream.copy_from_pinned(&mut pinned, &mut device.as_slice_mut()).unwrap();
    pinned.as_mut_slice().unwrap().fill(0);
    assert_eq!(stream.download(device.as_slice()).unwrap(), [7, 8, 9]);
}

#[test]
fn dropping_waits_for_the_copy() {
    let fake = Fake::start();
    let Setting { stream, mut device, mut pinned } = setting(&fake);
    stream.copy_from_pinned(&mut pinned, &mut device.as_slice_mut()).unwrap();
    fake.take_calls();
    drop(pinned);
    assert_eq!(fake.take_work(), ["cuEventSynchronize", "cuMemFreeHost", "cuEventDestroy_v2"]);
    assert_eq!(stream.download(device.as_slice()).unwrap(), [0, 0, 0]);
    drop((device, stream));
    fake.assert_clean();
}

#[test]
fn copies_on_two_streams_do_not_overtake_each_other() {
    let fake = Fake::start();
    let Setting { stream, mut device, mut pinned } = setting(&fake);
    let second = stream.context().stream().unwrap();
    stream.copy_from_pinned(&mut pinned, &mut device.as_slice_mut()).unwrap();
    fake.take_calls();
    second.copy_from_pinned(&mut pinned, &mut device.as_slice_mut()).unwrap();
    assert_eq!(fake.take_work(), ["cuEventSynchronize", "cuMemcpyHtoDAsync_v2", "cuEventRecord"]);
    drop(pinned);
    assert_eq!(fake.misuse(), [""; 0]);
}

#[test]
fn a_copy_without_an_event_behind_it_is_waited_for_too() {
    let fake = Fake::start();
    let Setting { stream, mut device, mut pinned } = setting(&fake);
    // The event stands behind the first copy; recording it behind the second fails.
    stream.copy_from_pinned(&mut pinned, &mut device.as_slice_mut()).unwrap();
    pinned.as_mut_slice().unwrap().fill(5);
    fake.fail_next("cuEventRecord", 999);
    stream.copy_from_pinned(&mut pinned, &mut device.as_slice_mut()).expect_err("told to fail");
    // A read sees it over, a drop frees it over.
    pinned.as_mut_slice().unwrap().fill(6);
    assert_eq!(stream.download(device.as_slice()).unwrap(), [5; 3]);
    fake.fail_next("cuEventRecord", 999);
    stream.copy_from_pinned(&mut pinned, &mut device.as_slice_mut()).expect_err("told to fail");
    drop(pinned);
    assert_eq!(fake.misuse(), [""; 0]);
    drop((device, stream));
    fake.assert_clean();
}

#[test]
fn memory_whose_copy_has_no_known_end_is_left_to_it() {
    let fake = Fake::start();
    let Setting { stream, mut device, mut pinned } = setting(&fake);
    stream.copy_from_pinned(&mut pinned, &mut device.as_slice_mut()).unwrap();
    fake.fail_next("cuEventSynchronize", 999);
    drop(pinned);
    assert_eq!(fake.misuse(), [""; 0]);
    assert!(fake.live().contains(&(Kind::PinnedMemory, 1)));
}

#[test]
fn a_forgotten_buffer_stays_for_its_copy() {
    let fake = Fake::start();
    let Setting { stream, device, mut pinned } = setting(&fake);
    stream.copy_to_pinned(device.as_slice(), &mut pinned).unwrap();
    std::mem::forget(pinned);
    stream.synchronize().unwrap();
    assert_eq!(fake.misuse(), [""; 0]);
}

#[test]
fn a_buffer_dropped_on_another_thread_while_it_is_copied_stays_until_the_copy_ends() {
    let fake = Fake::start();
    let Setting { stream, mut device, mut pinned } = setting(&fake);
    pinned.as_mut_slice().unwrap().copy_from_slice(&[7, 8, 9]);
    stream.copy_from_pinned(&mut pinned, &mut device.as_slice_mut()).unwrap();
    fake.take_calls();
    std::thread::spawn(move || drop(pinned)).join().expect("no panic");
    // Not freed before the copy was waited for, which the fake performs only then.
    assert_eq!(fake.take_work(), ["cuEventSynchronize", "cuMemFreeHost", "cuEventDestroy_v2"]);
    assert_eq!(fake.misuse(), [""; 0]);
    assert_eq!(stream.download(device.as_slice()).unwrap(), [7, 8, 9]);
    drop((device, stream));
    fake.assert_clean();
}

#[test]
fn a_forgotten_buffer_is_read_by_its_copy_long_after() {
    let fake = Fake::start();
    let Setting { stream, mut device, mut pinned } = setting(&fake);
    pinned.as_mut_slice().unwrap().copy_from_slice(&[4, 5, 6]);
    stream.copy_from_pinned(&mut pinned, &mut device.as_slice_mut()).unwrap();
    std::mem::forget(pinned);
    // New memory does not take its place.
    let mut other = PinnedBuffer::<u32>::new(stream.context(), 3).unwrap();
    other.as_mut_slice().unwrap().fill(0);
    assert_eq!(stream.download(device.as_slice()).unwrap(), [4, 5, 6]);
    assert_eq!(fake.misuse(), [""; 0]);
    assert!(fake.live().contains(&(Kind::PinnedMemory, 2)));
}
