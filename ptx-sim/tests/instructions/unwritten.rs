//! The law of values that nobody has written: what is not told does not matter. A kernel computes something of three values, some bits of which come out of
//! memory that nobody has written, and stores it. Filled with whatever bytes, that memory must not change a byte of which nothing was told; of instructions
//! that only move bits it must also change what was told.

use std::collections::BTreeSet;

use tilewright_ptx_sim::{Kind, Launch, Memory, Options, Profile, Program};

/// Instructions on the operands `%rd10` to `%rd12`, their low halves `%r10` to `%r12` (also `%f`), the low halves of those, `%h10` to `%h12`, and the
/// predicates `%p4` to `%p6`. The result is `%r20`; what is stored of it is as exact as can be.
const EXACT: &[&str] = &[
    "mov.b32 %r20, %r10;",
    "mov.b32 %r20, {%h10, %h11};",
    "mov.b64 %rd20, {%r10, %r11};\nmov.b64 {%r20, _}, %rd20;",
    "mov.b32 {%h13, %h14}, %r10;\ncvt.u32.u16 %r20, %h14;",
    "and.b32 %r20, %r10, %r11;",
    "or.b32 %r20, %r10, %r11;",
    "xor.b32 %r20, %r10, %r11;",
    "not.b32 %r20, %r10;",
    "mov.b32 %r20, %r10;\nand.b32 %r20, %r20, 0xff00ff;",
    "and.b64 %rd20, %rd10, %rd11;\ncvt.u32.u64 %r20, %rd20;",
    "and.b16 %h13, %h10, %h11;\ncvt.u32.u16 %r20, %h13;",
    "lop3.b32 %r20, %r10, %r11, %r12, 0xCA;",
    "lop3.b32 %r20, %r10, %r11, %r12, 0x96;",
    "lop3.b32 %r20, %r10, %r11, %r12, 0xEA;",
    "lop3.b32 %r20, %r10, %r11, %r12, 0x17;",
    "shl.b32 %r20, %r10, 7;",
    "shl.b32 %r20, %r10, 40;",
    "shr.u32 %r20, %r10, 9;",
    "shr.s32 %r20, %r10, 9;",
    "shr.s32 %r20, %r10, 99;",
    "shr.s64 %rd20, %rd10, 37;\ncvt.u32.u64 %r20, %rd20;",
    "bfe.u32 %r20, %r10, 5, 11;",
    "bfe.s32 %r20, %r10, 5, 11;",
    "bfe.s32 %r20, %r10, 25, 11;",
    "bfi.b32 %r20, %r10, %r11, 6, 13;",
    "prmt.b32 %r20, %r10, %r11, 0x7531;",
    "prmt.b32 %r20, %r10, %r11, 0x1f8c;",
    "prmt.b32.ecl %r20, %r10, %r11, 2;",
    "shf.l.wrap.b32 %r20, %r10, %r11, 13;",
    "shf.r.clamp.b32 %r20, %r10, %r11, 33;",
    "szext.clamp.s32 %r20, %r10, 11;",
    "brev.b32 %r20, %r10;",
    "cvt.u32.u8 %r20, %r10;",
    "cvt.s32.s8 %r20, %r10;",
    "cvt.s32.s16 %r20, %h10;",
    "cvt.u16.u32 %h13, %r10;\ncvt.u32.u16 %r20, %h13;",
    "cvt.s64.s32 %rd20, %r10;\nshr.u64 %rd20, %rd20, 24;\ncvt.u32.u64 %r20, %rd20;",
    "setp.ne.u32 %p1, %r1, 0;\nselp.b32 %r20, %r10, %r11, %p1;",
    "setp.eq.u32 %p1, %r1, 0;\nselp.b32 %r20, %r10, %r11, %p1;",
    "slct.b32.s32 %r20, %r10, %r11, -4;",
    "and.pred %p1, %p4, %p5;\nselp.b32 %r20, -1, 0, %p1;",
    "or.pred %p1, %p4, %p5;\nselp.b32 %r20, -1, 0, %p1;",
    "xor.pred %p1, %p4, %p5;\nselp.b32 %r20, -1, 0, %p1;",
    "not.pred %p1, %p4;\nselp.b32 %r20, -1, 0, %p1;",
    "mov.b32 %r20, 0;\nshfl.sync.idx.b32 %r20, %r10, 0, 31, 1;",
    "vote.sync.ballot.b32 %r20, %p4, 1;",
    "st.shared.b32 [%r2], 7;\nbar.sync 0;\nadd.u32 %r20, %r10, 1;\nmov.b32 %r20, %r10;",
];

/// The same, where more may be told than matters.
const CAUTIOUS: &[&str] = &[
    "mov.pred %p1, %p4;\nand.pred %p1, %p1, %p5;\nselp.b32 %r20, -1, 0, %p1;",
    "mov.b32 %r20, %r10;\nor.b32 %r20, %r11, %r20;",
    "add.u32 %r20, %r10, %r11;",
    "sub.u32 %r20, %r10, %r11;",
    "mul.lo.u32 %r20, %r10, %r11;",
    "mad.lo.s32 %r20, %r10, %r11, %r12;",
    "mul.hi.u32 %r20, %r10, %r11;",
    "mul.wide.u16 %r20, %h10, %h11;",
    "mad.wide.u32 %rd20, %r10, %r11, %rd12;\nshr.u64 %rd20, %rd20, 20;\ncvt.u32.u64 %r20, %rd20;",
    "add.u64 %rd20, %rd10, %rd11;\ncvt.u32.u64 %r20, %rd20;",
    "add.sat.s32 %r20, %r10, %r11;",
    "add.cc.u32 %r13, %r10, %r11;\naddc.u32 %r20, %r12, 0;",
    "min.s32 %r20, %r10, %r11;",
    "neg.s32 %r20, %r10;",
    "abs.s32 %r20, %r10;",
    "popc.b32 %r20, %r10;",
    "clz.b32 %r20, %r10;",
    "bfind.u32 %r20, %r10;",
    "dp4a.u32.u32 %r20, %r10, %r11, %r12;",
    "sad.u32 %r20, %r10, %r11, %r12;",
    "shl.b32 %r20, %r10, %r11;",
    "shr.u32 %r20, %r10, %r11;",
    "bfe.u32 %r20, %r10, %r11, %r12;",
    "bfi.b32 %r20, %r10, %r11, %r12, %r10;",
    "prmt.b32 %r20, %r10, %r11, %r12;",
    "prmt.b32 %r20, %r10, %r10, %r10;",
    "shf.l.wrap.b32 %r20, %r10, %r11, %r12;",
    "slct.b32.s32 %r20, %r10, %r11, %r12;",
    "selp.b32 %r20, %r10, %r11, %p4;",
    "mov.b32 %r20, %r11;\n@%p4 mov.b32 %r20, %r10;",
    "mov.b32 %r20, %r11;\n@!%p4 and.b32 %r20, %r10, %r20;",
    "setp.lt.u32 %p1, %r10, %r11;\nselp.b32 %r20, -1, 0, %p1;",
    "setp.eq.and.u32 %p1, %r10, %r11, %p4;\nselp.b32 %r20, -1, 0, %p1;",
    "setp.eq.or.u32 %p1, %r10, %r11, %p4;\nselp.b32 %r20, -1, 0, %p1;",
    "setp.lt.xor.s32 %p1, %r10, %r11, %p4;\nselp.b32 %r20, -1, 0, %p1;",
    "mov.pred %p1, %p4;\nsetp.lt.and.s32 %p1, %r10, %r11, %p1;\nselp.b32 %r20, -1, 0, %p1;",
    "setp.lt.and.s32 %p1|%p2, %r10, %r11, !%p4;\nselp.b32 %r20, -1, 0, %p1;\nselp.b32 %r20, 0xff00, %r20, %p2;",
    "set.lt.or.u32.s32 %r20, %r10, %r11, %p4;",
    "setp.lt.f32 %p1, %f10, %f11;\nselp.b32 %r20, -1, 0, %p1;",
    "add.f32 %f20, %f10, %f11;\nmov.b32 %r20, %f20;",
    "add.f16x2 %r20, %r10, %r11;",
    "fma.rn.f16x2 %r20, %r10, %r11, %r12;",
    "max.bf16x2 %r20, %r10, %r11;",
    "neg.f16x2 %r20, %r10;",
    "add.u16x2 %r20, %r10, %r11;",
    "cvt.rn.f16x2.f32 %r20, %f10, %f11;",
    "cvt.rn.f16.f32 %h13, %f10;\nmov.b32 %r20, {%h13, %h11};",
    "cvt.rn.satfinite.e4m3x2.f32 %h13, %f10, %f11;\ncvt.u32.u16 %r20, %h13;",
    "cvt.rn.satfinite.e5m2x2.f16x2 %h13, %r10;\ncvt.u32.u16 %r20, %h13;",
    "cvt.rn.f16x2.e4m3x2 %r20, %h10;",
    "cvt.pack.sat.s8.s32.b32 %r20, %r10, %r11, %r12;",
    "cvt.sat.s8.s32 %r20, %r10;",
    "cvt.rn.f32.u32 %f20, %r10;\nmov.b32 %r20, %f20;",
    "vote.sync.any.pred %p1, %p4, 1;\nselp.b32 %r20, -1, 0, %p1;",
    "match.any.sync.b32 %r20, %r10, 1;\nselp.b32 %r20, %r20, 0, %p4;",
    "redux.sync.or.b32 %r20, %r10, 1;",
    "@%p4 bra $over;\nmov.b32 %r11, 5;\n$over:\nmov.b32 %r20, %r11;",
    "and.b32 %r13, %r10, 28;\nadd.u32 %r13, %r2, %r13;\nst.shared.b32 [%r13], 1;\nld.shared.b32 %r20, [%r13];",
];

/// Where each operand is made: its bytes that are written, those that nobody has written, and which bits are which.
fn text(instruction: &str) -> String {
    let mut body = String::new();
    for (index, at) in [(10, 0), (11, 24), (12, 48)] {
        body += &format!(
            "ld.global.b64 %rd3, [%rd1+{at}];\nld.global.b64 %rd4, [%rd1+{}];\nld.global.b64 %rd5, [%rd1+{}];\n\
             and.b64 %rd4, %rd4, %rd5;\nnot.b64 %rd6, %rd5;\nand.b64 %rd3, %rd3, %rd6;\nor.b64 %rd{index}, %rd3, %rd4;\n\
             cvt.u32.u64 %r{index}, %rd{index};\ncvt.u16.u32 %h{index}, %r{index};\nmov.b32 %f{index}, %r{index};\n\
             and.b32 %r30, %r{index}, 1;\nsetp.ne.u32 %p{}, %r30, 0;\n",
            at + 8,
            at + 16,
            index - 6,
        );
    }
    body += instruction;
    for byte in 0..4 {
        body += &format!("\nshr.u32 %r21, %r20, {};\nst.global.u8 [%rd2+{byte}], %r21;", 8 * byte);
    }
    crate::support::kernel::text(&body)
}

struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ self.0 >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ mixed >> 32
    }

    /// Which bits are unwritten: none, all, some bytes, few.
    fn mask(&mut self) -> u64 {
        match self.word() % 6 {
            0 | 1 => 0,
            2 => u64::MAX,
            3 => self.word() & self.word() & self.word(),
            4 => 1 << (self.word() % 32),
            _ => (0..8).fold(0, |mask, byte| mask | if self.word().is_multiple_of(2) { 0 } else { 0xFF << (8 * byte) }),
        }
    }
}

/// Runs it. What was told of each byte that is stored, or of all of them; and the bytes.
fn run(program: &Program, text: &str, input: &[[u64; 3]; 3], fill: Option<&mut Random>) -> (BTreeSet<usize>, Vec<u8>) {
    let memory = Memory::new(1 << 12);
    let (given, out) = (memory.allocate(72).unwrap(), memory.allocate(4).unwrap());
    memory.fill(out, 0, 4).unwrap();
    let mut random = fill;
    for (operand, [written, _, mask]) in (0..).zip(input) {
        let at = given + 24 * operand;
        memory.write(at, &written.to_le_bytes()).unwrap();
        memory.write(at + 16, &mask.to_le_bytes()).unwrap();
        if let Some(random) = &mut random {
            memory.write(at + 8, &random.word().to_le_bytes()).unwrap();
        }
    }
    let launch = Launch { grid: [1, 1, 1], block: [1, 1, 1], dynamic_shared_bytes: 0 };
    let params = [given.to_le_bytes(), out.to_le_bytes()].concat();
    let outcome = program.launch(&memory, "kernel", launch, &params, &Options::DEFAULT).unwrap();
    let mut told = BTreeSet::new();
    for finding in &outcome.report.findings {
        assert_eq!(finding.kind, Kind::UninitialisedMemory, "{}", outcome.report);
        let place =
            (0..4).find(|byte| finding.accesses[1].instruction.starts_with(&format!("st.global.u8 [%rd2+{byte}]")));
        // Where a lane goes, and what it accesses, may change everything.
        told.extend(place.map_or(0..4, |byte| byte..byte + 1));
    }
    assert!(random.is_none() || told.is_empty(), "{text}");
    let mut bytes = vec![0; 4];
    memory.read(out, &mut bytes).unwrap();
    (told, bytes)
}

/// How many bytes were not told of, although something was unwritten.
fn check(instruction: &str, is_exact: bool) -> usize {
    let text = text(instruction);
    let program = Program::load(&text, Profile::Sm90).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut random = Random(instruction.len() as u64);
    let mut quiet = 0;
    for _ in 0..60 {
        let input = std::array::from_fn(|_| [random.word(), 0, random.mask()]);
        let told = run(&program, &text, &input, None).0;
        let mut seen = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
        for _ in 0..if is_exact { 24 } else { 8 } {
            let (_, bytes) = run(&program, &text, &input, Some(&mut random));
            seen.iter_mut().zip(bytes).for_each(|(seen, byte)| _ = seen.insert(byte));
        }
        let changing: BTreeSet<usize> = (0..4).filter(|byte| seen[*byte].len() > 1).collect();
        assert!(changing.is_subset(&told), "{changing:?} of {told:?} change with {input:x?} in {instruction}");
        assert!(
            !is_exact || changing == told,
            "{told:?} were told, {changing:?} change with {input:x?} in {instruction}"
        );
        quiet += if input.iter().all(|[.., mask]| *mask == 0) { 0 } else { 4 - told.len() };
    }
    quiet
}

#[test]
fn what_moves_bits_tells_of_those_that_matter_and_no_others() {
    for instruction in EXACT {
        assert!(check(instruction, true) > 0, "{instruction}");
    }
}

#[test]
fn what_is_not_told_does_not_matter() {
    for instruction in CAUTIOUS {
        check(instruction, false);
    }
}
