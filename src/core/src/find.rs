//! The records of a block of CSV: where each begins, and where each of its fields ends.

use std::ptr;

use crate::dialect::count;
use crate::machine::{Block, FaultKind, Stop};

/// The whole records at the beginning of a block of less than 4 GiB. Python reads the first fields:
/// `FoundRecords` of interface.py says what they are.
#[repr(C)]
pub struct Records<'a> {
    pub count: usize,
    pub columns: usize,
    pub size: usize,
    pub lines: usize,
    /// What `Fault` of interface.py has, in its order; 0 for the kind: nothing is wrong.
    pub fault: [usize; 4],
    /// Where each record begins; for Python, where this stands.
    pub starts_at: *const u32,
    pub starts: Vec<u32>,
    /// Where each field ends, record by record. The next one begins a delimiter behind.
    pub ends: Vec<u32>,
    /// Before which record the first empty line stands.
    pub blank: Option<usize>,
    pub block: Block<'a>,
}

impl<'a> Records<'a> {
    /// Find the records of a block.
    ///
    /// `columns`: fields of a record; 0 stands for as many as the first one has.
    pub fn find(block: Block<'a>, columns: usize) -> Self {
        let size = block.data.len();
        let mut found = Records {
            count: 0,
            columns,
            size: 0,
            lines: 0,
            fault: [0; 4],
            starts_at: ptr::null(),
            starts: Vec::with_capacity(size / 64),
            ends: Vec::with_capacity(size / 8),
            blank: None,
            block,
        };
        let common = found.block.dialect.is_common();
        while found.size < size {
            if common && found.columns > 0 {
                found.read_fast();
                if found.size == size {
                    break;
                }
            }
            let known = found.ends.len();
            if let Err(stop) = found.read_line(known) {
                if let Some((kind, place)) = stop {
                    let is_count = usize::from(kind == FaultKind::Fields);
                    let fields = is_count * (found.ends.len() - known);
                    found.fault = [kind as usize, place, found.lines(place), fields];
                }
                found.ends.truncate(known);
                break;
            }
        }
        (found.count, found.lines) = (found.starts.len(), found.lines(found.size));
        found.starts_at = found.starts.as_ptr();
        found
    }

    /// Read one line; `known` fields are those of the lines before.
    fn read_line(&mut self, known: usize) -> Result<(), Stop> {
        let next = self.block.line(self.size, self.columns, &mut self.ends)?;
        if self.ends.len() > known {
            if !self.has_all(known) {
                return Err(Some((FaultKind::Fields, self.size)));
            }
            self.starts.push(self.size as u32);
        } else if !self.block.dialect.begins_comment(&self.block.data[self.size..]) {
            self.blank = self.blank.or(Some(self.starts.len()));
        }
        self.size = next;
        Ok(())
    }

    /// Tell whether the record whose first field is number `first` has as many as it should. A
    /// trailing delimiter that may be there goes.
    fn has_all(&mut self, first: usize) -> bool {
        let (dialect, mut fields) = (&self.block.dialect, self.ends.len() - first);
        if dialect.trailing && (self.columns == 0 || fields == self.columns + 1) {
            if let [.., before, last] = self.ends[first..] {
                fields -= usize::from((last - before) as usize == dialect.delimiter.len());
            }
        }
        self.ends.truncate(first + fields);
        if self.columns == 0 {
            self.columns = fields;
        }
        fields == self.columns
    }

    /// Read records of the common dialect, up to one that is not quite as it should be.
    fn read_fast(&mut self) {
        let (data, dialect) = (self.block.data, &self.block.dialect);
        let wanted = [dialect.delimiter[0], b'\n', b'\r', dialect.quote.unwrap_or(0)];
        let quoting = if dialect.quote.is_some() { !0 } else { 0 };
        let (mut start, mut field, mut known) = (self.size, self.size, self.ends.len());
        let mut before = Before(0, 1, 0, 0);
        let mut at = self.size;
        'blocks: while at < data.len() {
            let [delimiters, lfs, crs, quotes] = masks(data, at, wanted);
            let (mut marks, bad) = before.step(delimiters, lfs, crs, quotes & quoting);
            marks &= (bad & bad.wrapping_neg()).wrapping_sub(1);
            while marks != 0 {
                let place = at + marks.trailing_zeros() as usize;
                marks &= marks - 1;
                if data[place] != b'\n' {
                    self.ends.push(place as u32);
                    field = place + 1;
                    continue;
                }
                let cr = place > field && data[place - 1] == b'\r';
                self.ends.push((place - usize::from(cr)) as u32);
                if self.ends.len() - known != self.columns && !self.has_all(known) {
                    break 'blocks;
                }
                self.starts.push(start as u32);
                known = self.ends.len();
                field = place + 1;
                start = field;
            }
            if bad != 0 {
                break;
            }
            at += 64;
        }
        self.ends.truncate(known);
        self.size = start;
    }

    /// Count the ends of lines: LFs, and where `line_end` is CR, also CRs that no LF follows.
    fn lines(&self, size: usize) -> usize {
        let data = &self.block.data[..size];
        let lfs = count(data, |byte| byte == b'\n');
        if self.block.dialect.line_end != b"\r" {
            return lfs;
        }
        let crlfs = data.windows(2).filter(|pair| pair == b"\r\n").count();
        lfs + count(data, |byte| byte == b'\r') - crlfs
    }
}

/// What the masks before tell about the first byte of the next ones: whether it is inside of
/// quotes (all ones, or 0); whether a quote may open there, a quote closed just before, a CR
/// outside of quotes stood just before (1, or 0).
struct Before(u64, u64, u64, u64);

impl Before {
    /// Take masks of 64 bytes; return where fields end by a delimiter or an LF, and the places at
    /// which something is not as it should be: what lies behind the first of these means nothing.
    #[inline(always)]
    fn step(&mut self, delimiters: u64, lfs: u64, crs: u64, quotes: u64) -> (u64, u64) {
        let Before(was_inside, opens, closed, cr) = *self;
        let inside = prefix_xor(quotes) ^ was_inside;
        let (opening, closing) = (quotes & inside, quotes & !inside);
        let (marks, crs) = ((delimiters | lfs) & !inside, crs & !inside);
        let may_open = (marks | closing) << 1 | opens;
        let after_quote = closing << 1 | closed;
        let bad =
            opening & !may_open | after_quote & !(marks | crs | opening) | (crs << 1 | cr) & !lfs;
        let is_inside = 0u64.wrapping_sub(inside >> 63);
        *self = Before(is_inside, (marks | closing) >> 63, closing >> 63, crs >> 63);
        (marks, bad)
    }
}

/// Say where each of four bytes stands among 64 bytes at a place, a bit for each; zeros behind the
/// data's end.
#[inline(always)]
fn masks(data: &[u8], at: usize, wanted: [u8; 4]) -> [u64; 4] {
    let mut block = [0; 64];
    if let Some(whole) = data.get(at..at + 64) {
        block.copy_from_slice(whole);
        return wanted.map(|byte| mask(&block, byte));
    }
    let rest = &data[at..];
    block[..rest.len()].copy_from_slice(rest);
    wanted.map(|byte| mask(&block, byte) & ((1 << rest.len()) - 1))
}

/// A bit of its own for each of eight bytes, eight times.
const BITS: [u8; 64] = {
    let mut bits = [0; 64];
    let mut place = 0;
    while place < 64 {
        bits[place] = 1 << (place % 8);
        place += 1;
    }
    bits
};

#[inline(always)]
fn mask(block: &[u8; 64], wanted: u8) -> u64 {
    // This is what vectors do, without a branch; then each eight bytes are summed up.
    let mut bits = [0u8; 64];
    for place in 0..64 {
        bits[place] = BITS[place] & 0u8.wrapping_sub((block[place] == wanted) as u8);
    }
    let mut mask = [0; 8];
    for (sum, eight) in mask.iter_mut().zip(bits.chunks_exact(8)) {
        let word = u64::from_le_bytes(eight.try_into().unwrap());
        *sum = (word.wrapping_mul(0x0101_0101_0101_0101) >> 56) as u8;
    }
    u64::from_le_bytes(mask)
}

/// XOR of each bit with all lower ones.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}
