//! AES-GCM for many cells at once: NIST SP 800-38D, 96-bit IVs, 128-bit tags.
//!
//! A ciphertext is IV (12 bytes) ‖ encrypted cell ‖ tag (16 bytes).

use crate::blocks::{block, read, xor, Ask, Cell, Cipher, Work, BLOCK, LONGEST};
use crate::border::{wipe, Aes};
use crate::Result;

/// Bytes in an IV: SP 800-38D, 8.2, the recommended length.
pub const IV: usize = 12;

/// SP 800-38D, 6.3: the polynomial, with its bits reflected.
const REDUCTION: u128 = 0xe1 << 120;

/// Products of a power of the hash key with each half of a byte, at each of its 32 places in a
/// block. They are looked up by ciphertext alone, which is public.
type Table = [[u128; 16]; 2 * BLOCK];

/// AES-GCM under one key and context.
pub struct Gcm {
    work: Work,
    ghash: Ghash,
}

impl Gcm {
    /// Prepare for a context and for cells of so many bytes at most.
    pub fn new(context: &[u8], longest: usize, aes: Aes) -> Result<Self> {
        let ghash = Ghash::new(aes.encrypt(0)?, context, longest / BLOCK + 1);
        Ok(Gcm { work: Work::new(aes), ghash })
    }
}

impl Cipher for Gcm {
    fn seal(&mut self, cells: &[Cell], data: &[u8], out: &mut [u8]) -> Result {
        self.work.count(Ask::First, cells, 1, |_, cell| counter(&out[cell.out..]))?;
        for (cell, stream) in self.work.streams(cells, 1) {
            let out = &mut out[cell.out + IV..];
            xor(&data[cell.start..], cell.size, &stream[BLOCK..], out);
            let tag = self.ghash.of(out, cell.size) ^ read(&stream[..BLOCK]);
            out[cell.size..][..BLOCK].copy_from_slice(&tag.to_le_bytes());
        }
        Ok(())
    }

    fn open(&mut self, cells: &[Cell], data: &[u8], out: &mut [u8]) -> Result<Vec<bool>> {
        self.work.count(Ask::First, cells, 1, |_, cell| counter(&data[cell.start..]))?;
        let open = |(cell, stream): (&Cell, &[u8])| {
            let sealed = &data[cell.start + IV..];
            xor(sealed, cell.size, &stream[BLOCK..], &mut out[cell.out..]);
            let tag = self.ghash.of(sealed, cell.size) ^ read(&stream[..BLOCK]);
            tag == read(&sealed[cell.size..][..BLOCK])
        };
        Ok(self.work.streams(cells, 1).map(open).collect())
    }
}

/// Return the first counter of an IV: SP 800-38D, 7.1, step 2.
#[inline(always)]
fn counter(iv: &[u8]) -> u128 {
    let mut block = [0; BLOCK];
    block[..IV].copy_from_slice(&iv[..IV]);
    read(&block) | 1 << 120
}

/// GHASH in its power form, the sum of C_i * H^(m-i+1), under one key and context.
struct Ghash {
    /// Of H, H^2, H^3, …
    tables: Vec<Table>,
    /// GHASH of the context, times H^0, H^1, …
    context: Vec<u128>,
    bits: u128,
    /// For each length of a cell, what does not depend on its bytes.
    constants: Vec<Option<u128>>,
}

impl Ghash {
    fn new(key: u128, context: &[u8], blocks: usize) -> Self {
        let mut hashed = 0;
        for chunk in context.chunks(BLOCK) {
            hashed = multiply(hashed ^ block(chunk, chunk.len(), 0).swap_bytes(), key);
        }
        let mut made = Ghash {
            tables: Vec::with_capacity(blocks + 1),
            context: Vec::with_capacity(blocks + 2),
            bits: 8 * context.len() as u128,
            constants: vec![None; LONGEST + 1],
        };
        let mut power = key;
        made.context.push(hashed);
        for _ in 0..=blocks {
            made.tables.push(table(power));
            made.context.push(multiply(hashed, power));
            power = multiply(power, key);
        }
        made
    }

    /// Return GHASH of the context and the `size` bytes of an encrypted cell; byte 0 is the lowest.
    fn of(&mut self, bytes: &[u8], size: usize) -> u128 {
        let blocks = (size + BLOCK - 1) / BLOCK;
        let mut total = *self.constants[size].get_or_insert_with(|| {
            let lengths = (self.bits << 64) | (8 * size as u128);
            product(&self.tables[0], lengths.swap_bytes()) ^ self.context[blocks + 1].swap_bytes()
        });
        for (number, table) in self.tables[1..=blocks].iter().rev().enumerate() {
            total ^= product(table, block(bytes, size, number));
        }
        total
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
        Ghash::new(key, context, 4).of(&data, size).swap_bytes()
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
