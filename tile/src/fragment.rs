//! Where `mma.sync` and `ldmatrix` keep what, as data: (lane, register, element) to (row, column).
//!
//! # Source
//! PTX ISA 9.0, section 9.7.14.5.8 (m16n8k16 floating point), 9.7.14.5.10 (m16n8k32 integer), 9.7.14.5.15 (`ldmatrix`).

/// An element's place in its tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Row of the tile.
    pub row: u32,
    /// Column of the tile.
    pub column: u32,
}

/// The elements that one operand of a warp-wide instruction spreads over the lanes.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Rows of the tile.
    pub rows: u32,
    /// Columns of the tile.
    pub columns: u32,
    /// 32-bit registers in each lane.
    pub registers: u32,
    /// Elements in each register, the first in the low bits.
    pub elements: u32,
    map: fn(lane: u32, register: u32, element: u32) -> Place,
}

impl Layout {
    /// The place of `element` of `register` in `lane`.
    #[must_use]
    pub fn place(&self, lane: u32, register: u32, element: u32) -> Place {
        (self.map)(lane, register, element)
    }
}

/// a of m16n8k16 with 16-bit elements: 16 x 16.
pub const A_M16K16: Layout = Layout {
    rows: 16,
    columns: 16,
    registers: 4,
    elements: 2,
    map: |lane, register, element| Place {
        row: lane / 4 + register % 2 * 8,
        column: lane % 4 * 2 + element + register / 2 * 8,
    },
};

/// b of m16n8k16 with 16-bit elements: 16 x 8, row k and column n.
pub const B_K16N8: Layout = Layout {
    rows: 16,
    columns: 8,
    registers: 2,
    elements: 2,
    map: |lane, register, element| Place { row: lane % 4 * 2 + element + register * 8, column: lane / 4 },
};

/// c and d of every m16n8 shape with 32-bit elements: 16 x 8.
pub const C_M16N8: Layout = Layout {
    rows: 16,
    columns: 8,
    registers: 4,
    elements: 1,
    map: |lane, register, _| Place { row: lane / 4 + register / 2 * 8, column: lane % 4 * 2 + register % 2 },
};

/// a of m16n8k32 with 8-bit elements: 16 x 32. Byte for byte this is [`A_M16K16`].
pub const A_M16K32: Layout = Layout {
    rows: 16,
    columns: 32,
    registers: 4,
    elements: 4,
    map: |lane, register, element| Place {
        row: lane / 4 + register % 2 * 8,
        column: lane % 4 * 4 + element + register / 2 * 16,
    },
};

/// b of m16n8k32 with 8-bit elements: 32 x 8.
pub const B_K32N8: Layout = Layout {
    rows: 32,
    columns: 8,
    registers: 2,
    elements: 4,
    map: |lane, register, element| Place { row: lane % 4 * 4 + element + register * 16, column: lane / 4 },
};

/// One 8 x 8 tile of 16-bit elements as `ldmatrix` spreads it.
pub const LDMATRIX: Layout = Layout {
    rows: 8,
    columns: 8,
    registers: 1,
    elements: 2,
    map: |lane, _, element| Place { row: lane / 4, column: lane % 4 * 2 + element },
};

/// Every layout above with its name.
pub const ALL: [(&str, Layout); 6] = [
    ("a m16k16", A_M16K16),
    ("b k16n8", B_K16N8),
    ("c m16n8", C_M16N8),
    ("a m16k32", A_M16K32),
    ("b k32n8", B_K32N8),
    ("ldmatrix", LDMATRIX),
];
