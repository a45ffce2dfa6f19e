"""Question → cited answer, over an index that `ingest` made. Knows nothing of evaluation."""
