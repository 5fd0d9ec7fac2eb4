//! The compiled core of piienc: it finds fields of CSV, seals and opens cells, and writes fields
//! anew. AES itself is OpenSSL's, called back through the caller.
//!
//! border.rs   the doors for C, and all that is unsafe
//! dialect.rs  how a record is written: values out of fields, and back
//! machine.rs  one record, byte by byte, in every dialect; it alone tells what is wrong
//! find.rs     the records of a block; those of the common dialect 64 bytes at a time
//! splice.rs   columns out of a block, and a block with columns changed
//! strings.rs  byte strings as Arrow lays them out
//! base64.rs   RFC 4648, section 4
//! blocks.rs   blocks of AES, cells in order of their blocks, and memory that is wiped
//! siv.rs      AES-SIV for many cells: RFC 5297
//! gcm.rs      AES-GCM for many cells: NIST SP 800-38D
//! cells.rs    columns of cells sealed and opened under their keys

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod base64;
mod blocks;
mod border;
mod cells;
mod dialect;
mod find;
mod gcm;
mod machine;
mod siv;
mod splice;
mod strings;

type Result<T = ()> = std::result::Result<T, Error>;

/// Why a door does not do what it was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The caller's sizes or numbers do not fit together.
    Argument,
    /// The caller's own function failed.
    Callback,
    /// The field of this row and column cannot be read, or not be written.
    Field(usize, usize),
}
