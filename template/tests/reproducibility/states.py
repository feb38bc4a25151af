"""States of the tiny project: the commands that make each, and what verify must report."""

from dataclasses import dataclass

from plumbline.reproducibility.report import CANNOT_TELL, NOT_PUSHED, STALE
from plumbline.reproducibility.verify import FRESH, NO_RUN
from template.tests.reproducibility.conftest import COMMIT

RESTORE = "git checkout HEAD~ -- "
FORCE = "dvc repro --force --single-item "
REPRO, REMOVE_LOCK = "make repro", "rm dvc.lock && make repro"
STORE = "mkdir ../store && dvc remote add -q -d store ../store"


@dataclass(frozen=True)
class State:
    """`commands` make it; `repair` is what a person types where the hint is words and not a command."""

    commands: str
    state: str = STALE
    reason: str = ""
    hint: str = REPRO
    repair: str = ""
    base: str = "project"


def edit(file: str, old: str, new: str) -> str:
    return f"sed -i 's|{old}|{new}|' {file}{COMMIT}"


def script(text: str) -> str:
    return f'python -c "{text}"{COMMIT}'


CUT = "import re; t = open('{0}').read(); open('{0}', 'w').write(re.sub(r'(?ms)^  {1}:.*?(?=^  [a-z]|\\Z)', '', t))"
HASHED = (
    "import re; t = open('dvc.lock').read(); "
    "open('dvc.lock', 'w').write(re.sub('({0}\\n.*\\n +md5: )...', r'\\g<1>000', t, count={1}))"
)
STALE_PART = "echo more >> data/source/big.csv && dvc add -q data/source/big.csv && dvc repro -q parts" + COMMIT

STATES = {
    "fresh": State("true", FRESH),
    "code changed": State("echo 2 >> code/ingest.txt" + COMMIT, reason="ingest: code/ingest.txt changed since the run"),
    "code in a folder changed": State("echo 2 >> code/lib/sub/b.txt" + COMMIT, reason="code/lib changed since the run"),
    "a file came into a folder": State("echo 2 > code/lib/new.txt", reason="code/lib changed since the run"),
    "a file that .dvcignore names came": State("echo 2 > code/lib/new.pyc", FRESH),
    "a file that .dvcignore names is in git": State("echo 2 > code/lib/new.pyc" + COMMIT, FRESH),
    "a file was renamed in a folder": State(
        "git mv code/lib/a.txt code/lib/c.txt && sed -i s/a.txt/c.txt/ dvc.yaml" + COMMIT,
        reason="code/lib changed since the run",
    ),
    "a parameter changed": State(edit("params.yaml", "x: 1", "x: 2"), reason="a.x changed: expected 1, found 2"),
    "a parameter of a group changed": State(edit("params.yaml", "1, 2", "1, 3"), reason="params.yaml, b changed"),
    "a parameter has another type": State(
        edit("params.yaml", "x: 1", "x: true"), hint=FORCE + "ingest", reason="a.x changed: expected 1, found True"
    ),
    "a parameter that no stage reads": State(edit("params.yaml", "unread: 5", "unread: 6"), FRESH),
    "a parameter is written otherwise": State(edit("params.yaml", "1e-3", "0.001"), FRESH),
    "a parameter is gone": State(
        edit("params.yaml", "x: 1, ", ""),
        reason="params.yaml, a.x is not there",
        hint="restore it, then make repro",
        repair=RESTORE + "params.yaml",
    ),
    "a parameter in another file changed": State(
        edit("pyproject.toml", "tiny", "small"), reason="pyproject.toml, project.name changed: expected tiny"
    ),
    "another key of that file": State(edit("pyproject.toml", '"1"', '"2"'), FRESH),
    "a stage reads one more parameter": State(
        edit("dvc.yaml", "a.rate", "a.rate, a.unread"), reason="a.unread is not in dvc.lock"
    ),
    "a stage reads one parameter less": State(
        edit("dvc.yaml", "a.rate, ", ""),
        hint=FORCE + "ingest",
        reason="ingest: parameter params.yaml, a.rate is left over",
    ),
    "the source is another": State(
        "cp data/source/t.csv data/source/u.csv && sed -i s/t.csv/u.csv/ params.yaml" + COMMIT,
        reason="data/source/u.csv, found data/source/t.csv of the same content",
    ),
    "a command changed": State(edit("dvc.yaml", "echo note", "echo Note"), reason="train: its command changed"),
    "a name from vars": State(
        "sed -i 's|echo note|echo ${n.b}|' dvc.yaml && echo 'vars: [v.yaml]' >> dvc.yaml && "
        "echo 'n: {b: note}' > v.yaml" + COMMIT,
        FRESH,
    ),
    "a dependency came": State(
        edit("dvc.yaml", "deps: .data/table.txt", "deps: [params.yaml, data/table.txt"),
        reason="train: dependency params.yaml is not in dvc.lock",
    ),
    "a dependency went": State(
        edit("dvc.yaml", ", code/lib]", "]"),
        hint=FORCE + "ingest",
        reason="ingest: dependency code/lib is left over in dvc.lock",
    ),
    "a dependency was renamed": State(
        "git mv code/train.txt code/fit.txt && sed -i s/train.txt/fit.txt/ dvc.yaml" + COMMIT,
        reason="code/fit.txt, found code/train.txt of the same content",
    ),
    "a dependency was deleted": State(
        "rm code/train.txt",
        reason="train: the dependency code/train.txt does not exist",
        hint="git checkout HEAD -- code/train.txt",
    ),
    "a dependency was deleted in a commit": State(
        "rm code/train.txt" + COMMIT,
        repair=RESTORE + "code/train.txt",
        reason="train: the dependency code/train.txt does not exist",
        hint="put code/train.txt",
    ),
    "an output was renamed": State(
        edit("dvc.yaml", "data/model.txt", "data/fitted.txt"), reason="train: output data/fitted.txt is not in dvc.lock"
    ),
    "an output went": State(
        edit("dvc.yaml", ", data/note.txt]", "]"),
        hint=FORCE + "train",
        reason="train: output data/note.txt is left over in dvc.lock",
    ),
    "the lock was edited, an output": State(
        script(HASHED.format("data/model.txt", 1)), reason="data/model.txt changed since the run"
    ),
    "the lock was edited, a dependency": State(
        script(HASHED.format("code/train.txt", 1)), reason="train: code/train.txt changed since the run"
    ),
    "the lock was edited, in agreement": State(
        script(HASHED.format("data/model.txt", 0)),
        NOT_PUSHED,
        "data/model.txt is not in remote store",
        "dvc push in the clone that made it, or make repro && dvc push",
        "make repro && dvc push",
        "pushed",
    ),
    "the lock was edited, in agreement, no remote": State(script(HASHED.format("data/model.txt", 0)), FRESH),
    "the lock lacks a stage": State(script(CUT.format("dvc.lock", "train")), reason="dvc.lock has no stage train"),
    "a stage was added": State(
        "printf '  new: {cmd: cp code/train.txt new.txt, outs: [new.txt]}\\n' >> dvc.yaml" + COMMIT,
        reason="dvc.lock has no stage new",
    ),
    "the lock has a stage left over": State(
        script(CUT.format("dvc.yaml", "score")),
        hint=REMOVE_LOCK,
        reason="dvc.lock has stage score, which dvc.yaml does not have",
    ),
    "the pointer changed": State(
        "echo 2 >> data/source/big.csv && dvc add -q data/source/big.csv" + COMMIT,
        reason="parts: data/source/big.csv changed since the run",
    ),
    "a reviewed output was edited": State(
        "echo 2 >> metrics/score.json",
        reason="metrics/score.json is not what the",
        hint="git checkout HEAD -- metrics/score.json",
    ),
    "a reviewed output was edited in a commit": State(
        "echo 2 >> metrics/score.json" + COMMIT, reason="score: metrics/score.json is not what the run wrote"
    ),
    "a reviewed output is gone": State(
        "git rm -q metrics/score.json", reason="expected .*, found none", hint="git checkout HEAD -- metrics/score.json"
    ),
    "the lock is gone": State("rm dvc.lock", reason="dvc.lock is gone", hint="git checkout HEAD -- dvc.lock"),
    "the lock is gone in a commit": State("rm dvc.lock" + COMMIT, reason="dvc.lock is not here, results are"),
    "no run yet": State("git rm -q dvc.lock data/schema.json metrics/score.json" + COMMIT, NO_RUN),
    "no dvc.yaml of this": State(
        edit("dvc.yaml", "data.source}", "data.sauce}"),
        hint="fix dvc.yaml",
        repair=RESTORE + "dvc.yaml",
        reason=r"names \$\{data.sauce\}, which is not a text or number",
    ),
    "a lock in tatters": State("head -c 700 dvc.lock > l && mv l dvc.lock" + COMMIT, reason="", hint=REPRO),
    "stages in a loop": State(
        "printf '  loop:\\n    foreach: [a]\\n    do: {cmd: echo, outs: []}\\n' >> dvc.yaml" + COMMIT,
        CANNOT_TELL,
        "loop: uses foreach",
        "dvc pull && dvc status loop",
        RESTORE + "dvc.yaml",
    ),
    "a frozen stage": State("dvc freeze train && echo 2 >> code/train.txt", FRESH),
    "issue 11099": State(
        STALE_PART + " && rm -r parts", reason="score: parts/one.txt changed since the run", base="inside"
    ),
    "issue 11099, another file of the folder": State(
        "echo 2 >> code/parts.txt && dvc repro -q parts" + COMMIT + " && rm -r parts", FRESH, base="inside"
    ),
    "never pushed": State(STORE, NOT_PUSHED, "objects are not in remote store .*: data/model.txt, ", "dvc push"),
    "never pushed, the folder is not made": State(
        "dvc remote add -q -d store ../store", NOT_PUSHED, "are not in remote store .*data/source/big.csv", "dvc push"
    ),
    "never pushed, and code changed": State(
        STORE + " && echo 2 >> code/train.txt",
        STALE,
        "train: code/train.txt changed since",
        REPRO,
        "make repro && dvc push",
    ),
    "partly pushed": State(
        STORE + " && dvc push -q data/model.txt parts", NOT_PUSHED, "are not in .*data/table.txt", "dvc push"
    ),
    "pushed": State("true", FRESH, base="pushed"),
    "pushed, then a new run": State(
        "echo 2 >> code/train.txt && dvc repro -q" + COMMIT,
        NOT_PUSHED,
        "data/model.txt is not in remote store",
        "dvc push",
        base="pushed",
    ),
    "an output that is not to be pushed": State(
        STORE + " && sed -i 's|data/note.txt.|data/note.txt: {push: false}]|' dvc.yaml && dvc push -q", FRESH
    ),
    "settings that DVC cannot read": State(
        "cp .dvc/config ../c && echo '[core' >> .dvc/config",
        CANNOT_TELL,
        ".dvc/config cannot be read",
        "fix .dvc/config",
        "cp ../c .dvc/config",
    ),
    "no default remote": State(
        "dvc remote add -q store ../store && dvc push -q -r store",
        CANNOT_TELL,
        "there are remotes .store. and none is the default",
        "dvc remote default store",
    ),
    "no client for the remote": State(
        "dvc remote add -q -d store gs://bucket/path",
        CANNOT_TELL,
        "but requires 'dvc-gs'",
        "make setup",
        "dvc remote remove store",
    ),
    "marks of a conflict": State(
        "rm .gitattributes" + COMMIT + "; git merge other || true",
        reason="dvc.lock has marks of a merge conflict",
        hint="git checkout --ours dvc.lock && make repro",
        base="branches",
    ),
    "marks of a conflict in a commit": State(
        "rm .gitattributes" + COMMIT + "; (git merge other || true)" + COMMIT,
        hint=REMOVE_LOCK,
        base="branches",
        reason="dvc.lock has marks of a merge conflict",
    ),
    "marks in params.yaml": State(
        edit("params.yaml", "a:", "<<<<<<< HEAD\\na:"),
        repair=RESTORE + "params.yaml",
        reason="params.yaml has marks of a merge conflict",
        hint="fix params.yaml",
    ),
    "merging, before the run": State(
        "git merge other || true", base="branches", reason="score: metrics/score.json is not what the run wrote"
    ),
    "merged without a run": State(
        "(git merge other || true)" + COMMIT, base="branches", reason="train: code/train.txt changed since the run"
    ),
    "merged with theirs": State(
        "(git merge other || git checkout -q --theirs dvc.lock)" + COMMIT,
        base="branches",
        reason="parts: code/parts.txt changed since the run",
    ),
    "merged, one side had no run": State(
        "git checkout -qb other && echo 2 > README" + COMMIT + " && git checkout -q "
        "main && echo 2 >> code/train.txt && dvc repro -q" + COMMIT + " && git merge -q other",
        FRESH,
    ),
    "rebasing": State(
        "git checkout -q other && dvc checkout -q && (git rebase main || true)",
        base="branches",
        reason="train: code/train.txt changed since the run",
    ),
    "a run was reverted": State(
        "echo 2 >> code/train.txt && dvc repro -q" + COMMIT + " && git revert --no-edit HEAD", FRESH
    ),
}
