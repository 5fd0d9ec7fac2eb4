//! Columns of cells, sealed and opened under their keys.
//!
//! A stored cell is prefix ‖ ciphertext, as base64 or as it is: Tink's wire format.

use std::iter;
use std::ops::Range;

use crate::base64;
use crate::blocks::{Ask, Cell, Cipher, Secret, BLOCK, LONGEST};
use crate::border::Aes;
use crate::gcm::{Gcm, IV};
use crate::siv::Siv;
use crate::strings::{Builder, Strings};
use crate::{Error, Result};

/// Rows of a batch, and the bytes after which it ends: what is worked on stays in the cache.
const BATCH: usize = 8192;
const BATCH_BYTES: usize = 1 << 18;

/// Verdicts on cells that were not opened: numbers of interface.py.
const NULL: u8 = 252;
const FOREIGN: u8 = 253;
const UNKNOWN: u8 = 254;
const MALFORMED: u8 = 255;

/// A column's key: what is not secret of it, and OpenSSL under it.
pub struct Key<'a> {
    /// Bytes of its IVs: none for AES-256-SIV, else of AES-GCM.
    pub iv: usize,
    pub context: &'a [u8],
    pub prefix: &'a [u8],
    pub aes: Aes,
}

impl Key<'_> {
    /// Bytes of a stored cell that the cell itself has not; `BLOCK` is for V or the tag.
    fn overhead(&self) -> usize {
        self.prefix.len() + self.iv + BLOCK
    }

    /// Prepare for cells of a size in batches, or of less.
    fn cipher(&self, longest: usize) -> Result<Box<dyn Cipher>> {
        if self.iv == 0 {
            return Ok(Box::new(Siv::new(self.context, self.aes)?));
        }
        Ok(Box::new(Gcm::new(self.context, longest.min(LONGEST), self.aes)?))
    }

    /// Return how many bytes sealed cells have at most.
    pub fn bound(&self, cells: &Strings, text: bool) -> usize {
        let size = cells.used().len() + cells.count * self.overhead();
        size + if text { size / 3 + 4 * cells.count } else { 0 }
    }
}

/// Return the rows of each batch.
fn batches<'a>(cells: &'a Strings) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut first = 0;
    iter::from_fn(move || {
        let mut rows = first..cells.count.min(first + BATCH);
        while rows.len() > 1 && cells.size(rows.clone()) > BATCH_BYTES {
            rows.end -= rows.len() / 2;
        }
        first = rows.end;
        Some(rows).filter(|rows| !rows.is_empty())
    })
}

/// Seal cells.
///
/// `ivs`: `IV` random bytes for each row, if the mode takes them.
pub fn seal(cells: &Strings, key: &Key, text: bool, ivs: &[u8], out: &mut Builder) -> Result {
    let (prefix, iv, overhead) = (key.prefix, key.iv, key.overhead());
    if ivs.len() != iv * cells.count {
        return Err(Error::Argument);
    }
    let (mut cipher, mut sealed) = (key.cipher(cells.longest())?, Secret::default());
    let (mut batch, mut long) = (Vec::new(), Vec::new());
    for rows in batches(cells) {
        // Whole blocks are written, and base64 looks at what stands behind.
        sealed.reserve(cells.size(rows.clone()) + rows.len() * (overhead + BLOCK));
        let mut at = 0;
        for row in rows.clone() {
            if let Some((start, end)) = cells.range(row) {
                let cell = Cell { row, start, out: at + prefix.len(), size: end - start };
                sealed[at..cell.out].copy_from_slice(prefix);
                if iv > 0 {
                    sealed[cell.out..][..IV].copy_from_slice(&ivs[row * IV..][..IV]);
                }
                at += overhead + cell.blocks() * BLOCK;
                let of_size = if cell.size > LONGEST { &mut long } else { &mut batch };
                of_size.push(cell);
            }
        }
        cipher.seal(&batch, cells.data, &mut sealed)?;
        batch.clear();
        for cell in long.drain(..) {
            let (iv, out) = sealed[cell.out..].split_at_mut(iv);
            let cell = &cells.data[cell.start..][..cell.size];
            key.aes.ask(Ask::Seal, cell, iv, &mut out[..cell.len() + BLOCK])?;
        }
        // Only now, when the processor has written what is read here.
        let mut rest = &sealed[..];
        for row in rows {
            if let Some((start, end)) = cells.range(row) {
                let size = end - start + overhead;
                out.push_stored(rest, size, text);
                rest = &rest[overhead + (end - start + BLOCK - 1) / BLOCK * BLOCK..];
            } else {
                out.push_null();
            }
        }
    }
    Ok(())
}

/// Open cells.
///
/// `verdicts`: gets a byte for each row.
pub fn open(
    cells: &Strings, keys: &[Key], text: bool, out: &mut Builder, verdicts: &mut [u8],
) -> Result {
    let (longest, least) = (cells.longest(), keys.iter().map(Key::overhead).min());
    let mut ciphers: Vec<_> = keys.iter().map(|_| None).collect();
    // Each cell is decrypted to where it is encrypted.
    let (mut sealed, mut plain) = (Secret::default(), Secret::default());
    for rows in batches(cells) {
        let room = cells.size(rows.clone()) + BLOCK;
        sealed.reserve(room);
        plain.reserve(room);
        let (mut batch, mut at) = (Vec::with_capacity(rows.len()), 0);
        for row in rows.clone() {
            let stored = cells.get(row);
            let size = stored.and_then(|stored| {
                if text {
                    return base64::decode(stored, &mut sealed[at..]);
                }
                sealed[at..][..stored.len()].copy_from_slice(stored);
                Some(stored.len())
            });
            verdicts[row] = match size {
                _ if stored.is_none() => NULL,
                Some(_) if size >= least => UNKNOWN,
                _ => MALFORMED,
            };
            batch.push(Cell { row, start: at, out: at, size: size.unwrap_or(0) });
            at += size.unwrap_or(0);
        }
        for (number, key) in keys.iter().enumerate() {
            let overhead = key.overhead();
            let fits = |cell: &&Cell| {
                matches!(verdicts[cell.row], FOREIGN | UNKNOWN)
                    && cell.size >= overhead
                    && sealed[cell.start..].starts_with(key.prefix)
            };
            let inner = |cell: &Cell| {
                let (start, size) = (cell.start + key.prefix.len(), cell.size - overhead);
                Cell { start, size, ..*cell }
            };
            let (short, long): (Vec<Cell>, Vec<Cell>) =
                batch.iter().filter(fits).map(inner).partition(|cell| cell.size <= LONGEST);
            let mut authentic = Vec::new();
            if !short.is_empty() {
                let cipher = match ciphers[number].take() {
                    Some(cipher) => cipher,
                    None => key.cipher(longest)?,
                };
                let cipher = ciphers[number].insert(cipher);
                authentic = cipher.open(&short, &sealed, &mut plain)?;
            }
            for cell in &long {
                let (iv, rest) = sealed[cell.start..].split_at(key.iv);
                let (from, to) = (&rest[..cell.size + BLOCK], &mut plain[cell.out..][..cell.size]);
                authentic.push(key.aes.ask(Ask::Open, from, iv, to)?);
            }
            for (cell, authentic) in short.iter().chain(&long).zip(authentic) {
                if authentic {
                    verdicts[cell.row] = number as u8;
                } else if !key.prefix.is_empty() {
                    verdicts[cell.row] = FOREIGN;
                }
            }
        }
        for (cell, verdict) in batch.iter().zip(&verdicts[rows]) {
            match keys.get(usize::from(*verdict)) {
                Some(key) => out.push(&plain[cell.start..][..cell.size - key.overhead()]),
                None => out.push_null(),
            }
        }
    }
    Ok(())
}
