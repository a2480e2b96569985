//! BINARY, and MariaDB's types that arrive as text: images leave out the zeros behind them.

use std::net::{Ipv4Addr, Ipv6Addr};

pub fn without_zeros(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let zeros = raw.iter().rev().take_while(|&&byte| byte == 0).count();
    out.extend_from_slice(raw.get(..raw.len() - zeros)?);
    Some(())
}

pub fn uuid(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut digits = text.iter().filter(|&&byte| byte != b'-').map(|&byte| digit(byte));
    let mut found = Vec::with_capacity(text.len() / 2);
    while let Some(high) = digits.next() {
        found.push(high? << 4 | digits.next()??);
    }
    without_zeros(&found, out)
}

fn digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}

pub fn inet4(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let found: Ipv4Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
    without_zeros(&found.octets(), out)
}

pub fn inet6(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let found: Ipv6Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
    without_zeros(&found.octets(), out)
}
