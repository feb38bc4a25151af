# Seven targets. Each is one line that calls Python, which first updates .venv from requirements.lock if necessary.
PYTHON ?= python3
# A path may contain blanks and is quoted; a command may have arguments (py -3.13) and is not.
COMMAND = $(if $(findstring /,$(PYTHON)),"$(PYTHON)",$(PYTHON))
# Without PYTHON=..., .venv keeps the Python that it was created with.
RUN = @$(COMMAND) -m src.environment $(if $(filter file,$(origin PYTHON)),--any-python) $(if $(EXTRAS),"--extras=$(EXTRAS)")

help:
	@echo "make setup   create .venv from requirements.lock"
	@echo "             PYTHON=python3.13: with that Python, which .venv then keeps"
	@echo "             EXTRAS=notebook: also install Jupyter and the kernel for VS Code (EXTRAS=none: remove them)"
	@echo "make repro   run the pipeline (dvc repro), print the metrics and the next steps"
	@echo "             SHARE=0.05: features, model and metrics on a share of the rows; git and DVC stay unchanged"
	@echo "make report  open the report of the last run in the browser"
	@echo "make test    run the project's tests"
	@echo "make review  compare the model of HEAD with BASE=origin/main: better, worse, same, or cannot tell"
	@echo "make check   check parameters, lint, format, types, lock, workflows"
	@echo "make lock    update requirements.lock from pyproject.toml; versions that still fit stay"
	@echo "             UPGRADE=NAME: take the newest version of a package; UPGRADE=1: of all"
	@echo "More commands in the activated .venv: plumbline --help, python -m src.stages.NAME, dvc"

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
