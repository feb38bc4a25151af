"""The pin of the package plumbline in a project: in pyproject.toml by its version, in requirements.lock by its hash."""

from __future__ import annotations

import hashlib
import json
import re

from template.bake.wheel import NAME, read_requirements

REASON = "the pipeline, the review and the proofs: the wheel in vendor/ (plumbline docs extend)"


def add_pin(pyproject: str, version: str) -> str:
    """Return pyproject.toml with the package as the first dependency.

    Without the exact version, a package index could serve another one.
    """
    return re.sub(r"(?m)^dependencies = \[\n", f'\\g<0>  "{NAME}=={version}", # {REASON}\n', pyproject, count=1)


def add_hash(lock: str, pyproject: str, version: str, wheel: bytes) -> str:
    """Return requirements.lock with the package, as `make lock` writes it for this pyproject.toml.

    Parameters
    ----------
    lock : str
        The lock of the template, which has all that the package requires.
    pyproject : str
        The project's pyproject.toml.
    version : str
    wheel : bytes
    """
    entries = re.split(r"(?m)^(?=[^\s#])", lock)[1:]
    entries.append(f"{NAME}=={version} \\\n    --hash=sha256:{hashlib.sha256(wheel).hexdigest()}\n")
    python = re.findall(r'(?m)^requires-python = "(.*)"$', pyproject)[0]
    requirements = json.dumps([python, *read_requirements(pyproject)])
    digest = hashlib.sha256(requirements.encode()).hexdigest()
    return f"# dependencies sha256:{digest}\n" + "".join(sorted(entries, key=lambda entry: entry.partition("==")[0]))
