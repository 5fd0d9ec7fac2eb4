//! One record, byte by byte, in every dialect. It alone tells what is wrong with a record: the
//! fast way leaves to it whatever it does not like.

use crate::dialect::Dialect;

/// What is wrong with a record: numbers of interface.py.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    QuoteInside = 1,
    AfterQuote = 2,
    OpenQuote = 3,
    LoneCr = 4,
    Fields = 5,
    OpenEscape = 6,
}

/// Why no record is found: this is wrong, at this byte; or the data ends before it, and more may
/// come.
pub type Stop = Option<(FaultKind, usize)>;

/// What stands at a place outside of quotes.
enum Mark {
    Delimiter,
    /// A line end of so many bytes; none at the end of the data.
    End(usize),
    Other,
}

/// A block of CSV, whose lines are read.
pub struct Block<'a> {
    pub data: &'a [u8],
    pub dialect: Dialect,
    /// No more data follows.
    pub last: bool,
}

impl Block<'_> {
    /// Read the line at `start`, which is not the data's end; a record may have several.
    ///
    /// `columns`: of a record; 0 if that is not known yet. `ends`: gets where its fields end.
    /// Returns where the next line begins. One that is empty or a comment has no fields.
    pub fn line(&self, start: usize, columns: usize, ends: &mut Vec<u32>) -> Result<usize, Stop> {
        let mut at = start;
        let comment = self.dialect.begins_comment(&self.data[start..]);
        while comment && at < self.data.len() && !matches!(self.data[at], b'\n' | b'\r') {
            at += 1;
        }
        if comment || columns != 1 {
            if let Mark::End(size) = self.mark(at)? {
                return Ok(at + size);
            }
        }
        loop {
            at = self.field_end(at)?;
            ends.push(at as u32);
            match self.mark(at)? {
                Mark::End(size) => return Ok(at + size),
                _ => at += self.dialect.delimiter.len(),
            }
        }
    }

    /// Find the end of the field that begins at a place.
    fn field_end(&self, start: usize) -> Result<usize, Stop> {
        let (data, dialect) = (self.data, &self.dialect);
        let mut at = start;
        let quoted = at < data.len() && Some(data[at]) == dialect.quote;
        if quoted {
            at = self.past_quotes(start)?;
            match self.mark(at)? {
                Mark::Other if self.is_cut(at, &dialect.delimiter) => return Err(None),
                Mark::Other if !dialect.lenient => {
                    return Err(Some((FaultKind::AfterQuote, at - 1)));
                }
                Mark::Other => at += 1, // data, even if it is an escape: so Python's csv takes it
                _ => return Ok(at),
            }
        }
        loop {
            while at < data.len() && !dialect.special[usize::from(data[at])] {
                at += 1;
            }
            if !matches!(self.mark(at)?, Mark::Other) {
                return Ok(at);
            }
            if Some(data[at]) == dialect.escape {
                at += 1;
                if at == data.len() {
                    return Err(self.last.then_some((FaultKind::OpenEscape, at - 1)));
                }
            } else if Some(data[at]) == dialect.quote && !dialect.lenient {
                return Err(Some((FaultKind::QuoteInside, at)));
            }
            at += 1;
        }
    }

    /// Find the end of the quotes that open at a place.
    fn past_quotes(&self, start: usize) -> Result<usize, Stop> {
        let mut at = start + 1;
        while let Some(byte) = self.data.get(at) {
            let quote = Some(*byte) == self.dialect.quote;
            if quote && self.data.get(at + 1) != Some(byte) {
                return Ok(at + 1);
            }
            at += if quote || Some(*byte) == self.dialect.escape { 2 } else { 1 };
        }
        Err(self.last.then_some((FaultKind::OpenQuote, start)))
    }

    /// Say what stands at a place outside of quotes.
    #[inline(always)]
    fn mark(&self, at: usize) -> Result<Mark, Stop> {
        let rest = &self.data[at..];
        match rest {
            [] if self.last => Ok(Mark::End(0)),
            [] => Err(None),
            [b'\n', ..] => Ok(Mark::End(1)),
            [b'\r', b'\n', ..] => Ok(Mark::End(2)),
            [b'\r', ..] => match (&self.dialect.line_end[..], rest) {
                (b"\r\r\n", [_, b'\r', b'\n', ..]) => Ok(Mark::End(3)),
                (_, [_]) | (b"\r\r\n", [_, b'\r']) if !self.last => Err(None),
                (b"\r", _) => Ok(Mark::End(1)),
                _ => Err(Some((FaultKind::LoneCr, at))),
            },
            _ if rest.starts_with(&self.dialect.delimiter) => Ok(Mark::Delimiter),
            _ => Ok(Mark::Other),
        }
    }

    /// Tell whether the data ends within what may become `whole`.
    fn is_cut(&self, at: usize, whole: &[u8]) -> bool {
        let rest = &self.data[at..];
        !self.last && rest.len() < whole.len() && whole.starts_with(rest)
    }
}
