//! The values inside binary JSON that JSON has no type for: temporal ones and decimals.
//!
//! As `cdc.mapping.types.json_opaque` converts them; all others are left to it.

use crate::bson::Writer;

const TIMESTAMP: u8 = 7;
const DATE: u8 = 10;
const TIME: u8 = 11;
const DATETIME: u8 = 12;

/// The bits of the microseconds in a packed temporal value.
const FRACTION_BITS: u32 = 24;

/// Writes the value of a field type; returns its BSON type.
pub fn opaque(out: &mut Writer, field_type: u8, data: &[u8]) -> Option<u8> {
    match field_type {
        TIMESTAMP | DATE | TIME | DATETIME => {
            let packed = i64::from_le_bytes(data.try_into().ok()?);
            out.string(&temporal(field_type, packed))
        }
        _ => None,
    }
}

fn temporal(field_type: u8, packed: i64) -> String {
    let sign = if packed < 0 { "-" } else { "" };
    let packed = packed.unsigned_abs();
    let fraction = packed & ((1 << FRACTION_BITS) - 1);
    let whole = packed >> FRACTION_BITS;
    let clock = format!(":{:02}:{:02}.{fraction:06}", whole >> 6 & 63, whole & 63);
    if field_type == TIME {
        return format!("{sign}{:02}{clock}", whole >> 12 & 1023);
    }
    let (year, month) = ((whole >> 22) / 13, (whole >> 22) % 13);
    let day = format!("{year:04}-{month:02}-{:02}", whole >> 17 & 31);
    if field_type == DATE { day } else { format!("{day} {:02}{clock}", whole >> 12 & 31) }
}
