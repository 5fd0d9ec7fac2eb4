//! AES-SIV for many cells at once: RFC 5297, with one component of associated data.
//!
//! A ciphertext is V (16 bytes) ‖ encrypted cell.

use crate::blocks::{block, read, xor, Ask, Cell, Cipher, Secret, Work, BLOCK, LONGEST};
use crate::border::{wipe, Aes};
use crate::Error;

/// The counter begins at V with bits 63 and 31 cleared (RFC 5297, 2.5), so it never carries beyond
/// its low 32 bits. Here byte 0 of a block is the lowest.
const COUNTER: u128 = !(1 << 71 | 1 << 103);

/// AES-SIV under one key and context: what these XOR into the last two blocks of a cell, by the
/// bytes in the last one.
pub struct Siv {
    aes: Aes,
    last: [u128; BLOCK + 1],
    next_to_last: [u128; BLOCK + 1],
    short: [u128; BLOCK],
    /// V of each cell of the last batch.
    tags: Secret,
}

impl Siv {
    /// Prepare for a context; an empty one is one empty component, not none.
    pub fn new(context: &[u8], aes: Aes) -> Result<Self, Error> {
        let subkey = aes.encrypt([0; BLOCK])?;
        let complete = dbl(subkey);
        let padded = dbl(complete);
        let subkeys = [complete, padded];
        let zero = cmac(&[0; BLOCK], subkeys, aes)?;
        let prefix = xor_blocks(dbl(zero), cmac(context, subkeys, aes)?); // RFC 5297, 2.4: D
        let (last, tags) = ([0; BLOCK + 1], Secret::default());
        let mut siv = Siv { aes, last, next_to_last: last, short: [0; BLOCK], tags };
        for inside in 1..=BLOCK {
            // The prefix is XORed into the end: its first bytes reach into the block before.
            let (mut last, mut before) = ([0; BLOCK], [0; BLOCK]);
            last[..inside].copy_from_slice(&prefix[BLOCK - inside..]);
            before[inside..].copy_from_slice(&prefix[..BLOCK - inside]);
            let subkey = if inside == BLOCK { complete } else { padded };
            siv.last[inside] = read(&xor_blocks(pad(last, inside), subkey));
            siv.next_to_last[inside] = read(&before);
        }
        for size in 0..BLOCK {
            siv.short[size] = read(&xor_blocks(pad(dbl(prefix), size), complete));
        }
        Ok(siv)
    }

    /// Leave V of each cell in `tags`: RFC 5297, 2.4, the CMAC of the cell with the prefix XORed
    /// into its end. The cells advance together, a block in each round.
    fn synthesize(&mut self, cells: &[Cell], data: &[u8], work: &mut Work) -> Result<(), Error> {
        let (cells, longer) = by_blocks(cells);
        self.tags.reserve(cells.len() * BLOCK);
        work.reserve(cells.len());
        for (round, &count) in longer.iter().enumerate() {
            let states = work.made.chunks_exact(BLOCK);
            let blocks = work.blocks.chunks_exact_mut(BLOCK);
            for ((cell, state), out) in cells[..count].iter().zip(states).zip(blocks) {
                let mut block =
                    block(&data[cell.start..], cell.size, round) ^ self.mask(cell, round);
                if round > 0 {
                    block ^= read(state);
                }
                out.copy_from_slice(&block.to_le_bytes());
            }
            work.encrypt(self.aes, Ask::First, count)?;
            // Those that end here: later rounds write over them.
            let done = *longer.get(round + 1).unwrap_or(&0);
            let states = work.made.chunks_exact(BLOCK);
            for (cell, state) in cells[..count].iter().zip(states).skip(done) {
                self.tags[cell.out * BLOCK..][..BLOCK].copy_from_slice(state);
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn mask(&self, cell: &Cell, round: usize) -> u128 {
        let left = cell.size - round * BLOCK;
        if cell.size < BLOCK {
            self.short[cell.size]
        } else if left <= BLOCK {
            self.last[left]
        } else if left <= 2 * BLOCK {
            self.next_to_last[left - BLOCK]
        } else {
            0
        }
    }
}

impl Cipher for Siv {
    fn seal(
        &mut self, cells: &[Cell], data: &[u8], work: &mut Work, out: &mut [u8],
    ) -> Result<(), Error> {
        self.synthesize(cells, data, work)?;
        let tag = |number: usize| &self.tags[number * BLOCK..][..BLOCK];
        work.count(self.aes, Ask::Second, cells, 0, |number, _| read(tag(number)) & COUNTER)?;
        for (number, (cell, stream)) in work.streams(cells, 0).enumerate() {
            let out = &mut out[cell.out..];
            out[..BLOCK].copy_from_slice(tag(number));
            xor(&data[cell.start..], cell.size, stream, &mut out[BLOCK..]);
        }
        Ok(())
    }

    fn open(
        &mut self, cells: &[Cell], data: &[u8], work: &mut Work, out: &mut [u8],
    ) -> Result<Vec<bool>, Error> {
        let tag = |cell: &Cell| read(&data[cell.start..][..BLOCK]);
        work.count(self.aes, Ask::Second, cells, 0, |_, cell| tag(cell) & COUNTER)?;
        for (cell, stream) in work.streams(cells, 0) {
            xor(&data[cell.start + BLOCK..], cell.size, stream, &mut out[cell.out..]);
        }
        let opened: Vec<Cell> =
            cells.iter().map(|cell| Cell { start: cell.out, ..*cell }).collect();
        self.synthesize(&opened, out, work)?;
        let pairs = cells.iter().zip(self.tags.chunks_exact(BLOCK));
        Ok(pairs.map(|(cell, synthesized)| tag(cell) == read(synthesized)).collect())
    }
}

impl Drop for Siv {
    fn drop(&mut self) {
        wipe(&mut self.last);
        wipe(&mut self.next_to_last);
        wipe(&mut self.short);
    }
}

/// Sort cells by falling number of blocks, an empty cell having one; `out` is then where each stood
/// before. Returns also how many have more than 0, 1, 2, … blocks.
fn by_blocks(cells: &[Cell]) -> (Vec<Cell>, Vec<usize>) {
    let blocks = |cell: &Cell| cell.blocks().max(1);
    let mut counts = [0; LONGEST / BLOCK + 2];
    for cell in cells {
        counts[blocks(cell)] += 1;
    }
    // Now the number of cells that have more blocks, which is where those with as many begin.
    let mut more = 0;
    for count in counts.iter_mut().rev() {
        more += *count;
        *count = more - *count;
    }
    let longer = counts.iter().copied().take_while(|count| *count > 0).collect();
    let mut sorted = vec![Cell::default(); cells.len()];
    for (number, cell) in cells.iter().enumerate() {
        let place = &mut counts[blocks(cell)];
        sorted[*place] = Cell { out: number, ..*cell };
        *place += 1;
    }
    (sorted, longer)
}

/// RFC 4493 for a constant of the key.
fn cmac(message: &[u8], subkeys: [Block; 2], aes: Aes) -> Result<Block, Error> {
    let whole = message.len().saturating_sub(1) / BLOCK * BLOCK;
    let (body, rest) = message.split_at(whole);
    let mut state = [0; BLOCK];
    for block in body.chunks_exact(BLOCK) {
        state = aes.encrypt(xor_blocks(state, block.try_into().unwrap()))?;
    }
    let mut last = [0; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    let subkey = subkeys[usize::from(rest.len() < BLOCK)];
    aes.encrypt(xor_blocks(state, xor_blocks(pad(last, rest.len()), subkey)))
}

type Block = [u8; BLOCK];

/// Doubling in GF(2^128): RFC 5297, 2.3.
fn dbl(block: Block) -> Block {
    let value = u128::from_be_bytes(block);
    ((value << 1) ^ (0x87 * (value >> 127))).to_be_bytes()
}

/// XOR the padding's bit behind so many bytes: RFC 4493, 2.4.
fn pad(mut block: Block, inside: usize) -> Block {
    if inside < BLOCK {
        block[inside] ^= 0x80;
    }
    block
}

fn xor_blocks(one: Block, other: Block) -> Block {
    (u128::from_ne_bytes(one) ^ u128::from_ne_bytes(other)).to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_as_in_the_rfc() {
        // RFC 5297, appendix A.1.
        let once = 0x0e04dfafc1efbf040140582859bf073a_u128.to_be_bytes();
        assert_eq!(u128::from_be_bytes(dbl(once)), 0x1c09bf5f83df7e080280b050b37e0e74);
        let carrying = 0xedf09de876c642ee4d78bce4ceedfc4f_u128.to_be_bytes();
        assert_eq!(u128::from_be_bytes(dbl(carrying)), 0xdbe13bd0ed8c85dc9af179c99ddbf819);
    }
}
