//! Handles that cannot be mistaken: an index and a generation, never a pointer that is trusted.

use crate::code::{Code, Result};

/// Objects behind handles. A handle that was removed, never given out or made up is told from a live one.
#[derive(Debug)]
pub(crate) struct Handles<T> {
    slots: Vec<Slot<T>>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u64,
    object: Option<T>,
}

/// Bits of a handle that hold the slot's number plus one.
const INDEX_BITS: u32 = 24;
/// Generations that fit above; a slot that has used them all is given up.
const GENERATIONS: u64 = 1 << 32;

impl<T> Handles<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// A new handle for `object`; never 0, 1 or 2, which the driver gives to its own streams.
    pub(crate) fn insert(&mut self, object: T) -> Result<u64> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.slots.push(Slot { generation: 1, object: None });
                self.slots.len() - 1
            }
        };
        if index + 1 >= 1 << INDEX_BITS {
            return Err(Code::OUT_OF_MEMORY);
        }
        let slot = self.slots.get_mut(index).ok_or(Code::UNKNOWN)?;
        slot.object = Some(object);
        Ok(slot.generation << INDEX_BITS | (index as u64 + 1))
    }

    /// The object behind `handle`.
    pub(crate) fn object(&self, handle: u64) -> Option<&T> {
        let slot = self.slots.get(Self::index(handle)?)?;
        if slot.generation == handle >> INDEX_BITS { slot.object.as_ref() } else { None }
    }

    /// Every object.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| slot.object.as_ref())
    }

    /// Takes the object away; the handle is dead for ever.
    pub(crate) fn remove(&mut self, handle: u64) -> Option<T> {
        let index = Self::index(handle)?;
        let slot = self.slots.get_mut(index)?;
        if slot.generation != handle >> INDEX_BITS {
            return None;
        }
        let object = slot.object.take()?;
        slot.generation += 1;
        if slot.generation < GENERATIONS {
            self.free.push(index);
        }
        Some(object)
    }

    /// Removes every object that `doomed` names.
    pub(crate) fn remove_if(&mut self, doomed: impl Fn(&T) -> bool) {
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if slot.object.as_ref().is_some_and(&doomed) {
                slot.object = None;
                slot.generation += 1;
                if slot.generation < GENERATIONS {
                    self.free.push(index);
                }
            }
        }
    }

    fn index(handle: u64) -> Option<usize> {
        usize::try_from(handle & ((1 << INDEX_BITS) - 1)).ok()?.checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::Handles;

    #[test]
    fn a_dead_handle_does_not_reach_the_object_that_took_its_slot() {
        let mut handles = Handles::new();
        let first = handles.insert("first").unwrap();
        assert_eq!(handles.remove(first), Some("first"));
        let second = handles.insert("second").unwrap();
        assert_ne!(first, second);
        assert_eq!(handles.object(first), None);
        assert_eq!(handles.remove(first), None);
        assert_eq!(handles.object(second), Some(&"second"));
        assert_eq!(handles.object(0), None);
        assert_eq!(handles.object(u64::MAX), None);
        handles.remove_if(|_| true);
        assert_eq!(handles.object(second), None);
    }
}
