//! Columns of cells, sealed and opened under their keys.
//!
//! A stored cell is prefix ‖ ciphertext, as base64 or as it is: Tink's wire format.

use crate::base64;
use crate::blocks::{by_blocks, read, xor, Aes, Ask, Cell, Secret, Work, BLOCK, LONGEST};
use crate::gcm::{Ghash, IV};
use crate::siv::Siv;
use crate::strings::{Builder, Strings};
use crate::Error;

/// Rows of a batch, and the bytes after which it ends: what is worked on stays in the cache.
const BATCH: usize = 8192;
const BATCH_BYTES: usize = 1 << 18;

/// Verdicts on cells that were not opened: numbers of interface.py.
const NULL: u8 = 252;
const FOREIGN: u8 = 253;
const UNKNOWN: u8 = 254;
const MALFORMED: u8 = 255;

/// How a key encrypts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// AES-256-SIV.
    Searchable,
    /// AES-GCM.
    Sealed,
}

/// What is not secret of a column's key.
pub struct Key<'a> {
    pub mode: Mode,
    pub context: &'a [u8],
    pub prefix: &'a [u8],
}

impl Key<'_> {
    /// Bytes of a stored cell before the encrypted cell.
    #[inline(always)]
    fn head(&self) -> usize {
        self.prefix.len() + if self.mode == Mode::Searchable { BLOCK } else { IV }
    }

    /// Bytes of a stored cell that the cell itself has not.
    #[inline(always)]
    fn overhead(&self) -> usize {
        self.head() + if self.mode == Mode::Searchable { 0 } else { BLOCK }
    }

    /// Prepare for cells of a size in batches, or of less.
    fn cipher(&self, longest: usize, aes: &mut Aes) -> Result<Cipher, Error> {
        Ok(match self.mode {
            Mode::Searchable => Cipher::Siv(Box::new(Siv::new(self.context, aes)?)),
            Mode::Sealed => {
                let blocks = longest.min(LONGEST) / BLOCK + 1;
                Cipher::Gcm(Box::new(Ghash::new(self.context, blocks, aes)?))
            }
        })
    }
}

enum Cipher {
    Siv(Box<Siv>),
    Gcm(Box<Ghash>),
}

/// Seal cells.
///
/// `ivs`: `IV` random bytes for each row, if the mode takes them.
pub fn seal(
    cells: &Strings, key: &Key, text: bool, ivs: &[u8], aes: &mut Aes, out: &mut Builder,
) -> Result<(), Error> {
    if key.mode == Mode::Sealed && ivs.len() != IV * cells.count {
        return Err(Error::Argument);
    }
    let cipher = key.cipher(cells.longest(), aes)?;
    let mut sealing =
        Sealing { key, text, ivs, cipher, work: Work::default(), raw: Secret::default() };
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for row in 0..cells.count {
        if let Some((start, end)) = cells.range(row) {
            let whole = end - start + key.overhead();
            let out_start = out.room(if text { base64::size(whole) } else { whole });
            let cell = Cell { row, start, size: end - start, out: out_start };
            if cell.size > LONGEST {
                sealing.long(&cell, cells.data, aes, out.data)?;
            } else {
                batch.push(cell);
                bytes += cell.size;
            }
        } else {
            out.push_null();
        }
        if batch.len() == BATCH || bytes >= BATCH_BYTES || row + 1 == cells.count {
            sealing.batch(&mut batch, cells.data, aes, out.data)?;
            batch.clear();
            bytes = 0;
        }
    }
    Ok(())
}

struct Sealing<'a> {
    key: &'a Key<'a>,
    text: bool,
    ivs: &'a [u8],
    cipher: Cipher,
    work: Work,
    /// Stored cells before base64.
    raw: Secret,
}

impl Sealing<'_> {
    fn batch(
        &mut self, cells: &mut Vec<Cell>, data: &[u8], aes: &mut Aes, out: &mut [u8],
    ) -> Result<(), Error> {
        let (work, prefix, overhead) = (&mut self.work, self.key.prefix, self.key.overhead());
        let more = match &self.cipher {
            Cipher::Siv(siv) => {
                let longer = by_blocks(cells);
                siv.synthesize(aes, cells, &longer, data, work)?;
                work.begin_at_tags(cells.len());
                work.count(aes, Ask::Second, cells, 0)?;
                0
            }
            Cipher::Gcm(_) => {
                work.begin_at_ivs(cells.iter().map(|cell| &self.ivs[cell.row * IV..][..IV]));
                work.count(aes, Ask::First, cells, 1)?;
                1
            }
        };
        let size: usize = cells.iter().map(|cell| cell.size + overhead).sum();
        self.raw.reserve(size + BLOCK);
        let (mut stream, mut at) = (&work.stream[..], 0);
        for (number, cell) in cells.iter().enumerate() {
            let raw = &mut self.raw[at..];
            raw[..prefix.len()].copy_from_slice(prefix);
            let raw = &mut raw[prefix.len()..];
            match &mut self.cipher {
                Cipher::Siv(_) => {
                    raw[..BLOCK].copy_from_slice(&work.tags[number * BLOCK..][..BLOCK]);
                    xor(cell, data, stream, &mut raw[BLOCK..]);
                }
                Cipher::Gcm(ghash) => {
                    raw[..IV].copy_from_slice(&work.counters[number * BLOCK..][..IV]);
                    xor(cell, data, &stream[BLOCK..], &mut raw[IV..]);
                    let sealed = Cell { start: IV, ..*cell };
                    let tag = ghash.of(&sealed, raw) ^ read(&stream[..BLOCK]);
                    raw[IV + cell.size..][..BLOCK].copy_from_slice(&tag.to_le_bytes());
                }
            }
            stream = &stream[(cell.blocks() + more) * BLOCK..];
            at += cell.size + overhead;
        }
        // Only now, when the processor has written what is read here.
        let mut raw = &self.raw[..];
        for cell in cells.iter() {
            let size = cell.size + overhead;
            store(raw, size, self.text, &mut out[cell.out..]);
            raw = &raw[size..];
        }
        Ok(())
    }

    /// Seal a cell that is longer than those of batches.
    fn long(
        &mut self, cell: &Cell, data: &[u8], aes: &mut Aes, out: &mut [u8],
    ) -> Result<(), Error> {
        let (prefix, size) = (self.key.prefix.len(), cell.size + self.key.overhead());
        let (mut iv, mut begin) = (&self.ivs[..0], prefix);
        let mut raw = Secret::zeros(size + base64::SPARE);
        raw[..prefix].copy_from_slice(self.key.prefix);
        if self.key.mode == Mode::Sealed {
            iv = &self.ivs[cell.row * IV..][..IV];
            begin += IV;
            raw[prefix..begin].copy_from_slice(iv);
        }
        aes(Ask::Seal, &data[cell.start..][..cell.size], iv, &mut raw[begin..size])?;
        store(&raw, size, self.text, &mut out[cell.out..]);
        Ok(())
    }
}

/// Write a stored cell, behind which `base64::SPARE` bytes stand.
#[inline(always)]
fn store(raw: &[u8], size: usize, text: bool, out: &mut [u8]) {
    if text {
        base64::encode(raw, size, out);
    } else {
        out[..size].copy_from_slice(&raw[..size]);
    }
}

/// Open cells.
///
/// `aes`: that of each key.
/// `verdicts`: gets a byte for each row.
pub fn open(
    cells: &Strings, keys: &[Key], text: bool, aes: &mut [Box<Aes>], out: &mut Builder,
    verdicts: &mut [u8],
) -> Result<(), Error> {
    let mut opening = Opening {
        keys,
        longest: cells.longest(),
        least: keys.iter().map(Key::overhead).min().ok_or(Error::Argument)?,
        ciphers: keys.iter().map(|_| None).collect(),
        work: Work::default(),
        sealed: Vec::new(),
        plain: Secret::default(),
    };
    let mut row = 0;
    while row < cells.count {
        let first = row;
        let mut pending = Vec::new();
        opening.sealed.clear();
        while row < cells.count && row - first < BATCH && opening.sealed.len() < BATCH_BYTES {
            verdicts[row] = match cells.get(row) {
                Some(stored) => opening.add(row, stored, text, &mut pending),
                None => NULL,
            };
            row += 1;
        }
        opening.plain.reserve(opening.sealed.len() + BLOCK);
        let mut opened = Vec::with_capacity(pending.len());
        for (number, aes) in aes.iter_mut().enumerate() {
            let mut more = opening.under(number, &mut pending, &mut **aes, verdicts)?;
            opened.append(&mut more);
        }
        let mut places = vec![&[][..]; row - first];
        for cell in &opened {
            places[cell.row - first] = &opening.plain[cell.start..][..cell.size];
        }
        for (verdict, plain) in verdicts[first..row].iter().zip(&places) {
            if *verdict < NULL {
                out.push(plain)
            } else {
                out.push_null()
            }
        }
    }
    Ok(())
}

struct Opening<'a> {
    keys: &'a [Key<'a>],
    /// Bytes of the longest stored cell, and of the shortest that can be opened.
    longest: usize,
    least: usize,
    ciphers: Vec<Option<Cipher>>,
    work: Work,
    /// The ciphertexts of a batch.
    sealed: Vec<u8>,
    /// Where they are decrypted to, each at the place of its ciphertext.
    plain: Secret,
}

impl Opening<'_> {
    /// Take a stored cell; return its verdict as long as no key has opened it.
    fn add(&mut self, row: usize, stored: &[u8], text: bool, pending: &mut Vec<Cell>) -> u8 {
        let start = self.sealed.len();
        let size = if text {
            self.sealed.resize(start + stored.len() / 4 * 3, 0);
            base64::decode(stored, &mut self.sealed[start..])
        } else {
            self.sealed.extend_from_slice(stored);
            Some(stored.len())
        };
        match size {
            Some(size) if size >= self.least => {
                pending.push(Cell { row, start, size, out: start });
                UNKNOWN
            }
            _ => {
                self.sealed.truncate(start);
                MALFORMED
            }
        }
    }

    /// Open those of the pending cells that a key opens, and return where they stand in `plain`.
    fn under(
        &mut self, number: usize, pending: &mut Vec<Cell>, aes: &mut Aes, verdicts: &mut [u8],
    ) -> Result<Vec<Cell>, Error> {
        let key = &self.keys[number];
        let (head, overhead) = (key.head(), key.overhead());
        let (mut long, mut cells) = (Vec::new(), Vec::new());
        pending.retain(|cell| {
            let fits = cell.size >= overhead && self.sealed[cell.start..].starts_with(key.prefix);
            if fits {
                let (start, size) = (cell.start + head, cell.size - overhead);
                let of_size = if size > LONGEST { &mut long } else { &mut cells };
                of_size.push(Cell { start, size, ..*cell });
            }
            !fits
        });
        let mut authentic = self.batch(number, &mut cells, aes)?;
        for cell in long {
            authentic.push(self.long(key, &cell, aes)?);
            cells.push(cell);
        }
        let mut opened = Vec::with_capacity(cells.len());
        for (cell, authentic) in cells.into_iter().zip(authentic) {
            let cell = Cell { start: cell.out, ..cell };
            if authentic {
                verdicts[cell.row] = number as u8;
                opened.push(cell);
            } else {
                pending.push(Cell { size: cell.size + overhead, ..cell });
                if !key.prefix.is_empty() {
                    verdicts[cell.row] = FOREIGN;
                }
            }
        }
        Ok(opened)
    }

    /// Decrypt cells, and tell which of them are authentic.
    fn batch(
        &mut self, number: usize, cells: &mut Vec<Cell>, aes: &mut Aes,
    ) -> Result<Vec<bool>, Error> {
        let mut authentic = Vec::with_capacity(cells.len());
        if cells.is_empty() {
            return Ok(authentic);
        }
        let (sealed, plain, work) = (&self.sealed, &mut self.plain, &mut self.work);
        let cipher = &mut self.ciphers[number];
        if cipher.is_none() {
            *cipher = Some(self.keys[number].cipher(self.longest, aes)?);
        }
        match cipher {
            Some(Cipher::Siv(siv)) => {
                let longer = by_blocks(cells);
                let synthetic = |cell: &Cell| &sealed[cell.start - BLOCK..cell.start];
                work.tags.reserve(cells.len() * BLOCK);
                for (cell, tag) in cells.iter().zip(work.tags.chunks_exact_mut(BLOCK)) {
                    tag.copy_from_slice(synthetic(cell));
                }
                work.begin_at_tags(cells.len());
                work.count(aes, Ask::Second, cells, 0)?;
                let mut stream = &work.stream[..];
                for cell in cells.iter() {
                    xor(cell, sealed, stream, &mut plain[cell.out..]);
                    stream = &stream[cell.blocks() * BLOCK..];
                }
                let inner = |cell: &Cell| Cell { start: cell.out, ..*cell };
                let opened: Vec<Cell> = cells.iter().map(inner).collect();
                siv.synthesize(aes, &opened, &longer, plain, work)?;
                let tags = work.tags.chunks_exact(BLOCK).map(read);
                authentic
                    .extend(cells.iter().zip(tags).map(|(cell, tag)| read(synthetic(cell)) == tag));
            }
            Some(Cipher::Gcm(ghash)) => {
                work.begin_at_ivs(cells.iter().map(|cell| &sealed[cell.start - IV..cell.start]));
                work.count(aes, Ask::First, cells, 1)?;
                let mut stream = &work.stream[..];
                for cell in cells.iter() {
                    let tag = ghash.of(cell, sealed) ^ read(&stream[..BLOCK]);
                    authentic.push(tag == read(&sealed[cell.start + cell.size..][..BLOCK]));
                    xor(cell, sealed, &stream[BLOCK..], &mut plain[cell.out..]);
                    stream = &stream[(cell.blocks() + 1) * BLOCK..];
                }
            }
            None => {}
        }
        Ok(authentic)
    }

    fn long(&mut self, key: &Key, cell: &Cell, aes: &mut Aes) -> Result<bool, Error> {
        let begin = cell.out + key.prefix.len();
        let end = cell.out + cell.size + key.overhead();
        let (iv, begin) = match key.mode {
            Mode::Searchable => (begin..begin, begin),
            Mode::Sealed => (begin..cell.start, cell.start),
        };
        let out = &mut self.plain[cell.out..][..cell.size];
        aes(Ask::Open, &self.sealed[begin..end], &self.sealed[iv], out)
    }
}

/// Decode strings of base64; what is not in its canonical form becomes null.
pub fn decoded(strings: &Strings, out: &mut Builder) {
    for row in 0..strings.count {
        let start = out.end;
        let text = strings.get(row);
        match text.and_then(|text| base64::decode(text, &mut out.data[start..])) {
            Some(size) => {
                out.room(size);
            }
            None => out.push_null(),
        }
    }
}
