"""Write the one comment on a pull request, from what the review's run left. For comment.yml; installs nothing."""

import json
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline.errors import UsageError
from plumbline.review.post import WorkflowRun, post_comment, render_body, retry

VARIABLES = ("GITHUB_EVENT_PATH", "GITHUB_REPOSITORY")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    help_text = "the folder with the downloaded artifact of the review run (may be empty)"
    parser.add_argument("folder", type=Path, metavar="FOLDER", help=help_text)


def run(options: Namespace) -> int:
    """Write the comment, which says so where the review left no result; then raise an error where it is refused."""
    for name in VARIABLES:
        if name not in os.environ:
            message = f"{name} is not set: this is for .github/workflows/comment.yml, where GitHub sets it"
            raise UsageError(message, hint="Read the review here: make review")
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    review_run: WorkflowRun = event["workflow_run"]
    body, refusal = render_body(options.folder, review_run["html_url"])
    print(retry(lambda: post_comment(os.environ["GITHUB_REPOSITORY"], review_run, body)))
    if refusal:
        raise refusal
    return 0
