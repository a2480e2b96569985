//! What only Python can answer, and its errors.

use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::image::Columns;

/// A question about some columns of a row.
pub struct Question {
    columns: Vec<usize>,
    ask: Py<PyAny>,
}

impl Question {
    /// Raises ValueError for a column that is none of `count`.
    pub fn new(columns: Vec<usize>, ask: Py<PyAny>, count: usize) -> PyResult<Self> {
        if columns.iter().any(|&column| column >= count) {
            return Err(PyValueError::new_err("a question about no column"));
        }
        Ok(Question { columns, ask })
    }

    /// Asks with a tuple of the columns' bytes, None for NULL.
    pub fn ask<'py>(&self, py: Python<'py>, given: &Columns) -> PyResult<Bound<'py, PyAny>> {
        let raws = self.columns.iter().map(|&column| {
            let raw = given.get(column).copied().flatten();
            raw.map(|raw| PyBytes::new(py, raw))
        });
        let raws = PyTuple::new(py, raws.collect::<Vec<_>>())?;
        self.ask.bind(py).call1((raws,))
    }
}

/// Returns an answer; None for an error, which is kept if it is none of the row's.
pub fn or_keep<T>(py: Python<'_>, answer: PyResult<T>, raised: &mut Option<PyErr>) -> Option<T> {
    answer
        .map_err(|error| {
            if !error.is_instance_of::<PyException>(py) {
                *raised = Some(error);
            }
        })
        .ok()
}
