//! How a record is written: values out of fields, and fields out of values.

use crate::blocks::Secret;
use crate::strings::Builder;

/// How the records of a file are written; interface.py says what each part means.
pub struct Dialect {
    pub delimiter: Vec<u8>,
    pub quote: Option<u8>,
    pub escape: Option<u8>,
    pub comment: Vec<u8>,
    pub line_end: Vec<u8>,
    pub nulls: Vec<Vec<u8>>,
    pub lenient: bool,
    pub trailing: bool,
    /// Bytes at which a field can end or change its state. Of a delimiter, the first one counts:
    /// what follows could make it whole.
    pub special: [bool; 256],
}

impl Dialect {
    /// Take the parts: delimiter (not empty), quote, escape, comment, line end; then the nulls.
    pub fn new(parts: &[&[u8]], lenient: bool, trailing: bool) -> Self {
        let (quote, escape) = (parts[1].first().copied(), parts[2].first().copied());
        let mut special = [false; 256];
        for byte in [Some(parts[0][0]), quote, escape, Some(b'\n'), Some(b'\r')].iter().flatten() {
            special[usize::from(*byte)] = true;
        }
        let [delimiter, comment, line_end] = [0, 3, 4].map(|part| parts[part].to_vec());
        let nulls = parts[5..].iter().map(|null| null.to_vec()).collect();
        Self { delimiter, quote, escape, comment, line_end, nulls, lenient, trailing, special }
    }

    /// Tell whether records can be found by masks.
    pub fn is_common(&self) -> bool {
        let simple = self.escape.is_none() && self.comment.is_empty();
        simple && self.delimiter.len() == 1 && !matches!(&self.line_end[..], b"\r" | b"\r\r\n")
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
        let mut escaped = std::iter::from_fn(|| {
            bytes.find(|byte| Some(**byte) == self.escape).and_then(|_| bytes.next())
        });
        let marks = [&self.delimiter, &self.comment];
        let is_mark = |byte: &u8| marks.iter().any(|mark| mark.contains(byte));
        let known = |byte: &u8| is_mark(byte) || Some(*byte) == self.quote;
        self.escape.is_none()
            || self.is_null(field)
            || escaped.all(|byte| !byte.is_ascii_alphanumeric() || known(byte))
    }

    /// Return the value of a field without its quotes and escapes; what is not one piece of the
    /// field is put together in `scratch`.
    #[inline(always)]
    pub fn value<'a>(&self, field: &'a [u8], scratch: &'a mut Secret) -> &'a [u8] {
        let quoted = !field.is_empty() && Some(field[0]) == self.quote;
        if quoted || self.escape.is_some() {
            return self.unquoted(&field[usize::from(quoted)..], quoted, scratch);
        }
        field
    }

    fn unquoted<'a>(&self, inner: &'a [u8], quoted: bool, scratch: &'a mut Secret) -> &'a [u8] {
        let special =
            |byte: &u8| (quoted && Some(*byte) == self.quote) || Some(*byte) == self.escape;
        let piece = inner.iter().position(special).unwrap_or(inner.len());
        if piece + usize::from(quoted) == inner.len() {
            return &inner[..piece];
        }
        let value = scratch.begin(inner.len());
        let (mut bytes, mut inside) = (inner.iter(), quoted);
        while let Some(byte) = bytes.next() {
            let quote = inside && Some(*byte) == self.quote;
            if quote && bytes.as_slice().first() != Some(byte) {
                // Behind the closing quote, in a lenient dialect, quotes are data, and so is an
                // escape that comes first: so Python's csv takes them.
                inside = false;
                value.extend(bytes.next());
            } else {
                let escapes = quote || Some(*byte) == self.escape;
                value.push(*if escapes { bytes.next().unwrap_or(byte) } else { byte });
            }
        }
        scratch
    }

    /// Write a value as a field; tell whether the dialect can do that.
    ///
    /// `first`: the field begins its line, where a comment could begin.
    /// `alone`: it is all of its line, which may not be empty.
    /// `plain`: it is known to be that.
    pub fn write(
        &self, value: &[u8], first: bool, alone: bool, plain: bool, out: &mut Builder,
    ) -> bool {
        let comment = first && self.begins_comment(value);
        let special =
            comment || !plain && value.iter().any(|byte| self.special[usize::from(*byte)]);
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
                let start = out.end;
                for (place, byte) in value.iter().enumerate() {
                    if self.special[usize::from(*byte)] || (comment && place == 0) {
                        self.escape.iter().for_each(|escape| out.copy(&[*escape]));
                    }
                    out.copy(&[*byte]);
                }
                return self.escape.is_some() && !self.is_null(&out.data[start..out.end]);
            }
            None if self.is_null(value) => return false,
            _ => out.copy(value),
        }
        true
    }

    /// Count the bytes that are special where they stand in a value.
    pub fn specials(&self, data: &[u8]) -> usize {
        let (delimiter, lf) = (self.delimiter[0], b'\n');
        let (quote, escape) = (self.quote.unwrap_or(lf), self.escape.unwrap_or(lf));
        count(data, |byte| {
            let quoting = (byte == quote) | (byte == escape) | (byte == delimiter);
            quoting | (byte == lf) | (byte == b'\r')
        })
    }

    pub fn begins_comment(&self, field: &[u8]) -> bool {
        !self.comment.is_empty() && field.starts_with(&self.comment)
    }
}

/// Count the bytes that are something, which is told without a branch. A short sum in bytes at a
/// time is what vectors do best.
#[inline(always)]
pub fn count(data: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let of = |chunk: &[u8]| chunk.iter().fold(0u8, |sum, byte| sum.wrapping_add(is(*byte) as u8));
    data.chunks(192).map(|chunk| usize::from(of(chunk))).sum()
}
