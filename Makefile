# A thin cover of make.py, where the tasks are: `make test` is `python make.py test`, `make help` lists
# them all. What a task can be told: make lab OPTIONS="--no-browser", make VENV=/another/environment

# The first Python that really runs and is new enough; or say which: make PYTHON=/path/to/python
# (-E: the user's settings for Python, such as PYTHONHOME, are for others)
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
  if $$p -E -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
  then echo $$p; break; fi; done)
endif
# Which chapter is told by NAME or CHAPTER. (What a user's environment calls so is none of ours.)
define given
ifneq ($$(origin $(1)),command line)
$(1) :=
endif
endef
$(foreach name,NAME CHAPTER FOLDER,$(eval $(call given,$(name))))
export VENV

ifeq ($(PYTHON),)
%: force
	@echo "make: Python 3.11 or newer is needed and none was found. Install it, or run make PYTHON=/path/to/python" >&2; exit 2
else
%: force
	@"$(PYTHON)" -E make.py $@ $(NAME) $(CHAPTER) $(if $(FOLDER),"$(FOLDER)") $(OPTIONS)
endif
force: ;
Makefile: ;
.PHONY: force
.NOTPARALLEL:
.DEFAULT_GOAL := html
