//! ENUM and SET: an index or a bitmap of 1 to 8 little-endian bytes, as `cdc.mapping.types.enums`.

use crate::bson::{self, Writer};
use crate::endian::little;

/// Texts of members; None for one that is no text, which Python refuses.
pub type Members = Vec<Option<String>>;

/// Writes the text at an index.
pub fn chosen_one(out: &mut Writer, raw: &[u8], members: &Members) -> Option<u8> {
    let index = usize::try_from(little(raw)).ok()?;
    out.string(members.get(index)?.as_deref()?)
}

/// Writes the array of the members whose bits are set.
pub fn array(out: &mut Writer, raw: &[u8], members: &Members) -> Option<u8> {
    let start = out.begin();
    for (index, member) in chosen(raw, members)?.enumerate() {
        let element = out.element();
        out.index(index);
        out.string(member?)?;
        out.typed(element, bson::STRING)?;
    }
    out.end(start)?;
    Some(bson::ARRAY)
}

/// Writes the members whose bits are set, joined by commas.
pub fn joined(out: &mut Writer, raw: &[u8], members: &Members) -> Option<u8> {
    let names: Option<Vec<&str>> = chosen(raw, members)?.collect();
    out.string(&names?.join(","))
}

/// Yields the members whose bits are set; None if there are bits beyond them.
fn chosen<'a>(
    raw: &[u8],
    members: &'a Members,
) -> Option<impl Iterator<Item = Option<&'a str>> + use<'a>> {
    let bits = little(raw);
    if bits.checked_shr(u32::try_from(members.len()).ok()?).unwrap_or(0) != 0 {
        return None;
    }
    let set = members.iter().enumerate().filter(move |(at, _)| bits >> at & 1 == 1);
    Some(set.map(|(_, member)| member.as_deref()))
}
