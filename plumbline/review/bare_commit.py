"""A commit without what does not count for the recipe: no docs, no tests, no settings of the evaluation.

A review says that two commits are identical where they differ only there. So the code that it fits must not be able to
read that: it runs in a worktree of such a bare commit, and one that needs a page of docs/ fails at once, and not in the
pull request that changes the page.
"""

import os
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from plumbline import paths
from plumbline.process import git

AUTHOR = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in {"NAME": "review", "EMAIL": "review@localhost", "DATE": "1970-01-01T00:00:00Z"}.items()
}


def write_bare_commit(commit: str, names: Collection[str], params: str) -> str:
    """Write a commit to git that nothing points to, and return its hash: the same for the same content.

    Parameters
    ----------
    commit : str
    names : collection of str
        The files that are left out.
    params : str
        The content of params.yaml.
    """
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        env = {**os.environ, **AUTHOR, "GIT_INDEX_FILE": str(folder / "index")}
        list_, text = folder / "names", folder / paths.PARAMS
        list_.write_bytes("\0".join(names).encode("utf-8", "surrogateescape"))
        text.write_text(params, encoding="utf-8", newline="\n")
        git("read-tree", commit, env=env)
        if names:
            options = ("--pathspec-file-nul", f"--pathspec-from-file={list_}")
            git("--literal-pathspecs", "rm", "--cached", "--force", "--quiet", *options, env=env)
        blob = git("hash-object", "-w", "--no-filters", str(text)).strip()
        git("update-index", "--cacheinfo", f"100644,{blob},{paths.PARAMS}", env=env)
        tree = git("write-tree", env=env).strip()
        return git("commit-tree", tree, "-m", f"What of {commit} counts for its recipe", env=env).strip()
