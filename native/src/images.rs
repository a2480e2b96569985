//! The rows of a SELECT, as the binary protocol has them → the row images that the binlog would hold.
//!
//! The functions that `cdc.readers.select.row_images` generates are the definition of what is right. A
//! row of which a value is not ordinary, or that is damaged, is left to them: so they say what is wrong
//! with it, too.

mod columns;
mod decimals;
mod temporal;
mod texts;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::endian::little;
use columns::{Column, Described};

const PACKET_HEADER: usize = 4;
const MAX_PAYLOAD: usize = 0xFF_FFFF;
/// The first byte of a row's packet.
const OK: u8 = 0;
/// One, as a packet's number in its header.
const ONE: u32 = 1 << 24;

/// Images, the number of rows, where the last of them begins, and place and number of the packet
/// behind it.
type Found<'py> = (Bound<'py, PyBytes>, usize, usize, usize, u32);

/// A table's columns: turns its rows into row images.
#[pyclass(frozen)]
pub struct RowImages {
    columns: Vec<Column>,
}

#[pymethods]
impl RowImages {
    /// Read the layout: how each column arrives, and what an image holds of it.
    ///
    /// Raises ValueError for what is not known.
    #[new]
    #[pyo3(signature = (columns, /))]
    fn new(columns: Vec<Described>) -> PyResult<Self> {
        let read: Option<Vec<Column>> = columns.into_iter().map(Column::read).collect();
        match read {
            Some(columns) if !columns.is_empty() => Ok(RowImages { columns }),
            _ => Err(PyValueError::new_err("no row arrives like this")),
        }
    }

    /// Return the images of the rows whose packets stand whole in a buffer, in order.
    ///
    /// `at` is where a packet begins, and `number` its number as its header holds it. They end before
    /// the first packet that is no row, or is left to Python, and behind the row with which they
    /// exceed `most` bytes.
    #[pyo3(signature = (buffer, at, number, most, /))]
    fn read<'py>(
        &self,
        py: Python<'py>,
        buffer: &Bound<'py, PyBytes>,
        at: usize,
        number: u32,
        most: usize,
    ) -> Found<'py> {
        let buffer = buffer.as_bytes();
        let rows = py.detach(|| {
            let size = buffer.len().saturating_sub(at);
            let mut rows =
                Rows { images: Vec::with_capacity(size), count: 0, last: at, at, number };
            while rows.at - at <= most && rows.take(&self.columns, buffer).is_some() {}
            rows
        });
        (PyBytes::new(py, &rows.images), rows.count, rows.last, rows.at, rows.number)
    }
}

/// What was read so far.
struct Rows {
    images: Vec<u8>,
    count: usize,
    last: usize,
    at: usize,
    number: u32,
}

impl Rows {
    /// Appends the image of the row whose packet comes next; None, and nothing, if it is left.
    fn take(&mut self, columns: &[Column], buffer: &[u8]) -> Option<()> {
        let begin = self.at.checked_add(PACKET_HEADER)?;
        let header = u32::try_from(little(buffer.get(self.at..begin)?)).ok()?;
        let size = usize::try_from(header.checked_sub(self.number)?).ok()?;
        if size >= MAX_PAYLOAD {
            return None;
        }
        let end = begin.checked_add(size)?;
        let (&OK, row) = buffer.get(begin..end)?.split_first()? else { return None };
        let start = self.images.len();
        if image(columns, row, &mut self.images).is_none() {
            self.images.truncate(start);
            return None;
        }
        self.count += 1;
        self.last = begin + 1;
        self.at = end;
        self.number = self.number.wrapping_add(ONE);
        Some(())
    }
}

/// Writes the image of a row that begins with its null bitmap; None if it does not end with its
/// last column.
fn image(columns: &[Column], row: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (nulls, mut rest) = row.split_at_checked((columns.len() + 9) / 8)?;
    bitmap(columns.len(), nulls, out);
    for (index, column) in columns.iter().enumerate() {
        let bit = index + 2;
        if nulls.get(bit / 8)? >> (bit % 8) & 1 == 0 {
            rest = column.write(rest, out)?;
        }
    }
    rest.is_empty().then_some(())
}

/// Writes an image's bitmap. A row's begins with two bits that mean nothing; servers set those
/// behind the last column of an image.
fn bitmap(count: usize, nulls: &[u8], out: &mut Vec<u8>) {
    let size = count.div_ceil(8);
    for (at, &byte) in nulls.iter().take(size).enumerate() {
        let next = nulls.get(at + 1).copied().unwrap_or(0);
        let unused = if at + 1 == size && count % 8 > 0 { 0xff << (count % 8) } else { 0 };
        out.push(byte >> 2 | next << 6 | unused);
    }
}
