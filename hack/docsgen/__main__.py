"""`python -m docsgen`: write the pages into docs/ and say which."""

from docsgen.pages import DOCS, write

for page in write(DOCS):
    print(page)
