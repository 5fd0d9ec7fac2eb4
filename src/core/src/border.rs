//! The doors for C, which Python's ctypes opens: all that is unsafe here.
//!
//! Every door checks its pointers and sizes as far as they can be seen, catches what goes wrong
//! inside, and returns 0 or one of the codes of `code`. Buffers are the caller's: they live, and do
//! not change, as long as the call lasts. Only `Found.records` is made here, by `piienc_find`, and
//! belongs to the caller until `piienc_free`.

#![allow(unsafe_code)]
#![allow(clippy::missing_safety_doc)] // it is what this says, for all of them

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::{ptr, slice, str};

use crate::blocks::{Aes, Ask};
use crate::cells::{self, Key, Mode};
use crate::dialect::{Dialect, LineEnd, Output};
use crate::find::{Records, Summary};
use crate::splice::{Action, Changes};
use crate::strings::{Builder, Strings};
use crate::Error;

/// The version of these doors; native.py asks for it.
const VERSION: u32 = 1;

/// Numbers that zeros are one of.
pub trait Number: Copy + Default {}
impl Number for u8 {}
impl Number for u128 {}

/// Overwrite memory with zeros, which the compiler may not leave out.
pub fn wipe<T: Number>(items: &mut [T]) {
    // SAFETY: zeros are a number of this type, and `words` lies within `items`.
    unsafe {
        let (before, words, behind) = items.align_to_mut::<u64>();
        before.iter_mut().for_each(|item| ptr::write_volatile(item, T::default()));
        words.iter_mut().for_each(|word| ptr::write_volatile(word, 0));
        behind.iter_mut().for_each(|item| ptr::write_volatile(item, T::default()));
    }
}

/// Bytes of the caller, to read or to write.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    start: *mut u8,
    size: usize,
}

impl Bytes {
    unsafe fn read<'a>(self) -> Result<&'a [u8], Error> {
        Ok(if self.is_there()? { slice::from_raw_parts(self.start, self.size) } else { &[] })
    }

    unsafe fn write<'a>(self) -> Result<&'a mut [u8], Error> {
        Ok(if self.is_there()? {
            slice::from_raw_parts_mut(self.start, self.size)
        } else {
            &mut []
        })
    }

    fn is_there(self) -> Result<bool, Error> {
        require(self.size == 0 || (self.size <= isize::MAX as usize && !self.start.is_null()))?;
        Ok(self.size > 0)
    }
}

/// `Strings` of interface.py, to read or to write.
#[repr(C)]
pub struct RawStrings {
    count: usize,
    wide: u32,
    offsets: Bytes,
    data: Bytes,
    /// To read: null if no string is.
    validity: Bytes,
    /// Written: how many bytes of `data`, and how many of the strings are null.
    size: usize,
    nulls: usize,
}

impl RawStrings {
    unsafe fn read<'a>(&self) -> Result<Strings<'a>, Error> {
        let no_nulls = self.validity.start.is_null();
        let validity = if no_nulls { None } else { Some(self.validity.read()?) };
        let (offsets, data) = (self.offsets.read()?, self.data.read()?);
        Strings { count: self.count, wide: self.wide != 0, offsets, data, validity }.checked()
    }

    unsafe fn list<'a>(&self) -> Result<Vec<&'a [u8]>, Error> {
        let strings = self.read()?;
        Ok((0..strings.count).filter_map(|row| strings.get(row)).collect())
    }

    unsafe fn write(
        &mut self, count: usize, make: impl FnOnce(&mut Builder) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (offsets, data, validity) =
            (self.offsets.write()?, self.data.write()?, self.validity.write()?);
        let wide = self.wide != 0;
        let mut made = Builder { wide, offsets, data, validity, count: 0, nulls: 0, end: 0 };
        made.begin();
        make(&mut made)?;
        (self.size, self.nulls) = (made.end, made.nulls);
        require(self.count == count && made.count == count)
    }
}

/// What `piienc_find` found.
#[repr(C)]
pub struct Found {
    records: *mut Records,
    /// Where each begins; it lives as long as they do.
    starts: *const u32,
    summary: Summary,
}

/// A column, and what happens to it.
#[repr(C)]
pub struct RawChange {
    column: usize,
    /// 0: it goes; 1: it stays; 2: it gets the values.
    action: u32,
    values: RawStrings,
}

/// Does what `Ask` says under the key of a number. The bytes, then the IV, then where it goes, each
/// with its size. Returns 0, 1 for an error, 2 for a cell that is not authentic.
type Call = extern "C" fn(u32, u32, *const u8, usize, *const u8, usize, *mut u8, usize) -> i32;

/// Keys, and OpenSSL under each.
type Keys<'a> = (Vec<Key<'a>>, Vec<Box<Aes<'a>>>);

/// Read keys: three strings for each, which are its mode, its context and its prefix.
unsafe fn keys_of<'a>(keys: &RawStrings, call: Call) -> Result<Keys<'a>, Error> {
    let parts = keys.list()?;
    let each = parts.chunks_exact(3).map(|key| Key {
        mode: if key[0] == b"searchable" { Mode::Searchable } else { Mode::Sealed },
        context: key[1],
        prefix: key[2],
    });
    let keys: Vec<Key> = each.collect();
    require(!keys.is_empty() && keys.len() <= 250)?;
    let openssl = |number| -> Box<Aes> {
        Box::new(move |ask: Ask, from: &[u8], iv: &[u8], to: &mut [u8]| {
            let (given, size, ivs) = (from.as_ptr(), from.len(), iv.as_ptr());
            match call(number, ask as u32, given, size, ivs, iv.len(), to.as_mut_ptr(), to.len()) {
                0 => Ok(true),
                2 => Ok(false),
                _ => Err(Error::Callback),
            }
        })
    };
    let aes = (0..keys.len() as u32).map(openssl).collect();
    Ok((keys, aes))
}

/// Do the work of a door; return 0, or the number of what went wrong.
fn guarded(work: impl FnOnce() -> Result<(), Error>) -> i32 {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => 0,
        Ok(Err(Error::Callback)) => 1,
        Ok(Err(Error::Argument)) => 2,
        Ok(Err(Error::Field(..))) => 3,
        Err(_) => 4,
    }
}

fn require(condition: bool) -> Result<(), Error> {
    condition.then_some(()).ok_or(Error::Argument)
}

fn there<T>(pointer: Option<T>) -> Result<T, Error> {
    pointer.ok_or(Error::Argument)
}

/// Return the version of these doors.
#[no_mangle]
pub extern "C" fn piienc_version() -> u32 {
    VERSION
}

/// Find the records of some data: `Engine.find`.
///
/// `dialect`: delimiter, quote, escape, comment, line end; then the nulls.
/// `flags`: 1 for the end of the data, 2 for lenient, 4 for trailing.
#[no_mangle]
pub unsafe extern "C" fn piienc_find(
    data: Bytes, dialect: Option<&RawStrings>, columns: usize, flags: u32,
    found: Option<&mut Found>,
) -> i32 {
    guarded(|| {
        let (parts, found) = (there(dialect)?.list()?, there(found)?);
        require(parts.len() >= 5 && !parts[0].is_empty() && data.size < u32::MAX as usize)?;
        let dialect = Dialect {
            delimiter: parts[0].to_vec(),
            quote: parts[1].first().copied(),
            escape: parts[2].first().copied(),
            comment: parts[3].to_vec(),
            line_end: match parts[4] {
                b"\r" => LineEnd::Cr,
                b"\r\r\n" => LineEnd::CrCrLf,
                _ => LineEnd::Common,
            },
            nulls: parts[5..].iter().map(|null| null.to_vec()).collect(),
            lenient: flags & 2 != 0,
            trailing: flags & 4 != 0,
        };
        let records = Box::new(Records::find(dialect, data.read()?, columns, flags & 1 != 0));
        let (starts, summary) = (records.starts.as_ptr(), records.summary);
        *found = Found { records: Box::into_raw(records), starts, summary };
        Ok(())
    })
}

/// Free records, once.
#[no_mangle]
pub unsafe extern "C" fn piienc_free(records: *mut Records) {
    if !records.is_null() {
        drop(Box::from_raw(records));
    }
}

/// Write the values of a column: `FoundRecords.column`. `data` is that of `piienc_find`. Without
/// `out.data`, say in `out.size` how many bytes they have at most; that is the row of a field that
/// cannot be read, too.
#[no_mangle]
pub unsafe extern "C" fn piienc_column(
    records: Option<&Records>, data: Bytes, column: usize, out: Option<&mut RawStrings>,
) -> i32 {
    guarded(|| {
        let (records, data, out) = (there(records)?, data.read()?, there(out)?);
        require(column < records.columns && data.len() >= records.size)?;
        if out.data.start.is_null() {
            out.size = records.column_bound(column);
            return Ok(());
        }
        let done = out.write(records.starts.len(), |out| records.column(data, column, out));
        if let Err(Error::Field(row, _)) = done {
            out.size = row;
        }
        done
    })
}

/// Write records with some columns changed: `FoundRecords.spliced`. `data` is that of
/// `piienc_find`; `size` says how many bytes of `out` were written, or `place` the row and the
/// column of a value that cannot be. `starts` gets where each record begins, as a 64-bit number.
/// Without `out`, say in `size` how many bytes it is at most.
#[no_mangle]
pub unsafe extern "C" fn piienc_splice(
    records: Option<&Records>, data: Bytes, changes: *const RawChange, count: usize, out: Bytes,
    starts: Bytes, size: Option<&mut usize>, place: Option<&mut [usize; 2]>,
) -> i32 {
    guarded(|| {
        let (records, data, size) = (there(records)?, data.read()?, there(size)?);
        require(data.len() >= records.size && (count == 0 || !changes.is_null()))?;
        let mut read = Changes::new();
        for number in 0..count {
            let change = &*changes.add(number);
            let action = match change.action {
                0 => Action::Drop,
                1 => Action::Keep,
                _ => Action::Write(change.values.read()?),
            };
            if let Action::Write(values) = &action {
                require(values.count == records.starts.len())?;
            }
            let rises = read.last().map_or(true, |(before, _)| *before < change.column);
            require(change.column < records.columns && rises)?;
            read.push((change.column, action));
        }
        if out.start.is_null() {
            *size = records.splice_bound(&read);
            return Ok(());
        }
        let (mut output, starts) = (Output { out: out.write()?, at: 0 }, starts.write()?);
        require(starts.len() == 8 * records.starts.len())?;
        let done = records.splice(data, &read, &mut output, starts);
        *size = output.at;
        if let Err(Error::Field(row, column)) = done {
            *there(place)? = [row, column];
        }
        done
    })
}

/// Seal cells: `Engine.seal`.
#[no_mangle]
pub unsafe extern "C" fn piienc_seal(
    cells: Option<&RawStrings>, key: Option<&RawStrings>, text: u32, call: Call, ivs: Bytes,
    out: Option<&mut RawStrings>,
) -> i32 {
    guarded(|| {
        let (cells, ivs, out) = (there(cells)?.read()?, ivs.read()?, there(out)?);
        let (keys, mut aes) = keys_of(there(key)?, call)?;
        let make =
            |out: &mut Builder| cells::seal(&cells, &keys[0], text != 0, ivs, &mut *aes[0], out);
        out.write(cells.count, make)
    })
}

/// Open cells: `Engine.open`. `verdicts` has a byte for each.
#[no_mangle]
pub unsafe extern "C" fn piienc_open(
    cells: Option<&RawStrings>, keys: Option<&RawStrings>, text: u32, call: Call, verdicts: Bytes,
    out: Option<&mut RawStrings>,
) -> i32 {
    guarded(|| {
        let (cells, verdicts, out) = (there(cells)?.read()?, verdicts.write()?, there(out)?);
        let (keys, mut aes) = keys_of(there(keys)?, call)?;
        let make =
            |out: &mut Builder| cells::open(&cells, &keys, text != 0, &mut aes, out, verdicts);
        out.write(cells.count, make)
    })
}

/// Find strings that begin with one of some bytes: `Engine.beginning`. `rows` has a 64-bit number
/// for each, of which `found` says how many were needed.
#[no_mangle]
pub unsafe extern "C" fn piienc_beginning(
    strings: Option<&RawStrings>, begins: Option<&RawStrings>, rows: Bytes,
    found: Option<&mut usize>,
) -> i32 {
    guarded(|| {
        let begins = there(begins)?.list()?;
        let wanted = |string: &[u8]| begins.iter().any(|each| string.starts_with(each));
        rows_of(strings, rows, found, wanted)
    })
}

/// Find strings that are not UTF-8: `Engine.not_text`. `rows` and `found`: see `piienc_beginning`.
#[no_mangle]
pub unsafe extern "C" fn piienc_not_text(
    strings: Option<&RawStrings>, rows: Bytes, found: Option<&mut usize>,
) -> i32 {
    guarded(|| rows_of(strings, rows, found, |string| str::from_utf8(string).is_err()))
}

unsafe fn rows_of(
    strings: Option<&RawStrings>, rows: Bytes, found: Option<&mut usize>,
    wanted: impl Fn(&[u8]) -> bool,
) -> Result<(), Error> {
    let (strings, rows, found) = (there(strings)?.read()?, rows.write()?, there(found)?);
    *found = 0;
    for row in (0..strings.count).filter(|row| strings.get(*row).map_or(false, &wanted)) {
        rows[8 * *found..][..8].copy_from_slice(&(row as u64).to_ne_bytes());
        *found += 1;
    }
    Ok(())
}

/// Decode base64: `Engine.decoded`.
#[no_mangle]
pub unsafe extern "C" fn piienc_decoded(
    strings: Option<&RawStrings>, out: Option<&mut RawStrings>,
) -> i32 {
    guarded(|| {
        let (strings, out) = (there(strings)?.read()?, there(out)?);
        out.write(strings.count, |out| {
            cells::decoded(&strings, out);
            Ok(())
        })
    })
}
