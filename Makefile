# Every task of the book. `make` alone builds it; `make help` lists the rest.
VENV ?= .venv
BIN := $(VENV)/bin
# The book's matrices are small. On a busy machine SciPy's optimisers wait for BLAS threads that have
# no core to run on, ten times as long as the work takes.
export OPENBLAS_NUM_THREADS ?= 1

# The first Python that really runs and is new enough; or say which: make PYTHON=/path/to/python
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
  if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
  then echo $$p; break; fi; done)
endif
ifeq ($(PYTHON),)
INSTALL = @echo "make: Python 3.11 or newer is needed and none was found. Install it, or run make PYTHON=/path/to/python" >&2; exit 2;
else
INSTALL = @$(PYTHON) code/install.py $(VENV) requirements.txt
endif

.PHONY: html test test-all live lab check format chapter student binder reproducible browser audit release links pdf bench picture lock clean distclean help

html: ## Build the book into _build/html (the default)
	$(INSTALL)
	@$(BIN)/python -m bookbuild

test: ## Build the book and run the tests
	$(INSTALL) requirements-dev.txt
	@$(BIN)/python -m bookbuild
	@$(BIN)/python -m pytest -q -n 2 tests

test-all: ## The same, with the long form of the tests
	$(INSTALL) requirements-dev.txt
	@$(BIN)/python -m bookbuild
	@$(BIN)/python -m pytest -q -n 2 -m "" tests

live: ## Build on every save and reload the page in the browser
	$(INSTALL) requirements-dev.txt
	@$(BIN)/python -m bookbuild.live

lab: ## Open the chapters as notebooks in JupyterLab
	$(INSTALL)
	@JUPYTER_CONFIG_PATH=$(CURDIR)/.jupyter PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter-lab

check: ## Lint, spelling, links, labels, round trip: in seconds, before a commit
	$(INSTALL) requirements-dev.txt
	@$(BIN)/python -m bookbuild.check

format: ## Mend layout: Python, cells, and chapters as a notebook would save them
	$(INSTALL) requirements-dev.txt
	@$(BIN)/python -m bookbuild.check format

chapter: ## Begin a chapter: make chapter NAME=my_chapter
	$(INSTALL)
	@$(BIN)/python -m bookbuild.chapter $(NAME)

student: ## Write the book without its solutions into _build/student
	$(INSTALL)
	@$(BIN)/python -m bookbuild.student

binder: ## Replay what Binder would do, in a fresh environment from a fresh clone
	$(INSTALL) requirements-dev.txt
	@$(BIN)/python -m bookbuild.binder

reproducible: ## Build twice, in other folders, locales and years, and compare every byte
	$(INSTALL) requirements-dev.txt
	@$(BIN)/python -m bookbuild.reproducible

browser: ## Make sure that there is a Chromium for the tests of the pages, make audit and make pdf
	$(INSTALL) requirements-dev.txt
	@$(BIN)/python -m bookbuild.audit get

audit: ## Print what every page weighs, what is found on it, and Lighthouse's scores
	$(INSTALL) requirements-dev.txt
	@$(BIN)/python -m bookbuild
	@$(BIN)/python -m bookbuild.audit

release: ## Write the site with its downloads (archive, PDF, wheel, checksums) into _build/site
	$(INSTALL) requirements-dev.txt
	@$(BIN)/python -m bookbuild
	@$(BIN)/python -m bookbuild.release

links: ## Ask every address outside the book whether it still answers
	$(INSTALL) requirements-dev.txt
	@$(BIN)/python -m bookbuild links

pdf: ## Print the whole book into _build/book.pdf
	$(INSTALL) requirements-dev.txt
	@$(BIN)/python -m bookbuild
	@$(BIN)/python -m bookbuild.pdf

bench: ## Compare our speed with JAX, PyTorch and others (installs them beside, in .venv-bench)
	$(subst $(VENV),.venv-bench,$(INSTALL)) requirements-bench.txt
	@.venv-bench/bin/python code/benchmarks/run.py
	@.venv-bench/bin/python code/benchmarks/scaling.py
	@.venv-bench/bin/python code/benchmarks/checkers.py

picture: ## Redraw the four panels that the README shows, and a shared link
	$(INSTALL)
	@$(BIN)/python -m jacobians.figures .github/four-panels.svg \
	  code/src/bookbuild/static/picture.png

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-header
lock: ## Renew requirements*.txt from requirements*.in and show what changed
	$(INSTALL) requirements-dev.txt
	@mkdir -p _build/lock && cp requirements*.txt _build/lock
	@$(COMPILE) requirements.in -o requirements.txt
	@grep -v '^-e' requirements.txt > _build/lock/constraints.txt
	@$(COMPILE) requirements-dev.in -c _build/lock/constraints.txt --no-annotate -o requirements-dev.txt
	@$(COMPILE) requirements-bench.in -c _build/lock/constraints.txt --no-annotate \
	  -o _build/lock/bench.txt
	@grep -vE '^(nvidia|triton|cuda)' _build/lock/bench.txt > requirements-bench.txt
	@for f in requirements.txt requirements-dev.txt requirements-bench.txt; do diff -U 0 _build/lock/$$f $$f || test $$? -eq 1 || exit; done

clean: ## Remove everything that was built
	rm -rf _build

distclean: clean ## Remove the environment as well
	rm -rf $(VENV) .venv-bench

help: ## List the tasks
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile
