//! Blocks of AES, cells and their key streams, and memory that is wiped.

use std::ops::{Deref, DerefMut};

use crate::border::{wipe, Aes};
use crate::Result;

/// Bytes in a block of AES: FIPS 197.
pub const BLOCK: usize = 16;

/// Cells that are longer go to OpenSSL one by one: there a call's cost no longer matters.
pub const LONGEST: usize = 1024;

/// Bytes behind its output that `cryptography`'s `update_into` asks for.
const SPARE: usize = BLOCK - 1;

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

impl Aes {
    /// Encrypt one block under the first key; byte 0 is the highest.
    pub fn encrypt(self, block: u128) -> Result<u128> {
        let mut out = [0; BLOCK + SPARE];
        self.ask(Ask::First, &block.to_be_bytes(), &[], &mut out)?;
        Ok(read(&out[..BLOCK]).swap_bytes())
    }
}

/// Encrypts and decrypts cells of at most `LONGEST` bytes under one key and context.
pub trait Cipher {
    /// Encrypt cells: an IV stands at each `out` if the mode has one, and the rest goes behind it.
    fn seal(&mut self, cells: &[Cell], data: &[u8], out: &mut [u8]) -> Result;

    /// Decrypt cells, which begin with V or the IV, and tell which of them are authentic.
    fn open(&mut self, cells: &[Cell], data: &[u8], out: &mut [u8]) -> Result<Vec<bool>>;
}

/// Bytes that are wiped when they are no longer needed.
#[derive(Default)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Make it this long at least; what is in it does not matter.
    pub fn reserve(&mut self, size: usize) {
        if self.0.len() < size {
            *self = Secret(vec![0; size + size / 8]);
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

/// A cell of a batch.
#[derive(Clone, Copy, Default)]
pub struct Cell {
    /// Its number.
    pub row: usize,
    /// Where it begins, encrypted or not, and where what is made of it goes.
    pub start: usize,
    pub out: usize,
    /// Bytes that it has when it is not encrypted.
    pub size: usize,
}

impl Cell {
    /// Return how many blocks it fills, the last one in part.
    #[inline(always)]
    pub fn blocks(&self) -> usize {
        (self.size + BLOCK - 1) / BLOCK
    }
}

/// Return one of the blocks of the first `size` bytes, zeros behind these; byte 0 is the lowest.
#[inline(always)]
pub fn block(bytes: &[u8], size: usize, number: usize) -> u128 {
    let begin = number * BLOCK;
    let left = size.saturating_sub(begin).min(BLOCK);
    match bytes.get(begin..begin + BLOCK) {
        Some(whole) if left == BLOCK => read(whole),
        Some(whole) => read(whole) & ((1 << (8 * left)) - 1),
        None => {
            let mut block = [0; BLOCK];
            block[..left].copy_from_slice(&bytes[begin..begin + left]);
            read(&block)
        }
    }
}

/// Read a block; byte 0 is the lowest.
#[inline(always)]
pub fn read(bytes: &[u8]) -> u128 {
    u128::from_le_bytes(bytes.try_into().unwrap())
}

/// XOR the first `size` bytes with a key stream; what is written is whole blocks.
#[inline(always)]
pub fn xor(bytes: &[u8], size: usize, stream: &[u8], out: &mut [u8]) {
    let end = (size + BLOCK - 1) / BLOCK * BLOCK;
    let pairs = stream[..end].chunks_exact(BLOCK).zip(out[..end].chunks_exact_mut(BLOCK));
    for (number, (stream, out)) in pairs.enumerate() {
        out.copy_from_slice(&(block(bytes, size, number) ^ read(stream)).to_le_bytes());
    }
}

/// What batches of cells are worked on in, under one key.
pub struct Work {
    aes: Aes,
    /// What is encrypted next, and what was encrypted last.
    pub blocks: Secret,
    pub made: Secret,
}

impl Work {
    pub fn new(aes: Aes) -> Self {
        Work { aes, blocks: Secret::default(), made: Secret::default() }
    }

    /// Make room for so many blocks.
    pub fn reserve(&mut self, blocks: usize) {
        self.blocks.reserve(blocks * BLOCK);
        self.made.reserve(blocks * BLOCK + SPARE);
    }

    /// Encrypt so many blocks, each on its own.
    pub fn encrypt(&mut self, half: Ask, blocks: usize) -> Result {
        let size = blocks * BLOCK;
        if size > 0 {
            self.aes.ask(half, &self.blocks[..size], &[], &mut self.made[..size + SPARE])?;
        }
        Ok(())
    }

    /// Make AES-CTR of each cell, from its first counter on: as many blocks as it has, and `more`.
    /// The counter is the last 32 bits, big endian: SP 800-38D, 6.2.
    pub fn count(
        &mut self, half: Ask, cells: &[Cell], more: usize, first: impl Fn(usize, &Cell) -> u128,
    ) -> Result {
        let total = cells.iter().map(|cell| cell.blocks() + more).sum();
        self.reserve(total);
        let mut blocks = self.blocks.chunks_exact_mut(BLOCK);
        for (number, cell) in cells.iter().enumerate() {
            let first = first(number, cell);
            let low = ((first >> 96) as u32).swap_bytes();
            for (block, counter) in blocks.by_ref().take(cell.blocks() + more).zip(0..) {
                let counter = u128::from(low.wrapping_add(counter).swap_bytes());
                block.copy_from_slice(&(first << 32 >> 32 | counter << 96).to_le_bytes());
            }
        }
        self.encrypt(half, total)
    }

    /// Return each cell with what `count` has made of it.
    pub fn streams<'a>(
        &'a self, cells: &'a [Cell], more: usize,
    ) -> impl Iterator<Item = (&'a Cell, &'a [u8])> + 'a {
        let mut rest = &self.made[..];
        cells.iter().map(move |cell| {
            let (stream, behind) = rest.split_at((cell.blocks() + more) * BLOCK);
            rest = behind;
            (cell, stream)
        })
    }
}
