//! Byte strings as Arrow lays them out: bytes side by side, offsets between them, and a bit for
//! each that is not null.

use std::ops::Range;

use crate::base64;
use crate::{Error, Result};

/// Strings to read.
#[derive(Clone, Copy)]
pub struct Strings<'a> {
    pub count: usize,
    /// Whether offsets have 64 bits, or 32.
    pub wide: bool,
    pub offsets: &'a [u8],
    pub data: &'a [u8],
    pub validity: Option<&'a [u8]>,
}

impl<'a> Strings<'a> {
    /// Hold the buffers against each other.
    pub fn checked(self) -> Result<Self> {
        let width = if self.wide { 8 } else { 4 };
        let sizes = self.offsets.len() / width > self.count
            && self.validity.map_or(true, |bits| self.count <= 8 * bits.len());
        // A negative number is a large one here.
        let rising =
            || (0..self.count).fold(true, |rises, row| rises & (self.at(row) <= self.at(row + 1)));
        let fits = sizes && rising() && self.at(self.count) <= self.data.len();
        fits.then_some(self).ok_or(Error::Argument)
    }

    #[inline(always)]
    fn at(&self, row: usize) -> usize {
        if self.wide {
            i64::from_ne_bytes(self.offsets[8 * row..][..8].try_into().unwrap()) as usize
        } else {
            i32::from_ne_bytes(self.offsets[4 * row..][..4].try_into().unwrap()) as usize
        }
    }

    /// Return where a string begins and ends; None if it is null.
    #[inline(always)]
    pub fn range(&self, row: usize) -> Option<(usize, usize)> {
        match self.validity {
            Some(bits) if bits[row / 8] >> (row % 8) & 1 == 0 => None,
            _ => Some((self.at(row), self.at(row + 1))),
        }
    }

    #[inline(always)]
    pub fn get(&self, row: usize) -> Option<&'a [u8]> {
        self.range(row).map(|(start, end)| &self.data[start..end])
    }

    /// Return how many bytes there are from the first to the last one of some rows.
    #[inline(always)]
    pub fn size(&self, rows: Range<usize>) -> usize {
        self.at(rows.end) - self.at(rows.start)
    }

    /// Return the bytes from the first string to the last one.
    pub fn used(&self) -> &'a [u8] {
        &self.data[self.at(0)..self.at(self.count)]
    }

    /// Return the size of the longest one.
    pub fn longest(&self) -> usize {
        (0..self.count).map(|row| self.size(row..row + 1)).max().unwrap_or(0)
    }
}

/// Strings to write, one behind the other.
pub struct Builder<'a> {
    pub wide: bool,
    pub offsets: &'a mut [u8],
    /// Large enough for them.
    pub data: &'a mut [u8],
    pub validity: &'a mut [u8],
    /// How many there are, how many of them are null, and where they end.
    pub count: usize,
    pub nulls: usize,
    pub end: usize,
}

impl Builder<'_> {
    /// Say where a string begins, or the last one ends.
    #[inline(always)]
    pub fn set(&mut self, row: usize, offset: usize) {
        if self.wide {
            self.offsets[8 * row..][..8].copy_from_slice(&(offset as i64).to_ne_bytes());
        } else {
            let offset = i32::try_from(offset).expect("2 GiB at most");
            self.offsets[4 * row..][..4].copy_from_slice(&offset.to_ne_bytes());
        }
    }

    /// Write bytes of a string, which goes on.
    #[inline(always)]
    pub fn copy(&mut self, bytes: &[u8]) {
        let end = self.end + bytes.len();
        self.data[self.end..end].copy_from_slice(bytes);
        self.end = end;
    }

    /// End a string whose last bytes, so many, are written.
    #[inline(always)]
    fn close(&mut self, size: usize) {
        self.validity[self.count / 8] |= 1 << (self.count % 8);
        self.end += size;
        self.count += 1;
        self.set(self.count, self.end);
    }

    #[inline(always)]
    pub fn push(&mut self, string: &[u8]) {
        self.copy(string);
        self.close(0);
    }

    /// Write a stored cell, behind which `base64::SPARE` bytes stand.
    #[inline(always)]
    pub fn push_stored(&mut self, spared: &[u8], size: usize, text: bool) {
        if text {
            base64::encode(spared, size, &mut self.data[self.end..]);
            self.close(base64::size(size));
        } else {
            self.push(&spared[..size]);
        }
    }

    /// Decode base64; what is not in its canonical form becomes null.
    pub fn decode(&mut self, texts: &Strings) -> Result {
        for row in 0..texts.count {
            let text = texts.get(row);
            match text.and_then(|text| base64::decode(text, &mut self.data[self.end..])) {
                Some(size) => self.close(size),
                None => self.push_null(),
            }
        }
        Ok(())
    }

    #[inline(always)]
    pub fn push_null(&mut self) {
        self.nulls += 1;
        self.count += 1;
        self.set(self.count, self.end);
    }
}
