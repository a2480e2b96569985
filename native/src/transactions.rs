//! Whole transactions, as the objects that Python makes its own of.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::framing::{Gtid, Place, Rows, Stream, Transaction};

/// What is found one after the other, and where the next packet begins: its place and number.
pub type Found<'py> = (Vec<Bound<'py, PyTuple>>, usize, u32);

/// Returns the transactions that stand at a place, up to the first that is not whole or ordinary.
pub fn read<'py>(py: Python<'py>, stream: &Stream<'_>, mut place: Place) -> PyResult<Found<'py>> {
    let mut objects = Objects { py, last: Default::default() };
    let mut found = Vec::new();
    while let Some(transaction) = stream.transaction(place) {
        place = transaction.end;
        found.push(objects.transaction(&transaction)?);
    }
    Ok((found, place.at, place.number))
}

/// Makes Python's objects; bytes that stood there in the event before are the same object.
struct Objects<'py> {
    py: Python<'py>,
    last: [Option<Bound<'py, PyBytes>>; 3],
}

impl<'py> Objects<'py> {
    fn transaction(&mut self, found: &Transaction<'_>) -> PyResult<Bound<'py, PyTuple>> {
        let py = self.py;
        let rows: PyResult<Vec<_>> = found.rows.iter().map(|each| self.rows(each)).collect();
        (
            (found.begin.at, found.begin.number),
            (found.offset, found.end.offset),
            PyBytes::new(py, found.gtid_event),
            self.gtid(&found.gtid)?,
            found.committed,
            rows?,
        )
            .into_pyobject(py)
    }

    fn gtid(&self, gtid: &Gtid<'_>) -> PyResult<Bound<'py, PyTuple>> {
        match *gtid {
            Gtid::Mysql(source, number, committed) => {
                (PyBytes::new(self.py, source), number, committed).into_pyobject(self.py)
            }
            Gtid::Mariadb(domain, server_id, sequence, flags) => {
                (domain, server_id, sequence, flags).into_pyobject(self.py)
            }
        }
    }

    fn rows(&mut self, rows: &Rows<'_>) -> PyResult<Bound<'py, PyTuple>> {
        let present = self.repeated(2, rows.present);
        let present_after = if rows.present_after == rows.present {
            present.clone()
        } else {
            PyBytes::new(self.py, rows.present_after)
        };
        (
            self.repeated(0, rows.table_id),
            self.repeated(1, rows.table),
            rows.kind,
            rows.columns,
            present,
            present_after,
            PyBytes::new(self.py, rows.images),
        )
            .into_pyobject(self.py)
    }

    fn repeated(&mut self, which: usize, data: &[u8]) -> Bound<'py, PyBytes> {
        match &self.last[which] {
            Some(last) if last.as_bytes() == data => last.clone(),
            _ => self.last[which].insert(PyBytes::new(self.py, data)).clone(),
        }
    }
}
