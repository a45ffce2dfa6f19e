"""Question sets of other tools and benchmarks, read as `Question`s; one format a module."""
