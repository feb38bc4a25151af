"""Ten results of a review, as made-up as they are different; `renamed` puts a text where names stand."""

import copy
from typing import Any

SHA = "0123456789abcdef0123456789abcdef01234567"
HOSTILE = [
    "<img src=x onerror=alert(1)>", "](http://evil.example)", "| a | b |", "@somebody", "#12", "www.evil.example",
    "http://evil.example", "a@evil.example", "&lt;b&gt;&#64;x", "`` ` ```", "a\n\n# title\n- item",
    "a\u202eb\u200bc\x00",
    ":tada:", "x" * 300, "--><script>", "</details>", "![i](http://evil.example/i.png)", "[x]: http://evil.example",
    "GH-12", "deadbeef", SHA, "1. one", "$a$", "\\", "", "~~~", "<!--", "me/it#3", "mailto:a@b.cd", "\ud800",
]  # fmt: skip


def compared(word: str, difference: float, low: float, high: float, **more: Any) -> dict[str, Any]:
    base = 0.3204567
    return {
        "version": 1, "project": "loans", "word": word, "why": "the difference is larger than its noise",
        "base_commit": SHA, "head_commit": SHA[::-1], "base_is": "the merge base of HEAD and origin/main",
        "changed": ["data", "params", "code"], "params": {"model.rate": [0.1, 2]},
        "files": {"first": ["params.yaml", "src/features.py"], "more": 3, "written": 8},
        "left_out": ["metric src.model.cost: evaluate.metrics of base does not name it"],
        "metric": "log_loss", "alpha": 0.05,
        "base": base, "head": base - difference, "trivial": 0.69, "difference": difference, "low": low, "high": high,
        "margin": 0.01, "visible": 0.03, "rows_needed": 5200, "rows_compared": 1200, "replicas": 5, "unpaired": None,
        "slices": [{"column": "region", "level": "north", "rows_compared": 300, "word": word, "difference": difference,
                    "low": low, "high": high, "worse": 0.4, "blocks": False}],
        "metrics": [{"metric": name, "base": 0.8, "head": 0.81, "difference": 0.01, "low": -0.01, "high": 0.03,
                     "head_low": 0.8, "head_high": 0.82} for name in ("roc_auc", "accuracy")],
        "floors": [{"metric": "roc_auc", "floor": 0.7, "head": 0.81, "broken": False}],
        "data": {"columns": {"added": ["income"], "removed": ["age"], "retyped": {"town": ["text", "number"]}},
                 "by_key": True, "moved": {"amount": 0.3},
                 "rows": {"base": 1190, "head": 1200, "added": 20, "removed": 10, "changed": 3, "labels": 0,
                          "by_column": {"amount": 3}}},
        "artefact": {"reproduces": True, "why": "the same"}, "comparisons": {"number": 1, "notice": None},
        "curves": {"ranking": {side: {"x": [0, 0.2, 1], "y": [0, y, 1]} for side, y in (("base", 0.7), ("head", 0.8))}
                   | {"x_label": "false positive rate", "y_label": "true positive rate"}},
        "importance": {"base": {"amount": 0.2}, "head": {"amount": 0.1, "income": 0.2}},
        "expectations": {"base": 7, "head": 7}, "relabelled": {"rows": 4, "word": word},
        "evaluator": {"word": word, "why": "head's own rule"},
        "moved": {"sentence": "the data made no difference that matters",
                  "data": {"word": "same", "difference": 0.001, "low": -0.01, "high": 0.01},
                  "code": {"word": word, "difference": difference, "low": low, "high": high}},
        "executed": {"stages": ["train", "evaluate"], "identical": ["dist"], "differ": ["metrics/metrics.json"],
                     "why": "their entries in dvc.lock are not those of base",
                     "metrics_differ": [{"file": "metrics/metrics.json", "key": "log_loss", "committed": 0.3,
                                         "executed": 0.31}]},
        "reasons": [], "notes": ["another CPU was used"], "red": [],
    } | more  # fmt: skip


def reason(name: str, what: str = "log_loss is higher", accepted: Any = None) -> dict[str, Any]:
    return {"name": name, "what": what, "next": "look at the slices below", "accepted": accepted}


def _without(result: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key not in keys}


NUMBERS = ("metric", "alpha", "base", "head", "trivial", "difference", "low", "high", "margin", "visible",
           "rows_needed", "rows_compared", "replicas", "unpaired", "data", "params", "curves",
           "importance", "relabelled", "evaluator", "moved", "executed")  # fmt: skip
BY = {"commit": SHA, "who": "Ada", "why": "the new law asks for it"}
WORSE = compared("worse", -0.0412, -0.0601, -0.0223, reasons=[reason("worse")], red=["worse"])
SAME = compared("same", 0.0002, -0.001, 0.0013)
EXAMPLES = {
    "better": compared("better", 0.0286, 0.0201, 0.0371),
    "identical": _without(SAME, *NUMBERS) | {"why": "data, code, parameters are identical", "changed": []},
    "same": SAME,
    "worse": WORSE,
    "slice": SAME | {"reasons": [reason("slice", "region = north is worse")], "red": ["slice"]},
    "release": SAME
    | {"release": {"name": "loans@v1.0.0"} | WORSE, "reasons": [reason("worse-than-release")]}
    | {"red": ["worse-than-release"]},
    "small": compared("cannot tell", 0.01, -0.05, 0.07, why="too small: 60 rows, at least 100 are needed"),
    "unpaired": compared("cannot tell", -0.02, -0.09, 0.05, unpaired="rows are split by another key"),
    "author": _without(SAME, *NUMBERS)
    | {"word": "cannot tell", "why": "no data", "computed_by": "author", "reasons": [reason("author")]},
    "accepted": WORSE
    | {"reasons": [reason("worse", accepted=BY), reason("floor", "roc_auc is 0.69, below 0.7")], "red": ["floor"]},
}


def renamed(result: dict[str, Any], text: str) -> dict[str, Any]:
    """The same result with the text for every name and sentence that data, a branch or a commit may bring."""
    made = copy.deepcopy(result) | {"project": text, "why": text, "base_is": text, "notes": [text]}
    made["reasons"] = [
        one | {"what": text, "next": text, "accepted": one["accepted"] and {"commit": text, "who": text, "why": text}}
        for one in made["reasons"]
    ]
    made["slices"] = [one | {"column": text, "level": text} for one in made["slices"]]
    made |= {"files": {"first": [text] * 10, "more": 3, "written": 8}, "left_out": [text]}
    if "data" in made:
        columns = {"added": [text], "removed": [text], "retyped": {text: [text, text]}}
        made["data"] |= {"columns": columns, "moved": {text: 0.5}}
        made["data"]["rows"]["by_column"] = {text: 3}
        made |= {"params": {text: [text, text]}, "importance": {"base": {text: 0.1}, "head": {text: 0.2}}}
    if "executed" in made:
        beside = dict.fromkeys(("file", "key", "committed", "executed"), text)
        made["executed"] |= {"stages": [text], "differ": [text], "why": text, "metrics_differ": [beside]}
        made["moved"] = {name: text if name == "sentence" else part | {"word": text}
                         for name, part in made["moved"].items()}  # fmt: skip
        made |= {"relabelled": {"rows": 4, "word": text}, "evaluator": {"word": text, "why": text}}
    return made
