"""Opens tables as a header and rows of text: one module per format, all within limits.

Text is what all formats have in common: labels may stand in one format and predictions in another. A missing value is an
empty cell, truth values are ``True`` and ``False``.
"""
