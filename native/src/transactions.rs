//! Runs of whole transactions, as the objects that Python makes its own of.

use std::collections::HashSet;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyRange, PyTuple};

use crate::framing::{Gtid, Place, Rows, Stream, Transaction};

/// Returns the run of transactions that begins at a place, of `most` at most; None if there is none.
///
/// It ends before the first that is not whole or ordinary, and before one that does not follow the
/// last as `follows` has it.
pub fn read<'py>(
    py: Python<'py>,
    stream: &Stream<'_>,
    place: Place,
    most: usize,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    let Some(first) = stream.transaction(place) else { return Ok(None) };
    let mut run = Run::new(first);
    while run.count < most {
        match stream.transaction(run.end()) {
            Some(next) if follows(run.last(), &next) => run.add(next),
            _ => break,
        }
    }
    run.told(py).map(Some)
}

/// Returns whether two transactions have one position after them that says of both: of MySQL, the
/// numbers of one server in a row; of MariaDB, one domain and server, numbers that count up, and one
/// time.
fn follows(before: &Transaction<'_>, after: &Transaction<'_>) -> bool {
    match (&before.gtid, &after.gtid) {
        (Gtid::Mysql(source, number, _), Gtid::Mysql(other, next, _)) => {
            source == other && (number.checked_add(1) == Some(*next) || number | next == 0)
        }
        (Gtid::Mariadb(domain, server, number, _), Gtid::Mariadb(other, another, next, _)) => {
            (domain, server) == (other, another)
                && number < next
                && before.committed == after.committed
        }
        _ => false,
    }
}

/// Rows events of one kind, each of another transaction: their images stand back to back.
struct Group<'a> {
    rows: Rows<'a>,
    images: Vec<u8>,
    ends: Vec<usize>,
    /// The number of each one's transaction in the run.
    numbers: Vec<u64>,
}

impl<'a> Group<'a> {
    fn new(rows: Rows<'a>, number: u64) -> Self {
        let (images, ends) = (rows.images.to_vec(), vec![rows.images.len()]);
        Group { rows, images, ends, numbers: vec![number] }
    }

    fn takes(&self, rows: &Rows<'_>) -> bool {
        let mine = &self.rows;
        mine.table_id == rows.table_id
            && mine.kind == rows.kind
            && mine.columns == rows.columns
            && mine.present == rows.present
            && mine.present_after == rows.present_after
            && mine.table == rows.table
    }

    fn add(&mut self, rows: &Rows<'_>, number: u64) {
        self.images.extend_from_slice(rows.images);
        self.ends.push(self.images.len());
        self.numbers.push(number);
    }

    fn told<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let rows = &self.rows;
        (
            PyBytes::new(py, rows.table_id),
            PyBytes::new(py, rows.table),
            rows.kind,
            rows.columns,
            PyBytes::new(py, rows.present),
            PyBytes::new(py, rows.present_after),
            PyBytes::new(py, &self.images),
            &self.ends,
            sequence(py, &self.numbers)?,
        )
            .into_pyobject(py)
    }
}

/// Transactions that follow each other; their rows are in the groups.
struct Run<'a> {
    first: Option<Transaction<'a>>,
    next_to_last: Option<Transaction<'a>>,
    last: Transaction<'a>,
    count: usize,
    /// What each one's identity ends with.
    identities: Vec<u64>,
    /// Each table map without rows once, and the number of the first transaction that has it.
    unread: Vec<(&'a [u8], u64)>,
    known: HashSet<&'a [u8]>,
    groups: Vec<Group<'a>>,
}

impl<'a> Run<'a> {
    fn new(mut first: Transaction<'a>) -> Self {
        let rows = std::mem::take(&mut first.rows);
        let groups = rows.into_iter().map(|each| Group::new(each, 0)).collect();
        let identities = vec![identity(&first)];
        let unread = std::mem::take(&mut first.unread);
        let mut run = Run {
            first: None,
            next_to_last: None,
            last: first,
            count: 1,
            identities,
            unread: Vec::new(),
            known: HashSet::new(),
            groups,
        };
        run.leave(unread, 0);
        run
    }

    /// Notes table maps of a transaction without rows.
    fn leave(&mut self, unread: Vec<&'a [u8]>, number: u64) {
        for each in unread {
            if self.known.insert(each) {
                self.unread.push((each, number));
            }
        }
    }

    fn last(&self) -> &Transaction<'a> {
        &self.last
    }

    fn end(&self) -> Place {
        self.last.end
    }

    /// Adds the next transaction; its first rows event may join those before it.
    fn add(&mut self, mut next: Transaction<'a>) {
        let mut rows = std::mem::take(&mut next.rows).into_iter().peekable();
        let number = self.count as u64;
        if let (Some(group), Some(each)) = (self.groups.last_mut(), rows.peek()) {
            if group.takes(each) {
                group.add(each, number);
                rows.next();
            }
        }
        self.groups.extend(rows.map(|each| Group::new(each, number)));
        self.leave(std::mem::take(&mut next.unread), number);
        self.identities.push(identity(&next));
        let before = std::mem::replace(&mut self.last, next);
        if let Some(earlier) = self.next_to_last.replace(before) {
            self.first.get_or_insert(earlier);
        }
        self.count += 1;
    }

    fn told<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let last = &self.last;
        let next_to_last = self.next_to_last.as_ref().unwrap_or(last);
        let first = self.first.as_ref().unwrap_or(next_to_last);
        let unread: Vec<_> =
            self.unread.iter().map(|(map, n)| (PyBytes::new(py, map), *n)).collect();
        let groups: PyResult<Vec<_>> = self.groups.iter().map(|each| each.told(py)).collect();
        (
            self.count,
            (last.end.at, last.end.number),
            ended(py, first)?,
            ended(py, next_to_last)?,
            ended(py, last)?,
            PyBytes::new(py, last.gtid_event),
            sequence(py, &self.identities)?,
            unread,
            groups?,
        )
            .into_pyobject(py)
    }
}

/// The number that a transaction's identity ends with: its GTID's, or its offset if it has none.
fn identity(transaction: &Transaction<'_>) -> u64 {
    match transaction.gtid {
        Gtid::Mysql(_, 0, _) => transaction.offset,
        Gtid::Mysql(_, number, _) | Gtid::Mariadb(_, _, number, _) => number,
    }
}

/// Numbers as Python has them: a range if they count on, which takes no object for each.
fn sequence<'py>(py: Python<'py>, numbers: &[u64]) -> PyResult<Bound<'py, PyAny>> {
    let counts_on = numbers.windows(2).all(|two| two[0].checked_add(1) == Some(two[1]));
    let ends = || {
        let first = isize::try_from(*numbers.first()?).ok()?;
        Some((first, first.checked_add_unsigned(numbers.len())?))
    };
    match ends().filter(|_| counts_on) {
        Some((first, end)) => Ok(PyRange::new(py, first, end)?.into_any()),
        None => Ok(PyList::new(py, numbers)?.into_any()),
    }
}

/// A transaction's GTID, the time of the event that ends it, and where it begins and ends.
fn ended<'py>(py: Python<'py>, transaction: &Transaction<'_>) -> PyResult<Bound<'py, PyTuple>> {
    let gtid = match transaction.gtid {
        Gtid::Mysql(source, number, committed) => {
            (PyBytes::new(py, source), number, committed).into_pyobject(py)
        }
        Gtid::Mariadb(domain, server_id, sequence, flags) => {
            (domain, server_id, sequence, flags).into_pyobject(py)
        }
    };
    (gtid?, transaction.committed, transaction.offset, transaction.end.offset).into_pyobject(py)
}
