//! Splits a row image into its columns.

use crate::endian::little;

/// A column's place in an image: a size, or the size of the length that comes first.
#[derive(Clone, Copy)]
pub enum Wire {
    Fixed(usize),
    Prefixed(usize),
}

/// The bytes of each column, None for NULL.
pub type Columns<'a> = Vec<Option<&'a [u8]>>;

/// Fills `columns` from the image that begins at `at`; returns the offset behind it.
pub fn split<'a>(
    wires: &[Wire],
    images: &'a [u8],
    at: usize,
    columns: &mut Columns<'a>,
) -> Option<usize> {
    columns.clear();
    let mut at = at;
    let nulls = take(images, &mut at, wires.len().div_ceil(8))?;
    for (index, wire) in wires.iter().enumerate() {
        if nulls.get(index / 8)? >> (index % 8) & 1 == 1 {
            columns.push(None);
            continue;
        }
        let size = match *wire {
            Wire::Fixed(size) => size,
            Wire::Prefixed(prefix) => {
                usize::try_from(little(take(images, &mut at, prefix)?)).ok()?
            }
        };
        columns.push(Some(take(images, &mut at, size)?));
    }
    Some(at)
}

fn take<'a>(images: &'a [u8], at: &mut usize, size: usize) -> Option<&'a [u8]> {
    let end = at.checked_add(size)?;
    let found = images.get(*at..end)?;
    *at = end;
    Some(found)
}
