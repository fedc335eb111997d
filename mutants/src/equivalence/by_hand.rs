//! What no rule proves, but somebody has, kernel by kernel.

use tilewright_ptx_ir::ir::{
    Access, BinaryOp, Compare, Immediate, Inst, Kernel, Op, Operand, Reg, ShuffleMode, Space, Statement, Type,
};

use super::rules::destination;
use crate::case::Group;
use crate::edit::Mutant;

/// Why a mutant cannot matter.
pub(super) fn reason(group: Group, kernel: &Kernel, mutant: &Mutant) -> Option<&'static str> {
    let old = match kernel.body.get(mutant.edit.at) {
        Some(Statement::Inst(inst)) => &inst.op,
        _ => return None,
    };
    let products = matches!(group, Group::MatmulF16 | Group::MatmulInt8 | Group::MatmulInt4 | Group::QkvFused);
    // What packed weights hold past the last k is a number like others.
    let is_packed = kernel.name.contains("w4a16") || kernel.name.contains("w8a16");
    match (mutant.operator, old) {
        // `RowTile::load_element`, `Spot::value_of_column`: what a load that does not take place leaves.
        ("initial-value", Op::Mov { ty: Type::B16 | Type::U16, dst, .. })
            if products && !is_packed && is_default(kernel, mutant.edit.at, *dst) =>
        {
            Some(
                "an absent element meets a zero of the other operand, or belongs to a row or column that is not stored",
            )
        }
        ("initial-value", Op::Mov { ty: Type::F32, dst, src: Operand::Imm(Immediate::F32(ONE)), .. })
            if products && is_default(kernel, mutant.edit.at, *dst) =>
        {
            Some("the scale of a row or column that is not stored")
        }
        // `Step::update`, `Tensor::load_elements`: what is absent is neither folded nor stored.
        ("initial-value", Op::Mov { dst, .. })
            if group == Group::Reduce && is_default(kernel, mutant.edit.at, *dst) =>
        {
            Some("an absent element is neither folded nor stored")
        }
        // `Block::reduce`, `store_result`: `bfly` leaves the same bits in all lanes, so that it does not matter which of them stores them.
        (
            "bound-plus" | "compare-opposite" | "negate-guard" | "drop-guard",
            Op::SetPredicate { compare: Compare::Eq, b: Operand::Imm(Immediate::Int(0)), .. }
            | Op::Store { space: Space::Shared, .. }
            | Op::Store { ty: Type::F32, space: Space::Global, .. },
        ) if group == Group::Reduce && stores_what_all_have(kernel, mutant) => {
            Some("all lanes have the same result: it does not matter which of them stores it")
        }
        // `Block::reduce`: what the first lane of each warp leaves is all that counts; `down` gives it the same.
        ("shuffle-mode", Op::Shuffle { mode: ShuffleMode::Butterfly, .. })
            if group == Group::Reduce && only_first_lanes(kernel, mutant.edit.at) =>
        {
            Some("only the first lane's result is used, which `down` gives too")
        }
        // `single_slot`: x is copied, then the first weights, which lie elsewhere, and only behind their barrier is either read.
        ("drop-barrier" | "late-barrier" | "drop-commit" | "drop-wait" | "late-wait", op)
            if kernel.name.contains("_single_slot") && is_first_of_its_kind(kernel, mutant.edit.at, op) =>
        {
            Some("the wait and the barrier behind the copies of the first weights are for the copies of x as well")
        }
        // `PackedTile`: with one unit of columns for each warp, thread t copies the 16 bytes that it reads.
        ("late-barrier", Op::BarrierSync { .. }) if own_words(kernel, mutant) => {
            Some("the words that a thread reads first are those that it copied itself, and waited for")
        }
        _ if group == Group::Attention && attention(kernel, mutant, old).is_some() => attention(kernel, mutant, old),
        // `scales::padded`: 1024 and more, below 1040.
        ("convert-sign", Op::Cvt { from: Type::U16, src: Operand::Reg(zero), .. })
            if kernel.name.contains("w4a16") && is_zero_point(kernel, *zero) =>
        {
            Some("a zero point is an f16 above 0")
        }
        // `Softmax`: the sum of a row with a NaN is NaN, whatever its largest element is said to be, and so is all that is divided by it.
        ("drop-nan", Op::Binary { op: BinaryOp::Max, ty: Type::F32, .. }) if kernel.name.starts_with("softmax_") => {
            Some("the sum of a row with a NaN is NaN, and with it all results, whatever the largest element is")
        }
        // `quantize::write`: a quotient below the normal numbers is 0.
        ("float-ftz", Op::Binary { op: BinaryOp::Max, ty: Type::F32, .. }) if kernel.name.contains("quantize_") => {
            Some("a row whose largest magnitude is no normal number has the scale 0")
        }
        // `reduction.rs`: all that is loaded is x, or largest and smallest elements. Elements are not there or there by whole vectors, or else the order says which.
        ("vector-swap" | "unpack-swap", Op::Load { .. } | Op::Unpack { .. })
            if ["row_max", "row_min"].iter().any(|name| kernel.name.starts_with(name))
                && kernel.name.ends_with("_vector") =>
        {
            Some("the largest and the smallest of a thread's elements do not depend on their order")
        }
        // Copies that a thread reads back itself are behind its own wait: `RowStorage::Split`.
        ("drop-barrier" | "late-barrier", Op::BarrierSync { .. })
            if group == Group::Reduce && is_first_reduction(kernel, mutant.edit.at) =>
        {
            Some("before the first reduction nobody reads the partial results, and a thread reads its own copies only")
        }
        _ => None,
    }
}

/// `attention/src/kernel`.
fn attention(kernel: &Kernel, mutant: &Mutant, old: &Op) -> Option<&'static str> {
    const ZERO: Operand = Operand::Imm(Immediate::F32(0));
    const UNIT: Operand = Operand::Imm(Immediate::F32(ONE));
    match (mutant.operator, old) {
        // `Softmax::update`: a factor is 2^(what is not above 0).
        ("float-constant", Op::SetPredicate { compare: Compare::Eq, ty: Type::F32, b: UNIT, .. }) => {
            Some("a product with 1 changes nothing, and no factor is above 1")
        }
        // `Softmax::update`, `inverse_sums`: the choice is for a query that has seen nothing.
        ("float-constant", Op::Select { ty: Type::F32, a: ZERO, b: Operand::Reg(_), .. }) => Some(
            "the weights of a query that has seen nothing are 0 for every finite base, and its results 0 times anything finite",
        ),
        // `Block::make_scale_positive`.
        ("float-constant", Op::Select { ty: Type::F32, a: UNIT, b: Operand::Reg(_), .. }) => {
            Some("where the scale is 0 the queries are, and so are scores of any finite scale")
        }
        // `Softmax::update`: the largest score so far starts as -inf, so that the first factor is 0; without a tile 1 / sum is 0, or the results are.
        ("initial-value", Op::Mov { ty: Type::F32, src: ZERO, .. }) if !is_in_loop(kernel, mutant.edit.at) => {
            Some("what there is before the first tile is multiplied by 0, and so is the result of no tile")
        }
        // `build`: the tile is masked where the condition holds.
        ("compare-boundary" | "never-branch", _) if only_masks(kernel, mutant.edit.at, old) => {
            Some("masking more tiles than need it changes nothing")
        }
        // `Softmax::update`: factors of 1 are left out.
        ("never-branch", Op::Branch { .. }) if only_scales(kernel, mutant.edit.at) => {
            Some("a product with 1 changes nothing")
        }
        // `Warp::scores`, `Warp::gather`: what both guard is guarded by the same condition.
        ("initial-value", Op::Mov { ty: Type::F32, dst, .. }) if is_written_next(kernel, mutant.edit.at, *dst) => {
            Some("scores are written in every tile before they are read")
        }
        ("initial-value", Op::Mov { ty: Type::B16 | Type::U16, dst, .. })
            if is_default(kernel, mutant.edit.at, *dst) =>
        {
            Some(
                "an absent key is masked, the weight of its value is 0, and the results of an absent query are not stored",
            )
        }
        _ => None,
    }
}

/// Whether the statement may be reached from itself.
fn is_in_loop(kernel: &Kernel, at: usize) -> bool {
    let labels = kernel.body.iter().take(at).filter_map(|statement| match statement {
        Statement::Label(label) => Some(*label),
        _ => None,
    });
    let heads: Vec<_> = labels.collect();
    kernel.body.iter().skip(at).any(|statement| {
        matches!(statement, Statement::Inst(Inst { op: Op::Branch { label, .. }, .. }) if heads.contains(label))
    })
}

/// The instructions that a branch forward jumps over.
fn jumped_over(kernel: &Kernel, at: usize) -> Vec<&Inst> {
    let Some(Statement::Inst(Inst { op: Op::Branch { label, .. }, .. })) = kernel.body.get(at) else {
        return Vec::new();
    };
    let Some(end) = kernel.body.iter().position(|statement| *statement == Statement::Label(*label)) else {
        return Vec::new();
    };
    let body = kernel.body.iter().take(end).skip(at + 1);
    body.filter_map(|statement| match statement {
        Statement::Inst(inst) => Some(inst),
        _ => None,
    })
    .collect()
}

/// Whether the statement is a branch over the masking of a tile, or the comparison in front of it that finds whether it must be.
fn only_masks(kernel: &Kernel, at: usize, old: &Op) -> bool {
    let branch = if matches!(old, Op::SetPredicate { compare: Compare::Gt, ty: Type::U32, .. }) { at + 1 } else { at };
    let body = jumped_over(kernel, branch);
    let infinite = Operand::Imm(Immediate::F32(f32::NEG_INFINITY.to_bits()));
    let is_mask = |inst: &&Inst| match &inst.op {
        Op::Mov { ty: Type::F32, src, .. } => *src == infinite && inst.guard.is_some(),
        Op::SetPredicate { .. } | Op::Cvt { .. } => true,
        Op::Binary { ty, .. } => !ty.is_float(),
        _ => false,
    };
    !body.is_empty() && body.iter().all(is_mask)
}

/// Whether a branch jumps over products with factors alone.
fn only_scales(kernel: &Kernel, at: usize) -> bool {
    let body = jumped_over(kernel, at);
    let is_product = |inst: &&Inst| matches!(&inst.op, Op::Binary { op: BinaryOp::Mul, ty: Type::F32, dst, a, .. } if *a == Operand::Reg(*dst));
    !body.is_empty() && body.iter().all(is_product)
}

/// Whether the register is written, whatever it was, where the kernel's text next names it.
fn is_written_next(kernel: &Kernel, at: usize, reg: Reg) -> bool {
    let named = |inst: &&Inst| {
        let mut is_it = false;
        inst.for_each_register(|other, _| is_it |= other == reg);
        is_it
    };
    let later = kernel.body.iter().skip(at + 1).filter_map(|statement| match statement {
        Statement::Inst(inst) => Some(inst),
        _ => None,
    });
    later.clone().find(named).is_some_and(|inst| {
        let mut reads = false;
        inst.for_each_register(|other, access| reads |= other == reg && access == Access::Read);
        !reads && inst.guard.is_none()
    })
}

/// Whether the register is loaded from shared memory alone: of 16 bits and by themselves, those are zero points.
fn is_zero_point(kernel: &Kernel, reg: Reg) -> bool {
    let mut writes = kernel.body.iter().filter_map(|statement| match statement {
        Statement::Inst(inst) if destination(&inst.op) == Some(reg) => Some(&inst.op),
        _ => None,
    });
    matches!((writes.next(), writes.next()), (Some(Op::Load { space: Space::Shared, .. }), None))
}

/// Whether one of the next instructions loads the register under a guard.
fn is_default(kernel: &Kernel, at: usize, dst: Reg) -> bool {
    let later = || {
        kernel.body.iter().skip(at + 1).take(12).filter_map(|statement| match statement {
            Statement::Inst(inst) => Some(inst),
            _ => None,
        })
    };
    // `load_or` copies what there is otherwise to the register that the load goes to.
    let copied = later().find_map(|inst| match &inst.op {
        Op::Mov { dst: copy, src, .. } if *src == Operand::Reg(dst) => Some(*copy),
        _ => None,
    });
    let loads = |inst: &Inst| {
        matches!(&inst.op, Op::Load { space: Space::Global, dsts, .. }
            if inst.guard.is_some() && (dsts.contains(&dst) || copied.is_some_and(|copy| dsts.contains(&copy))))
    };
    later().any(loads)
}

/// Whether the statement is the store of a reduction's result, whose address does not depend on the lane, or the comparison that guards it.
fn stores_what_all_have(kernel: &Kernel, mutant: &Mutant) -> bool {
    let at = mutant.edit.at;
    // Of several warps only one may store.
    let by_one_warp = kernel.name.contains("_32x") || mutant.operator == "bound-plus";
    let inst = |at: usize| match kernel.body.get(at) {
        Some(Statement::Inst(inst)) => Some(inst),
        _ => None,
    };
    let one_word = |op: &Op| {
        matches!(op, Op::Store { ty, srcs, space, .. }
            if srcs.len() == 1 && ty.bytes() == 4 && (*space == Space::Shared || by_one_warp))
    };
    let guarded_by = |pred: Reg| {
        let users: Vec<_> = (0..kernel.body.len())
            .filter_map(inst)
            .filter(|inst| inst.guard.is_some_and(|guard| guard.pred == pred))
            .collect();
        !users.is_empty() && users.iter().all(|inst| one_word(&inst.op))
    };
    match inst(at) {
        Some(Inst { op: Op::SetPredicate { dst, .. }, .. }) => guarded_by(*dst),
        Some(Inst { guard: Some(guard), op }) => {
            let first = |inst: &Inst| matches!(&inst.op, Op::SetPredicate { compare: Compare::Eq, dst, b: Operand::Imm(Immediate::Int(0)), .. } if *dst == guard.pred);
            one_word(op) && (0..at).filter_map(inst).any(first)
        }
        _ => false,
    }
}

/// Whether the access that comes in front of the barrier is that of the packed int4 words, in tiles where each warp has one unit of columns.
fn own_words(kernel: &Kernel, mutant: &Mutant) -> bool {
    let Some(Statement::Inst(access)) = mutant.edit.inserted.iter().rev().nth(1) else { return false };
    let tile = |tile: &&str| kernel.name.contains(*tile);
    match &access.op {
        Op::Load { space: Space::Shared, dsts, .. } if dsts.len() == 4 => {
            let shares = kernel.name.contains("16x64_shared") || kernel.name.contains("16x96_shared");
            !shares && ["w4a16_64x64", "w4a16_16x64", "w4a16_16x48", "w4a16_16x32"].iter().any(&tile)
        }
        // Copied over words that the same thread has read; in the asynchronous schedule x comes first.
        Op::CpAsync { .. } => ["w4a16_16x64_ping_pong", "w4a16_16x64_single_slot"].iter().any(tile),
        _ => false,
    }
}

/// Whether no statement in front of it does the same.
fn is_first_of_its_kind(kernel: &Kernel, at: usize, op: &Op) -> bool {
    let kind = std::mem::discriminant(op);
    let same =
        |statement: &Statement| matches!(statement, Statement::Inst(inst) if std::mem::discriminant(&inst.op) == kind);
    !kernel.body.iter().take(at).any(same)
}

/// Whether the barrier is the kernel's first.
fn is_first_reduction(kernel: &Kernel, at: usize) -> bool {
    let is_barrier =
        |statement: &Statement| matches!(statement, Statement::Inst(inst) if matches!(inst.op, Op::BarrierSync { .. }));
    kernel.body.iter().position(is_barrier) == Some(at)
}

/// Whether the shuffle is one of the five in each warp in front of the exchange between warps, or the kernel writes nothing but the first thread's result.
fn only_first_lanes(kernel: &Kernel, at: usize) -> bool {
    let insts = |from: usize, to: usize| {
        kernel.body.iter().take(to).skip(from).filter_map(|statement| match statement {
            Statement::Inst(inst) => Some(&inst.op),
            _ => None,
        })
    };
    if kernel.name.starts_with("row_") {
        return kernel.limits.required_threads.is_none_or(|[x, ..]| x == 32)
            || is_in_warp(kernel, at)
            || is_last(kernel, at);
    }
    let warps = kernel.limits.required_threads.map_or(1, |[x, y, z]| x * y * z / 32);
    let blocks = insts(0, kernel.body.len()).any(|op| matches!(op, Op::BarrierSync { .. }));
    warps > 1 && blocks && is_in_warp(kernel, at)
}

/// Whether between the shuffle and the exchange (a barrier, a store to shared memory) there are other shuffles only, at most four.
fn is_in_warp(kernel: &Kernel, at: usize) -> bool {
    let mut shuffles = 0;
    for statement in kernel.body.iter().skip(at + 1) {
        let Statement::Inst(inst) = statement else { return false };
        match inst.op {
            Op::Shuffle { .. } => shuffles += 1,
            Op::BarrierSync { .. } => return shuffles <= 4,
            _ => {}
        }
    }
    false
}

/// Whether no barrier follows.
fn is_last(kernel: &Kernel, at: usize) -> bool {
    let mut later = kernel.body.iter().skip(at);
    later.all(|statement| !matches!(statement, Statement::Inst(inst) if matches!(inst.op, Op::BarrierSync { .. })))
}

const ONE: u32 = 0x3F80_0000;
