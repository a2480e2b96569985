"""Updates that change nothing of a document: bookkeeping columns that its mapping leaves out.

The source logs an update if any column differs. If none does that a document is made of, or by
which it is filtered, both images give the same document, and it is not written again.

Nor may the columns differ by whose order copies read the table: a row whose key moves from what a
copy has not read to what it has read is in no chunk, and its document is written by its update.
"""

from __future__ import annotations

from cdc.mapping.layout.document import Layout, leaves
from cdc.mapping.layout.sources import CommitTime
from cdc.native import RowPlan


class ChangedRows:
    """Leaves such updates out of the images of an event."""

    def __init__(self, layout: Layout, needed: frozenset[int], native: RowPlan | None) -> None:
        """`needed` are the columns of which a document, its id and its filter are made.

        The columns by which copies read the table are among them, too.
        """
        self._wires = layout.wires
        self._bitmap_size = layout.bitmap_size
        self._needed = needed
        self._bitmap = sum(1 << each for each in needed).to_bytes(layout.bitmap_size, "little")
        self._native = native
        self.possible = len(needed) < len(layout.wires) and not any(
            isinstance(layout.sources[each], CommitTime) for each in leaves(*layout.fields)
        )
        """Whether an update may change nothing: there are columns that nothing is made of."""

    def of(self, images: bytes) -> tuple[bytes, int]:
        """Return the images of the updates that change something, and the number of the others.

        The images hold every column. What follows a damaged image stays as it is.
        """
        if self._native is not None:
            return self._native.changed(images, self._bitmap)
        kept, left_out, at = list[bytes](), 0, 0
        while at < len(images):
            before, middle = self._columns(images, at)
            after, end = self._columns(images, middle)
            if end > len(images):
                break
            if before == after:
                left_out += 1
            else:
                kept.append(images[at:end])
            at = end
        return (b"".join((*kept, images[at:])) if left_out else images), left_out

    def _columns(self, images: bytes, at: int) -> tuple[list[bytes | None], int]:
        """Return the needed columns of an image, None for NULL, and its end, or one beyond all.

        A column is as it lies there, the bytes of its length included.
        """
        found: list[bytes | None] = []
        nulls = int.from_bytes(images[at : at + self._bitmap_size], "little")
        at += self._bitmap_size
        for index, wire in enumerate(self._wires):
            raw = None
            if not nulls >> index & 1:
                start, at = at, wire.end(images, at)
                raw = images[start:at]
            if index in self._needed:
                found.append(raw)
        return found, at
