//! The faults: each operator changes one instruction wherever it can.

mod control;
mod floats;
mod historic;
mod integers;
mod memory;
mod sync;
mod warps;

use tilewright_ptx_ir::ir::{Inst, Kernel, Op, Operand, Statement};

use crate::edit::{Edit, Mutant};

/// One kind of fault.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Operator {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// Whether it takes synchronisation away, which a checker must notice: a wrong value alone would be luck.
    pub is_sync: bool,
    edits: fn(&Site<'_>) -> Vec<Edit>,
}

/// An instruction of a kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    pub(crate) kernel: &'a Kernel,
    pub(crate) at: usize,
    pub(crate) inst: &'a Inst,
}

impl<'a> Site<'a> {
    pub(crate) fn new(kernel: &'a Kernel, at: usize) -> Option<Self> {
        match kernel.body.get(at) {
            Some(Statement::Inst(inst)) => Some(Self { kernel, at, inst }),
            _ => None,
        }
    }

    const fn op(&self) -> &'a Op {
        &self.inst.op
    }

    fn replace(&self, op: Op) -> Edit {
        Edit::replace(self.at, self.inst, op)
    }

    /// The edit that `change` makes of a copy of the operation, if it changes anything.
    fn change(&self, change: impl FnOnce(&mut Op)) -> Vec<Edit> {
        let mut op = self.op().clone();
        change(&mut op);
        if op == *self.op() { Vec::new() } else { vec![self.replace(op)] }
    }
}

const fn operator(name: &'static str, what: &'static str, edits: fn(&Site<'_>) -> Vec<Edit>) -> Operator {
    Operator { name, what, is_sync: false, edits }
}

const fn sync(name: &'static str, what: &'static str, edits: fn(&Site<'_>) -> Vec<Edit>) -> Operator {
    Operator { name, what, is_sync: true, edits }
}

/// All of them.
pub const OPERATORS: &[Operator] = &[
    sync("drop-barrier", "no `bar.sync`", sync::drop_barrier),
    sync("late-barrier", "`bar.sync` behind the next access to shared memory", sync::late_barrier),
    sync("drop-commit", "no `cp.async.commit_group`", sync::drop_commit),
    sync("drop-wait", "no `cp.async.wait_group`", sync::drop_wait),
    sync("late-wait", "`cp.async.wait_group` for one group fewer", sync::late_wait),
    operator("drop-guard", "an access without its guard", control::drop_guard),
    operator("negate-guard", "the opposite guard", control::negate_guard),
    operator("never-branch", "a conditional branch that is not taken", control::never_branch),
    operator("always-branch", "a conditional branch that is taken", control::always_branch),
    operator("compare-boundary", "`lt` for `le`, `gt` for `ge` and back", control::compare_boundary),
    operator("compare-opposite", "the opposite comparison", control::compare_opposite),
    operator("compare-sign", "a comparison of the other signedness", control::compare_sign),
    operator("bound-plus", "a bound one larger: trips of loops among them", control::bound_plus),
    operator("bound-minus", "a bound one smaller", control::bound_minus),
    operator("combine", "`and` for `or` of predicates and back", control::combine),
    operator("select-swap", "the other value of `selp`", control::select_swap),
    operator("select-first", "`selp` without its condition", control::select_first),
    operator("immediate-plus", "an integer constant one larger", integers::immediate_plus),
    operator("immediate-minus", "an integer constant one smaller", integers::immediate_minus),
    operator("add-sub", "`add` for `sub` and back", integers::add_sub),
    operator("operand-swap", "`a - b`, `a << b`, `a / b` the other way round", integers::operand_swap),
    operator("drop-term", "`mad` without its third operand", integers::drop_term),
    operator("mul-part", "the high half of a product for the low one", integers::mul_part),
    operator("mul-sign", "a product of the other signedness", integers::mul_sign),
    operator("shift-sign", "`shr.s` for `shr.u` and back", integers::shift_sign),
    operator("shift-way", "`shl` for `shr` and back", integers::shift_way),
    operator("shift-amount", "a shift by one bit more", integers::shift_amount),
    operator("bits", "`or` for `and`, `and` for `or`, `or` for `xor`", integers::bits),
    operator("mask-bit", "a mask without its lowest bit", integers::mask_bit),
    operator("lop3-table", "a `lop3` table with one entry flipped", integers::lop3_table),
    operator("permute-selector", "a `prmt` with another byte", integers::permute_selector),
    operator("field-start", "a bit field one bit further up", integers::field_start),
    operator("min-max", "`min` for `max` and back", integers::min_max),
    operator("drop-limit", "no `min` or `max`", integers::drop_limit),
    operator("convert-sign", "a conversion from the other signedness", integers::convert_sign),
    operator("special", "another special register: y for x, the block for the thread", integers::special),
    operator("parameter", "the next parameter of the same size", memory::parameter),
    operator("offset-element", "an address one element further on", memory::offset_element),
    operator("offset-back", "an address one element back", memory::offset_back),
    operator("offset-row", "a shared address one row of 128 bytes further on", memory::offset_row),
    operator("vector-swap", "the first two elements of a vector exchanged", memory::vector_swap),
    operator("vector-last", "a vector store whose last element is the first one", memory::vector_last),
    operator("drop-store", "no store", memory::drop_store),
    operator("drop-copy", "no `cp.async`", memory::drop_copy),
    operator("short-copy", "`cp.async` of half the bytes", memory::short_copy),
    operator("drop-zero-fill", "`cp.async` that fills nothing with zeros", memory::drop_zero_fill),
    operator("float-rounding", "`rz` for `rn`", floats::rounding),
    operator("float-ftz", "`.ftz` where there is none and back", floats::ftz),
    operator("float-constant", "a float constant twice as large, or 1 for 0, or 0 for an infinity", floats::constant),
    operator("float-sign", "a float operand with the other sign", floats::sign),
    operator("float-operation", "`add` for `sub` and back, `add` for `mul`", floats::operation),
    operator("fma-sign", "`fma` with the addend's other sign", floats::fma_sign),
    operator("fma-drop", "`fma` without its addend", floats::fma_drop),
    operator("drop-scale", "a product without its second factor", floats::drop_scale),
    operator("drop-nan", "`min` and `max` without `.NaN`", floats::drop_nan),
    operator("drop-unary", "no `neg`, `abs`, `not`, `ex2`, `sqrt`, …", floats::drop_unary),
    operator("saturate", "no saturation", floats::saturate),
    operator("initial-value", "a register that starts at another value", floats::initial_value),
    operator("shuffle-mode", "`down` for `bfly`, `bfly` for `idx`", warps::shuffle_mode),
    operator("shuffle-distance", "a shuffle over half the distance", warps::shuffle_distance),
    operator("drop-shuffle", "no shuffle", warps::drop_shuffle),
    operator("short-mask", "a mask of half the warp", warps::short_mask),
    operator("vote-mode", "`any` for `all` and back", warps::vote_mode),
    operator("matrix-transpose", "`ldmatrix` with `.trans` or without", warps::matrix_transpose),
    operator("matrix-order", "two registers of `ldmatrix` exchanged", warps::matrix_order),
    operator("mma-rows", "the row halves of `mma`'s A exchanged", warps::mma_rows),
    operator("mma-columns", "the k halves of `mma`'s A exchanged", warps::mma_columns),
    operator("mma-b", "the k halves of `mma`'s B exchanged", warps::mma_b),
    operator("mma-accumulator", "the row halves of `mma`'s C exchanged", warps::mma_accumulator),
    operator("drop-mma", "no `mma`: the accumulator stays", warps::drop_mma),
    operator("pack-swap", "two halves packed the other way round", warps::pack_swap),
    operator("one-branch", "an address conversion in one branch only", historic::one_branch),
    operator("division-rounding", "a division without its rounding", historic::division_rounding),
    operator("conversion-rounding", "a conversion to a float without its rounding", historic::conversion_rounding),
    operator("counter-thread", "a loop counter in the register of the thread index", historic::counter_thread),
    operator("shared-overlap", "two shared arrays at one place", historic::shared_overlap),
    operator("launch-size", "a block size that is not the launch's", historic::launch_size),
    operator("load-type", "`ld.global.f16`", historic::load_type),
    operator("fixed-stride", "64 for a parameter: a length or a stride that is fixed", historic::fixed_stride),
    operator("block-twice", "the block's first row or column added twice", historic::block_twice),
    operator("one-scale", "the scales of q for k and v", historic::one_scale),
    operator("unpack-swap", "two halves unpacked the other way round", warps::unpack_swap),
];

impl Operator {
    /// The operator of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        OPERATORS.iter().find(|operator| operator.name == name)
    }

    /// Every mutant that it makes of `kernel`.
    #[must_use]
    pub fn mutants(&self, kernel: &Kernel) -> Vec<Mutant> {
        (0..kernel.body.len())
            .filter_map(|at| Site::new(kernel, at))
            .flat_map(|site| (self.edits)(&site))
            .map(|edit| Mutant { operator: self.name, edit })
            .collect()
    }
}

/// `count` of the mutants, spread evenly; all if there are no more. Where the first lies depends on `phase`, so that samples of similar kernels differ.
#[must_use]
pub fn sampled(mutants: Vec<Mutant>, count: usize, phase: usize) -> Vec<Mutant> {
    let all = mutants.len();
    if all <= count {
        return mutants;
    }
    // A step that shares no factor with most numbers visits all places before it repeats one.
    let start = phase.wrapping_mul(7919) % all;
    let picked: Vec<usize> = (0..count).map(|part| (start + part * all / count) % all).collect();
    mutants.into_iter().enumerate().filter(|(at, _)| picked.contains(at)).map(|(_, mutant)| mutant).collect()
}

/// The integer of an operand that is one.
pub(crate) const fn integer(operand: &Operand) -> Option<i64> {
    match operand {
        Operand::Imm(tilewright_ptx_ir::ir::Immediate::Int(value)) => Some(*value),
        _ => None,
    }
}
