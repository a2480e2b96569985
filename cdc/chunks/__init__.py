"""Backfill, resync and verify: tables read in chunks beside the live stream.

    chunk thread:  Worker ──▶ ChunkReader: SELECT between watermarks ──▶ Piece ──▶ Settler.submit
    main thread:   Windows.note(batch) after each batch; Settler.settle: pieces whose watermark
                   the stream has passed, without the keys that it touched meanwhile

`docs/architecture.md` argues why that is right.
"""
