//! Charsets of one byte a character: as `ByTable` in `cdc.mapping.types.charsets` decodes them.

use crate::bson::Writer;

/// The character of each byte; None for a byte without one.
pub type Table = Vec<Option<String>>;

/// Writes the characters of bytes.
pub fn string(out: &mut Writer, raw: &[u8], table: &Table) -> Option<u8> {
    let mut text = String::with_capacity(raw.len());
    for &byte in raw {
        text.push_str(table.get(usize::from(byte))?.as_deref()?);
    }
    out.string(&text)
}
