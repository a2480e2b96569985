//! How a column arrives, and what an image holds of it: `cdc.readers.select.wire_values` defines each.

use super::decimals::Packer;
use super::{temporal, texts};
use crate::endian::{little, push_little};

const LONGEST_PREFIX: usize = 4;
/// The longest value whose length arrives in one byte.
const ONE_BYTE_LENGTHS: u8 = 250;
/// The most bytes of a value that is converted and has a length before it.
const MOST_PACKED: usize = 255;

/// A column as Python describes it: the bytes that arrive, 0 if a length comes first; how many of
/// them an image keeps; the bytes of an image's length; whether a length that arrives is always one
/// byte; the conversion's name, empty for none, and two numbers.
pub type Described = (usize, usize, usize, bool, String, u32, u32);

pub struct Column {
    arrives: Arrives,
    held: Held,
    prefix: usize,
}

enum Arrives {
    Fixed(usize),
    BehindOneByte,
    BehindLength,
}

/// What an image holds: the first bytes, all that a length came before, or what a conversion makes.
enum Held {
    First(usize),
    All,
    Year,
    Date,
    DateTime { digits: usize },
    Timestamp { digits: usize },
    Time { digits: usize },
    Decimal(Packer),
    WithoutZeros,
    Uuid,
    Inet4,
    Inet6,
}

impl Column {
    /// Returns None for what is not known.
    pub fn read((size, kept, prefix, short, packing, a, b): Described) -> Option<Self> {
        let arrives = match (size, short) {
            (0, true) => Arrives::BehindOneByte,
            (0, false) => Arrives::BehindLength,
            _ => Arrives::Fixed(size),
        };
        let digits = usize::try_from(a).ok()?;
        let held = match packing.as_str() {
            "" if size == 0 => Held::All,
            "" => Held::First(kept),
            "year" => Held::Year,
            "date" => Held::Date,
            "datetime" => Held::DateTime { digits },
            "timestamp" => Held::Timestamp { digits },
            "time" => Held::Time { digits },
            "decimal" => Held::Decimal(Packer::new(a, b)?),
            "without zeros" => Held::WithoutZeros,
            "uuid" => Held::Uuid,
            "inet4" => Held::Inet4,
            "inet6" => Held::Inet6,
            _ => return None,
        };
        let is_known = prefix <= LONGEST_PREFIX && kept <= size;
        is_known.then_some(Column { arrives, held, prefix })
    }

    /// Writes what an image holds of the value that `row` begins with; returns what is behind it.
    pub fn write<'a>(&self, row: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
        let (value, rest) = self.value(row)?;
        match self.held {
            Held::First(kept) => out.extend_from_slice(value.get(..kept)?),
            Held::All => {
                push_length(value.len(), self.prefix, out)?;
                out.extend_from_slice(value);
            }
            _ => self.packed(value, out)?,
        }
        Some(rest)
    }

    fn value<'a>(&self, row: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        if let Arrives::Fixed(size) = self.arrives {
            return row.split_at_checked(size);
        }
        let (&first, rest) = row.split_first()?;
        if first <= ONE_BYTE_LENGTHS {
            return rest.split_at_checked(usize::from(first));
        }
        if matches!(self.arrives, Arrives::BehindOneByte) {
            return None;
        }
        let bytes = match first {
            0xfc => 2,
            0xfd => 3,
            0xfe => 8,
            _ => return None,
        };
        let (length, rest) = rest.split_at_checked(bytes)?;
        rest.split_at_checked(usize::try_from(little(length)).ok()?)
    }

    fn packed(&self, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let start = out.len();
        out.resize(start + self.prefix, 0);
        match &self.held {
            Held::First(_) | Held::All => return None,
            Held::Year => temporal::year(value, out),
            Held::Date => temporal::date(value, out),
            Held::DateTime { digits } => temporal::datetime(value, *digits, out),
            Held::Timestamp { digits } => temporal::timestamp(value, *digits, out),
            Held::Time { digits } => temporal::time(value, *digits, out),
            Held::Decimal(packer) => packer.pack(value, out),
            Held::WithoutZeros => texts::without_zeros(value, out),
            Held::Uuid => texts::uuid(value, out),
            Held::Inet4 => texts::inet4(value, out),
            Held::Inet6 => texts::inet6(value, out),
        }?;
        let size = out.len() - start - self.prefix;
        if self.prefix == 0 {
            return Some(());
        }
        let size = if size <= MOST_PACKED { u8::try_from(size).ok()? } else { return None };
        *out.get_mut(start)? = size;
        Some(())
    }
}

/// Writes a length of `size` bytes; None if it does not fit.
fn push_length(length: usize, size: usize, out: &mut Vec<u8>) -> Option<()> {
    let length = u64::try_from(length).ok()?;
    if size > 0 && length >> (8 * size) != 0 {
        return None;
    }
    push_little(length, size, out)
}
