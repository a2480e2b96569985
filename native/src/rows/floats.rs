//! FLOAT: as `cdc.mapping.types.floats` converts it.

use crate::bson::Writer;

/// A single needs between 6 and 9 significant digits to read back.
const FRACTION_DIGITS: [usize; 4] = [5, 6, 7, 8];

/// Writes the double of the fewest decimal digits that reads back as the single.
pub fn single(out: &mut Writer, raw: &[u8]) -> Option<u8> {
    let single = f32::from_le_bytes(raw.try_into().ok()?);
    if !single.is_finite() {
        return None;
    }
    let exact = f64::from(single);
    for digits in FRACTION_DIGITS {
        let candidate: f64 = format!("{exact:.digits$e}").parse().ok()?;
        #[allow(clippy::cast_possible_truncation)]
        if (candidate as f32).to_bits() == single.to_bits() {
            return Some(out.double(candidate));
        }
    }
    Some(out.double(exact))
}

/// Writes the singles of a VECTOR as an array of doubles.
pub fn vector(out: &mut Writer, raw: &[u8]) -> Option<u8> {
    let start = out.begin();
    let singles = raw.chunks_exact(4);
    if !singles.remainder().is_empty() {
        return None;
    }
    for (index, bytes) in singles.enumerate() {
        let single = f32::from_le_bytes(bytes.try_into().ok()?);
        if single.is_nan() {
            return None;
        }
        let element = out.element();
        out.index(index);
        let bson_type = out.double(f64::from(single));
        out.typed(element, bson_type)?;
    }
    out.end(start)?;
    Some(crate::bson::ARRAY)
}
