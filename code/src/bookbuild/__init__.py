"""The book's own Sphinx extensions: what only the build imports, and no mathematics."""
