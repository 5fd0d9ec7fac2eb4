//! Columns out of a block of CSV, and a block with some columns written anew.

use crate::blocks::Secret;
use crate::dialect::Output;
use crate::find::Records;
use crate::strings::{Builder, Strings};
use crate::Error;

/// What happens to a column.
pub enum Action<'a> {
    /// It goes, with one delimiter.
    Drop,
    /// It stays; but where it would begin a comment now, or leave its line empty, that is seen.
    Keep,
    /// It gets new values, where they are not null.
    Write(Strings<'a>),
}

/// Columns, rising, and what happens to them.
pub type Changes<'a> = Vec<(usize, Action<'a>)>;

impl Records {
    /// Return where a field begins and ends.
    #[inline(always)]
    fn field(&self, row: usize, column: usize) -> (usize, usize) {
        let place = row * self.columns + column;
        let start = match column {
            0 => self.starts[row] as usize,
            _ => self.ends[place - 1] as usize + self.dialect.delimiter.len(),
        };
        (start, self.ends[place] as usize)
    }

    /// Return how many bytes the values of a column have at most.
    pub fn column_bound(&self, column: usize) -> usize {
        let size = |row| self.field(row, column).1 - self.field(row, column).0;
        (0..self.starts.len()).map(size).sum()
    }

    /// Write the values of a column.
    pub fn column(&self, data: &[u8], column: usize, out: &mut Builder) -> Result<(), Error> {
        let mut scratch = Secret::default();
        for row in 0..self.starts.len() {
            let (start, end) = self.field(row, column);
            let field = &data[start..end];
            match self.dialect.is_null(field) {
                true => out.push_null(),
                false if !self.dialect.is_clear(field) => return Err(Error::Field(row, column)),
                false => out.push(self.dialect.value(field, &mut scratch)),
            }
        }
        Ok(())
    }

    /// Return how many bytes `splice` writes at most: quotes around each value, and one byte more
    /// for each special one.
    pub fn splice_bound(&self, changes: &Changes) -> usize {
        let more = changes.iter().map(|(_, action)| match action {
            Action::Write(values) => values.used().len() + self.dialect.specials(values.used()),
            Action::Keep if !self.dialect.comment.is_empty() => self.size,
            _ => 0,
        });
        self.size + more.sum::<usize>() + 2 * self.starts.len() * changes.len()
    }

    /// Write the records with some columns changed; all else stays as it is.
    ///
    /// `changes`: each `Write` with as many values as there are records.
    /// `starts`: gets where each record begins, as a 64-bit number.
    pub fn splice(
        &self, data: &[u8], changes: &Changes, out: &mut Output, starts: &mut [u8],
    ) -> Result<(), Error> {
        let dialect = &self.dialect;
        let dropped: Vec<usize> = changes
            .iter()
            .filter(|(_, action)| matches!(action, Action::Drop))
            .map(|(column, _)| *column)
            .collect();
        let first = (0..self.columns).find(|column| !dropped.contains(column)).unwrap_or(0);
        let alone = dropped.len() + 1 == self.columns;
        // Then a line that is empty would be a record, or a record no longer one.
        let lone = alone && !dropped.is_empty();
        let is_plain = |action: &Action| match action {
            Action::Write(values) => dialect.specials(values.used()) == 0,
            _ => false,
        };
        let plain: Vec<bool> = changes.iter().map(|(_, action)| is_plain(action)).collect();
        let (mut copied, mut scratch) = (0, Secret::default());
        for row in 0..self.starts.len() {
            let start = (out.at + self.starts[row] as usize - copied) as u64;
            starts[8 * row..][..8].copy_from_slice(&start.to_ne_bytes());
            if lone && self.blank == Some(row) {
                return Err(Error::Field(row, first));
            }
            for ((column, action), plain) in changes.iter().zip(&plain) {
                let column = *column;
                let unwritable = || Error::Field(row, column);
                let (start, end) = self.field(row, column);
                let field = &data[start..end];
                let value = match action {
                    Action::Drop if column < first => {
                        out.copy(&data[copied..start]);
                        copied = end + dialect.delimiter.len();
                        continue;
                    }
                    Action::Drop => {
                        out.copy(&data[copied..start - dialect.delimiter.len()]);
                        copied = end;
                        continue;
                    }
                    Action::Keep => None,
                    Action::Write(values) => values.get(row),
                };
                let value = match value {
                    None if column == first && column > 0 && dialect.begins_comment(field) => {
                        if dialect.is_null(field) || !dialect.is_clear(field) {
                            return Err(unwritable());
                        }
                        Some(dialect.value(field, &mut scratch))
                    }
                    value => value,
                };
                let mut empty = field.is_empty();
                if let Some(value) = value {
                    out.copy(&data[copied..start]);
                    if !dialect.write(value, column == first, alone, *plain, out) {
                        return Err(unwritable());
                    }
                    copied = end;
                    empty = value.is_empty() && dialect.quote.is_none();
                }
                if alone && empty && self.ends_line(data, row, lone) {
                    return Err(unwritable());
                }
            }
        }
        if lone && self.blank == Some(self.starts.len()) {
            return Err(Error::Field(self.starts.len(), first));
        }
        out.copy(&data[copied..self.size]);
        Ok(())
    }

    /// Tell whether a record would no longer be seen if its one field were empty.
    fn ends_line(&self, data: &[u8], row: usize, lone: bool) -> bool {
        let end = self.field(row, self.columns - 1).1;
        !data[end..].starts_with(&self.dialect.delimiter) && (lone || end == data.len())
    }
}
