//! The hot loops of cdc. Python has each of them too, and is the definition of what is right.

#![forbid(unsafe_code)]

mod bson;
mod endian;
pub mod framing;
mod images;
pub mod json;
mod opaque;
pub mod paths;
mod rows;
pub mod text;
mod transactions;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::framing::{Place, Stream};

type Encoded<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>);

fn encoded(py: Python<'_>, found: Option<(u8, Vec<u8>)>) -> Option<Encoded<'_>> {
    let (bson_type, value) = found?;
    Some((PyBytes::new(py, &[bson_type]), PyBytes::new(py, &value)))
}

/// The functions that Python calls.
#[pymodule]
mod cdc_native {
    use super::*;

    /// Raised with each change of a function: `cdc.native` wants one number.
    #[pymodule_export]
    const INTERFACE: u32 = 9;

    #[pymodule_export]
    use crate::images::RowImages;

    #[pymodule_export]
    use crate::rows::RowPlan;

    #[pymodule_export]
    use crate::paths::{
        among, array, chosen, document_id, link, linked, set_in_place, values_at, with_values,
    };

    /// Return BSON type byte and value bytes of a JSON object or array in MySQL's binary form.
    ///
    /// None for what is left to Python: a scalar, some opaque values, damaged bytes.
    #[pyfunction]
    #[pyo3(signature = (data, /))]
    fn transcode_json<'py>(py: Python<'py>, data: &[u8]) -> Option<Encoded<'py>> {
        encoded(py, json::transcode(data))
    }

    /// Return BSON type byte and value bytes of a JSON text in UTF-8.
    ///
    /// None for what is left to Python: numbers beyond 64 bits, keys twice, what is no JSON.
    #[pyfunction]
    #[pyo3(signature = (data, /))]
    fn encode_json_text<'py>(py: Python<'py>, data: &[u8]) -> Option<Encoded<'py>> {
        encoded(py, text::encode(data))
    }

    /// Return the run of ordinary transactions that stands whole in a buffer of packets.
    ///
    /// `at` is where a packet begins that would open one, `number` its number as its header holds
    /// it, `offset` where the event before it ended in the source's file. It has `most` transactions
    /// at most. None if there is none.
    #[pyfunction]
    #[pyo3(signature = (buffer, at, number, offset, checksum, opens, image_bytes, most, /))]
    #[allow(clippy::too_many_arguments)]
    fn read_run<'py>(
        py: Python<'py>,
        buffer: &[u8],
        at: usize,
        number: u32,
        offset: u64,
        checksum: bool,
        opens: &[u8],
        image_bytes: usize,
        most: usize,
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let stream = Stream { buffer, checksum, opens, image_bytes };
        transactions::read(py, &stream, Place { at, number, offset }, most)
    }
}
