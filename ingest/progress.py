"""How far a sync is, told to whoever waits for it."""


class Progress:
    """Told how far a sync is. This one keeps silent; the command shows a bar."""

    def begin(self, files: int) -> None:
        """So many files are to be read."""

    def file(self, path: str) -> None:
        """A file is being read."""

    def document(self, chunks: int) -> None:
        """A document with so many chunks was written."""

    def done(self, path: str) -> None:
        """A file was read to its end and its documents are written."""

    def publishing(self) -> None:
        """The derived indexes are being built."""
