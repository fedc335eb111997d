//! Loads and stores all of whose lanes stay inside one allocation or inside shared memory: most of them.
//!
//! They do what [`access`](super::access) does lane by lane, with one look at the addresses instead of 32.

use super::access::words_of;
use super::scene::Scene;
use super::unwritten::Gaps;
use super::warp::Warp;
use super::{ALL, LANES};
use crate::decode::{Access, WideLanes, Window};
use crate::memory::Allocation;
use crate::memory::shared::{Actor, How};
use crate::report::{Action, Location};

/// The elements of each lane, of which an access has up to four.
pub(super) type Elements = [WideLanes; 4];

/// What some lanes access: `elements` elements at each address.
#[derive(Clone, Copy)]
pub(super) struct Extent<'a> {
    pub(super) window: Window,
    pub(super) access: Access,
    pub(super) elements: usize,
    pub(super) addresses: &'a WideLanes,
    pub(super) lanes: u32,
    /// Whether all lanes access elements of whole words, one after the other.
    pub(super) is_run: bool,
}

/// Memory that all lanes access.
enum Place<'l> {
    Shared,
    /// The allocation, and what an address is more than the offset in it.
    Global(&'l Allocation, u64),
}

impl Extent<'_> {
    #[expect(clippy::cast_possible_truncation, reason = "at most four elements")]
    const fn bytes(&self) -> u32 {
        self.access.element_bytes * self.elements as u32
    }

    fn lanes(&self) -> impl Iterator<Item = usize> + use<> {
        let lanes = self.lanes;
        (0..LANES as usize).filter(move |lane| lanes >> lane & 1 == 1)
    }

    /// The lowest address, the end of the highest element, and all bits that any address has.
    fn bounds(&self) -> (u64, u64, u64) {
        if self.is_run {
            let start = self.addresses[0];
            return (start, start.saturating_add(32 * u64::from(self.bytes())), 0);
        }
        let (mut least, mut greatest, mut bits) = (u64::MAX, 0, 0);
        if self.lanes == ALL {
            for address in self.addresses {
                least = least.min(*address);
                greatest = greatest.max(*address);
                bits |= address;
            }
        } else {
            for lane in self.lanes() {
                let address = self.addresses[lane];
                least = least.min(address);
                greatest = greatest.max(address);
                bits |= address;
            }
        }
        (least, greatest.saturating_add(u64::from(self.bytes())), bits)
    }

    /// The one place that all lanes access, if that can be.
    fn place<'l>(&self, scene: &Scene<'l>) -> Option<Place<'l>> {
        let (start, end, bits) = self.bounds();
        if bits & u64::from(self.bytes() - 1) != 0 {
            return None;
        }
        match self.window {
            Window::Shared => {
                (!scene.watches_shared() && end <= u64::from(scene.shared.bytes())).then_some(Place::Shared)
            }
            Window::Global => {
                let length = u32::try_from(end.checked_sub(start)?).ok()?;
                let (allocation, offset) = scene.context.view.locate(start, length, 1).ok()?;
                Some(Place::Global(allocation, start - offset))
            }
            Window::Local | Window::Generic => None,
        }
    }

    /// Whether no two lanes touch the same byte, seen from their order.
    fn is_apart(&self) -> bool {
        let bytes = u64::from(self.bytes());
        let mut end = 0;
        self.lanes().all(|lane| {
            let is_behind = self.addresses[lane] >= end;
            end = self.addresses[lane] + bytes;
            is_behind
        })
    }

    /// Loads the elements. `false` if this is not such an access.
    pub(super) fn load(
        &self,
        warp: &Warp,
        scene: &mut Scene<'_>,
        pc: u32,
        (values, gaps): (&mut Elements, &mut Gaps),
    ) -> bool {
        let mut actor = warp.actor(0, pc);
        let first = actor.thread;
        match self.place(scene) {
            None => return false,
            Some(Place::Shared) => {
                for lane in self.lanes() {
                    actor.thread = first + thread(lane);
                    let whole = self.load_whole(scene, lane, &actor);
                    for (index, values) in values.iter_mut().enumerate().take(self.elements) {
                        let (value, unwritten) = whole.map_or_else(
                            || self.load_shared(scene, lane, index, &actor),
                            |whole| (self.cut(whole, index), 0),
                        );
                        values[lane] = self.access.extend(value);
                        gaps.note(number(index), number(lane), unwritten, || Location::Shared {
                            offset: self.part(lane, index),
                        });
                    }
                }
            }
            Some(Place::Global(allocation, shift)) => {
                let start = self.addresses[self.lanes.trailing_zeros() as usize % 32];
                let is_watched = scene.watches_device(start);
                if is_watched && scene.watches_shared() {
                    return false;
                }
                let element = self.access.element_bytes;
                if self.is_run && self.load_run(values, |words| allocation.load_words(start - shift, words)) {
                    if is_watched {
                        let action = (Action::Read(self.bytes()), self.access.is_constant);
                        self.watch(scene, actor, action, None);
                    }
                    return true;
                }
                for (index, values) in values.iter_mut().enumerate().take(self.elements) {
                    for lane in self.lanes() {
                        let offset = self.addresses[lane] - shift + index as u64 * u64::from(element);
                        let (value, unwritten) = allocation.load(offset, element);
                        values[lane] = self.access.extend(value);
                        gaps.note(number(index), number(lane), unwritten, || Location::of_device(offset + shift));
                    }
                }
                if is_watched {
                    let action = (Action::Read(self.bytes()), self.access.is_constant);
                    self.watch(scene, actor, action, None);
                }
            }
        }
        true
    }

    /// Stores the elements. `false` if this is not such an access.
    pub(super) fn store(&self, warp: &Warp, scene: &mut Scene<'_>, pc: u32, values: &Elements) -> bool {
        let mut actor = warp.actor(0, pc);
        let first = actor.thread;
        match self.place(scene) {
            None => return false,
            Some(Place::Shared) => {
                for lane in self.lanes() {
                    actor.thread = first + thread(lane);
                    if self.store_whole(scene, lane, values, &actor) {
                        continue;
                    }
                    for (index, values) in values.iter().enumerate().take(self.elements) {
                        self.store_shared(scene, lane, index, values[lane], &actor);
                    }
                }
            }
            Some(Place::Global(allocation, shift)) => {
                let start = self.addresses[self.lanes.trailing_zeros() as usize % 32];
                let is_watched = scene.watches_device(start);
                if scene.context.view.is_constant(start)
                    || (is_watched && (scene.watches_shared() || !(self.is_run || self.is_apart())))
                {
                    return false;
                }
                if is_watched {
                    let action = (Action::Write(self.bytes()), false);
                    self.watch(scene, actor, action, Some(values));
                }
                if self.is_run && self.store_run(values, |words| allocation.store_words(start - shift, words)) {
                    return true;
                }
                let element = self.access.element_bytes;
                for lane in self.lanes() {
                    for (index, values) in values.iter().enumerate().take(self.elements) {
                        let offset = self.addresses[lane] - shift + index as u64 * u64::from(element);
                        allocation.store(offset, element, values[lane]);
                    }
                }
            }
        }
        true
    }

    /// Looks at accesses to device memory, which do not overlap if they are writes.
    fn watch(&self, scene: &mut Scene<'_>, actor: Actor, action: (Action, bool), stored: Option<&Elements>) {
        if self.is_run {
            let mut words = [0; 128];
            let stored = words.get_mut(..8 * self.bytes() as usize).zip(stored).map(|(words, values)| {
                self.scatter(values, words);
                &*words
            });
            scene.watch_run((self.addresses[0], self.bytes()), actor, action, stored);
        } else {
            let element = self.access.element_bytes;
            let words = stored.map(|values| std::array::from_fn(|lane| words_of(lane, values, self.elements, element)));
            scene.watch_lanes((self.addresses, self.bytes()), self.lanes, actor, action, words.as_ref());
        }
    }

    /// The elements of lanes whose words stand one lane's after the other's.
    fn gather(&self, words: &[u32], values: &mut Elements) {
        let (each, wide) = (self.bytes() as usize / 4, self.access.element_bytes as usize / 4);
        for (index, values) in values.iter_mut().enumerate().take(self.elements) {
            for (value, words) in values.iter_mut().zip(words.chunks_exact(each)) {
                let low = u64::from(words[wide * index]);
                *value =
                    self.access.extend(if wide == 2 { low | u64::from(words[wide * index + 1]) << 32 } else { low });
            }
        }
    }

    /// The words of the elements, one lane's after the other's.
    #[expect(clippy::cast_possible_truncation, reason = "one word after the other")]
    fn scatter(&self, values: &Elements, words: &mut [u32]) {
        let (each, wide) = (self.bytes() as usize / 4, self.access.element_bytes as usize / 4);
        for (index, values) in values.iter().enumerate().take(self.elements) {
            for (value, words) in values.iter().zip(words.chunks_exact_mut(each)) {
                words[wide * index] = *value as u32;
                if wide == 2 {
                    words[2 * index + 1] = (*value >> 32) as u32;
                }
            }
        }
    }

    /// Loads a run of words. `false` if they have to be looked at one by one.
    fn load_run(&self, values: &mut Elements, load: impl FnOnce(&mut [u32]) -> bool) -> bool {
        let mut words = [0; 128];
        let Some(words) = words.get_mut(..8 * self.bytes() as usize) else { return false };
        let is_whole = load(words);
        if is_whole {
            self.gather(words, values);
        }
        is_whole
    }

    /// Stores a run of words. `false` if they have to be looked at one by one.
    fn store_run(&self, values: &Elements, store: impl FnOnce(&[u32]) -> bool) -> bool {
        let mut words = [0; 128];
        let Some(words) = words.get_mut(..8 * self.bytes() as usize) else { return false };
        self.scatter(values, words);
        store(words)
    }

    /// The words of an element in shared memory.
    #[inline]
    fn words(&self, lane: usize, index: usize) -> (usize, u32) {
        let words = self.access.element_bytes / 4;
        ((self.addresses[lane] / 4) as usize + index * words as usize, words)
    }

    /// Whether the elements are parts of words that are accessed as a whole: one thread's, for which it makes no difference.
    const fn is_of_whole_words(&self) -> bool {
        self.access.element_bytes < 4 && self.bytes().is_multiple_of(4)
    }

    /// An element of such words.
    #[expect(clippy::cast_possible_truncation, reason = "at most four elements")]
    const fn cut(&self, whole: u64, index: usize) -> u64 {
        let bits = 8 * self.access.element_bytes;
        whole >> (bits * index as u32) & ((1 << bits) - 1)
    }

    /// Such words, if it is plain to see that nothing is wrong with them.
    #[inline]
    fn load_whole(&self, scene: &mut Scene<'_>, lane: usize, actor: &Actor) -> Option<u64> {
        if !self.is_of_whole_words() {
            return None;
        }
        let first = (self.addresses[lane] / 4) as usize;
        (0..self.bytes() / 4).try_fold(0, |whole, word| {
            let found = scene.shared.read_quietly(first + word as usize, actor)?;
            Some(whole | u64::from(found) << (32 * word))
        })
    }

    /// Stores such words, if it is plain to see that nothing is wrong with that. Whether it did; what it has written, is written again if not.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "one word after the other")]
    fn store_whole(&self, scene: &mut Scene<'_>, lane: usize, values: &Elements, actor: &Actor) -> bool {
        if !self.is_of_whole_words() {
            return false;
        }
        let bits = 8 * self.access.element_bytes;
        let whole = (0u32..)
            .zip(values)
            .take(self.elements)
            .fold(0, |whole, (index, values)| whole | (values[lane] & ((1 << bits) - 1)) << (bits * index));
        let first = (self.addresses[lane] / 4) as usize;
        (0..self.bytes() / 4)
            .all(|word| scene.shared.write_quietly(first + word as usize, (whole >> (32 * word)) as u32, actor))
    }

    /// An element, and which of its bytes nobody has written.
    #[inline]
    fn load_shared(&self, scene: &mut Scene<'_>, lane: usize, index: usize, actor: &Actor) -> (u64, u8) {
        let element = self.access.element_bytes;
        if element < 4 {
            let (value, unwritten) = look(scene, self.part(lane, index), element, actor, element);
            return (value.into(), unwritten);
        }
        let (first, words) = self.words(lane, index);
        (0..words).fold((0, 0), |(value, unwritten), word| {
            let at = first + word as usize;
            let found = scene.shared.read_quietly(at, actor).map(|found| (found, 0));
            let (found, more) = found.unwrap_or_else(|| look(scene, offset(at), 4, actor, element));
            (value | u64::from(found) << (32 * word), unwritten | more << (4 * word))
        })
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "one word after the other")]
    fn store_shared(&self, scene: &mut Scene<'_>, lane: usize, index: usize, value: u64, actor: &Actor) {
        let element = self.access.element_bytes;
        if element < 4 {
            put(scene, self.part(lane, index), (element, value as u32), actor, element);
            return;
        }
        let (first, words) = self.words(lane, index);
        for word in 0..words {
            let at = first + word as usize;
            let part = (value >> (32 * word)) as u32;
            if !scene.shared.write_quietly(at, part, actor) {
                put(scene, offset(at), (4, part), actor, element);
            }
        }
    }

    /// Where an element lies that is less than a word.
    #[expect(clippy::cast_possible_truncation, reason = "shared memory is small")]
    fn part(&self, lane: usize, index: usize) -> u32 {
        self.addresses[lane] as u32 + index as u32 * self.access.element_bytes
    }
}

/// Reads at most a word of an element of so many bytes; and which of these nobody has written.
fn look(scene: &mut Scene<'_>, at: u32, bytes: u32, actor: &Actor, element: u32) -> (u32, u8) {
    let found = scene.shared.read(at, bytes, actor, How::Plain);
    if let Some(trouble) = found.trouble {
        scene.report_shared(trouble, at, Action::Read(element), *actor);
    }
    (found.value, found.unwritten)
}

/// Writes at most a word of an element of so many bytes.
fn put(scene: &mut Scene<'_>, at: u32, (bytes, value): (u32, u32), actor: &Actor, element: u32) {
    if let Some(trouble) = scene.shared.write(at, bytes, value, actor, How::Plain) {
        scene.report_shared(trouble, at, Action::Write(element), *actor);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a lane's number")]
const fn thread(lane: usize) -> u16 {
    lane as u16
}

#[expect(clippy::cast_possible_truncation, reason = "a lane's or an element's number")]
const fn number(index: usize) -> u32 {
    index as u32
}

/// The offset of a word of shared memory.
#[expect(clippy::cast_possible_truncation, reason = "shared memory is small")]
const fn offset(word: usize) -> u32 {
    4 * word as u32
}
