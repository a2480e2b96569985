//! TINYINT to BIGINT, YEAR and BIT: as `cdc.mapping.types.integers` and `bits` convert them.

use crate::bson::Writer;
use crate::endian::{big, little};

const YEAR_ORIGIN: i32 = 1900;

/// Returns the number in at most eight little-endian bytes.
pub fn number(raw: &[u8], unsigned: bool) -> i128 {
    let number = i128::from(little(raw));
    let negative = !unsigned && raw.last().is_some_and(|&byte| byte > 0x7f);
    if negative { number - (1 << (8 * raw.len())) } else { number }
}

/// Writes an int32 or, if `width` is 8, an int64 or the Decimal128 of a larger number.
pub fn integer(out: &mut Writer, number: i128, width: u32) -> Option<u8> {
    if width == 8 {
        return out.long(number);
    }
    Some(out.int32(i32::try_from(number).ok()?))
}

pub fn boolean(out: &mut Writer, raw: &[u8]) -> u8 {
    out.boolean(raw.iter().any(|&byte| byte != 0))
}

pub fn year(out: &mut Writer, raw: &[u8]) -> Option<u8> {
    let &[byte] = raw else { return None };
    let year = i32::from(byte);
    Some(out.int32(if year == 0 { 0 } else { year + YEAR_ORIGIN }))
}

/// Writes a BIT(1).
pub fn bit(out: &mut Writer, raw: &[u8]) -> Option<u8> {
    match raw {
        [0] => Some(out.boolean(false)),
        [1] => Some(out.boolean(true)),
        _ => None,
    }
}

/// Writes a BIT of `count` bits.
pub fn bits(out: &mut Writer, raw: &[u8], count: u32) -> Option<u8> {
    let number = i128::from(big(raw));
    if number.checked_shr(count)? != 0 {
        return None;
    }
    out.long(number)
}

/// Writes the decimal digits.
pub fn string(out: &mut Writer, number: i128) -> Option<u8> {
    out.string(&number.to_string())
}

/// Writes the nearest double.
pub fn double(out: &mut Writer, number: i128) -> u8 {
    #[allow(clippy::cast_precision_loss)]
    out.double(number as f64)
}
