//! What a value of a document is made of: a column and its conversion, a constant, the commit time.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::image::Columns;
use super::members::Members;
use super::questions::{Question, or_keep};
use super::{characters, decimals, floats, integers, members, temporal};
use crate::bson::{self, Writer};
use crate::{json, text};

/// Stands for the type of a value that is left out; no BSON type has it.
pub const ABSENT: u8 = 0;

/// A source as Python describes it: kind, columns, two numbers, texts, a callable, and the value
/// for NULL, its type byte first.
type Described = (String, Vec<usize>, u32, u32, Vec<Option<String>>, Option<Py<PyAny>>, Vec<u8>);

/// A value's source. `null` is what NULL becomes, its type byte first; empty for a value that is
/// left out then. `report` counts its lossy conversions.
pub struct Source {
    conversion: Conversion,
    columns: Vec<usize>,
    null: Vec<u8>,
    pub report: Option<Py<PyAny>>,
}

/// How the bytes of a column become a BSON value: `cdc.mapping.types` defines each.
enum Conversion {
    Constant,
    Now,
    Integer { width: u32, unsigned: bool },
    IntegerDouble { unsigned: bool },
    IntegerDecimal { unsigned: bool },
    IntegerString { unsigned: bool },
    Boolean,
    Year,
    Bit,
    Bits { count: u32 },
    Double,
    Single,
    Vector,
    Decimal(decimals::Shape),
    DecimalString(decimals::Shape),
    DecimalDouble(decimals::Shape),
    Utf8,
    Table(characters::Table),
    Binary,
    FixedBinary { size: usize, subtype: u8 },
    Date,
    DateTime,
    Timestamp,
    DateString,
    DateTimeString { scale: usize },
    Time { scale: usize },
    Enum(Members),
    Set(Members),
    SetString(Members),
    Json { otherwise: Py<PyAny> },
    JsonText { otherwise: Py<PyAny> },
    Python(Py<PyAny>),
    Computed(Question),
}

/// What one row's values are made from. `lost` are the sources whose value was lost; `raised` is an
/// error that is none of the row's: an interrupt, for example.
pub struct Given<'a, 'py> {
    pub py: Python<'py>,
    pub columns: &'a Columns<'a>,
    pub now: &'a [u8],
    pub lost: &'a mut Vec<usize>,
    pub raised: &'a mut Option<PyErr>,
}

impl Source {
    /// Reads what Python says; raises ValueError for what is not known, or out of range.
    pub fn read(described: &Bound<'_, PyAny>, column_count: usize) -> PyResult<Self> {
        let (kind, columns, a, b, texts, call, null): Described = described.extract()?;
        let unknown = || PyValueError::new_err(format!("no source is like {kind} {a} {b}"));
        let takes = match kind.as_str() {
            "constant" | "now" => columns.is_empty(),
            "computed" => true,
            _ => columns.len() == 1,
        };
        if !takes || columns.iter().any(|&column| column >= column_count) {
            return Err(unknown());
        }
        let report = if matches!(kind.as_str(), "date" | "datetime" | "timestamp") {
            call.as_ref().map(|report| report.clone_ref(described.py()))
        } else {
            None
        };
        let conversion = match (kind.as_str(), call) {
            ("computed", Some(ask)) => {
                Conversion::Computed(Question::new(columns.clone(), ask, column_count)?)
            }
            (_, call) => conversion(&kind, a, b, texts, call).ok_or_else(unknown)?,
        };
        Ok(Source { conversion, columns, null, report })
    }

    /// Writes the value; returns its BSON type, or ABSENT. `number` is the source's own.
    pub fn write(&self, given: &mut Given, out: &mut Writer, number: usize) -> Option<u8> {
        match &self.conversion {
            Conversion::Constant => return Some(self.nothing(out)),
            Conversion::Now if given.now.is_empty() => return None,
            Conversion::Now => return Some(out.copied(given.now, bson::DATE)),
            Conversion::Computed(question) => {
                let answer = question.ask(given.py, given.columns);
                return asked(given, out, answer);
            }
            _ => {}
        }
        let Some(raw) = *given.columns.get(*self.columns.first()?)? else {
            return Some(self.nothing(out));
        };
        self.converted(given, out, raw, number)
    }

    fn nothing(&self, out: &mut Writer) -> u8 {
        match self.null.split_first() {
            Some((&bson_type, value)) => out.copied(value, bson_type),
            None => ABSENT,
        }
    }

    fn converted(
        &self,
        given: &mut Given,
        out: &mut Writer,
        raw: &[u8],
        number: usize,
    ) -> Option<u8> {
        match &self.conversion {
            Conversion::Constant | Conversion::Now | Conversion::Computed(_) => None,
            Conversion::Integer { width, unsigned } => {
                integers::integer(out, integers::number(raw, *unsigned), *width)
            }
            Conversion::IntegerDouble { unsigned } => {
                Some(integers::double(out, integers::number(raw, *unsigned)))
            }
            Conversion::IntegerDecimal { unsigned } => {
                out.decimal128(integers::number(raw, *unsigned), 0)
            }
            Conversion::IntegerString { unsigned } => {
                integers::string(out, integers::number(raw, *unsigned))
            }
            Conversion::Boolean => Some(integers::boolean(out, raw)),
            Conversion::Year => integers::year(out, raw),
            Conversion::Bit => integers::bit(out, raw),
            Conversion::Bits { count } => integers::bits(out, raw, *count),
            Conversion::Double => (raw.len() == 8).then(|| out.copied(raw, bson::DOUBLE)),
            Conversion::Single => floats::single(out, raw),
            Conversion::Vector => floats::vector(out, raw),
            Conversion::Decimal(shape) => shape.decimal128(out, raw),
            Conversion::DecimalString(shape) => shape.string(out, raw),
            Conversion::DecimalDouble(shape) => shape.double(out, raw),
            Conversion::Utf8 => out.utf8(raw),
            Conversion::Table(table) => characters::string(out, raw, table),
            Conversion::Binary => out.binary(raw, raw.len(), 0),
            Conversion::FixedBinary { size, subtype } => out.binary(raw, *size, *subtype),
            Conversion::Date => Some(lossy(temporal::date(raw)?, given, out, number)),
            Conversion::DateTime => Some(lossy(temporal::datetime(raw)?, given, out, number)),
            Conversion::Timestamp => Some(lossy(temporal::timestamp(raw)?, given, out, number)),
            Conversion::DateString => temporal::date_string(out, raw),
            Conversion::DateTimeString { scale } => temporal::datetime_string(out, raw, *scale),
            Conversion::Time { scale } => temporal::time(out, raw, *scale),
            Conversion::Enum(members) => members::chosen_one(out, raw, members),
            Conversion::Set(members) => members::array(out, raw, members),
            Conversion::SetString(members) => members::joined(out, raw, members),
            Conversion::Json { otherwise } => or_asked(given, out, raw, otherwise, json::write),
            Conversion::JsonText { otherwise } => or_asked(given, out, raw, otherwise, text::write),
            Conversion::Python(convert) => {
                let raw = PyBytes::new(given.py, raw);
                asked(given, out, convert.bind(given.py).call1((raw,)))
            }
        }
    }
}

fn conversion(
    kind: &str,
    a: u32,
    b: u32,
    texts: Members,
    call: Option<Py<PyAny>>,
) -> Option<Conversion> {
    let unsigned = b != 0;
    let scale = usize::try_from(a).ok()?;
    Some(match kind {
        "constant" => Conversion::Constant,
        "now" => Conversion::Now,
        "integer" => Conversion::Integer { width: a, unsigned },
        "integer_double" => Conversion::IntegerDouble { unsigned },
        "integer_decimal" => Conversion::IntegerDecimal { unsigned },
        "integer_string" => Conversion::IntegerString { unsigned },
        "boolean" => Conversion::Boolean,
        "year" => Conversion::Year,
        "bit" => Conversion::Bit,
        "bits" => Conversion::Bits { count: a },
        "double" => Conversion::Double,
        "single" => Conversion::Single,
        "vector" => Conversion::Vector,
        "decimal" => Conversion::Decimal(decimals::Shape::new(a, b)?),
        "decimal_string" => Conversion::DecimalString(decimals::Shape::new(a, b)?),
        "decimal_double" => Conversion::DecimalDouble(decimals::Shape::new(a, b)?),
        "utf8" => Conversion::Utf8,
        "table" => Conversion::Table(texts),
        "binary" => Conversion::Binary,
        "fixed_binary" => Conversion::FixedBinary { size: scale, subtype: u8::try_from(b).ok()? },
        "date" => Conversion::Date,
        "datetime" => Conversion::DateTime,
        "timestamp" => Conversion::Timestamp,
        "date_string" => Conversion::DateString,
        "datetime_string" => Conversion::DateTimeString { scale },
        "time" => Conversion::Time { scale },
        "enum" => Conversion::Enum(texts),
        "set" => Conversion::Set(texts),
        "set_string" => Conversion::SetString(texts),
        "json" => Conversion::Json { otherwise: call? },
        "json_text" => Conversion::JsonText { otherwise: call? },
        "python" => Conversion::Python(call?),
        _ => return None,
    })
}

/// Writes a moment; remembers the source of one that is lost.
fn lossy(moment: temporal::Moment, given: &mut Given, out: &mut Writer, number: usize) -> u8 {
    match moment {
        temporal::Moment::At(milliseconds) => out.date(milliseconds),
        temporal::Moment::Zero => {
            given.lost.push(number);
            bson::NULL
        }
    }
}

/// Writes by a native function or, if that does not know the value, by Python's.
fn or_asked(
    given: &mut Given,
    out: &mut Writer,
    raw: &[u8],
    otherwise: &Py<PyAny>,
    write: impl Fn(&mut Writer, &[u8]) -> Option<u8>,
) -> Option<u8> {
    let start = out.len();
    if let Some(bson_type) = write(out, raw) {
        return Some(bson_type);
    }
    out.truncate(start);
    let raw = PyBytes::new(given.py, raw);
    asked(given, out, otherwise.bind(given.py).call1((raw,)))
}

/// Writes what Python answered: type byte and value, no type for a value that is left out.
///
/// None for an error; it is kept if it is none of the row's.
fn asked(given: &mut Given, out: &mut Writer, answer: PyResult<Bound<'_, PyAny>>) -> Option<u8> {
    let answer = answer.and_then(|found| {
        let (bson_type, value): (Bound<PyBytes>, Bound<PyBytes>) = found.extract()?;
        out.copied(value.as_bytes(), ABSENT);
        Ok(bson_type.as_bytes().first().copied().unwrap_or(ABSENT))
    });
    or_keep(given.py, answer, given.raised)
}
