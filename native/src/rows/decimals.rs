//! DECIMAL: groups of nine digits in four big-endian bytes, a smaller group in fewer.
//!
//! As `cdc.mapping.types.decimals` reads them: the highest bit is inverted, and a negative number
//! has every bit inverted.

use std::fmt::Write;

use crate::bson::Writer;

const GROUP_DIGITS: u32 = 9;
/// The bytes of a group of so many digits.
pub const GROUP_BYTES: [usize; 10] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
/// Any number of so many digits fits a Decimal128.
const MAX_DIGITS: u32 = 34;

/// Returns the digits of each group of a DECIMAL(`precision`, `scale`), in order.
pub fn groups(precision: u32, scale: u32) -> Option<Vec<usize>> {
    let whole = precision.checked_sub(scale)?;
    let (lead, trail) = (whole % GROUP_DIGITS, scale % GROUP_DIGITS);
    let full = whole / GROUP_DIGITS + scale / GROUP_DIGITS;
    let mut groups = vec![lead];
    groups.extend(std::iter::repeat_n(GROUP_DIGITS, usize::try_from(full).ok()?));
    groups.push(trail);
    groups.retain(|&digits| digits > 0);
    Some(groups.into_iter().map(|digits| digits as usize).collect())
}

/// A DECIMAL(`precision`, `scale`): the digits of each group, in order.
pub struct Shape {
    groups: Vec<usize>,
    scale: usize,
}

impl Shape {
    pub fn new(precision: u32, scale: u32) -> Option<Self> {
        Some(Shape { groups: groups(precision, scale)?, scale: scale as usize })
    }

    fn precision(&self) -> u32 {
        self.groups.iter().map(|&digits| digits as u32).sum()
    }

    /// Writes the number as Decimal128.
    pub fn decimal128(&self, out: &mut Writer, raw: &[u8]) -> Option<u8> {
        if self.precision() > MAX_DIGITS {
            return None;
        }
        let mut coefficient: i128 = 0;
        let negative = self.each_group(raw, |digits, group| {
            coefficient = coefficient * 10_i128.pow(digits as u32) + i128::from(group);
        })?;
        let signed = if negative { -coefficient } else { coefficient };
        out.decimal128(signed, -i32::try_from(self.scale).ok()?)
    }

    /// Writes the number as SELECT prints it.
    pub fn string(&self, out: &mut Writer, raw: &[u8]) -> Option<u8> {
        let (negative, digits) = self.digits(raw)?;
        let (whole, fraction) = digits.split_at_checked(digits.len().checked_sub(self.scale)?)?;
        let sign = if negative { "-" } else { "" };
        let point = if self.scale > 0 { "." } else { "" };
        out.string(&format!("{sign}{whole}{point}{fraction}"))
    }

    /// Writes the nearest double.
    pub fn double(&self, out: &mut Writer, raw: &[u8]) -> Option<u8> {
        let (negative, digits) = self.digits(raw)?;
        let sign = if negative { "-" } else { "" };
        let number: f64 = format!("{sign}{digits}e-{}", self.scale).parse().ok()?;
        Some(out.double(number))
    }

    /// Returns whether the number is below zero, and its digits: one before the point, at least.
    fn digits(&self, raw: &[u8]) -> Option<(bool, String)> {
        let mut all = String::new();
        let negative = self.each_group(raw, |digits, group| {
            let _ = write!(all, "{group:0digits$}"); // a String takes all
        })?;
        let significant = all.trim_start_matches('0');
        let at_least = self.scale + 1;
        Some((negative && !significant.is_empty(), format!("{significant:0>at_least$}")))
    }

    /// Calls `take` with each group's digits and its number; returns whether the sign is minus.
    fn each_group(&self, raw: &[u8], mut take: impl FnMut(usize, u32)) -> Option<bool> {
        let negative = *raw.first()? < 0x80;
        let inverted = if negative { 0xff } else { 0 };
        let mut at = 0;
        for &digits in &self.groups {
            let size = *GROUP_BYTES.get(digits)?;
            let mut group: u32 = 0;
            for (index, byte) in raw.get(at..at + size)?.iter().enumerate() {
                let sign = if at + index == 0 { 0x80 } else { 0 };
                group = group << 8 | u32::from(byte ^ sign ^ inverted);
            }
            if group >= 10_u32.pow(digits as u32) {
                return None;
            }
            take(digits, group);
            at += size;
        }
        (at == raw.len()).then_some(negative)
    }
}
