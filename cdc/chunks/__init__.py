"""Backfill, resync and verify: tables read in chunks beside the live stream.

    chunk thread:  JobWorker ──▶ ChunkReader: SELECT between watermarks ──▶ PendingChunk
    main thread:   Windows.note(batch) after each batch; ChunkApplier.settle: chunks whose watermark
                   the stream has passed, without the keys that it touched meanwhile

`docs/architecture.md` argues why that is right.
"""
