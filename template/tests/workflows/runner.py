"""Run the `run:` steps of a job as GitHub does; steps with `uses:` are recorded with their inputs and not run."""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from plumbline.testing.projects import ROOT

WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / ".github/workflows").glob("*.yml"))
}
SHELLS = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"], None: ["bash", "-e"]}
TOKEN = re.compile(r"'(?:[^']|'')*'|[\w*.-]+|\|\||&&|!=|==|[!(),]|\s+")
PYTHON = {"||": " or ", "&&": " and ", "!": " not ", "true": "True", "false": "False", "null": "None"}
GITHUB = {
    "ref": "refs/pull/7/merge",
    "sha": "0" * 40,
    "ref_name": "model@v1.2.3",
    "repository": "o/r",
    "server_url": "https://host",
    "run_id": "1",
    "token": "a-token-that-nobody-may-see",
}
STATUS = re.compile(r"\b(always|success|failure|cancelled)\(\)")


@dataclass
class JobResult:
    """The result of a job: its output, the actions of its steps with their inputs, and its outputs."""

    is_failure: bool = False
    is_skipped: bool = False
    output: str = ""
    actions: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)


def look_up(context: Any, path: list[str]) -> Any:
    if not path:
        return context
    if path[0] == "*":
        return [look_up(value, path[1:]) for value in (context or {}).values()]
    return look_up(context.get(path[0]) if isinstance(context, dict) else None, path[1:])


def evaluate(expression: str, context: dict[str, Any], has_failed: bool) -> Any:
    """Return the value of an expression without its ${{ }}; a function that `functions` lacks is a KeyError."""
    functions: dict[str, Callable[..., Any]] = {
        "always": lambda: True,
        "success": lambda: not has_failed,
        "failure": lambda: has_failed,
        "cancelled": lambda: False,
        "contains": lambda where, what: what in (where or []),
        "join": lambda what, by: by.join(what),
        "fromJSON": json.loads,
        "hashFiles": lambda *names: "hash-of-" + "-".join(names),
    }
    tokens = TOKEN.findall(expression)
    assert "".join(tokens) == expression, expression
    words = []
    for token, after in zip(tokens, [*tokens[1:], ""], strict=True):
        if token.startswith("'"):
            words.append(repr(token[1:-1].replace("''", "'")))
        elif re.match(r"[A-Za-z]", token) and token not in PYTHON:
            words.append(f"functions[{token!r}]" if after == "(" else f"look({token!r})")
        else:
            words.append(PYTHON.get(token, token))
    names = {"functions": functions, "look": lambda path: look_up(context, path.split("."))}
    return eval("".join(words).strip(), {"__builtins__": {}}, names)  # noqa: S307


def fill(text: Any, context: dict[str, Any], has_failed: bool = False) -> str:
    def replace(match: re.Match[str]) -> str:
        value = evaluate(match[1].strip(), context, has_failed)
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    return re.sub(r"\$\{\{(.*?)\}\}", replace, str(text).lower() if isinstance(text, bool) else str(text))


def is_true(condition: str | None, context: dict[str, Any], has_failed: bool) -> bool:
    """Return the condition of a step or a job; without a status function it also requires that nothing has failed."""
    text = re.sub(r"^\$\{\{\s*|\s*\}\}$", "", condition or "success()")
    return bool(evaluate(text, context, has_failed)) and (bool(STATUS.search(text)) or not has_failed)


def run(
    name: str, job: str, context: dict[str, Any], folder: Path, env: dict[str, str], has_failed_need: bool = False
) -> JobResult:
    """Run the steps of a job in `folder` with the variables `env`; `has_failed_need`: a job that it needs failed."""
    workflow, result = WORKFLOWS[name], JobResult()
    job_, steps = workflow["jobs"][job], {}
    context = context | {"steps": steps}
    if not is_true(job_.get("if"), context, has_failed_need):
        return JobResult(is_skipped=True)
    shell = SHELLS[workflow.get("defaults", {}).get("run", {}).get("shell")]
    with tempfile.TemporaryDirectory() as temporary:
        files = {key: Path(temporary, key) for key in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
        for step in job_["steps"]:
            if not is_true(step.get("if"), context, result.is_failure):
                continue
            if "uses" in step:
                inputs = {key: fill(value, context) for key, value in step.get("with", {}).items()}
                result.actions.append((step["uses"].split("@")[0], inputs))
                continue
            assert "${{" not in step["run"]
            for file in files.values():
                file.touch()
            variables = {key: fill(value, context) for key, value in (step.get("env") or {}).items()}
            variables |= {key: str(file) for key, file in files.items()} | read_pairs(files["GITHUB_ENV"])
            script = Path(temporary, "script.sh")
            script.write_text(step["run"], encoding="utf-8")
            process = _run_script([*shell, str(script)], folder, env | variables)
            result.output += process.stdout
            result.is_failure |= bool(process.returncode) and not step.get("continue-on-error", False)
            steps[step.get("id", "")] = {"outputs": read_pairs(files["GITHUB_OUTPUT"])}
            files["GITHUB_OUTPUT"].unlink()
    result.outputs = {key: fill(value, context) for key, value in job_.get("outputs", {}).items()}
    return result


def _run_script(command: list[str], folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(command, cwd=folder, env=env, encoding="utf-8", check=False, **output)


def read_pairs(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines())


def write_stand_in(folder: Path, name: str, body: str = "") -> None:
    """Write a command that records its arguments in the file $CALLS and then runs the script `body`."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f'#!/bin/bash\nprintf "%s\\n" "{name} $*" >> "$CALLS"\n{body}\n', encoding="utf-8")
    (folder / name).chmod(0o755)


def environment(folder: Path) -> dict[str, str]:
    """Return the variables of a runner: its own home and temporary folder, and `folder`/bin first on PATH."""
    for name in ("home", "temp", "bin"):
        (folder / name).mkdir(exist_ok=True)
    return {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "RUNNER_TEMP": str(folder / "temp"),
        "CALLS": str(folder / "calls"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
    }


def context(event: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    runner = {"os": "Linux", "arch": "X64", "temp": "TEMP"}
    return {"github": GITHUB | {"event": event or {}}, "runner": runner, "secrets": {}, "vars": {}} | more


def read_calls(folder: Path) -> list[str]:
    path = folder / "calls"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
