//! AES-SIV for many cells at once: RFC 5297, with one component of associated data.
//!
//! A ciphertext is V (16 bytes) ‖ encrypted cell.

use crate::blocks::{block, read, xor, Ask, Cell, Cipher, Secret, Work, BLOCK, LONGEST};
use crate::border::{wipe, Aes};
use crate::Result;

/// The counter begins at V with bits 63 and 31 cleared (RFC 5297, 2.5), so it never carries beyond
/// its low 32 bits. Here byte 0 of a block is the lowest.
const COUNTER: u128 = !(1 << 71 | 1 << 103);

/// AES-SIV under one key and context.
pub struct Siv {
    work: Work,
    masks: Masks,
    /// V of each cell of the last batch.
    tags: Secret,
}

impl Siv {
    pub fn new(context: &[u8], aes: Aes) -> Result<Self> {
        let masks = Masks::new(context, aes)?;
        Ok(Siv { work: Work::new(aes), masks, tags: Secret::default() })
    }

    /// Leave V of each cell in `tags`: RFC 5297, 2.4, the CMAC of the cell with the prefix XORed
    /// into its end. The cells advance together, a block in each round.
    fn synthesize(&mut self, cells: &[Cell], data: &[u8]) -> Result {
        let (cells, longer) = by_blocks(cells);
        let work = &mut self.work;
        self.tags.reserve(cells.len() * BLOCK);
        work.reserve(cells.len());
        for (round, &count) in longer.iter().enumerate() {
            let states = work.made.chunks_exact(BLOCK);
            let blocks = work.blocks.chunks_exact_mut(BLOCK);
            for ((cell, state), out) in cells[..count].iter().zip(states).zip(blocks) {
                let cell_block = block(&data[cell.start..], cell.size, round);
                let mut block = cell_block ^ self.masks.of(cell.size, round);
                if round > 0 {
                    block ^= read(state);
                }
                out.copy_from_slice(&block.to_le_bytes());
            }
            work.encrypt(Ask::First, count)?;
            // Those that end here: later rounds write over them.
            let done = *longer.get(round + 1).unwrap_or(&0);
            let states = work.made.chunks_exact(BLOCK);
            for (cell, state) in cells[..count].iter().zip(states).skip(done) {
                self.tags[cell.out * BLOCK..][..BLOCK].copy_from_slice(state);
            }
        }
        Ok(())
    }
}

impl Cipher for Siv {
    fn seal(&mut self, cells: &[Cell], data: &[u8], out: &mut [u8]) -> Result {
        self.synthesize(cells, data)?;
        let tag = |number: usize| &self.tags[number * BLOCK..][..BLOCK];
        self.work.count(Ask::Second, cells, 0, |number, _| read(tag(number)) & COUNTER)?;
        for (number, (cell, stream)) in self.work.streams(cells, 0).enumerate() {
            let out = &mut out[cell.out..];
            out[..BLOCK].copy_from_slice(tag(number));
            xor(&data[cell.start..], cell.size, stream, &mut out[BLOCK..]);
        }
        Ok(())
    }

    fn open(&mut self, cells: &[Cell], data: &[u8], out: &mut [u8]) -> Result<Vec<bool>> {
        let tag = |cell: &Cell| read(&data[cell.start..][..BLOCK]);
        self.work.count(Ask::Second, cells, 0, |_, cell| tag(cell) & COUNTER)?;
        for (cell, stream) in self.work.streams(cells, 0) {
            xor(&data[cell.start + BLOCK..], cell.size, stream, &mut out[cell.out..]);
        }
        let opened = |cell: &Cell| Cell { start: cell.out, ..*cell };
        self.synthesize(&cells.iter().map(opened).collect::<Vec<_>>(), out)?;
        let pairs = cells.iter().zip(self.tags.chunks_exact(BLOCK));
        Ok(pairs.map(|(cell, synthesized)| tag(cell) == read(synthesized)).collect())
    }
}

/// What a key and a context XOR into the last two blocks of a cell, by the bytes in the last one.
struct Masks {
    last: [u128; BLOCK + 1],
    next_to_last: [u128; BLOCK + 1],
    short: [u128; BLOCK],
}

impl Masks {
    /// Prepare for a context; an empty one is one empty component, not none.
    fn new(context: &[u8], aes: Aes) -> Result<Self> {
        let complete = dbl(aes.encrypt(0)?);
        let padded = dbl(complete);
        let zero = cmac(&[0; BLOCK], complete, padded, aes)?;
        let prefix = dbl(zero) ^ cmac(context, complete, padded, aes)?; // RFC 5297, 2.4: D
        let mut masks = Masks { last: [0; 17], next_to_last: [0; 17], short: [0; 16] };
        for inside in 1..=BLOCK {
            // The prefix is XORed into the end: its first bytes reach into the block before.
            let subkey = if inside == BLOCK { complete } else { padded };
            let last = pad(prefix << (8 * (BLOCK - inside)), inside) ^ subkey;
            let before = prefix.checked_shr(8 * inside as u32).unwrap_or(0);
            masks.last[inside] = last.swap_bytes();
            masks.next_to_last[inside] = before.swap_bytes();
        }
        for size in 0..BLOCK {
            masks.short[size] = (pad(dbl(prefix), size) ^ complete).swap_bytes();
        }
        Ok(masks)
    }

    /// Return that of a block of a cell of some size; byte 0 is the lowest.
    #[inline(always)]
    fn of(&self, size: usize, number: usize) -> u128 {
        match size - number * BLOCK {
            _ if size < BLOCK => self.short[size],
            left if left <= BLOCK => self.last[left],
            left if left <= 2 * BLOCK => self.next_to_last[left - BLOCK],
            _ => 0,
        }
    }
}

impl Drop for Masks {
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

/// RFC 4493 for a constant of the key. Here and below, byte 0 of a block is the highest.
fn cmac(message: &[u8], complete: u128, padded: u128, aes: Aes) -> Result<u128> {
    let size = message.len();
    let of = |number| block(message, size, number).swap_bytes();
    let (mut state, last) = (0, size.saturating_sub(1) / BLOCK);
    for number in 0..last {
        state = aes.encrypt(state ^ of(number))?;
    }
    let inside = size - last * BLOCK;
    let subkey = if inside < BLOCK { padded } else { complete };
    aes.encrypt(state ^ pad(of(last), inside) ^ subkey)
}

/// Doubling in GF(2^128): RFC 5297, 2.3.
fn dbl(value: u128) -> u128 {
    (value << 1) ^ (0x87 * (value >> 127))
}

/// XOR the padding's bit behind so many bytes: RFC 4493, 2.4.
fn pad(block: u128, inside: usize) -> u128 {
    block ^ (1u128 << 127).checked_shr(8 * inside as u32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_as_in_the_rfc() {
        // RFC 5297, appendix A.1.
        assert_eq!(dbl(0x0e04dfafc1efbf040140582859bf073a), 0x1c09bf5f83df7e080280b050b37e0e74);
        assert_eq!(dbl(0xedf09de876c642ee4d78bce4ceedfc4f), 0xdbe13bd0ed8c85dc9af179c99ddbf819);
    }
}
