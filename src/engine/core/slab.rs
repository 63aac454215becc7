//! Where the state keeps its things: slots with small numbers, and maps from ids to those numbers.
//!
//! A slot's number is an accident of history and differs between an engine that ran through and one that was restored,
//! so no decision may depend on it. [`IdMap`] can therefore be asked but not iterated.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

use uuid::Uuid;

/// The number that stands for "no slot".
pub const NONE: u32 = u32::MAX;

/// Slots that are used again after their things are gone.
#[derive(Debug)]
pub struct Slab<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { slots: vec![], free: vec![] }
    }
}

impl<T> Slab<T> {
    /// Puts a thing into a free slot and gives the slot's number.
    pub fn insert(&mut self, value: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(value);
            return slot;
        }
        self.slots.push(Some(value));
        u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
    }

    /// Takes the thing out of a slot.
    pub fn remove(&mut self, slot: u32) -> Option<T> {
        let value = self.slots.get_mut(slot as usize)?.take();
        if value.is_some() {
            self.free.push(slot);
        }
        value
    }

    /// Looks into a slot.
    pub fn get(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// Every thing with its number, in the order of the numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.slots.iter().enumerate().filter_map(|(slot, value)| Some((u32::try_from(slot).ok()?, value.as_ref()?)))
    }

    /// The numbers in use.
    pub fn numbers(&self) -> Vec<u32> {
        self.iter().map(|(slot, _)| slot).collect()
    }

    /// How many things there are.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Makes room for so many more things.
    pub fn reserve(&mut self, more: usize) {
        self.slots.reserve(more);
    }
}

// Numbers are handed out by `insert` and forgotten before `remove`, so a wrong one is a defect of the core that must
// not go on silently; `check` and the simulation look for it.
impl<T> Index<u32> for Slab<T> {
    type Output = T;
    fn index(&self, slot: u32) -> &T {
        match &self.slots[slot as usize] {
            Some(value) => value,
            None => unreachable!("slot {slot} is empty"),
        }
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, slot: u32) -> &mut T {
        match &mut self.slots[slot as usize] {
            Some(value) => value,
            None => unreachable!("slot {slot} is empty"),
        }
    }
}

/// Mixes the bytes of an id. Ids are drawn by the engine itself, so nobody can aim at collisions, and the standard
/// hasher would bring a random key into a room that has no randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
    fn write_u64(&mut self, word: u64) {
        let mixed = u128::from(self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        // The two halves of the product are folded, so every bit of the id reaches the low bits of the hash.
        #[allow(clippy::cast_possible_truncation)]
        {
            self.0 = (mixed >> 64) as u64 ^ mixed as u64;
        }
    }
    fn write_usize(&mut self, _length: usize) {}
}

/// From ids of one kind to slots.
#[derive(Debug)]
pub struct IdMap<K> {
    map: HashMap<Uuid, u32, BuildHasherDefault<IdHasher>>,
    kind: PhantomData<K>,
}

impl<K> Default for IdMap<K> {
    fn default() -> Self {
        Self { map: HashMap::default(), kind: PhantomData }
    }
}

/// What an [`IdMap`] can be asked about.
pub trait Id: Copy {
    /// The bare id.
    fn bare(self) -> Uuid;
}

macro_rules! ids { ($($name:ident),+) => {$( impl Id for crate::domain::$name { fn bare(self) -> Uuid { self.0 } } )+} }
ids!(TaskId, AgentId, ExecutionId, NodeId);

impl<K: Id> IdMap<K> {
    /// The slot of an id.
    pub fn get(&self, id: K) -> Option<u32> {
        self.map.get(&id.bare()).copied()
    }
    /// Whether the id is known.
    pub fn contains(&self, id: K) -> bool {
        self.map.contains_key(&id.bare())
    }
    /// Makes an id known.
    pub fn insert(&mut self, id: K, slot: u32) {
        self.map.insert(id.bare(), slot);
    }
    /// Forgets an id.
    pub fn remove(&mut self, id: K) -> Option<u32> {
        self.map.remove(&id.bare())
    }
    /// How many ids are known.
    pub fn len(&self) -> usize {
        self.map.len()
    }
    /// Makes room for so many more.
    pub fn reserve(&mut self, more: usize) {
        self.map.reserve(more);
    }
}
