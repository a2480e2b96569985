//! DATE, DATETIME, TIMESTAMP and TIME: as `cdc.mapping.types.temporal` and `times` convert them.

use crate::bson::Writer;
use crate::endian;

const DAY_MILLISECONDS: i64 = 86_400_000;
const HOUR_MILLISECONDS: i64 = 3_600_000;
const MAX_YEAR: i64 = 9999;
const MAX_HOUR: i64 = 838;
const MONTH_DAYS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A value that the calendar has, or a zero or partial date, which becomes null.
pub enum Moment {
    At(i64),
    Zero,
}

/// Returns a DATE's midnight.
pub fn date(raw: &[u8]) -> Option<Moment> {
    let packed = little(raw)?;
    match day(packed >> 9, packed >> 5 & 0xf, packed & 0x1f) {
        Some(days) => Some(Moment::At(days * DAY_MILLISECONDS)),
        None => Some(Moment::Zero),
    }
}

/// Returns a DATETIME's moment; None for what is no DATETIME.
pub fn datetime(raw: &[u8]) -> Option<Moment> {
    let (whole, fraction) = raw.split_at_checked(5)?;
    let packed = big(whole)?;
    let (hour, minute, second) = (packed >> 12 & 0x1f, packed >> 6 & 0x3f, packed & 0x3f);
    if packed >> 39 != 1 || hour > 23 {
        return None;
    }
    let year_month = packed >> 22 & 0x1ffff;
    let Some(days) = day(year_month / 13, year_month % 13, packed >> 17 & 0x1f) else {
        return Some(Moment::Zero);
    };
    if minute > 59 || second > 59 {
        return None;
    }
    let clock = hour * HOUR_MILLISECONDS + (minute * 60 + second) * 1000;
    Some(Moment::At(days * DAY_MILLISECONDS + clock + microseconds(fraction)? / 1000))
}

/// Returns a TIMESTAMP's moment; the zero timestamp has no second and no fraction.
pub fn timestamp(raw: &[u8]) -> Option<Moment> {
    let (seconds, fraction) = raw.split_at_checked(4)?;
    if raw.iter().all(|&byte| byte == 0) {
        return Some(Moment::Zero);
    }
    Some(Moment::At(big(seconds)? * 1000 + microseconds(fraction)? / 1000))
}

pub fn date_string(out: &mut Writer, raw: &[u8]) -> Option<u8> {
    let packed = little(raw)?;
    let (month, day) = (packed >> 5 & 0xf, packed & 0x1f);
    out.string(&format!("{:04}-{month:02}-{day:02}", packed >> 9))
}

pub fn datetime_string(out: &mut Writer, raw: &[u8], scale: usize) -> Option<u8> {
    let (whole, fraction) = raw.split_at_checked(5)?;
    let packed = big(whole)?;
    let year_month = packed >> 22 & 0x1ffff;
    let mut text = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        year_month / 13,
        year_month % 13,
        packed >> 17 & 0x1f,
        packed >> 12 & 0x1f,
        packed >> 6 & 0x3f,
        packed & 0x3f,
    );
    append_digits(&mut text, microseconds(fraction)?, scale);
    out.string(&text)
}

/// Writes a TIME: one number that is stored with an offset, so that it sorts.
pub fn time(out: &mut Writer, raw: &[u8], scale: usize) -> Option<u8> {
    let fraction_bytes = raw.len().checked_sub(3)?;
    let signed = big(raw)? - (1_i64.checked_shl(u32::try_from(8 * raw.len() - 1).ok()?)?);
    let sign = if signed < 0 { "-" } else { "" };
    let packed = signed.abs();
    let whole = packed >> (8 * fraction_bytes);
    let (hour, minute, second) = (whole >> 12, whole >> 6 & 0x3f, whole & 0x3f);
    let fraction = packed & ((1 << (8 * fraction_bytes)) - 1);
    let limit = 100_i64.pow(u32::try_from(fraction_bytes).ok()?);
    if hour > MAX_HOUR || minute > 59 || second > 59 || fraction >= limit {
        return None;
    }
    let mut text = format!("{sign}{hour:02}:{minute:02}:{second:02}");
    append_digits(&mut text, microseconds_of(fraction, fraction_bytes), scale);
    out.string(&text)
}

fn append_digits(text: &mut String, microseconds: i64, scale: usize) {
    if scale > 0 {
        let digits = format!(".{microseconds:06}");
        text.push_str(digits.get(..=scale).unwrap_or(&digits));
    }
}

/// Returns the microseconds of a fraction of a second in 0 to 3 big-endian bytes.
fn microseconds(raw: &[u8]) -> Option<i64> {
    Some(microseconds_of(big(raw)?, raw.len()))
}

fn microseconds_of(fraction: i64, size: usize) -> i64 {
    match size {
        1 => fraction * 10_000,
        2 => fraction * 100,
        _ => fraction,
    }
}

/// Returns the days from 1970 on; None for what no calendar has. The year 0 has a 29 February.
pub fn day(year: i64, month: i64, day: i64) -> Option<i64> {
    let length = *MONTH_DAYS.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = if month == 2 && leap { 29 } else { length };
    if year > MAX_YEAR || day < 1 || day > length {
        return None;
    }
    // Years begin in March, so that a leap day is the last: http://howardhinnant.github.io/date_algorithms.html
    let shifted = if month > 2 { year } else { year - 1 };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Returns the number in at most seven big-endian bytes.
fn big(raw: &[u8]) -> Option<i64> {
    i64::try_from(endian::big(raw)).ok()
}

/// Returns the number in at most seven little-endian bytes.
fn little(raw: &[u8]) -> Option<i64> {
    i64::try_from(endian::little(raw)).ok()
}
