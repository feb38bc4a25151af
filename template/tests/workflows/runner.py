"""Runs the `run:` steps of one job as GitHub does; steps with `uses:` are listed with their inputs and not run."""

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

WORKFLOWS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
             for path in sorted((ROOT / ".github/workflows").glob("*.yml"))}  # fmt: skip
SHELLS = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"], None: ["bash", "-e"]}
TOKEN = re.compile(r"'(?:[^']|'')*'|[\w*.-]+|\|\||&&|!=|==|[!(),]|\s+")
PYTHON = {"||": " or ", "&&": " and ", "!": " not ", "true": "True", "false": "False", "null": "None"}
GITHUB = {"ref": "refs/pull/7/merge", "sha": "0" * 40, "ref_name": "model@v1.2.3", "repository": "o/r",
          "server_url": "https://host", "run_id": "1", "token": "a-token-that-nobody-may-see"}  # fmt: skip
STATUS = re.compile(r"\b(always|success|failure|cancelled)\(\)")


@dataclass
class Ran:
    """What a job did: whether it failed, what it printed, the steps that used an action, its outputs."""

    failed: bool = False
    skipped: bool = False
    printed: str = ""
    used: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)


def looked_up(context: Any, path: list[str]) -> Any:
    if not path:
        return context
    if path[0] == "*":
        return [looked_up(one, path[1:]) for one in (context or {}).values()]
    return looked_up(context.get(path[0]) if isinstance(context, dict) else None, path[1:])


def evaluated(expression: str, context: dict[str, Any], failed: bool) -> Any:
    """The value of one expression, without its ${{ }}; what this does not know is a KeyError."""
    functions: dict[str, Callable[..., Any]] = {
        "always": lambda: True, "success": lambda: not failed, "failure": lambda: failed, "cancelled": lambda: False,
        "contains": lambda where, what: what in (where or []), "join": lambda what, by: by.join(what),
        "fromJSON": json.loads, "hashFiles": lambda *names: "hash-of-" + "-".join(names),
    }  # fmt: skip
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
    known = {"functions": functions, "look": lambda path: looked_up(context, path.split("."))}
    return eval("".join(words).strip(), {"__builtins__": {}}, known)  # noqa: S307


def filled(text: Any, context: dict[str, Any], failed: bool = False) -> str:
    def one(found: re.Match[str]) -> str:
        value = evaluated(found[1].strip(), context, failed)
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    return re.sub(r"\$\{\{(.*?)\}\}", one, str(text).lower() if isinstance(text, bool) else str(text))


def holds(condition: str | None, context: dict[str, Any], failed: bool) -> bool:
    """Of a step or a job; without a word on the status it also asks that nothing failed."""
    text = re.sub(r"^\$\{\{\s*|\s*\}\}$", "", condition or "success()")
    return bool(evaluated(text, context, failed)) and (bool(STATUS.search(text)) or not failed)


def run(name: str, job: str, context: dict[str, Any], folder: Path, env: dict[str, str], before: bool = False) -> Ran:
    """The steps of a job, in `folder`; env: all that the runner gives; before: a job that this one needs failed."""
    workflow, ran = WORKFLOWS[name], Ran()
    about, steps = workflow["jobs"][job], {}
    context = context | {"steps": steps}
    if not holds(about.get("if"), context, before):
        return Ran(skipped=True)
    shell = SHELLS[workflow.get("defaults", {}).get("run", {}).get("shell")]
    with tempfile.TemporaryDirectory() as temporary:
        files = {each: Path(temporary, each) for each in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
        for step in about["steps"]:
            if not holds(step.get("if"), context, ran.failed):
                continue
            if "uses" in step:
                inputs = {key: filled(value, context) for key, value in step.get("with", {}).items()}
                ran.used.append((step["uses"].split("@")[0], inputs))
                continue
            assert "${{" not in step["run"]
            for file in files.values():
                file.touch()
            given = {key: filled(value, context) for key, value in (step.get("env") or {}).items()}
            given |= {key: str(file) for key, file in files.items()} | pairs(files["GITHUB_ENV"])
            script = Path(temporary, "script.sh")
            script.write_text(step["run"], encoding="utf-8")
            done = subprocess.run([*shell, str(script)], cwd=folder, env=env | given, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, encoding="utf-8", check=False)  # fmt: skip
            ran.printed += done.stdout
            ran.failed |= bool(done.returncode) and not step.get("continue-on-error", False)
            steps[step.get("id", "")] = {"outputs": pairs(files["GITHUB_OUTPUT"])}
            files["GITHUB_OUTPUT"].unlink()
    ran.outputs = {key: filled(value, context) for key, value in about.get("outputs", {}).items()}
    return ran


def pairs(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines())


def stand_in(folder: Path, name: str, body: str = "") -> None:
    """A command on PATH that writes down how it was called, then does what `body` says."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f'#!/bin/bash\nprintf "%s\\n" "{name} $*" >> "$CALLS"\n{body}\n', encoding="utf-8")
    (folder / name).chmod(0o755)


def environment(folder: Path) -> dict[str, str]:
    """A runner's: a home and a temporary folder of its own, the stand-ins of `folder`/bin before all else."""
    for name in ("home", "temp", "bin"):
        (folder / name).mkdir(exist_ok=True)
    return {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder / "home"), "CI": "true",
        "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(folder / "temp"), "CALLS": str(folder / "calls"),
        "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8",
    }  # fmt: skip


def context(event: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    runner = {"os": "Linux", "arch": "X64", "temp": "TEMP"}
    return {"github": GITHUB | {"event": event or {}}, "runner": runner, "secrets": {}, "vars": {}} | more


def calls(folder: Path) -> list[str]:
    path = folder / "calls"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
