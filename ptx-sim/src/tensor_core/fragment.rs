//! Which element of a tile each lane's registers hold.
//!
//! With per = 32 / bits elements in a register, g = lane / 4 and t = lane % 4:
//!
//! | tile | row | column |
//! |---|---|---|
//! | a, register r, part p | g + 8·(r % 2) | per·t + p + 4·per·(r / 2) |
//! | b, register r, part p | per·t + p + 4·per·r | g |
//! | c and d in f32 or s32, register r | g + 8·(r / 2) | 2·t + r % 2 |
//! | c and d in f16, register r, half p | g + 8·r | 2·t + p |
//!
//! # Source
//! PTX ISA 9.0, section 9.7.14.5 (the figures of each shape say the same).

/// Row and column of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a place in a matrix has no third coordinate")]
pub struct Place {
    /// Row.
    pub row: usize,
    /// Column.
    pub column: usize,
}

/// The element of a that `lane` holds in part `part` of register `register`, for operands of `bits` bits.
#[must_use]
pub const fn a(bits: u32, lane: usize, register: usize, part: usize) -> Place {
    let per = (32 / bits) as usize;
    Place { row: lane / 4 + 8 * (register % 2), column: per * (lane % 4) + part + 4 * per * (register / 2) }
}

/// The element of b that `lane` holds in part `part` of register `register`, for operands of `bits` bits.
#[must_use]
pub const fn b(bits: u32, lane: usize, register: usize, part: usize) -> Place {
    let per = (32 / bits) as usize;
    Place { row: per * (lane % 4) + part + 4 * per * register, column: lane / 4 }
}

/// The element of c and d that `lane` holds in `register`, for f32 and s32.
#[must_use]
pub const fn accumulator(lane: usize, register: usize) -> Place {
    Place { row: lane / 4 + 8 * (register / 2), column: 2 * (lane % 4) + register % 2 }
}

/// The element of c and d that `lane` holds in half `part` of `register`, for f16.
#[must_use]
pub const fn accumulator_f16(lane: usize, register: usize, part: usize) -> Place {
    Place { row: lane / 4 + 8 * register, column: 2 * (lane % 4) + part }
}
