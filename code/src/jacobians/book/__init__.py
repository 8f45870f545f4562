"""What only the book shows: its style, figures, exercises, the gallery and what was measured."""
