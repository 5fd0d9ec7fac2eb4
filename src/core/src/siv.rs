//! AES-SIV for many cells at once: RFC 5297, with one component of associated data.
//!
//! A ciphertext is V (16 bytes) ‖ encrypted cell.

use crate::blocks::{ecb, encrypt, read, Aes, Ask, Cell, Work, BLOCK, SPARE};
use crate::border::wipe;
use crate::Error;

/// What a key and a context XOR into the last two blocks of a cell, by the bytes in the last one.
pub struct Siv {
    last: [u128; BLOCK + 1],
    next_to_last: [u128; BLOCK + 1],
    short: [u128; BLOCK],
}

impl Siv {
    /// Prepare for a context; an empty one is one empty component, not none.
    pub fn new(context: &[u8], aes: &mut Aes) -> Result<Self, Error> {
        let subkey = encrypt(aes, [0; BLOCK])?;
        let complete = dbl(subkey);
        let padded = dbl(complete);
        let subkeys = [complete, padded];
        let zero = cmac(&[0; BLOCK], subkeys, aes)?;
        let prefix = xor_blocks(dbl(zero), cmac(context, subkeys, aes)?); // RFC 5297, 2.4: D
        let mut siv = Siv { last: [0; 17], next_to_last: [0; 17], short: [0; 16] };
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

    /// Leave V of each cell in `work.tags`: RFC 5297, 2.4, the CMAC of the cell with the prefix
    /// XORed into its end.
    ///
    /// `longer`: how many cells have more than 0, 1, 2, … blocks; they stand in falling order.
    pub fn synthesize(
        &self, aes: &mut Aes, cells: &[Cell], longer: &[usize], data: &[u8], work: &mut Work,
    ) -> Result<(), Error> {
        work.tags.reserve(cells.len() * BLOCK);
        work.blocks.reserve(cells.len() * BLOCK);
        work.state.reserve(cells.len() * BLOCK + SPARE);
        for (round, &count) in longer.iter().enumerate() {
            let size = count * BLOCK;
            let states = work.state[..size].chunks_exact(BLOCK);
            let blocks = work.blocks[..size].chunks_exact_mut(BLOCK);
            for ((cell, state), out) in cells.iter().zip(states).zip(blocks) {
                let mut block = cell.block(data, round) ^ self.mask(cell, round);
                if round > 0 {
                    block ^= read(state);
                }
                out.copy_from_slice(&block.to_le_bytes());
            }
            ecb(aes, Ask::First, &work.blocks[..size], &mut work.state)?;
            // Those that end here: later rounds write over them.
            let done = longer.get(round + 1).unwrap_or(&0) * BLOCK;
            work.tags[done..size].copy_from_slice(&work.state[done..size]);
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

impl Drop for Siv {
    fn drop(&mut self) {
        wipe(&mut self.last);
        wipe(&mut self.next_to_last);
        wipe(&mut self.short);
    }
}

/// RFC 4493 for a constant of the key.
fn cmac(message: &[u8], subkeys: [Block; 2], aes: &mut Aes) -> Result<Block, Error> {
    let whole = message.len().saturating_sub(1) / BLOCK * BLOCK;
    let (body, rest) = message.split_at(whole);
    let mut state = [0; BLOCK];
    for block in body.chunks_exact(BLOCK) {
        state = encrypt(aes, xor_blocks(state, block.try_into().unwrap()))?;
    }
    let mut last = [0; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    let subkey = subkeys[usize::from(rest.len() < BLOCK)];
    encrypt(aes, xor_blocks(state, xor_blocks(pad(last, rest.len()), subkey)))
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
