//! Handles of others.

use tilewright_ffi::{Context, DeviceBuffer, Error, Stream};

use crate::fake::{Fake, Kind};

#[test]
fn a_borrowed_context_is_not_released() {
    let fake = Fake::start();
    let owner = fake.context();
    // SAFETY: the owner outlives it.
    let borrowed = unsafe { Context::borrow_raw(owner.device(), owner.raw()) }.unwrap();
    assert!(borrowed.is_same(&owner));
    drop(borrowed.stream().unwrap());
    fake.take_calls();
    drop(borrowed);
    assert_eq!(fake.take_calls(), [""; 0]);
    assert_eq!(fake.live(), [(Kind::Context, 1)]);
    drop(owner);
    fake.assert_clean();
}

#[test]
fn a_borrowed_stream_is_not_destroyed() {
    let fake = Fake::start();
    let context = fake.context();
    // SAFETY: nobody destroys it; in the fake all contexts share their streams.
    let borrowed = unsafe { Stream::borrow_raw(&context, fake.foreign_stream()) };
    drop(borrowed.upload(&[1u8, 2]).unwrap());
    drop((borrowed, context));
    assert_eq!(fake.live(), [(Kind::Stream, 1)]);
    assert_eq!(fake.misuse(), [""; 0]);
}

#[test]
fn borrowed_memory_is_not_freed() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let owner = stream.upload(&[1u32, 2, 3]).unwrap();
    // SAFETY: the owner outlives it and does not use the memory meanwhile.
    let borrowed = unsafe { DeviceBuffer::<u32>::borrow_raw(&context, owner.address(), 3) }.unwrap();
    assert_eq!(stream.download(borrowed.as_slice()).unwrap(), [1, 2, 3]);
    drop(borrowed);
    assert_eq!(stream.download(owner.as_slice()).unwrap(), [1, 2, 3]);
    drop((owner, stream, context));
    fake.assert_clean();
}

#[test]
fn leaked_memory_is_whoever_takes_it() {
    let fake = Fake::start();
    let context = fake.context();
    let stream = context.stream().unwrap();
    let address = stream.upload(&[1u32, 2, 3]).unwrap().leak();
    assert!(fake.live().contains(&(Kind::DeviceMemory, 1)));
    // SAFETY: nobody else knows the address.
    let taken = unsafe { DeviceBuffer::<u32>::borrow_raw(&context, address, 3) }.unwrap();
    assert_eq!(stream.download(taken.as_slice()).unwrap(), [1, 2, 3]);
}

#[test]
fn memory_that_cannot_be_is_refused() {
    let fake = Fake::start();
    let context = fake.context();
    fake.take_calls();
    // SAFETY: refused, or never used.
    let borrow = |address, len| unsafe { DeviceBuffer::<u64>::borrow_raw(&context, address, len) }.map(drop);
    assert!(matches!(borrow(12, 1), Err(Error::Misaligned { address: 12, align: 8 })));
    assert!(matches!(borrow(u64::MAX - 7, 2), Err(Error::SizeOverflow { len: 2, element_bytes: 8 })));
    assert!(matches!(borrow(0, usize::MAX / 8), Err(Error::SizeOverflow { .. })));
    assert!(borrow(u64::MAX - 15, 1).is_ok());
    assert_eq!(fake.take_calls(), [""; 0]);
}
