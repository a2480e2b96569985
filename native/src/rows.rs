//! The rows of an event → operations, by a plan that is data.
//!
//! The functions that `cdc.mapping.transcode` generates, and its reference reader, are the definition
//! of what is right. A row of which a value is not known here, or whose image is damaged, is left to
//! them: so they say what is wrong with it, too.

mod changed;
mod characters;
pub mod decimals;
mod document;
mod floats;
mod image;
mod integers;
mod members;
mod questions;
mod sources;
pub mod temporal;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::bson::Writer;
use document::{Documents, Node};
use image::{Columns, Wire};
use questions::Question;
use sources::{Given, Source};

/// A row's operations, in order; None if it is left to Python.
type Found<'py> = PyResult<Option<[Option<Bound<'py, PyAny>>; 2]>>;

const INSERT: usize = 0;
const REPLACE: usize = 1;
const DELETE: usize = 2;

/// The rows of an event, by kind: an update has two images a row.
#[derive(Clone, Copy)]
enum Kind {
    Insert,
    Update,
    Delete,
}

/// The image of a row as it was, or as it is.
#[derive(Clone, Copy)]
enum Which {
    Before,
    After,
}

/// A table's plan: maps its rows to operations on one collection.
///
/// `gone` are the fields of a document whose row is gone; None if it is deleted. Without a `filter`
/// every row has a document. `shard` are fields that tell, with the id, where a document is: one
/// that is to be deleted is named by all of them.
#[pyclass(frozen)]
pub struct RowPlan {
    wires: Vec<Wire>,
    documents: Documents,
    fields: Vec<Node>,
    gone: Option<Vec<Node>>,
    shard: Vec<Node>,
    filter: Option<Question>,
    operation: Py<PyAny>,
    kinds: [Py<PyAny>; 3],
}

#[pymethods]
impl RowPlan {
    /// Read the layout: each column's (size, bytes of its length), the sources, and the fields.
    ///
    /// `filter` are the columns whose bytes it wants, and a callable that says whether the row has a
    /// document.
    /// `operation` makes an operation of (kind, id, document); `kinds` are those of an insert, a
    /// replacement and a deletion. Raises ValueError for what is not known.
    #[new]
    #[pyo3(signature = (columns, sources, id, fields, gone, shard, filter, operation, kinds, /))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        columns: Vec<(usize, usize)>,
        sources: Vec<Bound<'_, PyAny>>,
        id: &Bound<'_, PyAny>,
        fields: &Bound<'_, PyAny>,
        gone: Option<&Bound<'_, PyAny>>,
        shard: &Bound<'_, PyAny>,
        filter: Option<(Vec<usize>, Py<PyAny>)>,
        operation: Py<PyAny>,
        kinds: [Py<PyAny>; 3],
    ) -> PyResult<Self> {
        if columns.is_empty() || columns.iter().any(|&(_, prefix)| prefix > 4) {
            return Err(PyValueError::new_err("no table is like this"));
        }
        let count = columns.len();
        let wires = columns.into_iter().map(|(size, prefix)| match prefix {
            0 => Wire::Fixed(size),
            _ => Wire::Prefixed(prefix),
        });
        let read: PyResult<Vec<Source>> =
            sources.iter().map(|each| Source::read(each, count)).collect();
        let sources = read?;
        let number = sources.len();
        Ok(RowPlan {
            wires: wires.collect(),
            documents: Documents { sources, id: Node::read(id, number)? },
            fields: Node::read_all(fields, number)?,
            gone: gone.map(|each| Node::read_all(each, number)).transpose()?,
            shard: Node::read_all(shard, number)?,
            filter: filter.map(|(columns, ask)| Question::new(columns, ask, count)).transpose()?,
            operation,
            kinds,
        })
    }

    /// Append the operations of an event's rows from `at` on to a list.
    ///
    /// `kind` is 0 for inserted, 1 for updated, 2 for deleted rows; `now` is the commit time, a BSON
    /// date's bytes, or empty: then what holds it is left to Python. Return the offsets of the first row that is left to Python, and of its end:
    /// twice that of the images' end if there is none, and the images' end for a damaged row.
    ///
    /// `ends` are where the images of several events end, empty for one event: how many operations
    /// there are at each is appended to `counts`. A row that goes on behind its event is damaged.
    #[pyo3(signature = (kind, images, at, now, operations, ends, counts, /))]
    #[allow(clippy::too_many_arguments)]
    fn rows<'py>(
        &self,
        kind: u8,
        images: &Bound<'py, PyBytes>,
        at: usize,
        now: &[u8],
        operations: &Bound<'py, PyList>,
        ends: &Bound<'py, PyList>,
        counts: &Bound<'py, PyList>,
    ) -> PyResult<(usize, usize)> {
        let kind = match kind {
            0 => Kind::Insert,
            1 => Kind::Update,
            2 => Kind::Delete,
            _ => return Err(PyValueError::new_err("no kind of rows")),
        };
        let images = images.as_bytes();
        let mut rows = Rows::new(self, kind, images, now, operations);
        let mut events = Events::new(ends, counts)?;
        let mut at = at;
        while at < images.len() {
            let most = events.reach(at, operations.len())?.unwrap_or(images.len());
            let Some(end) = rows.split(at).filter(|end| *end <= most) else {
                return Ok((at, images.len()));
            };
            if !rows.take()? {
                return Ok((at, end));
            }
            at = end;
        }
        events.reach(at, operations.len())?;
        Ok((at, at))
    }

    /// Leave out the updates that change no column which is needed.
    ///
    /// `needed` has a bit for each column. Return the images of the others, and how many are left
    /// out. What follows a damaged image stays.
    #[pyo3(signature = (images, needed, /))]
    fn changed<'py>(
        &self,
        py: Python<'py>,
        images: &Bound<'py, PyBytes>,
        needed: &[u8],
    ) -> (Bound<'py, PyBytes>, usize) {
        match changed::changed(&self.wires, images.as_bytes(), needed) {
            (_, 0) => (images.clone(), 0),
            (kept, left_out) => (PyBytes::new(py, &kept), left_out),
        }
    }
}

/// The ends of events whose images stand back to back.
struct Events<'a, 'py> {
    ends: &'a Bound<'py, PyList>,
    counts: &'a Bound<'py, PyList>,
    next: Option<usize>,
}

impl<'a, 'py> Events<'a, 'py> {
    fn new(ends: &'a Bound<'py, PyList>, counts: &'a Bound<'py, PyList>) -> PyResult<Self> {
        let mut events = Events { ends, counts, next: None };
        events.next = events.following()?;
        Ok(events)
    }

    /// Returns the end of the first event that is not counted.
    fn following(&self) -> PyResult<Option<usize>> {
        let number = self.counts.len();
        let more = number < self.ends.len();
        more.then(|| self.ends.get_item(number)?.extract()).transpose()
    }

    /// Counts the events that end at `at`, or before; returns the end of the next one.
    fn reach(&mut self, at: usize, operations: usize) -> PyResult<Option<usize>> {
        while self.next.is_some_and(|end| end <= at) {
            self.counts.append(operations)?;
            self.next = self.following()?;
        }
        Ok(self.next)
    }
}

/// The work on one event's rows; buffers are kept from row to row.
struct Rows<'a, 'py> {
    plan: &'a RowPlan,
    kind: Kind,
    images: &'a [u8],
    now: &'a [u8],
    operations: &'a Bound<'py, PyList>,
    before: Columns<'a>,
    after: Columns<'a>,
    out: Writer,
    id: Vec<u8>,
    key: Vec<u8>,
    place: Vec<u8>,
    place_before: Vec<u8>,
    lost: Vec<usize>,
    raised: Option<PyErr>,
}

impl<'a, 'py> Rows<'a, 'py> {
    fn new(
        plan: &'a RowPlan,
        kind: Kind,
        images: &'a [u8],
        now: &'a [u8],
        operations: &'a Bound<'py, PyList>,
    ) -> Self {
        let count = plan.wires.len();
        Rows {
            plan,
            kind,
            images,
            now,
            operations,
            before: Vec::with_capacity(count),
            after: Vec::with_capacity(count),
            out: Writer::with_capacity(1024),
            id: Vec::new(),
            key: Vec::new(),
            place: Vec::new(),
            place_before: Vec::new(),
            lost: Vec::new(),
            raised: None,
        }
    }

    /// Splits the images of the row at `at`; returns the offset behind them.
    fn split(&mut self, at: usize) -> Option<usize> {
        let wires = &self.plan.wires;
        match self.kind {
            Kind::Insert => image::split(wires, self.images, at, &mut self.after),
            Kind::Delete => image::split(wires, self.images, at, &mut self.before),
            Kind::Update => {
                let middle = image::split(wires, self.images, at, &mut self.before)?;
                image::split(wires, self.images, middle, &mut self.after)
            }
        }
    }

    /// Appends the row's operations; returns false, and appends none, if it is left to Python.
    fn take(&mut self) -> PyResult<bool> {
        self.lost.clear();
        let found = match self.kind {
            Kind::Insert => self.inserted(),
            Kind::Update => self.updated(),
            Kind::Delete => self.deleted(),
        };
        if let Some(error) = self.raised.take() {
            return Err(error);
        }
        let Some(found) = found? else { return Ok(false) };
        for operation in found.into_iter().flatten() {
            self.operations.append(operation)?;
        }
        self.report()?;
        Ok(true)
    }

    fn inserted(&mut self) -> Found<'py> {
        let Some(kept) = self.kept(Which::After) else { return Ok(None) };
        if !kept {
            return Ok(Some([None, None]));
        }
        let Some(()) = self.document(Which::After, &self.plan.fields) else { return Ok(None) };
        Ok(Some([Some(self.operation(INSERT)?), None]))
    }

    fn updated(&mut self) -> Found<'py> {
        let Some(had) = self.key() else { return Ok(None) };
        let Some(kept) = self.kept(Which::After) else { return Ok(None) };
        if kept && self.document(Which::After, &self.plan.fields).is_none() {
            return Ok(None);
        }
        let moved = had && (!kept || self.id != self.key || self.place != self.place_before);
        let replaced = if kept { Some(self.operation(REPLACE)?) } else { None };
        let left = if moved {
            let Some(left) = self.left()? else { return Ok(None) };
            Some(left)
        } else {
            None
        };
        Ok(Some([left, replaced]))
    }

    fn deleted(&mut self) -> Found<'py> {
        let Some(had) = self.key() else { return Ok(None) };
        if !had {
            return Ok(Some([None, None]));
        }
        let Some(left) = self.left()? else { return Ok(None) };
        Ok(Some([Some(left), None]))
    }

    /// Returns the operation that removes, or marks, the document of the image before.
    fn left(&mut self) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(gone) = &self.plan.gone else {
            return self.made(DELETE, &self.key, &self.place_before).map(Some);
        };
        let Some(()) = self.document(Which::Before, gone) else { return Ok(None) };
        self.operation(REPLACE).map(Some)
    }

    /// Writes `key`; returns whether the row before had a document.
    fn key(&mut self) -> Option<bool> {
        if !self.kept(Which::Before)? {
            return Some(false);
        }
        let documents = &self.plan.documents;
        let py = self.operations.py();
        let (lost, raised) = (&mut self.lost, &mut self.raised);
        let mut given = Given { py, columns: &self.before, now: self.now, lost, raised };
        if self.plan.shard.is_empty() {
            documents.id(&mut given, &mut self.out, &mut self.key)?;
        } else {
            documents.place(&mut given, &self.plan.shard, &mut self.out, &mut self.key)?;
            self.place_before.clear();
            self.place_before.extend_from_slice(self.out.since(0));
        }
        Some(true)
    }

    /// Writes a document and `id`.
    fn document(&mut self, which: Which, fields: &[Node]) -> Option<()> {
        let columns = match which {
            Which::Before => &self.before,
            Which::After => &self.after,
        };
        let py = self.operations.py();
        let (lost, raised) = (&mut self.lost, &mut self.raised);
        let mut given = Given { py, columns, now: self.now, lost, raised };
        let documents = &self.plan.documents;
        if !self.plan.shard.is_empty() {
            documents.place(&mut given, &self.plan.shard, &mut self.out, &mut self.id)?;
            self.place.clear();
            self.place.extend_from_slice(self.out.since(0));
        }
        documents.document(&mut given, fields, &mut self.out, &mut self.id)
    }

    /// Returns whether the row of an image has a document; None if that cannot be said here.
    fn kept(&mut self, which: Which) -> Option<bool> {
        let Some(filter) = &self.plan.filter else { return Some(true) };
        let columns = match which {
            Which::Before => &self.before,
            Which::After => &self.after,
        };
        let answer = filter.ask(self.operations.py(), columns).and_then(|found| found.is_truthy());
        questions::or_keep(self.operations.py(), answer, &mut self.raised)
    }

    /// Makes an operation of the document that was written last.
    fn operation(&self, kind: usize) -> PyResult<Bound<'py, PyAny>> {
        self.made(kind, &self.id, self.out.since(0))
    }

    fn made(&self, kind: usize, id: &[u8], document: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let py = self.operations.py();
        let kind = self.plan.kinds[kind].bind(py).clone();
        let (id, document) = (PyBytes::new(py, id), PyBytes::new(py, document));
        let parts = PyTuple::new(py, [kind, id.into_any(), document.into_any()])?;
        self.plan.operation.bind(py).call1((parts,))
    }

    fn report(&self) -> PyResult<()> {
        for &number in &self.lost {
            self.plan.documents.report(self.operations.py(), number)?;
        }
        Ok(())
    }
}
