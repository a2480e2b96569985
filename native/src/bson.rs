//! BSON as it is written: type bytes, lengths and values (bsonspec.org).

pub const DOUBLE: u8 = 0x01;
pub const STRING: u8 = 0x02;
pub const DOCUMENT: u8 = 0x03;
pub const ARRAY: u8 = 0x04;
pub const BINARY: u8 = 0x05;
pub const BOOLEAN: u8 = 0x08;
pub const DATE: u8 = 0x09;
pub const NULL: u8 = 0x0a;
pub const INT32: u8 = 0x10;
pub const INT64: u8 = 0x12;
pub const DECIMAL128: u8 = 0x13;

/// What is added to the exponent of a Decimal128, and the bits of its coefficient.
const EXPONENT_BIAS: i32 = 6176;
const COEFFICIENT_BITS: u32 = 113;

/// A value in the making. Each method that writes one returns its type byte.
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub fn with_capacity(size: usize) -> Self {
        Writer { out: Vec::with_capacity(size) }
    }

    pub fn len(&self) -> usize {
        self.out.len()
    }

    pub fn clear(&mut self) {
        self.out.clear();
    }

    /// Takes back what was written from `length` on.
    pub fn truncate(&mut self, length: usize) {
        self.out.truncate(length);
    }

    /// Returns what was written from `start` on.
    pub fn since(&self, start: usize) -> &[u8] {
        self.out.get(start..).unwrap_or_default()
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    pub fn boolean(&mut self, value: bool) -> u8 {
        self.out.push(u8::from(value));
        BOOLEAN
    }

    pub fn double(&mut self, value: f64) -> u8 {
        self.out.extend_from_slice(&value.to_le_bytes());
        DOUBLE
    }

    /// Writes the smaller of int32 and int64 that holds the number.
    pub fn integer(&mut self, number: i64) -> u8 {
        if let Ok(small) = i32::try_from(number) {
            self.out.extend_from_slice(&small.to_le_bytes());
            INT32
        } else {
            self.out.extend_from_slice(&number.to_le_bytes());
            INT64
        }
    }

    pub fn int32(&mut self, number: i32) -> u8 {
        self.out.extend_from_slice(&number.to_le_bytes());
        INT32
    }

    /// Writes an int64, or the Decimal128 of a larger number; None beyond 113 bits.
    pub fn long(&mut self, number: i128) -> Option<u8> {
        let Ok(small) = i64::try_from(number) else {
            return self.decimal128(number, 0);
        };
        self.out.extend_from_slice(&small.to_le_bytes());
        Some(INT64)
    }

    /// Writes `coefficient` × 10^`exponent`, as IEEE 754-2008 packs it in binary.
    pub fn decimal128(&mut self, coefficient: i128, exponent: i32) -> Option<u8> {
        let biased = u128::try_from(EXPONENT_BIAS.checked_add(exponent)?).ok()?;
        let size = coefficient.unsigned_abs();
        if size >> COEFFICIENT_BITS != 0 || biased >> 14 != 0 {
            return None;
        }
        let sign = u128::from(coefficient < 0) << 127;
        let packed = sign | biased << COEFFICIENT_BITS | size;
        self.out.extend_from_slice(&packed.to_le_bytes());
        Some(DECIMAL128)
    }

    /// Writes milliseconds since 1970.
    pub fn date(&mut self, milliseconds: i64) -> u8 {
        self.out.extend_from_slice(&milliseconds.to_le_bytes());
        DATE
    }

    /// Writes bytes and as many zeros as `size` lacks; None if they are more.
    pub fn binary(&mut self, data: &[u8], size: usize, subtype: u8) -> Option<u8> {
        let zeros = size.checked_sub(data.len())?;
        self.out.extend_from_slice(&i32::try_from(size).ok()?.to_le_bytes());
        self.out.push(subtype);
        self.out.extend_from_slice(data);
        self.out.resize(self.out.len() + zeros, 0);
        Some(BINARY)
    }

    /// Writes a value's bytes as they are.
    pub fn copied(&mut self, value: &[u8], bson_type: u8) -> u8 {
        self.out.extend_from_slice(value);
        bson_type
    }

    /// Writes a string; None if it is longer than BSON can say.
    pub fn string(&mut self, text: &str) -> Option<u8> {
        self.characters(text.as_bytes())
    }

    /// Writes a string of bytes; None for those that are no UTF-8.
    pub fn utf8(&mut self, bytes: &[u8]) -> Option<u8> {
        if !bytes.is_ascii() {
            std::str::from_utf8(bytes).ok()?; // slower where strings are short
        }
        self.characters(bytes)
    }

    fn characters(&mut self, bytes: &[u8]) -> Option<u8> {
        let length = i32::try_from(bytes.len() + 1).ok()?;
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(bytes);
        self.out.push(0);
        Some(STRING)
    }

    /// Begins a document or array; `end` wants what this returns.
    pub fn begin(&mut self) -> usize {
        self.out.extend_from_slice(&[0; 4]);
        self.out.len() - 4
    }

    /// Ends the document or array that was begun at `start`; None if it is too long.
    pub fn end(&mut self, start: usize) -> Option<()> {
        self.out.push(0);
        let length = i32::try_from(self.out.len() - start).ok()?;
        self.patch(start, &length.to_le_bytes())
    }

    /// Begins an element; its type is set by `typed`, which wants what this returns.
    pub fn element(&mut self) -> usize {
        self.out.push(0);
        self.out.len() - 1
    }

    pub fn typed(&mut self, element: usize, bson_type: u8) -> Option<()> {
        self.patch(element, &[bson_type])
    }

    /// Writes an element's name; None if it holds a NUL, which BSON has no way to say.
    pub fn name(&mut self, name: &str) -> Option<()> {
        if name.as_bytes().contains(&0) {
            return None;
        }
        self.known_name(name.as_bytes());
        Some(())
    }

    /// Writes an element's name that is known to be UTF-8 without a NUL.
    pub fn known_name(&mut self, name: &[u8]) {
        self.out.extend_from_slice(name);
        self.out.push(0);
    }

    /// Writes the name of an array's element: its number in decimal digits.
    pub fn index(&mut self, number: usize) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = number;
        loop {
            at -= 1;
            digits[at] = b"0123456789"[rest % 10];
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[at..]);
        self.out.push(0);
    }

    fn patch(&mut self, at: usize, bytes: &[u8]) -> Option<()> {
        self.out.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
        Some(())
    }
}
