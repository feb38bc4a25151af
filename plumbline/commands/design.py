"""List what is still open in docs/project.yaml, and say whether the last run meets `requirements` of params.yaml."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline import params, paths
from plumbline.design import CASES, CURE, about, answers, met
from plumbline.errors import Refusal
from plumbline.findings import is_about, left_out


def add_arguments(parser: ArgumentParser) -> None:
    """Adds none."""


def run(options: Namespace) -> int:
    source = params.read("data.source").source
    found = answers(source)
    if not is_about(about(), source):
        print(f"WARNING: {left_out(paths.DESIGN, about(), source, CURE)}")
    unanswered = [name for name, answer in found.items() if not answer]
    print(f"{paths.DESIGN}: {len(found) - len(unanswered)} of {len(found)} questions are answered for {source}")
    for name in unanswered:
        print(f"  not stated: {name}")
    for case in found[CASES] or []:
        print(f"  {case['value'] * case['feasibility']:2} = {case['value']} x {case['feasibility']}  {case['name']}")
    if not Path(paths.MODEL).exists() or not Path(paths.checks("evaluate")).exists():
        raise Refusal("requirements: nothing has run yet, so there is nothing to hold them against. First: make repro")
    lines = met()
    print("\n".join(["\nrequirements in params.yaml:", *(f"  {line}" for line in lines or ["none is stated"])]))
    print("\nNext: answer what is open (docs/design.md), state what you require, make repro, read the card")
    return 0
