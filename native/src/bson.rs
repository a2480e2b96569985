//! BSON as it is written: type bytes, lengths and values (bsonspec.org).

pub const DOUBLE: u8 = 0x01;
pub const STRING: u8 = 0x02;
pub const DOCUMENT: u8 = 0x03;
pub const ARRAY: u8 = 0x04;
pub const BOOLEAN: u8 = 0x08;
pub const NULL: u8 = 0x0a;
pub const INT32: u8 = 0x10;
pub const INT64: u8 = 0x12;

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

    /// Writes a value's bytes as they are.
    pub fn copied(&mut self, value: &[u8], bson_type: u8) -> u8 {
        self.out.extend_from_slice(value);
        bson_type
    }

    /// Writes a string; None if it is longer than BSON can say.
    pub fn string(&mut self, text: &str) -> Option<u8> {
        let length = i32::try_from(text.len() + 1).ok()?;
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(text.as_bytes());
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
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(0);
        Some(())
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
