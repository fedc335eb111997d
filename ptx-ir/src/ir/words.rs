//! The words an instruction is made of besides its types: operations, roundings, comparisons, cache hints, orders and scopes.
//!
//! Each enum has `ALL`, `name` (the text that PTX uses, without the dot) and `from_name`.

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The text that PTX uses, without the dot.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The value that PTX calls `name`.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }
        }
    };
}

pub(super) use words;

words! {
    /// Rounding of a floating-point result; the `i` forms round to an integral value.
    Rounding {
        /// To nearest, ties to even.
        Nearest = "rn",
        /// Towards zero.
        Zero = "rz",
        /// Towards minus infinity.
        Down = "rm",
        /// Towards plus infinity.
        Up = "rp",
        /// To the nearest integer, ties to even.
        IntegerNearest = "rni",
        /// To an integer, towards zero.
        IntegerZero = "rzi",
        /// To an integer, towards minus infinity.
        IntegerDown = "rmi",
        /// To an integer, towards plus infinity.
        IntegerUp = "rpi",
    }
}

words! {
    /// Operations on one operand. `Rcp` to `Tanh` are the `.approx` forms on f32.
    UnaryOp {
        /// Negation.
        Neg = "neg",
        /// Absolute value.
        Abs = "abs",
        /// Bitwise complement (logical on predicates).
        Not = "not",
        /// Count of one bits; the result is `b32`.
        PopulationCount = "popc",
        /// Count of leading zeros; the result is `b32`.
        LeadingZeros = "clz",
        /// Bits in reverse order.
        BitReverse = "brev",
        /// Place of the highest one bit that is not a sign; the result is `b32`, all ones if there is none.
        FindLeading = "bfind",
        /// By how much a value can be shifted left until its highest significant bit is at the top.
        FindLeadingShift = "bfind.shiftamt",
        /// 1 if all bits are zeros, else 0.
        LogicalNot = "cnot",
        /// 1 / a.
        Rcp = "rcp",
        /// Square root.
        Sqrt = "sqrt",
        /// 1 / square root.
        Rsqrt = "rsqrt",
        /// 2 to the a.
        Ex2 = "ex2",
        /// Logarithm to base 2.
        Lg2 = "lg2",
        /// Sine.
        Sin = "sin",
        /// Cosine.
        Cos = "cos",
        /// Hyperbolic tangent.
        Tanh = "tanh",
    }
}

words! {
    /// Operations on two operands.
    BinaryOp {
        /// Sum.
        Add = "add",
        /// Difference.
        Sub = "sub",
        /// Floating-point product; integers use [`Op::Mul`](super::Op::Mul).
        Mul = "mul",
        /// Quotient; on f32 the `.approx`, `.full` or rounded form by the instruction's fields.
        Div = "div",
        /// Remainder of integers.
        Rem = "rem",
        /// Smaller of two; a NaN operand gives the other one.
        Min = "min",
        /// Larger of two; a NaN operand gives the other one.
        Max = "max",
        /// Bitwise and.
        And = "and",
        /// Bitwise or.
        Or = "or",
        /// Bitwise exclusive or.
        Xor = "xor",
        /// Left shift; amounts past the width give 0.
        Shl = "shl",
        /// Right shift, arithmetic for signed types; amounts are clamped to the width.
        Shr = "shr",
        /// `b` ones from bit `a` on, both at most 32; nothing from a bit past the top.
        BitMaskClamp = "bmsk.clamp",
        /// `b` ones from bit `a` on, both modulo 32.
        BitMaskWrap = "bmsk.wrap",
        /// The low `b` bits of `a`, at most 32, extended as the type has it.
        ExtendClamp = "szext.clamp",
        /// The low `b` bits of `a`, modulo 32, extended as the type has it.
        ExtendWrap = "szext.wrap",
        /// The magnitude of `b` with the sign of `a`.
        CopySign = "copysign",
    }
}

words! {
    /// Operations on three operands.
    TernaryOp {
        /// a·b + c with one rounding.
        Fma = "fma",
        /// Bit field extract: from `a`, starting at `b`, `c` bits.
        BitFieldExtract = "bfe",
        /// Byte permute of the pair (b, a) by selector `c`.
        BytePermute = "prmt",
        /// Left funnel shift of (b, a) by `c`, wrapping: the high word.
        FunnelLeft = "shf.l.wrap",
        /// Right funnel shift of (b, a) by `c`, wrapping: the low word.
        FunnelRight = "shf.r.wrap",
        /// Left funnel shift of (b, a) by `c`, at most 32.
        FunnelLeftClamp = "shf.l.clamp",
        /// Right funnel shift of (b, a) by `c`, at most 32.
        FunnelRightClamp = "shf.r.clamp",
        /// Place of the `|c|`th one bit of `a` from bit `b` on, upwards or for a negative `c` downwards; all ones if there is none.
        FindNthSet = "fns",
        /// |a - b| + c.
        AbsoluteDifference = "sad",
        /// Sum of four byte products and `c`, the first operand signed, the second not.
        Dp4aSignedUnsigned = "dp4a.s32.u32",
        /// Sum of four byte products and `c`, the first operand unsigned, the second signed.
        Dp4aUnsignedSigned = "dp4a.u32.s32",
        /// Sum of four byte products and `c`, both operands signed.
        Dp4aSigned = "dp4a.s32",
        /// Sum of four byte products and `c`, both operands unsigned.
        Dp4aUnsigned = "dp4a.u32",
    }
}

words! {
    /// How the selector of `prmt` chooses bytes of the pair (b, a) where it is no list of bytes.
    PermuteMode {
        /// Four bytes upwards from one of `a`.
        Forward4 = "f4e",
        /// Four bytes downwards, from one of `a`, around the pair.
        Backward4 = "b4e",
        /// One byte of `a` four times.
        Replicate8 = "rc8",
        /// The bytes of `a`, those below one replaced by it.
        EdgeLeft = "ecl",
        /// The bytes of `a`, those above one replaced by it.
        EdgeRight = "ecr",
        /// One half of `a` twice.
        Replicate16 = "rc16",
    }
}

words! {
    /// Which part of an integer product is kept.
    MulPart {
        /// The low half.
        Lo = "lo",
        /// The high half.
        Hi = "hi",
        /// All of it, twice as wide.
        Wide = "wide",
    }
}

words! {
    /// Comparisons. The unordered forms are true when an operand is NaN.
    Compare {
        /// Equal.
        Eq = "eq",
        /// Not equal.
        Ne = "ne",
        /// Less.
        Lt = "lt",
        /// Less or equal.
        Le = "le",
        /// Greater.
        Gt = "gt",
        /// Greater or equal.
        Ge = "ge",
        /// Equal or unordered.
        Equ = "equ",
        /// Not equal or unordered.
        Neu = "neu",
        /// Less or unordered.
        Ltu = "ltu",
        /// Less, equal or unordered.
        Leu = "leu",
        /// Greater or unordered.
        Gtu = "gtu",
        /// Greater, equal or unordered.
        Geu = "geu",
        /// Neither is NaN.
        Num = "num",
        /// Either is NaN.
        Nan = "nan",
    }
}

words! {
    /// What is asked about a float.
    FloatTest {
        /// Neither infinite nor NaN.
        Finite = "finite",
        /// Infinite.
        Infinite = "infinite",
        /// A number, infinities included.
        Number = "number",
        /// NaN.
        NotANumber = "notanumber",
        /// Neither subnormal, infinite nor NaN; a zero is normal.
        Normal = "normal",
        /// Subnormal; a zero is not.
        Subnormal = "subnormal",
    }
}

words! {
    /// How `bar.red` combines the threads' predicates.
    BarrierOp {
        /// How many are true.
        PopulationCount = "popc",
        /// Whether all are.
        And = "and",
        /// Whether one is.
        Or = "or",
    }
}

words! {
    /// How a comparison combines with a predicate.
    BoolOp {
        /// Both.
        And = "and",
        /// Either.
        Or = "or",
        /// Exactly one.
        Xor = "xor",
    }
}

words! {
    /// Cache hint of a load or store.
    Cache {
        /// No hint.
        Default = "",
        /// Read-only data through the texture path (`ld.global.nc`).
        NonCoherent = "nc",
        /// Cache at all levels.
        All = "ca",
        /// Cache in L2 only.
        Global = "cg",
        /// Streaming: likely used once.
        Streaming = "cs",
        /// Last use.
        LastUse = "lu",
        /// Volatile to the cache: fetch again.
        Volatile = "cv",
        /// Write back.
        WriteBack = "wb",
        /// Write through.
        WriteThrough = "wt",
        /// Read-only data at one address for the whole warp (`ldu`, an instruction of its own).
        Uniform = "ldu",
    }
}

words! {
    /// What L1 should do with a line that a load or store brings (`.L1::…`), or a priority of a `createpolicy` (`.L2::…`).
    EvictionPriority {
        /// As everything else; no hint on a load or store.
        Normal = "evict_normal",
        /// Keep for long.
        EvictLast = "evict_last",
        /// Drop first.
        EvictFirst = "evict_first",
        /// Leave the priority as it is.
        Unchanged = "evict_unchanged",
        /// Do not allocate.
        NoAllocate = "no_allocate",
    }
}

words! {
    /// Memory order of a load.
    LoadOrder {
        /// An ordinary load.
        Weak = "",
        /// Never cached or merged.
        Volatile = "volatile",
        /// Morally strong, no ordering.
        Relaxed = "relaxed",
        /// Orders what follows.
        Acquire = "acquire",
        /// Relaxed, and made exactly as often as it stands there: for registers of devices.
        Mmio = "mmio.relaxed",
    }
}

words! {
    /// Memory order of a store.
    StoreOrder {
        /// An ordinary store.
        Weak = "",
        /// Never cached or merged.
        Volatile = "volatile",
        /// Morally strong, no ordering.
        Relaxed = "relaxed",
        /// Orders what came before.
        Release = "release",
        /// Relaxed, and made exactly as often as it stands there: for registers of devices.
        Mmio = "mmio.relaxed",
    }
}

words! {
    /// Where `prefetch` brings a line.
    PrefetchLevel {
        /// To the multiprocessor's cache.
        L1 = "L1",
        /// To the device's cache.
        L2 = "L2",
        /// To the device's cache, to be kept for long.
        L2EvictLast = "L2::evict_last",
        /// To the device's cache, to be kept as everything else.
        L2EvictNormal = "L2::evict_normal",
    }
}

words! {
    /// Memory order of an atomic or a fence.
    FenceOrder {
        /// No ordering (atomics only).
        Relaxed = "relaxed",
        /// Acquire (atomics only).
        Acquire = "acquire",
        /// Release (atomics only).
        Release = "release",
        /// Acquire and release.
        AcqRel = "acq_rel",
        /// Sequentially consistent (fences only).
        SeqCst = "sc",
    }
}

words! {
    /// The threads among which an ordered access is ordered.
    Scope {
        /// The block.
        Cta = "cta",
        /// The cluster.
        Cluster = "cluster",
        /// The device.
        Gpu = "gpu",
        /// Every device and the host.
        Sys = "sys",
    }
}

words! {
    /// Read-modify-write operations; also the operations of `redux.sync`.
    AtomicOp {
        /// Sum.
        Add = "add",
        /// Smaller.
        Min = "min",
        /// Larger.
        Max = "max",
        /// Bitwise and.
        And = "and",
        /// Bitwise or.
        Or = "or",
        /// Bitwise exclusive or.
        Xor = "xor",
        /// Exchange.
        Exchange = "exch",
        /// Compare and swap.
        CompareSwap = "cas",
        /// Increment, wrapping to 0 past the operand.
        Increment = "inc",
        /// Decrement, wrapping to the operand below 0.
        Decrement = "dec",
    }
}

words! {
    /// How a shuffle picks the source lane.
    ShuffleMode {
        /// Own lane minus the offset.
        Up = "up",
        /// Own lane plus the offset.
        Down = "down",
        /// Own lane exclusive-or the mask.
        Butterfly = "bfly",
        /// The lane given.
        Index = "idx",
    }
}

words! {
    /// What a vote answers.
    VoteMode {
        /// True if the predicate is true in all named lanes.
        All = "all",
        /// True if it is true in any.
        Any = "any",
        /// True if all agree.
        Uniform = "uni",
        /// The mask of lanes where it is true.
        Ballot = "ballot",
    }
}

words! {
    /// Pairs of 8-bit floats.
    Fp8Pair {
        /// Four bits of exponent and three of fraction: no infinities, up to 448.
        E4M3 = "e4m3x2",
        /// Five bits of exponent and two of fraction, as the upper half of an f16.
        E5M2 = "e5m2x2",
    }
}
