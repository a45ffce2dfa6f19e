"""Questions → arms → verdict → report. The only package that knows what a right answer is."""
