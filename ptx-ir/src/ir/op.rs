//! Every instruction this crate knows, grouped as the PTX ISA groups them.
//!
//! A field called `dst` is written, `dsts` is a vector that is written, the others are read. Approximate forms, `.ftz` and saturation are
//! explicit fields, so that an instruction never means more than it says.

use super::kernel::Guard;
use super::mma::MmaShape;
use super::mma_form::MmaForm;
use super::operand::{Address, Condition, Label, LocalIndex, Operand, Reg, Shared, Special, Symbol};
use super::packed::{PackedInteger, Selected, VideoAction, VideoOp, VideoPart, VideoSecond};
use super::types::{Space, Type};
use super::words::{
    AtomicOp, BarrierOp, BinaryOp, BoolOp, Cache, Compare, EvictionPriority, FenceOrder, FloatTest, Fp8Pair, LoadOrder,
    MulPart, PermuteMode, PrefetchLevel, Rounding, Scope, ShuffleMode, StoreOrder, TernaryOp, UnaryOp, VoteMode,
};

/// An instruction without its guard.
///
/// # Source
/// PTX ISA 9.0, section 9.7 (Instructions).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "fields are named as the operands of the PTX ISA; each variant shows the text it prints"
)]
pub enum Op {
    // Moves and conversions.
    /// `mov.ty dst, src`
    Mov { ty: Type, dst: Reg, src: Operand },
    /// `mov.u32 dst, %tid.x`
    ReadSpecial { dst: Reg, src: Special },
    /// `mov.u32 dst, array{+offset}`: the shared address of an array (64-bit registers get it zero-extended).
    SharedAddress { dst: Reg, array: Shared, offset: i32 },
    /// `mov.u64 dst, array{+offset}`: the local address of memory of the thread (32-bit registers get its low half, which is all of it).
    LocalAddress { dst: Reg, local: LocalIndex, offset: i32 },
    /// `mov.u64 dst, variable{+offset}`: the address of a variable of the module in its space.
    SymbolAddress { dst: Reg, symbol: Symbol, offset: i32 },
    /// `mov.b32 dst, {a, b}`: the first source is the low part.
    Pack { ty: Type, dst: Reg, srcs: Vec<Operand> },
    /// `mov.b32 {a, b}, src`
    Unpack { ty: Type, dsts: Vec<Reg>, src: Reg },
    /// `cvt{.rounding}{.ftz}{.sat}.to.from dst, src`
    Cvt { to: Type, from: Type, rounding: Option<Rounding>, ftz: bool, sat: bool, dst: Reg, src: Operand },
    /// `cvt.rn.f16x2.f32 dst, high, low`; `to` is `F16x2` or `Bf16x2`, `rounding` `Nearest` or `Zero`.
    CvtPair { to: Type, rounding: Rounding, relu: bool, dst: Reg, high: Operand, low: Operand },
    /// `cvt.pack.sat.s8.s32.b32 dst, a, b, c`: saturates a and b to 8 bits; a above b in the low half, c's low half above them.
    CvtPackS8 { dst: Reg, a: Operand, b: Operand, c: Operand },
    /// `cvt.pack.sat.to.s32{.b32} dst, a, b{, c}`: the same for the other types; those of 16 bits leave no room for `c`.
    CvtPack { to: PackedInteger, dst: Reg, a: Operand, b: Operand, c: Option<Operand> },
    /// `cvt.rna.tf32.f32 dst, src`: rounded to nearest, ties away from zero.
    CvtTf32 { dst: Reg, src: Operand },
    /// `cvt.rn.satfinite{.relu}.e4m3x2.f32 dst, high, low`
    CvtFp8Pair { format: Fp8Pair, relu: bool, dst: Reg, high: Operand, low: Operand },
    /// `cvt.rn.satfinite{.relu}.e4m3x2.f16x2 dst, src`, or `cvt.rn{.relu}.f16x2.e4m3x2 dst, src` if it `widens`.
    CvtFp8 { format: Fp8Pair, widens: bool, relu: bool, dst: Reg, src: Reg },
    /// `cvta.to.space.u64 dst, src` (or `cvta.space.u64` when `to_generic`).
    Cvta { space: Space, to_generic: bool, dst: Reg, src: Reg },
    /// `selp.ty dst, a, b, pred`
    Select { ty: Type, dst: Reg, a: Operand, b: Operand, pred: Reg },

    // Arithmetic and logic.
    /// `op{.approx|.rounding}{.ftz}.ty dst, a`; `approx` with `Rcp` to `Tanh` (`tanh.approx`, `ex2.approx`, ...).
    Unary { op: UnaryOp, ty: Type, rounding: Option<Rounding>, approx: bool, ftz: bool, dst: Reg, a: Operand },
    /// `op{.rounding}{.ftz}{.sat}.ty dst, a, b`; `approx` is for `div.approx` (`div.full` when `full`), `nan` for `min.NaN`/`max.NaN`.
    Binary {
        op: BinaryOp,
        ty: Type,
        rounding: Option<Rounding>,
        ftz: bool,
        sat: bool,
        approx: bool,
        full: bool,
        nan: bool,
        dst: Reg,
        a: Operand,
        b: Operand,
    },
    /// `op{.rounding}{.ftz}{.sat}.ty dst, a, b, c`; `rounding` with `Fma` only, where PTX wants it.
    Ternary {
        op: TernaryOp,
        ty: Type,
        rounding: Option<Rounding>,
        ftz: bool,
        sat: bool,
        relu: bool,
        dst: Reg,
        a: Operand,
        b: Operand,
        c: Operand,
    },
    /// `mul.part.ty dst, a, b` on integers.
    Mul { part: MulPart, ty: Type, dst: Reg, a: Operand, b: Operand },
    /// `mad.part.ty dst, a, b, c` on integers.
    Mad { part: MulPart, ty: Type, dst: Reg, a: Operand, b: Operand, c: Operand },
    /// `add{c}{.cc}.ty dst, a, b`, or `sub`: a sum that reads the carry flag (`carry_in`, the `c`) or writes it (`carry_out`, `.cc`), or both. A
    /// difference is `a + !b + carry`: its flag says that nothing was borrowed.
    CarrySum { subtracts: bool, carry_in: bool, carry_out: bool, ty: Type, dst: Reg, a: Operand, b: Operand },
    /// `mad{c}.part{.cc}.ty dst, a, b, c`: the carry is that of the sum.
    CarryMad { part: MulPart, carry_in: bool, carry_out: bool, ty: Type, dst: Reg, a: Operand, b: Operand, c: Operand },
    /// `mul24.part.ty dst, a, b`: of the low 24 bits; the high part is that from bit 16 on.
    Mul24 { part: MulPart, ty: Type, dst: Reg, a: Operand, b: Operand },
    /// `mad24.part{.sat}.ty dst, a, b, c`
    Mad24 { part: MulPart, sat: bool, ty: Type, dst: Reg, a: Operand, b: Operand, c: Operand },
    /// `dp2a.{lo,hi}.aty.bty dst, a, b, c`: the halves of `a` times the low or high bytes of `b`, and `c`.
    Dp2a { high: bool, a_type: Type, b_type: Type, dst: Reg, a: Operand, b: Operand, c: Operand },
    /// `prmt.b32.mode dst, a, b, c`
    Permute { mode: PermuteMode, dst: Reg, a: Operand, b: Operand, c: Operand },
    /// `slct{.ftz}.ty.sign_type dst, a, b, c`: `a` if `c`, an `s32` or `f32`, is at least zero, else `b`.
    SelectBySign { ty: Type, sign_type: Type, ftz: bool, dst: Reg, a: Operand, b: Operand, c: Operand },
    /// `op{2,4}.dty.aty.bty{.sat|.add} dst, a, b, c`: on each of two halves or four bytes (`parts`); with `sums`, the results and `c` are added up, and without,
    /// `c` is of no use.
    VideoParts { op: VideoOp, parts: u32, types: [Type; 3], sat: bool, sums: bool, dst: Reg, a: Reg, b: Reg, c: Reg },
    /// `op.dty.aty.bty{.sat}{.second} dst{.part}, a{.part}, b{.part}{, c}`, or `vset.aty.bty.compare…`, whose result counts as `u32`: the result is put together
    /// with `c`, by a second operation or by taking the place of a part of it.
    Video {
        action: VideoAction,
        types: [Type; 3],
        sat: bool,
        second: Option<VideoSecond>,
        dst: Reg,
        part: Option<VideoPart>,
        a: Selected,
        b: Selected,
        c: Option<Operand>,
    },
    /// `op.u16x2 dst, a, b`, or `op.s16x2{.relu}`: the sum, the smaller or the larger of both halves.
    Pair { op: BinaryOp, signed: bool, relu: bool, dst: Reg, a: Reg, b: Reg },
    /// `min.relu.s32 dst, a, b`, or `max`: at least zero.
    Rectified { op: BinaryOp, dst: Reg, a: Operand, b: Operand },
    /// `lop3.b32 dst, a, b, c, table`
    Lop3 { table: u8, dst: Reg, a: Operand, b: Operand, c: Operand },
    /// `bfi.ty dst, a, b, start, length`: a's low bits inserted into b.
    BitFieldInsert { ty: Type, dst: Reg, a: Operand, b: Operand, start: Operand, length: Operand },
    /// `setp.compare{.bool}{.ftz}.ty dst, a, b{, pred}`
    SetPredicate {
        compare: Compare,
        ty: Type,
        ftz: bool,
        dst: Reg,
        a: Operand,
        b: Operand,
        combine: Option<(BoolOp, Reg)>,
    },
    /// `setp.compare{.bool}{.ftz}.ty dst|other, a, b{, {!}condition}`: what [`SetPredicate`](Self::SetPredicate) has not. `other` is set by the opposite of the
    /// comparison; of `f16x2` and `bf16x2`, by that of the high halves.
    SetPredicates {
        compare: Compare,
        ty: Type,
        ftz: bool,
        dst: Reg,
        other: Option<Reg>,
        a: Operand,
        b: Operand,
        combine: Option<(BoolOp, Condition)>,
    },
    /// `set.compare{.bool}{.ftz}.to.ty dst, a, b{, {!}condition}`: ones in all bits, or 1.0, where it holds; zeros where not.
    Set {
        compare: Compare,
        to: Type,
        ty: Type,
        ftz: bool,
        dst: Reg,
        a: Operand,
        b: Operand,
        combine: Option<(BoolOp, Condition)>,
    },

    /// `testp.test.ty dst, a`
    TestProperty { test: FloatTest, ty: Type, dst: Reg, a: Operand },
    /// `isspacep.space dst, address`: whether a generic address lies in `space`.
    IsSpace { space: Space, dst: Reg, src: Reg },

    // Memory.
    /// `ld{.order}{.scope}{.space}{.cache}{.L1::…}{.L2::128B}{.v2|.v4}.ty dst, [address]`; the vector width is `dsts.len()`.
    Load {
        space: Space,
        ty: Type,
        order: LoadOrder,
        scope: Option<Scope>,
        cache: Cache,
        l1: EvictionPriority,
        l2_prefetch: Option<u32>,
        policy: Option<Reg>,
        dsts: Vec<Reg>,
        address: Address,
    },
    /// `st{.order}{.scope}{.space}{.cache}{.L1::…}{.v2|.v4}.ty [address], src`; the vector width is `srcs.len()`.
    Store {
        space: Space,
        ty: Type,
        order: StoreOrder,
        scope: Option<Scope>,
        cache: Cache,
        l1: EvictionPriority,
        policy: Option<Reg>,
        srcs: Vec<Operand>,
        address: Address,
    },
    /// `atom.order.scope.space.op.ty dst, [address], a{, b}`; without `dst` it prints `red`. `b` is the new value of `CompareSwap`.
    Atomic {
        op: AtomicOp,
        space: Space,
        ty: Type,
        order: Option<FenceOrder>,
        scope: Option<Scope>,
        dst: Option<Reg>,
        address: Address,
        a: Operand,
        b: Option<Operand>,
        policy: Option<Reg>,
    },
    /// `atom{.order}{.scope}{.global}.op.v{srcs.len()}.ty {dsts}, [address], {srcs}`: element by element; without `dsts` it prints `red`.
    AtomicVector {
        op: AtomicOp,
        space: Space,
        ty: Type,
        order: Option<FenceOrder>,
        scope: Option<Scope>,
        dsts: Vec<Reg>,
        address: Address,
        srcs: Vec<Operand>,
        policy: Option<Reg>,
    },
    /// `fence.order.scope`
    Fence { order: FenceOrder, scope: Scope },
    /// `cp.async.{ca,cg}.shared.global{.L2::cache_hint}{.L2::128B} [dst], [src], bytes{, source_bytes | ignored}{, policy}`: what lies past `source_bytes` is
    /// filled with zeros, everything where `ignored` holds.
    CpAsync {
        cache: Cache,
        bytes: u32,
        l2_prefetch: Option<u32>,
        dst: Address,
        src: Address,
        source_bytes: Option<Operand>,
        ignored: Option<Guard>,
        policy: Option<Reg>,
    },
    /// `cp.async.commit_group`
    CpAsyncCommit,
    /// `cp.async.wait_group pending`
    CpAsyncWait { pending: u32 },
    /// `cp.async.wait_all`
    CpAsyncWaitAll,
    /// `createpolicy.fractional.L2::priority{.L2::secondary}.b64 dst, fraction`; the fraction is an f32 in (0, 1] by its bits.
    CreatePolicy { priority: EvictionPriority, secondary: Option<EvictionPriority>, fraction: u32, dst: Reg },
    /// `createpolicy.range{.global}.L2::priority{.L2::secondary}.b64 dst, [address], primary_bytes, total_bytes`
    CreatePolicyRange {
        space: Space,
        priority: EvictionPriority,
        secondary: Option<EvictionPriority>,
        dst: Reg,
        address: Address,
        primary_bytes: Operand,
        total_bytes: Operand,
    },
    /// `createpolicy.cvt.L2.b64 dst, src`: from an access property of the runtime's.
    CreatePolicyFrom { dst: Reg, src: Operand },
    /// `prefetch{.space}.level [address]`
    Prefetch { space: Space, level: PrefetchLevel, address: Address },
    /// `prefetchu.L1 [address]`: to the cache of uniform loads.
    PrefetchUniform { address: Address },
    /// `applypriority{.global}.L2::evict_normal [address], 128`
    ApplyPriority { space: Space, address: Address },
    /// `discard{.global}.L2 [address], 128`: what lies there is undefined from then on.
    Discard { space: Space, address: Address },
    /// `pmevent{.mask} event`: for profilers.
    PerformanceEvent { is_mask: bool, event: u32 },
    /// `ldmatrix.sync.aligned.m8n8.x{dsts.len()}{.trans}.shared.b16 {dsts}, [address]`
    LdMatrix { transpose: bool, dsts: Vec<Reg>, address: Address },

    // Warp.
    /// `shfl.sync.mode.b32 dst{|pred}, src, lane, clamp, mask`
    Shuffle {
        mode: ShuffleMode,
        dst: Reg,
        pred: Option<Reg>,
        src: Operand,
        lane: Operand,
        clamp: Operand,
        mask: Operand,
    },
    /// `vote.sync.mode.{pred,b32} dst, {!}src, mask`
    Vote { mode: VoteMode, dst: Reg, src: Condition, mask: Operand },
    /// `match.any.sync.ty dst, src, mask`
    MatchAny { ty: Type, dst: Reg, src: Operand, mask: Operand },
    /// `match.all.sync.ty dst{|pred}, src, mask`
    MatchAll { ty: Type, dst: Reg, pred: Option<Reg>, src: Operand, mask: Operand },
    /// `redux.sync.op.ty dst, src, mask`
    Redux { op: AtomicOp, ty: Type, dst: Reg, src: Operand, mask: Operand },
    /// `activemask.b32 dst`
    ActiveMask { dst: Reg },
    /// `bar.warp.sync mask`
    WarpSync { mask: Operand },
    /// `mma.sync.aligned…`: d = a·b + c; `satfinite` for integers.
    Mma { shape: MmaShape, satfinite: bool, dsts: Vec<Reg>, a: Vec<Reg>, b: Vec<Reg>, c: Vec<Reg> },
    /// The same on integers, bits and f64 in other forms; `satfinite` for integers.
    MmaForm { form: MmaForm, satfinite: bool, dsts: Vec<Reg>, a: Vec<Reg>, b: Vec<Reg>, c: Vec<Reg> },
    /// `movmatrix.sync.aligned.m8n8.trans.b16 dst, src`
    MoveMatrix { dst: Reg, src: Reg },
    /// `stmatrix.sync.aligned.m8n8.x{srcs.len()}{.trans}.shared.b16 [address], {srcs}`
    StMatrix { transpose: bool, srcs: Vec<Reg>, address: Address },
    /// `elect.sync dst|pred, mask`: one of the lanes, its number in `dst`.
    Elect { dst: Reg, pred: Reg, mask: Operand },

    // Block and control.
    /// `griddepcontrol.wait` (or `.launch_dependents`): between grids that one launch after another lets overlap.
    GridDependency { waits: bool },
    /// `bar.sync id{, threads}` (`barrier.sync` without the promise of convergence when not `aligned`).
    BarrierSync { aligned: bool, id: Operand, threads: Option<Operand> },
    /// `bar.arrive id, threads`
    BarrierArrive { aligned: bool, id: Operand, threads: Operand },
    /// `bar.red.popc.u32 dst, id{, threads}, {!}src`, with `and` and `or` on predicates: a barrier that combines `src` over its threads.
    BarrierReduce {
        aligned: bool,
        op: BarrierOp,
        dst: Reg,
        id: Operand,
        threads: Option<Operand>,
        src: Reg,
        negate: bool,
    },
    /// `mbarrier.init{.shared}.b64 [address], count`: a barrier in shared memory whose phases end after `count` arrivals.
    MbarrierInit { space: Space, address: Address, count: Operand },
    /// `mbarrier.inval{.shared}.b64 [address]`
    MbarrierInvalidate { space: Space, address: Address },
    /// `mbarrier.arrive{_drop}{.noComplete}{.shared}.b64 state, [address]{, count}`: one arrival, or `count`; who `drops` does not take part in later phases.
    MbarrierArrive {
        space: Space,
        drops: bool,
        no_complete: bool,
        state: Reg,
        address: Address,
        count: Option<Operand>,
    },
    /// `mbarrier.{test,try}_wait{.parity}{.shared}.b64 dst, [address], phase{, time}`: whether the phase of a state, or that of a parity, has ended; what
    /// `tries` may wait for it, some time.
    MbarrierWait {
        space: Space,
        tries: bool,
        parity: bool,
        dst: Reg,
        address: Address,
        phase: Operand,
        time: Option<Operand>,
    },
    /// `mbarrier.pending_count.b64 dst, state`: the arrivals that were missing.
    MbarrierPendingCount { dst: Reg, state: Operand },
    /// `cp.async.mbarrier.arrive{.noinc}{.shared}.b64 [address]`: an arrival when the thread's copies so far are done, which is one more if it `increments`.
    CpAsyncMbarrierArrive { space: Space, increments: bool, address: Address },
    /// `brx.idx{.uni} index, {labels}`: to the label that `index` counts.
    BranchIndexed { uniform: bool, index: Reg, labels: Vec<Label> },
    /// `call{.uni} (results), function, (arguments)`, all of them parameters declared in the body.
    Call { uniform: bool, function: Symbol, results: Vec<LocalIndex>, arguments: Vec<LocalIndex> },
    /// `bra{.uni} label`
    Branch { uniform: bool, label: Label },
    /// `ret`
    Return,
    /// `exit`
    Exit,
    /// `trap`
    Trap,
    /// `nanosleep.u32 duration`
    Nanosleep { duration: Operand },
}
