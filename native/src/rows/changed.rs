//! Updates that change nothing of what a document is made of.
//!
//! As `cdc.mapping.transcode.changed_rows` has it.

use super::image::{self, Columns, Wire};

/// Returns the images of the rows in which a column that is needed differs, and the number of the
/// others. What follows a damaged image stays as it is. `needed` has a bit for each column.
pub fn changed(wires: &[Wire], images: &[u8], needed: &[u8]) -> (Vec<u8>, usize) {
    let mut kept = Vec::with_capacity(images.len());
    let (mut before, mut after) = (Columns::new(), Columns::new());
    let (mut at, mut left_out) = (0, 0);
    while at < images.len() {
        let Some(end) = split(wires, images, at, &mut before, &mut after) else { break };
        let is_needed =
            |index: usize| needed.get(index / 8).is_some_and(|bits| bits >> (index % 8) & 1 == 1);
        let mut pairs = before.iter().zip(&after).enumerate();
        if pairs.any(|(index, (old, new))| is_needed(index) && old != new) {
            kept.extend_from_slice(&images[at..end]);
        } else {
            left_out += 1;
        }
        at = end;
    }
    kept.extend_from_slice(&images[at..]);
    (kept, left_out)
}

fn split<'a>(
    wires: &[Wire],
    images: &'a [u8],
    at: usize,
    before: &mut Columns<'a>,
    after: &mut Columns<'a>,
) -> Option<usize> {
    let middle = image::split(wires, images, at, before)?;
    image::split(wires, images, middle, after)
}
