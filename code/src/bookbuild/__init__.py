"""What builds the book, and no mathematics: `ext` inside Sphinx, `theme` on the pages, `tasks` for
make."""
