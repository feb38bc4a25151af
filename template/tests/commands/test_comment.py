"""What is for CI alone says so in one line elsewhere."""

import pytest

from plumbline.errors import UsageError
from template.tests.command import run_command as command


@pytest.mark.parametrize("name", ["GITHUB_EVENT_PATH", "GITHUB_REPOSITORY"])
def test_outside_of_its_workflow_it_names_what_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("GITHUB_EVENT_PATH", "GITHUB_REPOSITORY"):
        monkeypatch.setenv(variable, "x")
    monkeypatch.delenv(name)
    with pytest.raises(UsageError, match=rf"^{name} is not set: .*comment\.yml"):
        command("comment", "anywhere")
