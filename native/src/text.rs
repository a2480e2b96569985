//! JSON text, converted to BSON in one pass.
//!
//! `cdc.mapping.types.json_text` is the definition of what is right. `None` hands back what is not
//! ordinary: numbers beyond 64 bits, keys that stand twice, anything that is no JSON.

use std::borrow::Cow;

use crate::bson::{self, Writer};

const MAX_DEPTH: u32 = 100;
/// Objects with more keys are handed back: each key is compared with those before it.
const MAX_KEYS: usize = 256;

/// Returns the BSON type and value of a UTF-8 text.
pub fn encode(data: &[u8]) -> Option<(u8, Vec<u8>)> {
    let mut out = Writer::with_capacity(data.len() + data.len() / 2 + 16);
    let bson_type = write(&mut out, data)?;
    Some((bson_type, out.into_bytes()))
}

/// Writes the value behind what `out` holds; returns its BSON type.
pub fn write(out: &mut Writer, data: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(data).ok()?;
    let mut parser = Parser { text, at: 0, out };
    let bson_type = parser.value(MAX_DEPTH)?;
    parser.skip_space();
    (parser.at == text.len()).then_some(bson_type)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    out: &'a mut Writer,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Passes over a byte if it comes next.
    fn passes(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text.get(self.at..)?.starts_with(word).then(|| self.at += word.len())
    }

    fn value(&mut self, depth: u32) -> Option<u8> {
        self.skip_space();
        match self.peek()? {
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            b'"' => {
                let text = self.string()?;
                self.out.string(&text)
            }
            b't' => self.word("true").map(|()| self.out.boolean(true)),
            b'f' => self.word("false").map(|()| self.out.boolean(false)),
            b'n' => self.word("null").map(|()| bson::NULL),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: u32) -> Option<u8> {
        let mut keys: Vec<Cow<'a, str>> = Vec::new();
        let start = self.out.begin();
        self.at += 1;
        self.skip_space();
        if !self.passes(b'}') {
            loop {
                self.skip_space();
                let key = self.string()?;
                if keys.len() >= MAX_KEYS || keys.contains(&key) {
                    return None;
                }
                let element = self.out.element();
                self.out.name(&key)?;
                keys.push(key);
                self.skip_space();
                if !self.passes(b':') {
                    return None;
                }
                let bson_type = self.value(depth)?;
                self.out.typed(element, bson_type)?;
                if !self.another(b'}')? {
                    break;
                }
            }
        }
        self.out.end(start)?;
        Some(bson::DOCUMENT)
    }

    fn array(&mut self, depth: u32) -> Option<u8> {
        let start = self.out.begin();
        self.at += 1;
        self.skip_space();
        if !self.passes(b']') {
            for index in 0.. {
                let element = self.out.element();
                self.out.index(index);
                let bson_type = self.value(depth)?;
                self.out.typed(element, bson_type)?;
                if !self.another(b']')? {
                    break;
                }
            }
        }
        self.out.end(start)?;
        Some(bson::ARRAY)
    }

    /// Returns whether a comma follows, rather than the end.
    fn another(&mut self, end: u8) -> Option<bool> {
        self.skip_space();
        if self.passes(b',') {
            return Some(true);
        }
        self.passes(end).then_some(false)
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        if !self.passes(b'"') {
            return None;
        }
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => return self.escaped(start).map(Cow::Owned),
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
        let text = self.text.get(start..self.at)?;
        self.at += 1;
        Some(Cow::Borrowed(text))
    }

    /// Reads a string that has escapes; up to the first one it is plain.
    fn escaped(&mut self, start: usize) -> Option<String> {
        let mut text = String::from(self.text.get(start..self.at)?);
        loop {
            let plain = self.at;
            while !matches!(self.peek()?, b'"' | b'\\' | 0..0x20) {
                self.at += 1;
            }
            text.push_str(self.text.get(plain..self.at)?);
            if self.passes(b'"') {
                return Some(text);
            }
            if !self.passes(b'\\') {
                return None;
            }
            let letter = self.peek()?;
            self.at += 1;
            text.push(match letter {
                b'"' | b'\\' | b'/' => char::from(letter),
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => self.code_point()?,
                _ => return None,
            });
        }
    }

    /// Reads the digits behind `\u`, and those of the second half of a pair.
    fn code_point(&mut self) -> Option<char> {
        let first = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        if !(self.passes(b'\\') && self.passes(b'u')) {
            return None;
        }
        let second = self.four_digits()?;
        if !(0xdc00..0xe000).contains(&second) {
            return None;
        }
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|each| each.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Option<u8> {
        let start = self.at;
        let negative = self.passes(b'-');
        let leads_with_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leads_with_zero && whole > 1) {
            return None;
        }
        let mut integer = true;
        if self.passes(b'.') {
            integer = false;
            if self.digits() == 0 {
                return None;
            }
        }
        if self.passes(b'e') || self.passes(b'E') {
            integer = false;
            if !self.passes(b'-') {
                self.passes(b'+');
            }
            if self.digits() == 0 {
                return None;
            }
        }
        let text = self.text.get(start..self.at)?;
        if !integer {
            let number: f64 = text.parse().ok()?;
            return number.is_finite().then(|| self.out.double(number));
        }
        if negative && leads_with_zero {
            return None; // minus zero: Python decides what it is
        }
        Some(self.out.integer(text.parse().ok()?))
    }

    /// Passes over digits; returns how many.
    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }
}
