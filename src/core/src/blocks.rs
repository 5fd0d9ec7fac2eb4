//! Blocks of AES, cells in the order of their blocks, and memory that is wiped.

use std::ops::{Deref, DerefMut};

use crate::border::wipe;
use crate::Error;

/// Bytes in a block of AES: FIPS 197.
pub const BLOCK: usize = 16;

/// Cells that are longer go to OpenSSL one by one: there a call's cost no longer matters.
pub const LONGEST: usize = 1024;

/// Blocks of the longest cell.
pub const BLOCKS: usize = LONGEST / BLOCK;

/// Bytes behind its output that `cryptography`'s `update_into` asks for.
pub const SPARE: usize = BLOCK - 1;

/// SIV's counter begins at V with bits 63 and 31 cleared, so it never carries beyond its low 32
/// bits. Here byte 0 of a block is the lowest.
const SIV_COUNTER: u128 = !(1 << 71 | 1 << 103);

/// What OpenSSL is asked for.
#[derive(Clone, Copy)]
pub enum Ask {
    /// AES of each block on its own, under the key of SIV's MAC, or the one key of GCM.
    First = 0,
    /// The same, under the key of SIV's counters.
    Second = 1,
    /// One cell sealed by an AEAD.
    Seal = 2,
    /// One cell opened.
    Open = 3,
}

/// OpenSSL under one key, through the caller: takes bytes, an IV, and where the result goes; tells
/// whether a cell is authentic.
pub type Aes<'a> = dyn FnMut(Ask, &[u8], &[u8], &mut [u8]) -> Result<bool, Error> + 'a;

/// Encrypt blocks, each on its own; `out` has `SPARE` bytes more.
pub fn ecb(aes: &mut Aes, half: Ask, blocks: &[u8], out: &mut [u8]) -> Result<(), Error> {
    if blocks.is_empty() || aes(half, blocks, &[], &mut out[..blocks.len() + SPARE])? {
        return Ok(());
    }
    Err(Error::Callback)
}

/// Bytes that are wiped when they are no longer needed.
#[derive(Default)]
pub struct Secret(Vec<u8>);

impl Secret {
    pub fn zeros(size: usize) -> Self {
        Secret(vec![0; size])
    }

    /// Make it this long at least; what is in it does not matter.
    pub fn reserve(&mut self, size: usize) {
        if self.0.len() < size {
            *self = Secret::zeros(size.next_power_of_two());
        }
    }

    /// Make it empty, with room for so many bytes: when it grows, no copy is left behind.
    pub fn begin(&mut self, size: usize) -> &mut Vec<u8> {
        if self.0.capacity() < size {
            *self = Secret(Vec::with_capacity(size));
        }
        self.0.clear();
        &mut self.0
    }
}

impl Deref for Secret {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Secret {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        let capacity = self.0.capacity();
        self.0.resize(capacity, 0);
        wipe(&mut self.0);
    }
}

/// A cell of a batch: where its bytes stand in the batch's data.
#[derive(Clone, Copy, Default)]
pub struct Cell {
    pub row: usize,
    pub start: usize,
    pub size: usize,
    /// Where what is made of it goes.
    pub out: usize,
}

impl Cell {
    /// Return how many blocks it fills, the last one in part.
    #[inline(always)]
    pub fn blocks(&self) -> usize {
        (self.size + BLOCK - 1) / BLOCK
    }

    /// Return one of its blocks, zeros behind its end.
    #[inline(always)]
    pub fn block(&self, data: &[u8], number: usize) -> u128 {
        let begin = self.start + number * BLOCK;
        let left = self.size.saturating_sub(number * BLOCK).min(BLOCK);
        match data.get(begin..begin + BLOCK) {
            Some(whole) if left == BLOCK => read(whole),
            Some(whole) => read(whole) & ((1 << (8 * left)) - 1),
            None => {
                let mut block = [0; BLOCK];
                block[..left].copy_from_slice(&data[begin..begin + left]);
                read(&block)
            }
        }
    }
}

/// Sort cells by falling number of blocks, an empty cell having one; `LONGEST` bytes at most.
/// Returns how many cells have more than 0, 1, 2, … blocks.
pub fn by_blocks(cells: &mut Vec<Cell>) -> Vec<usize> {
    let blocks = |cell: &Cell| cell.blocks().max(1);
    let mut counts = [0usize; BLOCKS + 2];
    for cell in cells.iter() {
        counts[blocks(cell)] += 1;
    }
    // Now the number of cells that have more blocks, which is where those with as many begin.
    let mut more = 0;
    for count in counts.iter_mut().rev() {
        more += *count;
        *count = more - *count;
    }
    let longer: Vec<usize> = counts.iter().copied().take_while(|count| *count > 0).collect();
    let mut sorted = vec![Cell::default(); cells.len()];
    for cell in cells.iter() {
        let place = &mut counts[blocks(cell)];
        sorted[*place] = *cell;
        *place += 1;
    }
    *cells = sorted;
    longer
}

/// Read a block; byte 0 is the lowest.
#[inline(always)]
pub fn read(bytes: &[u8]) -> u128 {
    u128::from_le_bytes(bytes.try_into().unwrap())
}

/// What batches of cells are worked on in.
#[derive(Default)]
pub struct Work {
    /// What is encrypted next.
    pub blocks: Secret,
    /// What was encrypted last.
    pub state: Secret,
    /// The key stream of each cell, one behind the other.
    pub stream: Secret,
    /// The first counter of each cell.
    pub counters: Secret,
    /// A tag for each cell.
    pub tags: Secret,
}

impl Work {
    /// Let the counters begin where SIV's do: RFC 5297, 2.5.
    pub fn begin_at_tags(&mut self, count: usize) {
        self.counters.reserve(count * BLOCK);
        let tags = self.tags.chunks_exact(BLOCK).take(count);
        for (tag, counter) in tags.zip(self.counters.chunks_exact_mut(BLOCK)) {
            counter.copy_from_slice(&(read(tag) & SIV_COUNTER).to_le_bytes());
        }
    }

    /// Let the counters begin where GCM's do: SP 800-38D, 7.1, step 2.
    pub fn begin_at_ivs<'a>(&mut self, ivs: impl ExactSizeIterator<Item = &'a [u8]>) {
        self.counters.reserve(ivs.len() * BLOCK);
        for (iv, counter) in ivs.zip(self.counters.chunks_exact_mut(BLOCK)) {
            counter[..12].copy_from_slice(iv);
            counter[12..].copy_from_slice(&1u32.to_be_bytes());
        }
    }

    /// Leave AES-CTR of each cell in `stream`, from its counter on: as many blocks as it has, and
    /// `more`. The counter is the last 32 bits, big endian: SP 800-38D, 6.2.
    pub fn count(
        &mut self, aes: &mut Aes, half: Ask, cells: &[Cell], more: usize,
    ) -> Result<(), Error> {
        let size = BLOCK * cells.iter().map(|cell| cell.blocks() + more).sum::<usize>();
        self.blocks.reserve(size);
        self.stream.reserve(size + SPARE);
        let mut blocks = self.blocks[..size].chunks_exact_mut(BLOCK);
        for (cell, counter) in cells.iter().zip(self.counters.chunks_exact(BLOCK)) {
            let low = u32::from_be_bytes(counter[12..].try_into().unwrap());
            for (number, block) in blocks.by_ref().take(cell.blocks() + more).enumerate() {
                block[..12].copy_from_slice(&counter[..12]);
                block[12..].copy_from_slice(&low.wrapping_add(number as u32).to_be_bytes());
            }
        }
        ecb(aes, half, &self.blocks[..size], &mut self.stream)
    }
}

/// Encrypt one block under the first key.
pub fn encrypt(aes: &mut Aes, block: [u8; BLOCK]) -> Result<[u8; BLOCK], Error> {
    let mut out = [0; BLOCK + SPARE];
    ecb(aes, Ask::First, &block, &mut out)?;
    Ok(out[..BLOCK].try_into().unwrap())
}

/// XOR a cell with its blocks of a key stream; what is written is whole blocks.
#[inline(always)]
pub fn xor(cell: &Cell, data: &[u8], stream: &[u8], out: &mut [u8]) {
    let blocks = cell.blocks();
    let (stream, out) = (&stream[..blocks * BLOCK], &mut out[..blocks * BLOCK]);
    let pairs = stream.chunks_exact(BLOCK).zip(out.chunks_exact_mut(BLOCK));
    for (number, (stream, out)) in pairs.enumerate() {
        out.copy_from_slice(&(cell.block(data, number) ^ read(stream)).to_le_bytes());
    }
}
