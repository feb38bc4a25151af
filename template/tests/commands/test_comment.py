"""A command for CI names what is missing when it runs elsewhere."""

import pytest

from plumbline.errors import PlumblineError
from template.tests.command import run_command


@pytest.mark.parametrize("name", ["GITHUB_EVENT_PATH", "GITHUB_REPOSITORY"])
def test_outside_of_its_workflow_it_names_what_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("GITHUB_EVENT_PATH", "GITHUB_REPOSITORY"):
        monkeypatch.setenv(variable, "x")
    monkeypatch.delenv(name)
    with pytest.raises(PlumblineError, match=rf"^{name} is not set: .*comment\.yml"):
        run_command("comment", "anywhere")
