//! The tree of a document, and how it is written.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::sources::{ABSENT, Given, Source};
use crate::bson::{self, Writer};

/// The reason of a loss: a date that no calendar has.
const ZERO_DATE: &str = "zero_date";

/// A field: a value, or a document of fields. `header` is the room for its type, its name, a NUL.
pub struct Node {
    header: Vec<u8>,
    content: Content,
}

enum Content {
    Value(usize),
    Fields(Vec<Node>),
}

impl Node {
    /// Reads (name, source's number) or (name, fields); raises ValueError for no source's number.
    pub fn read(described: &Bound<'_, PyAny>, sources: usize) -> PyResult<Self> {
        let (name, content): (Vec<u8>, Bound<'_, PyAny>) = described.extract()?;
        let content = match content.extract::<usize>() {
            Ok(number) if number < sources => Content::Value(number),
            Ok(_) => return Err(PyValueError::new_err("a field has no source")),
            Err(_) => Content::Fields(Node::read_all(&content, sources)?),
        };
        Ok(Node { header: [&[0], &name[..], &[0]].concat(), content })
    }

    pub fn read_all(described: &Bound<'_, PyAny>, sources: usize) -> PyResult<Vec<Self>> {
        described.try_iter()?.map(|each| Node::read(&each?, sources)).collect()
    }
}

/// Writes documents of some sources.
pub struct Documents {
    pub sources: Vec<Source>,
    pub id: Node,
}

impl Documents {
    /// Counts a lossy conversion of a source.
    pub fn report(&self, py: Python<'_>, number: usize) -> PyResult<()> {
        match self.sources.get(number).and_then(|source| source.report.as_ref()) {
            Some(report) => report.call1(py, (ZERO_DATE,)).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Writes the whole document to `out`, and its id to `id`: type byte and value.
    pub fn document(
        &self,
        given: &mut Given,
        fields: &[Node],
        out: &mut Writer,
        id: &mut Vec<u8>,
    ) -> Option<()> {
        self.whole(given, fields, out, id, false)
    }

    /// Writes the document of the id and some fields, none of which may be NULL or left out.
    pub fn place(
        &self,
        given: &mut Given,
        fields: &[Node],
        out: &mut Writer,
        id: &mut Vec<u8>,
    ) -> Option<()> {
        self.whole(given, fields, out, id, true)
    }

    fn whole(
        &self,
        given: &mut Given,
        fields: &[Node],
        out: &mut Writer,
        id: &mut Vec<u8>,
        required: bool,
    ) -> Option<()> {
        out.clear();
        let start = out.begin();
        self.identify(given, out, id)?;
        for field in fields {
            self.field(given, field, out, required)?;
        }
        out.end(start)
    }

    /// Writes the id alone.
    pub fn id(&self, given: &mut Given, out: &mut Writer, id: &mut Vec<u8>) -> Option<()> {
        out.clear();
        self.identify(given, out, id)
    }

    fn identify(&self, given: &mut Given, out: &mut Writer, id: &mut Vec<u8>) -> Option<()> {
        let value = out.len() + self.id.header.len();
        let bson_type = self.field(given, &self.id, out, true)?;
        id.clear();
        id.push(bson_type);
        id.extend_from_slice(out.since(value));
        Some(())
    }

    /// Writes a field unless its value is left out; returns its type. With `is_id` no value is NULL.
    fn field(&self, given: &mut Given, node: &Node, out: &mut Writer, is_id: bool) -> Option<u8> {
        let element = out.len();
        out.copied(&node.header, ABSENT);
        let bson_type = match &node.content {
            Content::Value(number) => {
                let found = self.sources.get(*number)?.write(given, out, *number)?;
                if is_id && matches!(found, ABSENT | bson::NULL) {
                    return None;
                }
                found
            }
            Content::Fields(fields) => self.fields(given, fields, out, is_id)?,
        };
        if bson_type == ABSENT {
            out.truncate(element);
        } else {
            out.typed(element, bson_type)?;
        }
        Some(bson_type)
    }

    /// Writes a document of fields; returns ABSENT if all are left out.
    fn fields(
        &self,
        given: &mut Given,
        fields: &[Node],
        out: &mut Writer,
        is_id: bool,
    ) -> Option<u8> {
        let start = out.begin();
        let empty = out.len();
        for field in fields {
            self.field(given, field, out, is_id)?;
        }
        if out.len() == empty {
            return Some(ABSENT);
        }
        out.end(start)?;
        Some(bson::DOCUMENT)
    }
}
