//! MySQL's binary JSON, transcoded to BSON.
//!
//! Format: `sql-common/json_binary.h` in MySQL's source, as `cdc.mapping.types.json` reads it: that
//! module is the definition of what is right. A value that is not ordinary is not converted here:
//! `None` hands it back, and Python converts it, or says what is wrong with it.

use crate::bson::{self, Writer};
use crate::endian::{bytes, uint16, uint32, uint64};
use crate::opaque::opaque;

const SMALL_OBJECT: u8 = 0;
const LARGE_ARRAY: u8 = 3;
const LITERAL: u8 = 4;
const INT16: u8 = 5;
const UINT16: u8 = 6;
const INT32: u8 = 7;
const UINT32: u8 = 8;
const INT64: u8 = 9;
const UINT64: u8 = 10;
const DOUBLE: u8 = 11;
const STRING: u8 = 12;
const OPAQUE: u8 = 15;

const MAX_DEPTH: u32 = 100;
/// A larger ratio of BSON to JSON shows offsets that run in circles.
const GROWTH: usize = 8;

/// Returns the BSON type and value of an object or array of MySQL's binary form.
pub fn transcode(data: &[u8]) -> Option<(u8, Vec<u8>)> {
    let mut out = Writer::with_capacity(data.len() + data.len() / 4 + 32);
    let bson_type = write(&mut out, data)?;
    Some((bson_type, out.into_bytes()))
}

/// Writes the value behind what `out` holds; returns its BSON type.
pub fn write(out: &mut Writer, data: &[u8]) -> Option<u8> {
    let &code = data.first()?;
    let bson_type = container_type(code)?;
    let limit = data.len().checked_mul(GROWTH)?.checked_add(64)?.checked_add(out.len())?;
    let mut reader = Reader { data, limit, out };
    reader.container(1, code, MAX_DEPTH)?;
    (reader.out.len() <= limit).then_some(bson_type)
}

fn container_type(code: u8) -> Option<u8> {
    match code {
        0 | 1 => Some(bson::DOCUMENT),
        2 | 3 => Some(bson::ARRAY),
        _ => None,
    }
}

/// A small or a large container: its counts and offsets have two bytes, or four.
#[derive(Clone, Copy)]
struct Form {
    width: usize,
}

impl Form {
    fn of(code: u8) -> Self {
        Form { width: if code & 1 == 1 { 4 } else { 2 } }
    }

    fn is_large(self) -> bool {
        self.width == 4
    }

    fn key_size(self) -> usize {
        self.width + 2
    }

    fn value_size(self) -> usize {
        self.width + 1
    }

    fn number(self, data: &[u8], at: usize) -> Option<usize> {
        if self.is_large() { usize::try_from(uint32(data, at)?).ok() } else { short(data, at) }
    }
}

/// The names of an object: the entries that tell where each is, and the bytes that hold all.
///
/// `plain`: these bytes are ASCII without a NUL, so that each name is.
struct Names {
    entries: usize,
    first: usize,
    end: usize,
    plain: bool,
}

struct Reader<'a> {
    data: &'a [u8],
    limit: usize,
    out: &'a mut Writer,
}

impl Reader<'_> {
    /// Writes the container whose count is at `base`.
    fn container(&mut self, base: usize, code: u8, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let form = Form::of(code);
        let count = form.number(self.data, base)?;
        let size = form.number(self.data, base + form.width)?;
        if base.checked_add(size)? > self.data.len() {
            return None;
        }
        let entries = base + 2 * form.width;
        let is_object = container_type(code)? == bson::DOCUMENT;
        let key_bytes = if is_object { count.checked_mul(form.key_size())? } else { 0 };
        let values = entries.checked_add(key_bytes)?;
        if values.checked_add(count.checked_mul(form.value_size())?)? > self.data.len() {
            return None;
        }
        let names = if is_object && count > 0 {
            Some(self.names(base, entries, count, form)?)
        } else {
            None
        };

        let start = self.out.begin();
        for index in 0..count {
            let entry = values + index * form.value_size();
            let element = self.out.element();
            match &names {
                Some(names) => self.name(base, names, index, form)?,
                None => self.out.index(index),
            }
            let bson_type = self.value(base, *self.data.get(entry)?, entry + 1, form, depth)?;
            self.out.typed(element, bson_type)?;
            if self.out.len() > self.limit {
                return None;
            }
        }
        self.out.end(start)
    }

    fn names(&self, base: usize, entries: usize, count: usize, form: Form) -> Option<Names> {
        let last = entries + (count - 1) * form.key_size();
        let first = form.number(self.data, entries)?;
        let end =
            form.number(self.data, last)?.checked_add(short(self.data, last + form.width)?)?;
        let all = self.data.get(base.checked_add(first)?..base.checked_add(end)?)?;
        let plain = all.is_ascii() && !all.contains(&0);
        Some(Names { entries, first, end, plain })
    }

    fn name(&mut self, base: usize, names: &Names, index: usize, form: Form) -> Option<()> {
        let entry = names.entries + index * form.key_size();
        let start = form.number(self.data, entry)?;
        let end = start.checked_add(short(self.data, entry + form.width)?)?;
        if start < names.first || end > names.end {
            return None;
        }
        let name = self.data.get(base + start..base + end)?;
        if !names.plain {
            return self.out.name(text(name)?);
        }
        self.out.known_name(name);
        Some(())
    }

    /// Writes the value of an entry whose offset, or value, is at `at`; returns its BSON type.
    fn value(&mut self, base: usize, kind: u8, at: usize, form: Form, depth: u32) -> Option<u8> {
        let offset = form.number(self.data, at)?;
        match kind {
            LITERAL => self.literal(offset),
            INT16 => Some(self.out.integer(i64::from(i16::from_le_bytes(bytes(self.data, at)?)))),
            UINT16 => Some(self.out.integer(i64::from(uint16(self.data, at)?))),
            INT32 | UINT32 if form.is_large() => self.scalar(kind, at),
            SMALL_OBJECT..=LARGE_ARRAY => {
                self.container(base.checked_add(offset)?, kind, depth)?;
                container_type(kind)
            }
            _ => self.scalar(kind, base.checked_add(offset)?),
        }
    }

    fn literal(&mut self, code: usize) -> Option<u8> {
        match code {
            0 => Some(bson::NULL),
            1 => Some(self.out.boolean(true)),
            2 => Some(self.out.boolean(false)),
            _ => None,
        }
    }

    fn scalar(&mut self, kind: u8, at: usize) -> Option<u8> {
        let data = self.data;
        match kind {
            STRING => {
                let (length, at) = length(data, at)?;
                if length > self.limit {
                    return None;
                }
                self.out.utf8(slice(data, at, length)?)
            }
            INT32 => Some(self.out.copied(slice(data, at, 4)?, bson::INT32)),
            DOUBLE => Some(self.out.copied(slice(data, at, 8)?, bson::DOUBLE)),
            UINT32 => Some(self.out.integer(i64::from(uint32(data, at)?))),
            INT64 => Some(self.out.integer(i64::from_le_bytes(bytes(data, at)?))),
            UINT64 => {
                let number = uint64(data, at)?;
                Some(self.out.integer(i64::try_from(number).ok()?))
            }
            OPAQUE => {
                let (length, start) = length(data, at.checked_add(1)?)?;
                opaque(self.out, *data.get(at)?, slice(data, start, length)?)
            }
            _ => None,
        }
    }
}

/// Reads a length in groups of seven bits, the lowest first; returns it and what is behind it.
fn length(data: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut length = 0;
    for group in 0..5 {
        let byte = *data.get(at.checked_add(group)?)?;
        length |= usize::from(byte & 0x7f) << (7 * group);
        if byte < 0x80 {
            return Some((length, at + group + 1));
        }
    }
    None
}

fn slice(data: &[u8], at: usize, size: usize) -> Option<&[u8]> {
    data.get(at..at.checked_add(size)?)
}

fn short(data: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(uint16(data, at)?))
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
