//! Whole transactions in what was received: packets, event headers, checksums, row images.
//!
//! Only the ordinary kind is recognised: a GTID event, MySQL's BEGIN, table maps and rows events,
//! an XID event, all of it in the buffer. Anything else ends the run, and is left to `cdc.readers`,
//! which say what is right, and what is wrong.

use std::ops::RangeInclusive;

use crate::endian::{uint16, uint32, uint64};

const PACKET_HEADER: usize = 4;
const MAX_PAYLOAD: usize = 0xFF_FFFF;
const OK: u8 = 0;
/// One, as a packet's number in its header.
const ONE: u32 = 1 << 24;

const EVENT_HEADER: usize = 19;
const CHECKSUM: usize = 4;
/// The CRC32 of any bytes followed by their own CRC32.
const CHECKED: u32 = 0x2144_DF1C;
const ARTIFICIAL: u16 = 0x20;

const QUERY: u8 = 2;
const XID: u8 = 16;
const XID_NUMBER: usize = 8;
const TABLE_MAP: u8 = 19;
const ROWS_V1: RangeInclusive<u8> = 23..=25;
const UPDATE_ROWS_V1: u8 = 24;
const ROWS_QUERY: u8 = 29;
const ROWS: RangeInclusive<u8> = 30..=32;
const UPDATE_ROWS: u8 = 31;
const GTID: u8 = 33;
const ANONYMOUS_GTID: u8 = 34;
const ANNOTATE_ROWS: u8 = 160;
const MARIADB_GTID: u8 = 162;

/// MariaDB's flags of what is no ordinary transaction: STANDALONE, PREPARED_XA, COMPLETED_XA.
const SPECIAL_FLAGS: u8 = 1 | 64 | 128;
/// Where MySQL's GTID event holds its commit time, in 7 bytes; the highest bit is a flag.
const COMMITTED_AT: usize = EVENT_HEADER + 42;
const TIME_MASK: u64 = (1 << 55) - 1;

const TABLE_ID: usize = 6;
const BEGIN: &[u8] = b"\0BEGIN";

/// Where the next packet begins, its number as its header holds it, and the next event's offset in
/// the source's file.
#[derive(Clone, Copy)]
pub struct Place {
    pub at: usize,
    pub number: u32,
    pub offset: u64,
}

/// What the events that are read have in common.
pub struct Stream<'a> {
    pub buffer: &'a [u8],
    pub checksum: bool,
    /// The kinds of GTID events that may open a transaction.
    pub opens: &'a [u8],
    /// The most that a transaction's row images may take.
    pub image_bytes: usize,
}

/// A transaction up to its last packet; it begins at `offset` in the source's file.
///
/// `gtid_event` includes its header, `committed` is the XID event's time. `unread` are the table maps,
/// without their tables' ids, that no rows event belongs to.
pub struct Transaction<'a> {
    pub end: Place,
    pub offset: u64,
    pub gtid_event: &'a [u8],
    pub gtid: Gtid<'a>,
    pub committed: u32,
    pub rows: Vec<Rows<'a>>,
    pub unread: Vec<&'a [u8]>,
}

/// A table map: its table's id, what follows, and whether a rows event belongs to it.
struct TableMap<'a> {
    id: &'a [u8],
    payload: &'a [u8],
    is_read: bool,
}

pub enum Gtid<'a> {
    /// UUID, number, and commit time in microseconds, 0 if it is not said.
    Mysql(&'a [u8], u64, u64),
    /// Domain, server id, sequence and flags.
    Mariadb(u32, u32, u64, u8),
}

/// One rows event and the table map that it belongs to, without the table's id.
pub struct Rows<'a> {
    pub table_id: &'a [u8],
    pub table: &'a [u8],
    pub kind: u8,
    pub columns: usize,
    pub present: &'a [u8],
    pub present_after: &'a [u8],
    pub images: &'a [u8],
}

/// One event, its header included, its checksum not.
struct Event<'a> {
    kind: u8,
    data: &'a [u8],
}

impl Event<'_> {
    fn time(&self) -> Option<u32> {
        uint32(self.data, 0)
    }
}

impl<'a> Stream<'a> {
    /// Returns the transaction that begins at a place, if it is of the ordinary kind.
    pub fn transaction(&self, begin: Place) -> Option<Transaction<'a>> {
        self.reaches_xid(begin)?;
        let mut end = begin;
        let first = self.event(&mut end, false)?;
        if !self.opens.contains(&first.kind) {
            return None;
        }
        let gtid = gtid(&first)?;
        let size = first.data.len() + if self.checksum { CHECKSUM } else { 0 };
        let offset = end.offset.checked_sub(size as u64)?;
        if matches!(gtid, Gtid::Mysql(..)) {
            is_begin(&self.event(&mut end, true)?).then_some(())?;
        }
        let (mut tables, mut rows, mut taken) = (Vec::new(), Vec::new(), 0);
        loop {
            let event = self.event(&mut end, true)?;
            match event.kind {
                TABLE_MAP => {
                    let body = event.data.get(EVENT_HEADER..)?;
                    let (id, payload) = body.split_at_checked(TABLE_ID)?;
                    tables.push(TableMap { id, payload, is_read: false });
                }
                ROWS_QUERY | ANNOTATE_ROWS => {}
                XID if event.data.len() == EVENT_HEADER + XID_NUMBER => {
                    let (gtid_event, committed) = (first.data, event.time()?);
                    let left = tables.iter().filter(|each| !each.is_read);
                    let unread = left.map(|each| each.payload).collect();
                    return Some(Transaction {
                        end,
                        offset,
                        gtid_event,
                        gtid,
                        committed,
                        rows,
                        unread,
                    });
                }
                kind if ROWS.contains(&kind) || ROWS_V1.contains(&kind) => {
                    let found = rows_event(&event, &mut tables)?;
                    taken += found.images.len();
                    if taken > self.image_bytes {
                        return None;
                    }
                    rows.push(found);
                }
                _ => return None,
            }
        }
    }

    /// Looks at the headers alone, so that no checksum is taken of what is not all there.
    fn reaches_xid(&self, mut place: Place) -> Option<()> {
        loop {
            match *self.packet(&mut place)?.get(4)? {
                XID => return Some(()),
                QUERY | TABLE_MAP | ROWS_QUERY | ANNOTATE_ROWS => {}
                kind if ROWS.contains(&kind) || ROWS_V1.contains(&kind) => {}
                kind if self.opens.contains(&kind) => {}
                _ => return None,
            }
        }
    }

    /// Takes the next packet, of one whole event as long as its header says; returns the event.
    fn packet(&self, place: &mut Place) -> Option<&'a [u8]> {
        let header = uint32(self.buffer, place.at)?;
        let length = header as usize & MAX_PAYLOAD;
        let start = place.at.checked_add(PACKET_HEADER)?;
        if header & !(MAX_PAYLOAD as u32) != place.number || length == MAX_PAYLOAD {
            return None;
        }
        let (ok, event) = self.buffer.get(start..start.checked_add(length)?)?.split_first()?;
        if *ok != OK || event.len() < EVENT_HEADER || uint32(event, 9)? as usize != event.len() {
            return None;
        }
        place.at = start + length;
        place.number = place.number.wrapping_add(ONE);
        Some(event)
    }

    /// Takes the next event, if its checksum is right and it stands in the source's file.
    ///
    /// The offset grows by what it says of its end, as `BinlogCursor.advance` has it.
    fn event(&self, place: &mut Place, in_group: bool) -> Option<Event<'a>> {
        let mut data = self.packet(place)?;
        let end = uint32(data, 13)?;
        let nowhere = end == 0; // MariaDB from 11.4 on, inside a transaction
        if (nowhere && !in_group) || uint16(data, 17)? & ARTIFICIAL != 0 {
            return None;
        }
        let expected = place.offset.checked_add(data.len() as u64)?;
        place.offset = if nowhere || end == expected as u32 { expected } else { end.into() };
        if self.checksum {
            if crc32fast::hash(data) != CHECKED {
                return None;
            }
            data = data.get(..data.len() - CHECKSUM)?;
        }
        Some(Event { kind: data[4], data })
    }
}

fn gtid<'a>(event: &Event<'a>) -> Option<Gtid<'a>> {
    let data = event.data;
    let number = uint64(data, if event.kind == MARIADB_GTID { EVENT_HEADER } else { 36 })?;
    match event.kind {
        GTID | ANONYMOUS_GTID => {
            let committed = uint64(data, COMMITTED_AT - 1).map_or(0, |time| time >> 8 & TIME_MASK);
            let named = (number != 0) == (event.kind == GTID);
            named.then_some(Gtid::Mysql(
                data.get(EVENT_HEADER + 1..EVENT_HEADER + 17)?,
                number,
                committed,
            ))
        }
        MARIADB_GTID => {
            let (domain, flags) = (uint32(data, EVENT_HEADER + 8)?, *data.get(EVENT_HEADER + 12)?);
            let server_id = uint32(data, 5)?;
            (flags & SPECIAL_FLAGS == 0).then_some(Gtid::Mariadb(domain, server_id, number, flags))
        }
        _ => None,
    }
}

/// Returns whether a QUERY event's statement is BEGIN, as written by the server itself.
fn is_begin(event: &Event) -> bool {
    let data = event.data;
    let sizes = || {
        Some((
            usize::from(*data.get(EVENT_HEADER + 8)?),
            usize::from(uint16(data, EVENT_HEADER + 11)?),
        ))
    };
    let Some((schema, status)) = sizes() else { return false };
    event.kind == QUERY
        && data.ends_with(BEGIN)
        && data.len() == EVENT_HEADER + 13 + status + schema + BEGIN.len()
}

fn rows_event<'a>(event: &Event<'a>, tables: &mut [TableMap<'a>]) -> Option<Rows<'a>> {
    let data = event.data;
    let table_id = data.get(EVENT_HEADER..EVENT_HEADER + TABLE_ID)?;
    let map = tables.iter_mut().rfind(|each| each.id == table_id)?;
    map.is_read = true;
    let table = map.payload;
    let mut at = EVENT_HEADER + TABLE_ID + 2;
    if ROWS.contains(&event.kind) {
        at += usize::from(uint16(data, at)?); // extra data, and this size
    }
    let columns = match *data.get(at)? {
        0xFC => {
            at += 2;
            usize::from(uint16(data, at - 1)?)
        }
        count @ 0..=250 => usize::from(count),
        _ => return None,
    };
    at += 1;
    let size = columns.div_ceil(8);
    let present = data.get(at..at + size)?;
    at += size;
    let mut present_after = present;
    if matches!(event.kind, UPDATE_ROWS | UPDATE_ROWS_V1) {
        present_after = data.get(at..at + size)?;
        at += size;
    }
    let images = data.get(at..)?;
    Some(Rows { table_id, table, kind: event.kind, columns, present, present_after, images })
}
