"""What an answer may be, and the project's name that follows from it."""

import pytest

from template.bake.answers import FOLDERS, BakeError, check_answers, slug

GOOD = {"project_name": "My Project", "description": "d", "author": "a", "python_version": "3.12", "license": "MIT"}
LOCK = "pandas==3.0 \\\n    --hash=sha256:aa\ngreat-expectations==1\n"


@pytest.mark.parametrize(
    ("name", "short_name"),
    [
        ("My Project", "my-project"),
        ("Größe & Maß", "grosse-mass"),
        ("  a -- b ", "a-b"),
        ("Café 2", "cafe-2"),
        ("x_y.z", "x-y-z"),
        ("Plumbline", "plumbline"),
    ],
)
def test_the_projects_name_is_plain_and_kept_by_a_good_one(name: str, short_name: str) -> None:
    assert slug(name) == short_name
    assert slug(short_name) == short_name
    if "&" not in name:
        assert check_answers(GOOD | {"project_name": name}, LOCK)["slug"] == short_name


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/b",
        "a\\b",
        "C:x",
        'say "x"',
        "it's",
        "a\nb",
        "😀😀",
        "",
        "con",
        "LPT1",
        "2024",
        "pandas",
        "json",
        "src",
        "Great Expectations",
        "прогноз",
        "a{{ b }}",
        "$HOME",
        "sklearn",
        "Git",
        *FOLDERS,
    ],
)
def test_a_name_that_cannot_be_a_folder_a_package_and_a_command_is_refused(name: str) -> None:
    with pytest.raises(BakeError, match=r"^ERROR: project_name"):
        check_answers(GOOD | {"project_name": name}, LOCK)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("Plumbline ML", "plumbline-ml is a package or a command that projects use"),
        ("Docs", "docs is a folder of every project"),
        ("pandas", "pandas is a package or a command that projects use"),
        ("json", "json is a module of Python"),
        ("LPT1", "lpt1 is a name that Windows keeps for a device"),
    ],
)
def test_a_name_that_is_taken_says_by_what(name: str, what: str) -> None:
    with pytest.raises(BakeError, match=rf"^ERROR: project_name is '{name}': {what}\. Choose another name$"):
        check_answers(GOOD | {"project_name": name}, LOCK)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"python_version": "3.10"}, "python_version is '3.10', expected one of 3.11, 3.12"),
        ({"license": "GPL"}, "license is 'GPL', expected one of MIT"),
        ({"dvc_remote": "ftp://x/y"}, "dvc_remote is 'ftp://x/y', expected a path, or a bucket"),
        ({"dvc_remote": "s3://"}, "dvc_remote is 's3://', expected a path, or a bucket"),
        ({"data": "s3://b/x.csv", "target": "y"}, "data is 's3://b/x.csv', expected a path, http"),
        ({"github_handle": "a b"}, "github_handle is '@a b', expected @name or @organisation/team"),
        ({"github_handle": "@acme/a/b"}, "github_handle is '@acme/a/b', expected"),
        ({"github_handle": "@"}, "github_handle is '@', expected"),
        ({"github_handle": "a@example.org"}, "github_handle is '@a@example.org', expected"),
        ({"data": "x.csv"}, "data has an answer and target has none"),
        ({"target": "y"}, "target has an answer and data has none"),
        ({"description": "two\nlines"}, "description: .* has a line break"),
        ({"author": "a\x1b[31m"}, "author: .* control character"),
    ],
)
def test_an_answer_that_cannot_work_is_refused_in_one_line(answers: dict[str, str], words: str) -> None:
    with pytest.raises(BakeError, match=rf"^ERROR: {words}[^\n]*$"):
        check_answers(GOOD | answers, LOCK)


def test_what_is_good_passes() -> None:
    for remote in ("", "/a b", "../x", "~/r", "s3://b/p", "gs://b", "azure://c/p", "ssh://u@h/p", "https://h/p"):
        assert check_answers(GOOD | {"dvc_remote": remote}, LOCK)["dvc_remote"] == remote
    for handle, owner in (("", ""), ("octo-cat", "@octo-cat"), ("@a1", "@a1"), (" @acme/ml-team ", "@acme/ml-team")):
        assert check_answers(GOOD | {"github_handle": handle}, LOCK)["github_handle"] == owner
    assert check_answers(GOOD | {"data": "C:\\x\\y.csv", "target": " y "}, LOCK)["target"] == "y"
