//! Integers of bytes, and bytes of integers, of at most eight bytes.

/// Returns some bytes, to make an integer of; None if they are not all there.
pub fn bytes<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Returns the little-endian number of two bytes.
pub fn uint16(data: &[u8], at: usize) -> Option<u16> {
    bytes(data, at).map(u16::from_le_bytes)
}

/// Returns the little-endian number of four bytes.
pub fn uint32(data: &[u8], at: usize) -> Option<u32> {
    bytes(data, at).map(u32::from_le_bytes)
}

/// Returns the little-endian number of eight bytes.
pub fn uint64(data: &[u8], at: usize) -> Option<u64> {
    bytes(data, at).map(u64::from_le_bytes)
}

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
