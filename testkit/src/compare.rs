//! Comparing results with what they should be.

use half::{bf16, f16};

/// Numbers that can be compared bit for bit and as f64.
pub trait Bits: Copy {
    /// The bits, zero-extended.
    fn bits(self) -> u64;
    /// The value.
    fn value(self) -> f64;
    /// The smallest magnitude that rounds to infinity.
    const OVERFLOW: f64;
}

macro_rules! floats {
    ($($ty:ty, $overflow:expr;)+) => {
        $(impl Bits for $ty {
            fn bits(self) -> u64 {
                u64::from(self.to_bits())
            }

            fn value(self) -> f64 {
                self.into()
            }

            const OVERFLOW: f64 = $overflow;
        })+
    };
}

floats! {
    f16, 65_520.0;
    bf16, 3.396_177_5e38;
    f32, 3.402_823_6e38;
}

macro_rules! integers {
    ($($ty:ty)+) => {
        $(impl Bits for $ty {
            fn bits(self) -> u64 {
                self.cast_unsigned().into()
            }

            fn value(self) -> f64 {
                self.into()
            }

            const OVERFLOW: f64 = f64::INFINITY;
        })+
    };
}

integers!(i8 i32);

/// Asserts that every result is within its bound of the expected value: `expected` gives (value, bound) in order.
///
/// # Panics
/// With the index, the result and what was wanted, if one is not, or if there are not equally many.
pub fn assert_within<T: Bits>(what: &str, results: &[T], expected: impl IntoIterator<Item = (f64, f64)>) {
    let mut count = 0;
    for (index, (value, bound)) in expected.into_iter().enumerate() {
        let Some(result) = results.get(index) else { panic!("{what}: there is no result {index}") };
        let error = (result.value() - value).abs();
        // What may round to infinity may be infinite.
        let overflows = value.abs() + bound >= T::OVERFLOW && result.value() == f64::INFINITY.copysign(value);
        // Written so that a NaN fails.
        assert!(error <= bound || overflows, "{what}[{index}] is {}, wanted {value} within {bound:e}", result.value());
        count = index + 1;
    }
    assert_eq!(results.len(), count, "{what}: number of results");
}

/// Asserts that two results are the same bit for bit.
///
/// # Panics
/// With the first index where they differ.
pub fn assert_same_bits<T: Bits>(what: &str, left: &[T], right: &[T]) {
    assert_eq!(left.len(), right.len(), "{what}: number of results");
    let differs = left.iter().zip(right).position(|(left, right)| left.bits() != right.bits());
    if let Some(index) = differs {
        let (left, right) = (left[index], right[index]);
        panic!("{what}[{index}]: {} ({:#x}) and {} ({:#x})", left.value(), left.bits(), right.value(), right.bits());
    }
}
