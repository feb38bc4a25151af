"""Write the one comment on a pull request, from what the review's run left. For comment.yml; installs nothing."""

import json
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline.errors import PlumblineError
from plumbline.review.post import patiently, post, text


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="what was downloaded of the review's run, if anything"
    )


def run(options: Namespace) -> int:
    for name in ("GITHUB_EVENT_PATH", "GITHUB_REPOSITORY"):
        if name not in os.environ:
            raise PlumblineError(f"{name} is not set: this is for .github/workflows/comment.yml, where GitHub sets it")
    of = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))["workflow_run"]
    body, refused = text(options.folder, of["html_url"])
    print(patiently(lambda: post(os.environ["GITHUB_REPOSITORY"], of, body)))
    if refused:
        raise PlumblineError(refused)
    return 0
