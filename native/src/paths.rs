//! Values at the paths of BSON documents, as `cdc.writers.embedding.bson_walk` reads and writes them.
//!
//! A value is its type byte and its bytes. What cannot be walked is left to Python.

use std::ops::Range;

use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::bson::{ARRAY, DOCUMENT, DOUBLE, INT32, INT64, NULL, Writer};
use crate::endian;

const UNDEFINED: u8 = 0x06;
const DECIMAL128: u8 = 0x13;

/// Where the value of a leading `_id` begins: behind the length, the type byte and the name.
const ID_OFFSET: usize = 9;

/// A document without fields.
const EMPTY: [u8; 5] = [5, 0, 0, 0, 0];

type Path = Vec<PyBackedStr>;
type Value = (Path, PyBackedBytes);

/// Where a field's type byte is, where its value begins and where it ends.
struct Field {
    at: usize,
    start: usize,
    end: usize,
}

fn length(raw: &[u8], at: usize) -> Option<usize> {
    usize::try_from(i32::from_le_bytes(endian::bytes(raw, at)?)).ok()
}

fn nul(raw: &[u8], from: usize) -> Option<usize> {
    Some(from + raw.get(from..)?.iter().position(|&byte| byte == 0)?)
}

/// Returns the offset behind a value; None for what is damaged, or of no known type.
fn value_end(raw: &[u8], kind: u8, at: usize) -> Option<usize> {
    let size = match kind {
        UNDEFINED | NULL | 0x7f | 0xff => 0,
        0x08 => 1,
        INT32 => 4,
        DOUBLE | 0x09 | 0x11 | INT64 => 8,
        0x07 => 12,
        DECIMAL128 => 16,
        0x0b => {
            let pattern_end = nul(raw, at)?;
            return Some(nul(raw, pattern_end + 1)? + 1);
        }
        DOCUMENT | ARRAY | 0x0f => length(raw, at)?,
        0x02 | 0x0d | 0x0e => length(raw, at)?.checked_add(4)?,
        0x05 => length(raw, at)?.checked_add(5)?,
        0x0c => length(raw, at)?.checked_add(16)?,
        _ => return None,
    };
    let end = at.checked_add(size)?;
    (end <= raw.len()).then_some(end)
}

/// Returns a field of the document at `begin`; the outer None is for what is damaged.
fn find(raw: &[u8], begin: usize, name: &[u8]) -> Option<Option<Field>> {
    let mut at = begin.checked_add(4)?;
    loop {
        let kind = *raw.get(at)?;
        if kind == 0 {
            return Some(None);
        }
        let name_end = nul(raw, at + 1)?;
        let start = name_end + 1;
        let end = value_end(raw, kind, start)?;
        if &raw[at + 1..name_end] == name {
            return Some(Some(Field { at, start, end }));
        }
        at = end;
    }
}

/// Returns the type and the bytes of the value at a path, if there is one.
fn value<'a>(raw: &'a [u8], path: &[PyBackedStr]) -> Option<Option<(u8, &'a [u8])>> {
    let mut begin = 0;
    for (depth, name) in path.iter().enumerate() {
        let Some(field) = find(raw, begin, name.as_bytes())? else {
            return Some(None);
        };
        if depth + 1 == path.len() {
            return Some(Some((raw[field.at], &raw[field.start..field.end])));
        }
        if raw[field.at] != DOCUMENT {
            return Some(None);
        }
        begin = field.start;
    }
    Some(None)
}

/// Returns the document of these parts, one behind the other.
fn document(parts: &[&[u8]]) -> Option<Vec<u8>> {
    let size = parts.iter().map(|part| part.len()).sum::<usize>() + EMPTY.len();
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(&i32::try_from(size).ok()?.to_le_bytes());
    for part in parts {
        out.extend_from_slice(part);
    }
    out.push(0);
    Some(out)
}

/// Returns the fields of a document from an offset on.
fn rest(raw: &[u8], from: usize) -> Option<&[u8]> {
    raw.get(from..raw.len().checked_sub(1)?)
}

/// Returns the document without the value at a path; None inside is for no change.
fn without(raw: &[u8], path: &[PyBackedStr]) -> Option<Option<Vec<u8>>> {
    let (name, below) = path.split_first()?;
    let Some(Field { at, start, end }) = find(raw, 0, name.as_bytes())? else {
        return Some(None);
    };
    if !below.is_empty() {
        if raw[at] != DOCUMENT {
            return Some(None);
        }
        let Some(inner) = without(&raw[start..end], below)? else {
            // What holds nothing goes too, though there was nothing to take out of it.
            if end - start > EMPTY.len() {
                // Made anew, it would end as a document does.
                return if raw.last() == Some(&0) { Some(None) } else { None };
            }
            return Some(Some(document(&[&raw[4..at], rest(raw, end)?])?));
        };
        if inner.len() > EMPTY.len() {
            return Some(Some(document(&[&raw[4..start], &inner, rest(raw, end)?])?));
        }
    }
    Some(Some(document(&[&raw[4..at], rest(raw, end)?])?))
}

/// Returns the document with a value at a path.
fn with_value(raw: &[u8], path: &[PyBackedStr], kind: u8, value: &[u8]) -> Option<Vec<u8>> {
    let (name, below) = path.split_first()?;
    let name = name.as_bytes();
    let found = find(raw, 0, name)?;
    if below.is_empty() {
        return put(raw, found.as_ref(), name, kind, value);
    }
    match found {
        Some(Field { at, start, end }) if raw[at] == DOCUMENT => {
            let inner = with_value(&raw[start..end], below, kind, value)?;
            document(&[&raw[4..start], &inner, rest(raw, end)?])
        }
        _ => {
            let inner = with_value(&EMPTY, below, kind, value)?;
            put(raw, found.as_ref(), name, DOCUMENT, &inner)
        }
    }
}

/// Returns the document with a field at its end, in place of the one that was found.
fn put(raw: &[u8], found: Option<&Field>, name: &[u8], kind: u8, value: &[u8]) -> Option<Vec<u8>> {
    let element: [&[u8]; 4] = [&[kind], name, &[0], value];
    let [kind, name, nul, value] = element;
    match found {
        None => document(&[rest(raw, 4)?, kind, name, nul, value]),
        Some(field) => {
            document(&[&raw[4..field.at], rest(raw, field.end)?, kind, name, nul, value])
        }
    }
}

/// Returns the document with another value in the place of the one at a path, if there is one.
fn replaced(raw: &[u8], path: &[PyBackedStr], kind: u8, value: &[u8]) -> Option<Option<Vec<u8>>> {
    let (name, below) = path.split_first()?;
    let Some(Field { at, start, end }) = find(raw, 0, name.as_bytes())? else {
        return Some(None);
    };
    if below.is_empty() {
        let parts = [&raw[4..at], &[kind], &raw[at + 1..start], value, rest(raw, end)?];
        return Some(Some(document(&parts)?));
    }
    if raw[at] != DOCUMENT {
        return Some(None);
    }
    let Some(inner) = replaced(&raw[start..end], below, kind, value)? else {
        return Some(None);
    };
    Some(Some(document(&[&raw[4..start], &inner, rest(raw, end)?])?))
}

fn is_name(path: &Path) -> bool {
    !path.is_empty() && path.iter().all(|name| !name.as_bytes().contains(&0))
}

fn spliced(raw: &[u8], values: &[Value]) -> Option<Vec<u8>> {
    let mut whole: Option<Vec<u8>> = None;
    for (path, _) in values {
        if !is_name(path) {
            return None;
        }
        if let Some(less) = without(whole.as_deref().unwrap_or(raw), path)? {
            whole = Some(less);
        }
    }
    for (path, value) in values {
        let (&kind, value) = value.split_first()?;
        whole = Some(with_value(whole.as_deref().unwrap_or(raw), path, kind, value)?);
    }
    Some(whole.unwrap_or_else(|| raw.to_vec()))
}

/// Returns the parts of a document without its fields of these names, found in one walk.
///
/// None for what is not so plain: a path of several names, a name twice, damaged bytes.
fn kept(raw: &[u8], values: &[Value]) -> Option<Vec<Range<usize>>> {
    if values.is_empty() {
        return None;
    }
    let mut names: Vec<&[u8]> = Vec::with_capacity(values.len());
    for (path, _) in values {
        let [name] = path.as_slice() else { return None };
        if !is_name(path) || names.contains(&name.as_bytes()) {
            return None;
        }
        names.push(name.as_bytes());
    }
    let mut seen = vec![false; names.len()];
    let mut kept = Vec::with_capacity(names.len() + 1);
    let (mut from, mut at) = (4, 4);
    loop {
        let kind = *raw.get(at)?;
        if kind == 0 {
            let end = raw.len().checked_sub(1)?;
            kept.push(from..end);
            return (from <= end).then_some(kept);
        }
        let name_end = nul(raw, at + 1)?;
        let end = value_end(raw, kind, name_end + 1)?;
        if let Some(which) = names.iter().position(|name| *name == &raw[at + 1..name_end]) {
            if std::mem::replace(&mut seen[which], true) {
                return None;
            }
            kept.push(from..at);
            from = end;
        }
        at = end;
    }
}

/// Returns the document of these parts and of the values behind them.
fn joined<'py>(
    py: Python<'py>,
    raw: &[u8],
    kept: &[Range<usize>],
    values: &[Value],
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    if values.iter().any(|(_, value)| value.is_empty()) {
        return Ok(None);
    }
    let size = EMPTY.len()
        + kept.iter().map(ExactSizeIterator::len).sum::<usize>()
        + values.iter().map(|(path, value)| path[0].len() + 1 + value.len()).sum::<usize>();
    let Ok(length) = i32::try_from(size) else {
        return Ok(None);
    };
    let whole = PyBytes::new_with(py, size, |mut out| {
        let mut put = |bytes: &[u8]| {
            let (here, rest) = std::mem::take(&mut out).split_at_mut(bytes.len());
            here.copy_from_slice(bytes);
            out = rest;
        };
        put(&length.to_le_bytes());
        kept.iter().for_each(|part| put(&raw[part.clone()]));
        for (path, value) in values {
            put(&value[..1]);
            put(path[0].as_bytes());
            put(&[0]);
            put(&value[1..]);
        }
        put(&[0]);
        Ok(())
    })?;
    Ok(Some(whole))
}

/// Returns what `$set` needs; empty if it would not come to the same bytes.
fn set(raw: &[u8], whole: &[u8], values: &[Value]) -> Option<Vec<u8>> {
    let mut made: Option<Vec<u8>> = None;
    let mut changed = Vec::new();
    for (path, bytes) in values {
        if !is_name(path) {
            return None;
        }
        let (&kind, bytes) = bytes.split_first()?;
        let before = made.as_deref().unwrap_or(raw);
        if value(before, path)? == Some((kind, bytes)) {
            continue;
        }
        let Some(after) = replaced(before, path, kind, bytes)? else {
            return Some(Vec::new());
        };
        changed.push(kind);
        for (depth, name) in path.iter().enumerate() {
            if depth > 0 {
                changed.push(b'.');
            }
            changed.extend_from_slice(name.as_bytes());
        }
        changed.push(0);
        changed.extend_from_slice(bytes);
        made = Some(after);
    }
    if made.as_deref().unwrap_or(raw) == whole { document(&[&changed]) } else { Some(Vec::new()) }
}

fn choice(raw: &[u8], fields: &[(PyBackedBytes, Path)]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(raw.len());
    for (name, path) in fields {
        if !is_name(path) {
            return None;
        }
        if let Some((kind, value)) = value(raw, path)? {
            out.push(kind);
            out.extend_from_slice(name);
            out.push(0);
            out.extend_from_slice(value);
        }
    }
    document(&[&out])
}

fn bytes_of<'py>(py: Python<'py>, kind: u8, value: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, value.len() + 1, |out| {
        out[0] = kind;
        out[1..].copy_from_slice(value);
        Ok(())
    })
}

/// Return the id of a document, type byte and bytes: its first field, `_id`.
///
/// None for what is left to Python: bytes that cannot be walked.
#[pyfunction]
#[pyo3(signature = (raw, /))]
pub fn document_id<'py>(py: Python<'py>, raw: &[u8]) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let id = raw.get(4).and_then(|&kind| {
        let end = value_end(raw, kind, ID_OFFSET)?;
        Some((kind, raw.get(ID_OFFSET..end)?))
    });
    id.map(|(kind, value)| bytes_of(py, kind, value)).transpose()
}

/// Return the values at some paths of a document, None for what is not there.
///
/// None for what is left to Python: bytes that cannot be walked.
#[pyfunction]
#[pyo3(signature = (raw, paths, /))]
pub fn values_at<'py>(
    py: Python<'py>,
    raw: &[u8],
    paths: Vec<Path>,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    let mut values = Vec::with_capacity(paths.len());
    for path in &paths {
        if !is_name(path) {
            return Ok(None);
        }
        values.push(match value(raw, path) {
            None => return Ok(None),
            Some(None) => None,
            Some(Some((kind, value))) => Some(bytes_of(py, kind, value)?),
        });
    }
    Ok(Some(PyTuple::new(py, values)?))
}

/// Return the links and the chosen fields of the documents of a batch, one behind the other.
///
/// Those that have no link are left out; without `fields` the documents are whole. None for what is
/// left to Python: doubles, decimals and documents that link, bytes that cannot be walked.
#[pyfunction]
#[pyo3(signature = (batch, paths, fields, /))]
pub fn linked<'py>(
    py: Python<'py>,
    batch: &[u8],
    paths: Vec<Path>,
    fields: Option<Vec<(PyBackedBytes, Path)>>,
) -> PyResult<Option<Bound<'py, PyList>>> {
    let found = PyList::empty(py);
    let mut rest = batch;
    while !rest.is_empty() {
        let Some(size) = length(rest, 0).filter(|&size| EMPTY.len() <= size && size <= rest.len())
        else {
            return Ok(None);
        };
        let (raw, behind) = rest.split_at(size);
        rest = behind;
        let key = match key(py, raw, &paths)? {
            None => return Ok(None),
            Some(None) => continue,
            Some(Some((key, _))) => PyTuple::new(py, key)?,
        };
        let element = match &fields {
            None => PyBytes::new(py, raw),
            Some(fields) => match choice(raw, fields) {
                None => return Ok(None),
                Some(element) => PyBytes::new(py, &element),
            },
        };
        found.append((key, element))?;
    }
    Ok(Some(found))
}

type Key<'py> = (Vec<Bound<'py, PyAny>>, Vec<Bound<'py, PyBytes>>);

/// Returns the link values of a document; None for what is left to Python, None inside for no link.
fn key<'py>(py: Python<'py>, raw: &[u8], paths: &[Path]) -> PyResult<Option<Option<Key<'py>>>> {
    let mut keys: Vec<Bound<'py, PyAny>> = Vec::with_capacity(paths.len());
    let mut values = Vec::with_capacity(paths.len());
    for path in paths {
        if !is_name(path) {
            return Ok(None);
        }
        let (kind, value) = match value(raw, path) {
            None => return Ok(None),
            Some(None | Some((NULL | ARRAY | UNDEFINED, _))) => return Ok(Some(None)),
            Some(Some((DOUBLE | DECIMAL128 | DOCUMENT, _))) => return Ok(None),
            Some(Some(value)) => value,
        };
        let bytes = bytes_of(py, kind, value)?;
        keys.push(match integer(kind, value) {
            Some(number) => number.into_pyobject(py)?.into_any(),
            None => bytes.clone().into_any(),
        });
        values.push(bytes);
    }
    Ok(Some(Some((keys, values))))
}

/// Return the link values of a document, to compare and as they are; an empty tuple for no link.
///
/// None for what is left to Python: doubles, decimals, documents, bytes that cannot be walked.
#[pyfunction]
#[pyo3(signature = (raw, paths, /))]
pub fn link<'py>(
    py: Python<'py>,
    raw: &[u8],
    paths: Vec<Path>,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    match key(py, raw, &paths)? {
        None => Ok(None),
        Some(None) => Ok(Some(PyTuple::empty(py))),
        Some(Some((keys, values))) => {
            let both = [PyTuple::new(py, keys)?, PyTuple::new(py, values)?];
            Ok(Some(PyTuple::new(py, both)?))
        }
    }
}

fn integer(kind: u8, value: &[u8]) -> Option<i64> {
    match kind {
        INT32 => Some(i32::from_le_bytes(value.try_into().ok()?).into()),
        INT64 => Some(i64::from_le_bytes(value.try_into().ok()?)),
        _ => None,
    }
}

/// Return the document with each value at its path, behind the fields that are there.
///
/// None for what is left to Python: bytes that cannot be walked.
#[pyfunction]
#[pyo3(signature = (raw, values, /))]
pub fn with_values<'py>(
    py: Python<'py>,
    raw: &[u8],
    values: Vec<Value>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    if let Some(kept) = kept(raw, &values) {
        return joined(py, raw, &kept, &values);
    }
    Ok(spliced(raw, &values).map(|whole| PyBytes::new(py, &whole)))
}

/// Return what `$set` needs to make `whole` of a document, empty if it cannot.
///
/// None for what is left to Python: bytes that cannot be walked.
#[pyfunction]
#[pyo3(signature = (raw, whole, values, /))]
pub fn set_in_place<'py>(
    py: Python<'py>,
    raw: &[u8],
    whole: &[u8],
    values: Vec<Value>,
) -> Option<Bound<'py, PyBytes>> {
    Some(PyBytes::new(py, &set(raw, whole, &values)?))
}

/// Return a document of some values of another, each under its name, as far as it has them.
///
/// None for what is left to Python: bytes that cannot be walked.
#[pyfunction]
#[pyo3(signature = (raw, fields, /))]
pub fn chosen<'py>(
    py: Python<'py>,
    raw: &[u8],
    fields: Vec<(PyBackedBytes, Path)>,
) -> Option<Bound<'py, PyBytes>> {
    Some(PyBytes::new(py, &choice(raw, &fields)?))
}

/// Return an array of documents, as a value; None for what is left to Python: what is too long.
#[pyfunction]
#[pyo3(signature = (documents, /))]
pub fn array(py: Python<'_>, documents: Vec<PyBackedBytes>) -> Option<Bound<'_, PyBytes>> {
    let size = documents.iter().map(|each| each.len() + 8).sum::<usize>();
    let mut out = Writer::with_capacity(size + EMPTY.len() + 1);
    out.copied(&[ARRAY], ARRAY);
    let start = out.begin();
    for (at, document) in documents.iter().enumerate() {
        out.copied(&[DOCUMENT], DOCUMENT);
        out.index(at);
        out.copied(document, DOCUMENT);
    }
    out.end(start)?;
    Some(PyBytes::new(py, &out.into_bytes()))
}

/// Return the condition `{$in: […]}` of some values; None for what is left to Python.
#[pyfunction]
#[pyo3(signature = (values, /))]
pub fn among(py: Python<'_>, values: Vec<PyBackedBytes>) -> Option<Bound<'_, PyBytes>> {
    let size = values.iter().map(|each| each.len() + 8).sum::<usize>();
    let mut out = Writer::with_capacity(size + 2 * EMPTY.len() + 5);
    let whole = out.begin();
    out.copied(b"\x04$in\0", ARRAY);
    let start = out.begin();
    for (at, value) in values.iter().enumerate() {
        let (&kind, value) = value.split_first()?;
        out.copied(&[kind], kind);
        out.index(at);
        out.copied(value, kind);
    }
    out.end(start)?;
    out.end(whole)?;
    Some(PyBytes::new(py, &out.into_bytes()))
}
