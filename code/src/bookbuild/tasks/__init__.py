"""The tasks of make, each a module that is run: ``python -m bookbuild.tasks.build``."""
