# Seven verbs. Each is one line that calls Python, and each fills .venv from requirements.lock first when it must.
PYTHON ?= python3
RUN = @$(PYTHON) -m src.environment

help:
	@echo "make setup   create .venv from requirements.lock"
	@echo "make repro   run the pipeline (dvc repro), print the metrics and where to look"
	@echo "             SHARE=0.05: features, model and metrics on some of the rows, git and DVC untouched"
	@echo "make report  open the report of the last run in the browser"
	@echo "make test    the project's tests"
	@echo "make review  better, worse, same, or cannot tell: HEAD against BASE=origin/main"
	@echo "make check   parameters, lint, format, types, lock, workflows"
	@echo "make lock    renew requirements.lock from pyproject.toml"
	@echo "The rest is Python: python -m src.stages.NAME, python -m src.params, and dvc itself, in the activated .venv."

setup:
	$(RUN)
repro:
	$(RUN) $(if $(SHARE),src.share $(SHARE),src.repro)
report:
	$(RUN) src.report
test:
	$(RUN) pytest
check:
	$(RUN) src.check
review:
	$(RUN) src.review $(or $(BASE),origin/main)
lock:
	$(RUN) src.lock

.PHONY: help setup repro report test check review lock
