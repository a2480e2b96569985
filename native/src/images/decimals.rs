//! DECIMAL: its text → groups of digits, as `crate::rows::decimals` reads them.

use crate::endian::push_big;
use crate::rows::decimals::{GROUP_BYTES, groups};

/// Packs a DECIMAL(`precision`, `scale`).
pub struct Packer {
    groups: Vec<usize>,
    whole: usize,
    scale: usize,
}

impl Packer {
    pub fn new(precision: u32, scale: u32) -> Option<Self> {
        let whole = usize::try_from(precision.checked_sub(scale)?).ok()?;
        let scale_digits = usize::try_from(scale).ok()?;
        Some(Packer { groups: groups(precision, scale)?, whole, scale: scale_digits })
    }

    /// Writes the number; None for a text that has other digits than the column.
    pub fn pack(&self, text: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (is_negative, digits) = match text.split_first()? {
            (b'-', digits) => (true, digits),
            _ => (false, text),
        };
        let point = digits.iter().position(|&byte| byte == b'.');
        let (whole, fraction) = match point {
            Some(at) => (digits.get(..at)?, digits.get(at + 1..)?),
            None => (digits, &[][..]),
        };
        if whole.len() + fraction.len() == 0 || fraction.len() != self.scale {
            return None;
        }
        let zeros = whole.iter().take_while(|&&byte| byte == b'0').count();
        let whole = whole.get(zeros..)?;
        let lacking = self.whole.checked_sub(whole.len())?;
        let padding = std::iter::repeat_n(&b'0', lacking);
        let start = out.len();
        self.append(padding.chain(whole).chain(fraction), out)?;
        *out.get_mut(start)? ^= 0x80;
        if is_negative {
            out.get_mut(start..)?.iter_mut().for_each(|byte| *byte = !*byte);
        }
        Some(())
    }

    fn append<'a>(
        &self,
        mut digits: impl Iterator<Item = &'a u8>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        for &count in &self.groups {
            let mut group: u64 = 0;
            for digit in digits.by_ref().take(count) {
                if !digit.is_ascii_digit() {
                    return None;
                }
                group = group * 10 + u64::from(digit - b'0');
            }
            push_big(group, *GROUP_BYTES.get(count)?, out)?;
        }
        Some(())
    }
}
