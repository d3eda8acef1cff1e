"""Foreign systems, one module or package each, imported only when one of them is spoken to."""
