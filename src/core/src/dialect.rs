//! How a record is written: values out of fields, and fields out of values.

use crate::blocks::Secret;

/// What ends the lines of a file, beside LF and CRLF, which always do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    Common,
    Cr,
    CrCrLf,
}

/// How the records of a file are written; interface.py says what each part means.
#[derive(Clone)]
pub struct Dialect {
    pub delimiter: Vec<u8>,
    pub quote: Option<u8>,
    pub escape: Option<u8>,
    pub comment: Vec<u8>,
    pub nulls: Vec<Vec<u8>>,
    pub line_end: LineEnd,
    pub lenient: bool,
    pub trailing: bool,
}

/// Memory that fields are written to, one behind the other.
pub struct Output<'a> {
    pub out: &'a mut [u8],
    pub at: usize,
}

impl Output<'_> {
    #[inline(always)]
    pub fn copy(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        self.out[self.at..end].copy_from_slice(bytes);
        self.at = end;
    }
}

impl Dialect {
    /// Tell whether records can be found by masks.
    pub fn is_common(&self) -> bool {
        let simple = self.escape.is_none() && self.comment.is_empty();
        simple && self.delimiter.len() == 1 && self.line_end == LineEnd::Common
    }

    /// Tell whether a field, as it stands, is null.
    #[inline(always)]
    pub fn is_null(&self, field: &[u8]) -> bool {
        self.nulls.iter().any(|null| null == field)
    }

    /// Tell whether all programs read a field alike: none of its escapes stands before a letter or
    /// a digit, unless that means something here.
    pub fn is_clear(&self, field: &[u8]) -> bool {
        let mut bytes = field.iter();
        let escaped = std::iter::from_fn(|| {
            bytes.find(|byte| Some(**byte) == self.escape).and_then(|_| bytes.next())
        });
        let known = |byte: &u8| {
            self.delimiter.contains(byte)
                || self.comment.contains(byte)
                || Some(*byte) == self.quote
        };
        self.escape.is_none()
            || self.is_null(field)
            || escaped.filter(|byte| byte.is_ascii_alphanumeric()).all(known)
    }

    /// Return the value of a field without its quotes and escapes; what is not one piece of the
    /// field is put together in `scratch`.
    #[inline(always)]
    pub fn value<'a>(&self, field: &'a [u8], scratch: &'a mut Secret) -> &'a [u8] {
        match (field, self.quote, self.escape) {
            ([first, inner @ ..], Some(quote), _) if *first == quote => {
                self.quoted(inner, quote, scratch)
            }
            (_, _, Some(escape)) if field.contains(&escape) => {
                unescape(field, self.escape, scratch.begin(field.len()));
                scratch
            }
            _ => field,
        }
    }

    fn quoted<'a>(&self, inner: &'a [u8], quote: u8, scratch: &'a mut Secret) -> &'a [u8] {
        let special = |byte: &u8| *byte == quote || Some(*byte) == self.escape;
        if inner.iter().position(special) == inner.len().checked_sub(1) {
            return &inner[..inner.len() - 1];
        }
        let value = scratch.begin(inner.len());
        let mut bytes = inner.iter();
        while let Some(byte) = bytes.next() {
            if *byte == quote && bytes.as_slice().first() != Some(&quote) {
                // Behind the closing quote, in a lenient dialect, quotes are data, and so is an
                // escape that comes first: so Python's csv takes them.
                value.extend(bytes.next());
                unescape(bytes.as_slice(), self.escape, value);
                break;
            }
            value.push(*if special(byte) { bytes.next().unwrap_or(byte) } else { byte });
        }
        scratch
    }

    /// Write a value as a field; tell whether the dialect can do that.
    ///
    /// `first`: the field begins its line, where a comment could begin.
    /// `alone`: it is all of its line, which may not be empty.
    /// `plain`: it is known to be that.
    pub fn write(
        &self, value: &[u8], first: bool, alone: bool, plain: bool, out: &mut Output,
    ) -> bool {
        let comment = first && self.begins_comment(value);
        let special = comment || !plain && value.iter().any(|byte| self.is_special(*byte));
        match self.quote {
            Some(quote) if special || self.is_null(value) || (alone && value.is_empty()) => {
                out.copy(&[quote]);
                for byte in value {
                    if *byte == quote || Some(*byte) == self.escape {
                        out.copy(&[*byte]);
                    }
                    out.copy(&[*byte]);
                }
                out.copy(&[quote]);
            }
            None if special => {
                let mut scratch = Secret::default();
                let field = scratch.begin(2 * value.len());
                for (place, byte) in value.iter().enumerate() {
                    if self.is_special(*byte) || (comment && place == 0) {
                        field.extend(self.escape);
                    }
                    field.push(*byte);
                }
                if self.escape.is_none() || self.is_null(field) {
                    return false;
                }
                out.copy(field);
            }
            None if self.is_null(value) => return false,
            _ => out.copy(value),
        }
        true
    }

    /// Count the bytes that are special where they stand in a value.
    pub fn specials(&self, data: &[u8]) -> usize {
        // Few at a time, and without a branch inside: the compiler makes vectors of that.
        let (delimiter, lf) = (self.delimiter[0], b'\n');
        let (quote, escape) = (self.quote.unwrap_or(lf), self.escape.unwrap_or(lf));
        let is = |byte: u8, other: u8| (byte == other) as u8;
        let of = |chunk: &[u8]| {
            chunk.iter().fold(0u8, |sum, byte| {
                let quoting = is(*byte, quote) | is(*byte, escape) | is(*byte, delimiter);
                sum.wrapping_add(quoting | is(*byte, lf) | is(*byte, b'\r'))
            })
        };
        data.chunks(192).map(|chunk| usize::from(of(chunk))).sum()
    }

    pub fn begins_comment(&self, field: &[u8]) -> bool {
        !self.comment.is_empty() && field.starts_with(&self.comment)
    }

    /// The first byte of a delimiter counts as one: what follows could make it whole.
    fn is_special(&self, byte: u8) -> bool {
        byte == self.delimiter[0]
            || matches!(byte, b'\n' | b'\r')
            || Some(byte) == self.quote
            || Some(byte) == self.escape
    }
}

/// Append what a field says outside of quotes.
fn unescape(field: &[u8], escape: Option<u8>, value: &mut Vec<u8>) {
    let mut bytes = field.iter();
    while let Some(byte) = bytes.next() {
        let escaped = if Some(*byte) == escape { bytes.next() } else { None };
        value.push(*escaped.unwrap_or(byte));
    }
}
