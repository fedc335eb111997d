//! What a launch did, in numbers.

/// Counts over all warps of a launch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Warp instructions executed, skipped ones included.
    pub instructions: u64,
    /// Of these, by what they do.
    pub mix: Mix,
    /// Passes that accesses to shared memory took, one each if no two lanes of a phase want different words of a bank.
    pub shared_passes: u64,
    /// Passes that they would take without conflicts.
    pub shared_passes_ideal: u64,
    /// 32-byte sectors of device memory that loads, stores and copies touched, each once a warp instruction.
    pub global_sectors: u64,
    /// Bytes of device memory that lanes asked for.
    pub global_bytes: u64,
}

/// Warp instructions by what they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mix {
    /// Integer, logic, moves, conversions, comparisons.
    pub arithmetic: u64,
    /// Floating-point arithmetic.
    pub float: u64,
    /// `mma`.
    pub tensor: u64,
    /// Accesses to device memory, asynchronous copies included.
    pub global: u64,
    /// Accesses to shared memory, `ldmatrix` included.
    pub shared: u64,
    /// Shuffles, votes and other exchanges inside a warp.
    pub warp: u64,
    /// Branches, barriers, waits, exits.
    pub control: u64,
}

/// What one line of a text did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LineStatistics {
    /// The line, from 1.
    pub line: u32,
    /// Its counts.
    pub statistics: Statistics,
}

/// The row of [`Mix`] that an instruction counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Arithmetic,
    Float,
    Tensor,
    Global,
    Shared,
    Warp,
    Control,
}

impl Statistics {
    /// Nothing done.
    pub const ZERO: Self = Self {
        instructions: 0,
        mix: Mix { arithmetic: 0, float: 0, tensor: 0, global: 0, shared: 0, warp: 0, control: 0 },
        shared_passes: 0,
        shared_passes_ideal: 0,
        global_sectors: 0,
        global_bytes: 0,
    };

    pub(crate) fn count(&mut self, class: Class) {
        self.instructions += 1;
        let mix = &mut self.mix;
        *match class {
            Class::Arithmetic => &mut mix.arithmetic,
            Class::Float => &mut mix.float,
            Class::Tensor => &mut mix.tensor,
            Class::Global => &mut mix.global,
            Class::Shared => &mut mix.shared,
            Class::Warp => &mut mix.warp,
            Class::Control => &mut mix.control,
        } += 1;
    }

    /// Counts arithmetic of which so many instructions are in floating point.
    pub(crate) fn count_plain(&mut self, count: u32, floats: u32) {
        self.instructions += u64::from(count);
        self.mix.float += u64::from(floats);
        self.mix.arithmetic += u64::from(count - floats);
    }

    /// What was counted since `before`, apart from the mix.
    pub(crate) const fn since(&self, before: &Self) -> Self {
        Self {
            instructions: self.instructions - before.instructions,
            mix: Self::ZERO.mix,
            shared_passes: self.shared_passes - before.shared_passes,
            shared_passes_ideal: self.shared_passes_ideal - before.shared_passes_ideal,
            global_sectors: self.global_sectors - before.global_sectors,
            global_bytes: self.global_bytes - before.global_bytes,
        }
    }

    /// Adds another launch's counts.
    pub fn add(&mut self, other: &Self) {
        self.instructions += other.instructions;
        self.shared_passes += other.shared_passes;
        self.shared_passes_ideal += other.shared_passes_ideal;
        self.global_sectors += other.global_sectors;
        self.global_bytes += other.global_bytes;
        let (mix, more) = (&mut self.mix, &other.mix);
        mix.arithmetic += more.arithmetic;
        mix.float += more.float;
        mix.tensor += more.tensor;
        mix.global += more.global;
        mix.shared += more.shared;
        mix.warp += more.warp;
        mix.control += more.control;
    }
}
