"""Backfill, resync, verify and retry: tables read in chunks beside the live stream.

    chunk thread:  JobWorker ──▶ Backfill, Resync, Verify or Retry ──▶ TablePasses: rows, documents
                   or ids ──▶ TableScan: each chunk a SELECT between watermarks ──▶ PendingChunk
    main thread:   Windows.note(batch) after each batch; ChunkApplier.apply_due: chunks whose
                   watermark the stream has passed, without the keys that it touched meanwhile,
                   each a MappedTransaction with the job's progress

`docs/architecture.md` argues why that is right.
"""
