//! The doors for C, which Python's ctypes opens: all that is unsafe here.
//!
//! Every door checks its pointers and sizes as far as they can be seen, catches what goes wrong
//! inside, and returns 0 or one of the codes of `guarded`. Buffers are the caller's: they live, and
//! do not change, as long as the call lasts; the data of `piienc_find`, until `piienc_free`.

#![allow(unsafe_code)]
#![allow(clippy::missing_safety_doc)] // it is what this says, for all of them

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::{ptr, slice, str};

use crate::blocks::Ask;
use crate::cells::{self, Key};
use crate::dialect::Dialect;
use crate::find::Records;
use crate::gcm::IV;
use crate::machine::Block;
use crate::splice::{Action, Changes};
use crate::strings::{Builder, Strings};
use crate::{Error, Result};

/// The version of these doors, and of what they take; native/__init__.py asks for it.
const VERSION: u32 = 2;

/// Overwrite memory with zeros, which the compiler may not leave out.
pub fn wipe<T: Copy + Default>(items: &mut [T]) {
    let fill: fn(&mut [T]) = |items| items.fill(T::default());
    // SAFETY: it is a function, but only when this runs does anybody know which one.
    unsafe { ptr::read_volatile(&fill)(items) }
}

/// Bytes of the caller, to read or to write.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    start: *mut u8,
    size: usize,
}

impl Bytes {
    unsafe fn read<'a>(self) -> Result<&'a [u8]> {
        Ok(slice::from_raw_parts(self.checked()?, self.size))
    }

    unsafe fn write<'a>(self) -> Result<&'a mut [u8]> {
        Ok(slice::from_raw_parts_mut(self.checked()?, self.size))
    }

    fn checked(self) -> Result<*mut u8> {
        require(self.size == 0 || (self.size <= isize::MAX as usize && !self.start.is_null()))?;
        Ok(if self.size > 0 { self.start } else { ptr::NonNull::dangling().as_ptr() })
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
    unsafe fn read<'a>(&self) -> Result<Strings<'a>> {
        let no_nulls = self.validity.start.is_null();
        let validity = if no_nulls { None } else { Some(self.validity.read()?) };
        let (offsets, data) = (self.offsets.read()?, self.data.read()?);
        Strings { count: self.count, wide: self.wide != 0, offsets, data, validity }.checked()
    }

    unsafe fn list<'a>(&self) -> Result<Vec<&'a [u8]>> {
        let strings = self.read()?;
        Ok((0..strings.count).filter_map(|row| strings.get(row)).collect())
    }

    /// Write as many strings as there should be; or, without `data`, say how large that is to be.
    unsafe fn write(
        &mut self, count: usize, bound: impl FnOnce() -> usize,
        make: impl FnOnce(&mut Builder) -> Result,
    ) -> Result {
        if self.data.start.is_null() {
            self.size = bound();
            return Ok(());
        }
        let (wide, offsets, data) = (self.wide != 0, self.offsets.write()?, self.data.write()?);
        let validity = self.validity.write()?;
        validity.fill(0);
        let mut made = Builder { wide, offsets, data, validity, count: 0, nulls: 0, end: 0 };
        made.set(0, 0);
        let done = make(&mut made);
        (self.size, self.nulls) = (made.end, made.nulls);
        if let Err(Error::Field(row, column)) = done {
            (self.size, self.nulls) = (row, column);
        }
        require(done.is_err() || (self.count == count && made.count == count))?;
        done
    }
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
type Call =
    unsafe extern "C" fn(u32, u32, *const u8, usize, *const u8, usize, *mut u8, usize) -> i32;

/// OpenSSL under the key of a number, through the caller.
#[derive(Clone, Copy)]
pub struct Aes {
    call: Call,
    key: u32,
}

impl Aes {
    /// Have it do something with bytes and an IV; tell whether a cell is authentic.
    pub fn ask(self, ask: Ask, from: &[u8], iv: &[u8], to: &mut [u8]) -> Result<bool> {
        let (given, size, ivs) = (from.as_ptr(), from.len(), iv.as_ptr());
        let (made, room) = (to.as_mut_ptr(), to.len());
        // SAFETY: the caller's function looks at these only, as long as the call lasts.
        match unsafe { (self.call)(self.key, ask as u32, given, size, ivs, iv.len(), made, room) } {
            0 => Ok(true),
            2 => Ok(false),
            _ => Err(Error::Callback),
        }
    }
}

/// Read keys: three strings for each, which are its mode, its context and its prefix.
unsafe fn keys_of<'a>(keys: Option<&RawStrings>, call: Call) -> Result<Vec<Key<'a>>> {
    let parts = there(keys)?.list()?;
    let key = |(part, key): (&[&'a [u8]], u32)| {
        let iv = if part[0] == b"searchable" { 0 } else { IV };
        Key { iv, context: part[1], prefix: part[2], aes: Aes { call, key } }
    };
    let keys: Vec<Key> = parts.chunks_exact(3).zip(0..).map(key).collect();
    require(!keys.is_empty() && keys.len() <= 250)?;
    Ok(keys)
}

/// Do the work of a door; return 0, or the number of what went wrong.
fn guarded(work: impl FnOnce() -> Result) -> i32 {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => 0,
        Ok(Err(Error::Callback)) => 1,
        Ok(Err(Error::Argument)) => 2,
        Ok(Err(Error::Field(..))) => 3,
        Err(_) => 4,
    }
}

fn require(condition: bool) -> Result {
    condition.then_some(()).ok_or(Error::Argument)
}

fn there<T>(pointer: Option<T>) -> Result<T> {
    pointer.ok_or(Error::Argument)
}

/// Return the version of these doors.
#[no_mangle]
pub extern "C" fn piienc_version() -> u32 {
    VERSION
}

/// Find the records of some data: `Engine.find`. They belong to the caller until `piienc_free`.
///
/// `dialect`: see `Dialect::new`.
/// `flags`: 1 for the end of the data, 2 for lenient, 4 for trailing.
#[no_mangle]
pub unsafe extern "C" fn piienc_find(
    data: Bytes, dialect: Option<&RawStrings>, columns: usize, flags: u32,
    found: Option<&mut *mut Records>,
) -> i32 {
    guarded(|| {
        let (parts, found) = (there(dialect)?.list()?, there(found)?);
        require(parts.len() >= 5 && !parts[0].is_empty() && data.size < u32::MAX as usize)?;
        let dialect = Dialect::new(&parts, flags & 2 != 0, flags & 4 != 0);
        let block = Block { data: data.read()?, dialect, last: flags & 1 != 0 };
        *found = Box::into_raw(Box::new(Records::find(block, columns)));
        Ok(())
    })
}

/// Free records, once.
#[no_mangle]
pub unsafe extern "C" fn piienc_free(records: Option<Box<Records>>) {
    drop(records);
}

/// Write the values of a column: `FoundRecords.column`.
#[no_mangle]
pub unsafe extern "C" fn piienc_column(
    records: Option<&Records>, column: usize, out: Option<&mut RawStrings>,
) -> i32 {
    guarded(|| {
        let records = there(records)?;
        require(column < records.columns)?;
        let bound = || records.column_bound(column);
        there(out)?.write(records.count, bound, |out| records.column(column, out))
    })
}

/// Write records with some columns changed, each as a string: `FoundRecords.spliced`.
#[no_mangle]
pub unsafe extern "C" fn piienc_splice(
    records: Option<&Records>, changes: *const RawChange, count: usize,
    out: Option<&mut RawStrings>,
) -> i32 {
    guarded(|| {
        let records = there(records)?;
        require(count == 0 || !changes.is_null())?;
        let mut read = Changes::new();
        for number in 0..count {
            let change = &*changes.add(number);
            let rises = read.last().map_or(true, |(before, _)| *before < change.column);
            require(change.column < records.columns && rises)?;
            let action = match change.action {
                0 => Action::Drop,
                1 => Action::Keep,
                _ => records.write(change.values.read()?)?,
            };
            read.push((change.column, action));
        }
        let bound = || records.splice_bound(&read);
        there(out)?.write(records.count, bound, |out| records.splice(&read, out))
    })
}

/// Seal cells: `Engine.seal`.
#[no_mangle]
pub unsafe extern "C" fn piienc_seal(
    cells: Option<&RawStrings>, key: Option<&RawStrings>, text: bool, call: Call, ivs: Bytes,
    out: Option<&mut RawStrings>,
) -> i32 {
    guarded(|| {
        let (cells, keys, ivs) = (there(cells)?.read()?, keys_of(key, call)?, ivs.read()?);
        let bound = || keys[0].bound(&cells, text);
        there(out)?.write(cells.count, bound, |out| cells::seal(&cells, &keys[0], text, ivs, out))
    })
}

/// Open cells: `Engine.open`. `verdicts` has a byte for each.
#[no_mangle]
pub unsafe extern "C" fn piienc_open(
    cells: Option<&RawStrings>, keys: Option<&RawStrings>, text: bool, call: Call, verdicts: Bytes,
    out: Option<&mut RawStrings>,
) -> i32 {
    guarded(|| {
        let (cells, keys) = (there(cells)?.read()?, keys_of(keys, call)?);
        let (verdicts, bound) = (verdicts.write()?, || cells.used().len());
        there(out)?.write(cells.count, bound, |out| cells::open(&cells, &keys, text, out, verdicts))
    })
}

/// Decode base64: `Engine.decoded`.
#[no_mangle]
pub unsafe extern "C" fn piienc_decoded(
    strings: Option<&RawStrings>, out: Option<&mut RawStrings>,
) -> i32 {
    guarded(|| {
        let strings = there(strings)?.read()?;
        there(out)?.write(strings.count, || strings.used().len(), |out| out.decode(&strings))
    })
}

/// Find strings that begin with one of some bytes, or without these, that are not UTF-8:
/// `Engine.beginning`, `Engine.not_text`. `rows` has a 64-bit number for each, of which `found` says
/// how many were needed.
#[no_mangle]
pub unsafe extern "C" fn piienc_rows(
    strings: Option<&RawStrings>, begins: Option<&RawStrings>, rows: Bytes,
    found: Option<&mut usize>,
) -> i32 {
    guarded(|| {
        let (strings, rows, found) = (there(strings)?.read()?, rows.write()?, there(found)?);
        let begins = begins.map(|begins| begins.list()).transpose()?;
        let ascii = begins.is_none() && strings.used().is_ascii();
        let is_wanted = |string: &[u8]| match &begins {
            Some(begins) => begins.iter().any(|each| string.starts_with(each)),
            None => !ascii && str::from_utf8(string).is_err(),
        };
        let wanted = (0..strings.count).filter(|row| strings.get(*row).map_or(false, is_wanted));
        *found = 0;
        for (row, place) in wanted.zip(rows.chunks_exact_mut(8)) {
            place.copy_from_slice(&(row as u64).to_ne_bytes());
            *found += 1;
        }
        Ok(())
    })
}
