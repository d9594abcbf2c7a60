"""The pages of docs/ that are made from the code, so that they cannot fall behind it: `python -m docsgen` writes them."""

from docsgen.pages import PAGES, write

__all__ = ["PAGES", "write"]
