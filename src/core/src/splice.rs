//! Columns out of a block of CSV, and a block with some columns written anew.

use std::ops::Range;

use crate::blocks::Secret;
use crate::find::Records;
use crate::strings::{Builder, Strings};
use crate::{Error, Result};

/// What happens to a column.
pub enum Action<'a> {
    /// It goes, with one delimiter.
    Drop,
    /// It stays; but where it would begin a comment now, or leave its line empty, that is seen.
    Keep,
    /// It gets new values, where they are not null; so many of their bytes are special.
    Write(Strings<'a>, usize),
}

/// Columns, rising, and what happens to them.
pub type Changes<'a> = Vec<(usize, Action<'a>)>;

impl Records<'_> {
    #[inline(always)]
    fn field(&self, row: usize, column: usize) -> Range<usize> {
        let place = row * self.columns + column;
        let start = match column {
            0 => self.starts[row] as usize,
            _ => self.ends[place - 1] as usize + self.block.dialect.delimiter.len(),
        };
        start..self.ends[place] as usize
    }

    /// Return how many bytes the values of a column have at most.
    pub fn column_bound(&self, column: usize) -> usize {
        (0..self.count).map(|row| self.field(row, column).len()).sum()
    }

    /// Write the values of a column.
    pub fn column(&self, column: usize, out: &mut Builder) -> Result {
        let (dialect, mut scratch) = (&self.block.dialect, Secret::default());
        for row in 0..self.count {
            let field = &self.block.data[self.field(row, column)];
            match dialect.is_null(field) {
                true => out.push_null(),
                false if !dialect.is_clear(field) => return Err(Error::Field(row, column)),
                false => out.push(dialect.value(field, &mut scratch)),
            }
        }
        Ok(())
    }

    /// Say that a column gets new values, one for each record.
    pub fn write<'a>(&self, values: Strings<'a>) -> Result<Action<'a>> {
        let write = Action::Write(values, self.block.dialect.specials(values.used()));
        (values.count == self.count).then_some(write).ok_or(Error::Argument)
    }

    /// Return how many bytes `splice` writes at most: quotes around each value, and one byte more
    /// for each special one.
    pub fn splice_bound(&self, changes: &Changes) -> usize {
        let comment = !self.block.dialect.comment.is_empty();
        let more = changes.iter().map(|(_, action)| match action {
            Action::Write(values, special) => values.used().len() + special,
            Action::Keep if comment => self.size,
            _ => 0,
        });
        self.size + more.sum::<usize>() + 2 * self.count * changes.len()
    }

    /// Write the records with some columns changed; all else stays as it is. Each begins a string.
    pub fn splice(&self, changes: &Changes, out: &mut Builder) -> Result {
        let (data, dialect) = (self.block.data, &self.block.dialect);
        let delimiter = dialect.delimiter.len();
        let drops = |(_, action): &&(usize, Action)| matches!(action, Action::Drop);
        let dropped: Vec<usize> = changes.iter().filter(drops).map(|change| change.0).collect();
        let first = (0..self.columns).find(|column| !dropped.contains(column)).unwrap_or(0);
        let alone = dropped.len() + 1 == self.columns;
        // Then a line that is empty would be a record, or a record no longer one.
        let lone = alone && !dropped.is_empty();
        let (mut copied, mut scratch) = (0, Secret::default());
        for row in 0..self.count {
            out.set(row, out.end + self.starts[row] as usize - copied);
            if lone && self.blank == Some(row) {
                return Err(Error::Field(row, first));
            }
            for &(column, ref action) in changes {
                let unwritable = Err(Error::Field(row, column));
                let Range { start, end } = self.field(row, column);
                let field = &data[start..end];
                let (mut value, plain) = match action {
                    Action::Drop => {
                        let before = if column < first { 0 } else { delimiter };
                        out.copy(&data[copied..start - before]);
                        copied = end + delimiter - before;
                        continue;
                    }
                    Action::Keep => (None, false),
                    Action::Write(values, special) => (values.get(row), *special == 0),
                };
                let begins = column == first && column > 0;
                if value.is_none() && begins && dialect.begins_comment(field) {
                    if dialect.is_null(field) || !dialect.is_clear(field) {
                        return unwritable;
                    }
                    value = Some(dialect.value(field, &mut scratch));
                }
                let mut empty = field.is_empty();
                if let Some(value) = value {
                    out.copy(&data[copied..start]);
                    if !dialect.write(value, column == first, alone, plain, out) {
                        return unwritable;
                    }
                    copied = end;
                    empty = value.is_empty() && dialect.quote.is_none();
                }
                if alone && empty && self.ends_line(row, lone) {
                    return unwritable;
                }
            }
        }
        if lone && self.blank == Some(self.count) {
            return Err(Error::Field(self.count, first));
        }
        out.copy(&data[copied..self.size]);
        out.count = self.count;
        out.set(self.count, out.end);
        Ok(())
    }

    /// Tell whether a record would no longer be seen if its one field were empty.
    fn ends_line(&self, row: usize, lone: bool) -> bool {
        let (data, end) = (self.block.data, self.field(row, self.columns - 1).end);
        !data[end..].starts_with(&self.block.dialect.delimiter) && (lone || end == data.len())
    }
}
