//! Unsigned numbers of at most eight bytes.

/// Returns the number in little-endian bytes.
pub fn little(raw: &[u8]) -> u64 {
    raw.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Returns the number in big-endian bytes.
pub fn big(raw: &[u8]) -> u64 {
    raw.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
