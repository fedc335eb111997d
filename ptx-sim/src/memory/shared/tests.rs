//! The law of the quick ways: whatever is accessed by lines or by whole warps, what is found and what is remembered is the same as word by word.

use super::*;

const WORDS: u32 = 512;
/// Threads of two warps, of which the second one's turns come later.
const WARPS: u32 = 2;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as u32) % limit
    }
}

/// What is done at once.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// By all lanes, so many words each, from a word on.
    Run { writes: bool, each: u32, word: u32 },
    /// `ldmatrix` of eight lines.
    Rows([u32; 8]),
    /// By one lane: bytes from an offset on.
    One { lane: u32, writes: bool, offset: u32, bytes: u32, how: How },
    /// All lanes begin copies of so many bytes, one behind the other.
    Begin { bytes: u32, offset: u32 },
    /// They end.
    Finish { bytes: u32, offset: u32 },
}

fn step(random: &mut Random) -> Step {
    // Often the same places, so that accesses meet.
    let start = random.below(3) * 128;
    let writes = random.below(2) == 0;
    match random.below(8) {
        0..=2 => {
            let each = 1 << random.below(3);
            let aside = if random.below(4) == 0 { random.below(3) * each } else { 0 };
            Step::Run { writes, each, word: start + aside }
        }
        3 => {
            let first = start / 4 + random.below(3) * 8;
            Step::Rows(std::array::from_fn(|row| if random.below(20) == 0 { first } else { first + row as u32 }))
        }
        4 => {
            let bytes = 1 << random.below(3);
            let how = if random.below(4) == 0 { How::Atomic } else { How::Plain };
            let offset = 4 * start + random.below(64) * bytes;
            Step::One { lane: random.below(32), writes, offset, bytes, how }
        }
        kind => {
            let bytes = if random.below(3) == 0 { 4 << random.below(2) } else { 16 };
            let offset = 4 * start;
            if kind == 5 { Step::Finish { bytes, offset } } else { Step::Begin { bytes, offset } }
        }
    }
}

/// Where, by whom, which bytes nobody has written, and what else is wrong.
type Found = Vec<(u32, u16, u8, Option<Trouble>)>;

/// Does a step, by the quick ways or word by word, as those do it that execute instructions.
fn take(shared: &mut Shared, step: Step, first: Actor, is_quick: bool) -> Found {
    let mut found = Vec::new();
    let of = |lane: u32| Actor { thread: first.thread + lane as u16, ..first };
    let mut note = |offset: u32, actor: Actor, unwritten: u8, trouble: Option<Trouble>| {
        if unwritten != 0 || trouble.is_some() {
            found.push((offset, actor.thread, unwritten, trouble));
        }
    };
    match step {
        Step::Run { writes, each, word } => {
            let at = word as usize;
            let is_done = is_quick
                && match (writes, each) {
                    (false, 1) => shared.read_run::<1>(at, &first).is_some(),
                    (false, 2) => shared.read_run::<2>(at, &first).is_some(),
                    (false, _) => shared.read_run::<4>(at, &first).is_some(),
                    (true, 1) => shared.write_run(at, &first, &[[7]; 32]).is_some(),
                    (true, 2) => shared.write_run(at, &first, &[[7; 2]; 32]).is_some(),
                    (true, _) => shared.write_run(at, &first, &[[7; 4]; 32]).is_some(),
                };
            for index in (0..32 * each).filter(|_| !is_done) {
                let (offset, actor) = (4 * (word + index), of(index / each));
                if writes {
                    note(offset, actor, 0, shared.write(offset, 4, 7, &actor, How::Plain));
                } else {
                    let Reading { unwritten, trouble, .. } = shared.read(offset, 4, &actor, How::Plain);
                    note(offset, actor, unwritten, trouble);
                }
            }
        }
        Step::Rows(lines) => {
            if is_quick && shared.read_rows_quietly(&lines.map(|line| u64::from(16 * line)), &first).is_some() {
                return found;
            }
            for (row, line) in (0u16..).zip(lines) {
                if is_quick && shared.read_row_quietly(16 * line, &first, 4 * row).is_some() {
                    continue;
                }
                for word in 0..4 {
                    for lane in [u32::from(4 * row) + word, (u32::from(4 * row) + word + 1) % 32] {
                        let offset = 16 * line + 4 * word;
                        let Reading { unwritten, trouble, .. } = shared.read(offset, 4, &of(lane), How::Plain);
                        note(offset, of(lane), unwritten, trouble);
                    }
                }
            }
        }
        Step::One { lane, writes, offset, bytes, how } => {
            let (actor, word) = (of(lane), offset as usize / 4);
            let may = is_quick && bytes == 4 && how == How::Plain;
            if may
                && if writes {
                    shared.write_quietly(word, 9, &actor)
                } else {
                    shared.read_quietly(word, &actor).is_some()
                }
            {
                return found;
            }
            if writes {
                note(offset, actor, 0, shared.write(offset, bytes, 9, &actor, how));
            } else {
                let Reading { unwritten, trouble, .. } = shared.read(offset, bytes, &actor, how);
                note(offset, actor, unwritten, trouble);
            }
        }
        Step::Begin { bytes, offset } => {
            for lane in 0..32 {
                let (at, actor) = (offset + lane * bytes, of(lane));
                if is_quick && bytes == 16 && shared.begin_line_quietly(at, &actor) {
                    continue;
                }
                note(at, actor, 0, shared.begin_copy(at, bytes, &actor));
            }
        }
        Step::Finish { bytes, offset } => {
            for lane in 0..32 {
                if is_quick && bytes == 16 {
                    shared.finish_line(offset + lane * bytes, &[5; 4], &of(lane));
                } else {
                    shared.finish_copy(offset + lane * bytes, &[5; 4][..bytes as usize / 4], &of(lane));
                }
            }
        }
    }
    found
}

/// Gives every word a cell of its own.
fn part(shared: &mut Shared) {
    for line in 0..shared.quads.len() {
        shared.cells(line);
    }
}

#[test]
fn lines_and_warps_are_the_same_as_words() {
    let mut random = Random(1);
    let (mut quick, mut plain) = (Shared::default(), Shared::default());
    let mut troubles = 0;
    for _ in 0..3000 {
        quick.start_block(4 * WORDS, true);
        plain.start_block(4 * WORDS, true);
        let mut turns = [0; WARPS as usize];
        let mut steps = Vec::new();
        // Mostly everything is written before it is read, and a barrier between.
        if random.below(4) > 0 {
            for shared in [&mut quick, &mut plain] {
                let first = Actor { thread: 0, turn: 0, pc: 0 };
                for word in (0..WORDS).step_by(128) {
                    take(shared, Step::Run { writes: true, each: 4, word }, first, false);
                }
                shared.end_epoch();
            }
        }
        for instance in 1..24 {
            match random.below(6) {
                0 | 1 => {
                    quick.end_epoch();
                    plain.end_epoch();
                }
                2 => turns[random.below(WARPS) as usize] += 1,
                _ => {}
            }
            let warp = random.below(WARPS);
            let first = Actor { thread: 32 * warp as u16, turn: turns[warp as usize], pc: instance };
            let step = step(&mut random);
            steps.push((first, step));
            let (found, expected) = (take(&mut quick, step, first, true), take(&mut plain, step, first, false));
            part(&mut plain);
            assert_eq!(found, expected, "{steps:#?}");
            assert_eq!(quick.words, plain.words);
            troubles += found.len();
        }
    }
    assert!(troubles > 10_000, "{troubles}");
}
