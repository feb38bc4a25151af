# Seven verbs. Each is one line that calls Python, and each fills .venv from requirements.lock first when it must.
PYTHON ?= python3
# A path may hold blanks; a command may have arguments (py -3.13), and is no path.
COMMAND = $(if $(findstring /,$(PYTHON)),"$(PYTHON)",$(PYTHON))
# Where nobody names a Python, .venv keeps the one that it was made with.
RUN = @$(COMMAND) -m src.environment $(if $(filter file,$(origin PYTHON)),--any-python) $(if $(EXTRAS),"--extras=$(EXTRAS)")

help:
	@echo "make setup   create .venv from requirements.lock"
	@echo "             PYTHON=python3.13: with that Python, on which .venv then stays"
	@echo "             EXTRAS=notebook: with what opens notebooks/ in Jupyter and VS Code (EXTRAS=none: without it)"
	@echo "make repro   run the pipeline (dvc repro), print the metrics and where to look"
	@echo "             SHARE=0.05: features, model and metrics on some of the rows, git and DVC untouched"
	@echo "make report  open the report of the last run in the browser"
	@echo "make test    the project's tests"
	@echo "make review  better, worse, same, or cannot tell: HEAD against BASE=origin/main"
	@echo "make check   parameters, lint, format, types, lock, workflows"
	@echo "make lock    bring requirements.lock in step with pyproject.toml; versions that still fit are kept"
	@echo "             UPGRADE=NAME: with the newest version of a package; UPGRADE=1: of all"
	@echo "The rest in the activated .venv: plumbline --help, python -m src.stages.NAME, and dvc itself."

setup:
	$(RUN)
repro:
	$(RUN) $(if $(SHARE),plumbline share $(SHARE),plumbline repro)
report:
	$(RUN) plumbline report
test:
	$(RUN) pytest
check:
	$(RUN) plumbline check
review:
	$(RUN) plumbline review $(or $(BASE),origin/main)
lock:
	$(RUN) plumbline lock "$(UPGRADE)"

.PHONY: help setup repro report test check review lock
