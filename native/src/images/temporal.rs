//! DATE, DATETIME, TIMESTAMP, TIME and YEAR, of which trailing zero parts do not arrive.

use crate::endian::{little, push_big, push_little};
use crate::rows::temporal::day;

const YEAR_ORIGIN: u64 = 1900;
const MAX_YEAR: u64 = 9999;
const DAY_SECONDS: i64 = 86_400;
const HOUR_SECONDS: i64 = 3600;
const MAX_TIME_DAYS: u64 = 34;
/// The bytes of a fraction of so many digits of the second, and the divisor of its microseconds.
const FRACTIONS: [(usize, u64); 7] =
    [(0, 1), (1, 10_000), (1, 10_000), (2, 100), (2, 100), (3, 1), (3, 1)];

struct Moment {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    microseconds: u64,
}

impl Moment {
    /// Returns None for what no server sends; a month or day may be zero.
    fn read(raw: &[u8]) -> Option<Self> {
        if !matches!(raw.len(), 0 | 4 | 7 | 11) {
            return None;
        }
        let mut all = [0; 11];
        all.get_mut(..raw.len())?.copy_from_slice(raw);
        let [year_low, year_high, month, day, hour, minute, second, fraction @ ..] = all;
        let found = Moment {
            year: little(&[year_low, year_high]),
            month: month.into(),
            day: day.into(),
            hour: hour.into(),
            minute: minute.into(),
            second: second.into(),
            microseconds: little(&fraction),
        };
        let is_date = found.year <= MAX_YEAR && month <= 12 && day <= 31;
        (is_date && is_clock(hour, minute, second, found.microseconds)).then_some(found)
    }

    fn clock(&self) -> u64 {
        self.hour << 12 | self.minute << 6 | self.second
    }
}

fn is_clock(hour: u8, minute: u8, second: u8, microseconds: u64) -> bool {
    hour <= 23 && minute <= 59 && second <= 59 && microseconds < 1_000_000
}

pub fn year(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let year = little(raw);
    let stored = if year == 0 { 0 } else { year.checked_sub(YEAR_ORIGIN)? };
    out.push(u8::try_from(stored).ok()?);
    Some(())
}

pub fn date(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    if !matches!(raw.len(), 0 | 4) {
        return None;
    }
    let found = Moment::read(raw)?;
    push_little(found.year << 9 | found.month << 5 | found.day, 3, out)
}

pub fn datetime(raw: &[u8], digits: usize, out: &mut Vec<u8>) -> Option<()> {
    let found = Moment::read(raw)?;
    let days = (found.year * 13 + found.month) << 5 | found.day;
    push_big(1 << 39 | days << 17 | found.clock(), 5, out)?;
    fraction(found.microseconds, digits, out)
}

/// Writes a TIMESTAMP that arrives in UTC.
pub fn timestamp(raw: &[u8], digits: usize, out: &mut Vec<u8>) -> Option<()> {
    let found = Moment::read(raw)?;
    let seconds = if raw.is_empty() { 0 } else { seconds(&found)? };
    push_big(seconds.into(), 4, out)?;
    fraction(found.microseconds, digits, out)
}

fn seconds(found: &Moment) -> Option<u32> {
    let parts = [found.year, found.month, found.day, found.hour, found.minute, found.second];
    let [year, month, day_of_month, hour, minute, second] =
        parts.map(|each| i64::try_from(each).unwrap_or(-1));
    let days = day(year, month, day_of_month)?;
    u32::try_from(days * DAY_SECONDS + hour * HOUR_SECONDS + minute * 60 + second).ok()
}

pub fn time(raw: &[u8], digits: usize, out: &mut Vec<u8>) -> Option<()> {
    if !matches!(raw.len(), 0 | 8 | 12) {
        return None;
    }
    let mut all = [0; 12];
    all.get_mut(..raw.len())?.copy_from_slice(raw);
    let [is_negative, d0, d1, d2, d3, hour, minute, second, micros @ ..] = all;
    let (days, microseconds) = (little(&[d0, d1, d2, d3]), little(&micros));
    if is_negative > 1 || days > MAX_TIME_DAYS || !is_clock(hour, minute, second, microseconds) {
        return None;
    }
    let (bytes, divisor) = *FRACTIONS.get(digits)?;
    let hours = days * 24 + u64::from(hour);
    let whole = hours << 12 | u64::from(minute) << 6 | u64::from(second);
    let fraction = if digits > 0 { microseconds / divisor } else { 0 };
    let number = (whole << (8 * bytes)) + fraction;
    let offset: u64 = 1 << (8 * (3 + bytes) - 1);
    let signed = if is_negative == 1 { offset.checked_sub(number)? } else { offset + number };
    push_big(signed, 3 + bytes, out)
}

/// Writes the fraction of a second.
fn fraction(microseconds: u64, digits: usize, out: &mut Vec<u8>) -> Option<()> {
    let (bytes, divisor) = *FRACTIONS.get(digits)?;
    push_big(microseconds / divisor, bytes, out)
}
