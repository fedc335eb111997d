//! Device memory: parts, lengths, sizes.

use tilewright_ffi::{Error, PinnedBuffer};

use crate::fake::Fake;

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
fn parts_outside_a_buffer_are_refused() {
    let fake = Fake::start();
    let stream = fake.context().stream().unwrap();
    let mut buffer = stream.upload(&[1u32, 2, 3, 4]).unwrap();
    for (start, end) in [(0, 5), (5, 5), (3, 2), (usize::MAX, usize::MAX), (4, usize::MAX), (usize::MAX, 0)] {
        let wanted = |error: Error| {
            assert!(
                matches!(error, Error::OutOfRange { start: s, end: e, len: 4 } if (s, e) == (start, end)),
                "{error:?}"
            );
        };
        wanted(buffer.slice(start..end).expect_err("outside"));
        wanted(buffer.as_slice().slice(start..end).expect_err("outside"));
        wanted(buffer.slice_mut(start..end).expect_err("outside"));
        wanted(buffer.as_slice_mut().slice(start..end).expect_err("outside"));
    }
    assert!(buffer.slice(3..2).is_err());
    for start in 0..=4 {
        for end in start..=4 {
            let part = buffer.slice(start..end).unwrap();
            assert_eq!((part.len(), part.bytes()), (end - start, 4 * (end - start)));
            assert_eq!(part.address(), buffer.address() + 4 * start as u64);
            let wanted: Vec<u32> = (start as u32 + 1..=end as u32).collect();
            assert_eq!(stream.download(part).unwrap(), wanted);
        }
    }
    // A part of a part counts from the part.
    let part = buffer.slice(1..4).unwrap().slice(1..3).unwrap();
    assert_eq!(stream.download(part).unwrap(), [3, 4]);
    let mut all = buffer.as_slice_mut();
    assert_eq!(all.slice(2..3).unwrap().address(), all.address() + 8);
}

#[test]
fn sizes_that_no_address_space_has_are_refused_before_the_driver_is_called() {
    let fake = Fake::start();
    let stream = fake.context().stream().unwrap();
    fake.take_calls();
    for len in [usize::MAX, usize::MAX / 8 + 1, usize::MAX / 16 + 1] {
        let error = stream.alloc::<u64>(len).expect_err("too large");
        assert!(matches!(error, Error::SizeOverflow { len: got, element_bytes: 8 } if got == len), "{error}");
        let error = PinnedBuffer::<u64>::new(stream.context(), len).expect_err("too large");
        assert!(matches!(error, Error::SizeOverflow { len: got, element_bytes: 8 } if got == len), "{error}");
    }
    assert_eq!(fake.take_calls(), [""; 0]);
    // What an address space could have the driver refuses.
    assert!(matches!(stream.alloc::<u64>(usize::MAX / 16), Err(Error::Driver { call: "cuMemAlloc", .. })));
}

#[test]
fn lengths_that_differ_are_refused_before_the_driver_is_called() {
    let fake = Fake::start();
    let stream = fake.context().stream().unwrap();
    let (mut two, mut three) = (stream.upload(&[1u8, 2]).unwrap(), stream.upload(&[1u8, 2, 3]).unwrap());
    let mut pinned = PinnedBuffer::<u8>::new(stream.context(), 4).unwrap();
    fake.take_calls();
    for (outcome, wanted) in [
        (stream.write(&[1], &mut two.as_slice_mut()), (1, 2)),
        (stream.read(two.as_slice(), &mut [0; 3]), (3, 2)),
        (stream.copy(two.as_slice(), &mut three.as_slice_mut()), (2, 3)),
        (stream.copy_from_pinned(&mut pinned, &mut three.as_slice_mut()), (4, 3)),
        (stream.copy_to_pinned(three.as_slice(), &mut pinned), (3, 4)),
    ] {
        let Err(Error::WrongLength { got, wanted: want, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!((got, want), wanted);
    }
    assert_eq!(fake.take_calls(), [""; 0]);
}

#[test]
fn nothing_is_copied_without_a_call() {
    let fake = Fake::start();
    let stream = fake.context().stream().unwrap();
    let mut pinned = PinnedBuffer::<u32>::new(stream.context(), 0).unwrap();
    fake.take_calls();
    let mut empty = stream.upload::<u32>(&[]).unwrap();
    assert!(empty.is_empty() && empty.as_slice().is_empty() && empty.as_slice_mut().is_empty());
    assert_eq!(stream.download(empty.as_slice()).unwrap(), [0u32; 0]);
    let other = stream.alloc::<u32>(0).unwrap();
    stream.copy(other.as_slice(), &mut empty.as_slice_mut()).unwrap();
    stream.fill_bytes(&mut empty.as_slice_mut(), 1).unwrap();
    stream.copy_from_pinned(&mut pinned, &mut empty.as_slice_mut()).unwrap();
    stream.copy_to_pinned(empty.as_slice(), &mut pinned).unwrap();
    assert!(pinned.is_empty() && pinned.as_slice().unwrap().is_empty());
    drop((empty, other));
    assert_eq!(fake.take_calls(), [""; 0]);
}

#[test]
fn questions_are_answered_while_work_goes_on() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let event = tilewright_ffi::Event::untimed(&context).unwrap();
    fake.keep_busy(true);
    assert!(!stream.is_idle().unwrap() && !event.has_happened().unwrap());
    fake.keep_busy(false);
    assert!(stream.is_idle().unwrap() && event.has_happened().unwrap());
}

#[test]
fn a_copy_is_waited_for_even_if_the_stream_cannot_be() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let mut buffer = stream.upload(&[0u32; 2]).unwrap();
    // Page-locked memory as a plain slice: its copy is still going on when the driver returns.
    let mut pinned = PinnedBuffer::<u32>::new(&context, 2).unwrap();
    fake.fail_next("cuStreamSynchronize", 999);
    stream.write(pinned.as_slice().unwrap(), &mut buffer.as_slice_mut()).expect_err("told to fail");
    fake.fail_next("cuStreamSynchronize", 999);
    stream.read(buffer.as_slice(), pinned.as_mut_slice().unwrap()).expect_err("told to fail");
    drop(pinned);
    assert_eq!(fake.misuse(), [""; 0]);
}
