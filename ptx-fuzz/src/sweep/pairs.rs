//! Pairs of operands for divisions.

/// Each of them with each comes first.
const EDGES: [u32; 23] = [
    0,
    1,
    2,
    0x0040_0000,
    0x007F_FFFF,
    0x0080_0000,
    0x0080_0001,
    0x00FF_FFFF,
    0x3380_0000,
    0x3F00_0000,
    0x3F7F_FFFF,
    0x3F80_0000,
    0x3F80_0001,
    0x3FC0_0000,
    0x4000_0000,
    0x4040_0000,
    0x7E7F_FFFF,
    0x7E80_0000,
    0x7E80_0001,
    0x7F00_0000,
    0x7F7F_FFFF,
    0x7F80_0000,
    0x7FC0_0000,
];

/// The pairs of edges, of any signs.
const EDGE_PAIRS: u64 = 4 * (EDGES.len() * EDGES.len()) as u64;

/// Dividend and divisor number `index`, as bits of f32: edges, then any bits; every fourth pair with exponents near each other, one of eight with a power of
/// two as its divisor, one of eight with a subnormal, one of eight with a divisor near 2^126 or above.
#[must_use]
pub const fn pair(index: u64) -> (u32, u32) {
    if index < EDGE_PAIRS {
        let (signs, at) = (index as u32 & 3, index as usize / 4);
        let (dividend, divisor) = (EDGES[at / EDGES.len()], EDGES[at % EDGES.len()]);
        return (dividend | signs << 31, divisor | signs >> 1 << 31);
    }
    let bits = mixed(index);
    let (dividend, divisor) = ((bits >> 32) as u32, bits as u32);
    let near = dividend.wrapping_add((divisor & 0x0FFF_FFFF).wrapping_sub(0x0800_0000)) & 0x7FFF_FFFF;
    match index % 8 {
        0 | 1 => (dividend, near | divisor & 0x8000_0000),
        2 => (dividend, divisor & 0xFF80_0000),
        3 => (dividend & 0x807F_FFFF, divisor),
        4 => (dividend, divisor & 0x80FF_FFFF | 0x7E00_0000),
        _ => (dividend, divisor),
    }
}

/// The finalizer of splitmix64.
const fn mixed(index: u64) -> u64 {
    let value = index.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ value >> 31
}
