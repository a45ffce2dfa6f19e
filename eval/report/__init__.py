"""The report of a comparison: from the files of a run folder, never from a model."""
