//! AES-GCM for many cells at once: NIST SP 800-38D, 96-bit IVs, 128-bit tags.
//!
//! A ciphertext is IV (12 bytes) ‖ encrypted cell ‖ tag (16 bytes).

use crate::blocks::{encrypt, Aes, Cell, BLOCK, LONGEST};
use crate::border::wipe;
use crate::Error;

/// Bytes in an IV: SP 800-38D, 8.2, the recommended length.
pub const IV: usize = 12;

/// SP 800-38D, 6.3: the polynomial, with its bits reflected.
const REDUCTION: u128 = 0xe1 << 120;

/// Products of a power of the hash key with each half of a byte, at each of its 32 places in a
/// block. They are looked up by ciphertext alone, which is public.
type Table = [[u128; 16]; 2 * BLOCK];

/// GHASH in its power form, the sum of C_i * H^(m-i+1), under one key and context.
pub struct Ghash {
    /// Of H, H^2, H^3, …
    tables: Vec<Table>,
    /// GHASH of the context, times H^0, H^1, …
    context: Vec<u128>,
    bits: u64,
    /// For each length of a cell, what does not depend on its bytes.
    constants: Vec<Option<u128>>,
}

impl Ghash {
    /// Prepare for a context and for cells of so many blocks at most.
    pub fn new(context: &[u8], blocks: usize, aes: &mut Aes) -> Result<Self, Error> {
        let key = u128::from_be_bytes(encrypt(aes, [0; BLOCK])?);
        let mut hashed = 0;
        for chunk in context.chunks(BLOCK) {
            let mut block = [0; BLOCK];
            block[..chunk.len()].copy_from_slice(chunk);
            hashed = multiply(hashed ^ u128::from_be_bytes(block), key);
        }
        let mut made = Ghash {
            tables: Vec::with_capacity(blocks + 1),
            context: Vec::with_capacity(blocks + 2),
            bits: 8 * context.len() as u64,
            constants: vec![None; LONGEST + 1],
        };
        let mut power = key;
        made.context.push(hashed);
        for _ in 0..=blocks {
            made.tables.push(table(power));
            made.context.push(multiply(hashed, power));
            power = multiply(power, key);
        }
        Ok(made)
    }

    /// Return GHASH of the context and an encrypted cell; byte 0 is the lowest.
    pub fn of(&mut self, cell: &Cell, data: &[u8]) -> u128 {
        let blocks = cell.blocks();
        let mut total = self.constant(cell.size);
        for (number, table) in self.tables[1..=blocks].iter().rev().enumerate() {
            total ^= product(table, cell.block(data, number));
        }
        total
    }

    #[inline(always)]
    fn constant(&mut self, size: usize) -> u128 {
        if let Some(known) = self.constants[size] {
            return known;
        }
        let lengths = (u128::from(self.bits) << 64) | (8 * size as u128);
        let context = self.context[(size + BLOCK - 1) / BLOCK + 1].swap_bytes();
        let constant = product(&self.tables[0], lengths.swap_bytes()) ^ context;
        self.constants[size] = Some(constant);
        constant
    }
}

impl Drop for Ghash {
    fn drop(&mut self) {
        self.tables.iter_mut().flatten().for_each(|part| wipe(part));
        wipe(&mut self.context);
    }
}

#[inline(always)]
fn product(table: &Table, block: u128) -> u128 {
    let mut total = 0;
    for (pair, byte) in table.chunks_exact(2).zip(block.to_le_bytes()) {
        total ^= pair[0][usize::from(byte >> 4)] ^ pair[1][usize::from(byte & 15)];
    }
    total
}

fn table(power: u128) -> Table {
    let mut table = [[0u128; 16]; 2 * BLOCK];
    let mut value = power;
    for place in &mut table {
        for bit in [8, 4, 2, 1] {
            place[bit] = value.swap_bytes();
            value = times_x(value);
        }
        for half in 1..16usize {
            let low = half & half.wrapping_neg();
            place[half] = place[low] ^ place[half ^ low];
        }
    }
    table
}

fn times_x(value: u128) -> u128 {
    value >> 1 ^ REDUCTION & 0u128.wrapping_sub(value & 1)
}

/// Multiplication in GCM's GF(2^128): SP 800-38D, algorithm 1, without a branch.
fn multiply(left: u128, mut right: u128) -> u128 {
    let mut product = 0;
    for bit in (0..128).rev() {
        product ^= right & 0u128.wrapping_sub(left >> bit & 1);
        right = times_x(right);
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(key: u128, context: &[u8], data: &[u128], size: usize) -> u128 {
        let data: Vec<u8> = data.iter().flat_map(|block| block.to_be_bytes()).collect();
        let mut aes = |_, _: &[u8], _: &[u8], out: &mut [u8]| {
            out[..BLOCK].copy_from_slice(&key.to_be_bytes());
            Ok(true)
        };
        let mut ghash = Ghash::new(context, 4, &mut aes).unwrap();
        ghash.of(&Cell { size, ..Cell::default() }, &data).swap_bytes()
    }

    #[test]
    fn hashes_as_in_the_specification() {
        // McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test cases 2 and 4.
        let data = [0x0388dace60b6a392f328c2b971b2fe78];
        let hashed = hash(0x66e94bd4ef8a2c3b884cfa59ca342b2e, b"", &data, 16);
        assert_eq!(hashed, 0xf38cbb1ad69223dcc3457ae5b6b0f885);
        let context = 0xfeedfacedeadbeeffeedfacedeadbeef_u128.to_be_bytes();
        let context = [&context[..], &[0xab, 0xad, 0xda, 0xd2]].concat();
        let data = [
            0x42831ec2217774244b7221b784d0d49c,
            0xe3aa212f2c02a4e035c17e2329aca12e,
            0x21d514b25466931c7d8f6a5aac84aa05,
            0x1ba30b396a0aac973d58e09100000000,
        ];
        let hashed = hash(0xb83b533708bf535d0aa6e52980d53b78, &context, &data, 60);
        assert_eq!(hashed, 0x698e57f70e6ecc7fd9463b7260a9ae5f);
    }
}
