//! Unsigned numbers of at most eight bytes.

/// Returns the number in little-endian bytes.
pub fn little(raw: &[u8]) -> u64 {
    raw.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Returns the number in big-endian bytes.
pub fn big(raw: &[u8]) -> u64 {
    raw.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Appends the lowest `size` bytes of a number in little-endian order; None for more than eight.
pub fn push_little(number: u64, size: usize, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(number.to_le_bytes().get(..size)?);
    Some(())
}

/// Appends the lowest `size` bytes of a number in big-endian order; None for more than eight.
pub fn push_big(number: u64, size: usize, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(number.to_be_bytes().get(8_usize.checked_sub(size)?..)?);
    Some(())
}
