"""How many tests of a file would run, from its source."""

import pytest

from plumbline.review.pytest_count import count_tests

TWO = "def test_a(): check()\ndef test_b(): check()\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (TWO, 2),
        ("def test_a(): check()\ndef other(): check()\n", 1),
        ("class TestA:\n def test_a(self): check()\nclass B:\n def test_b(self): check()\n", 1),
        ("class A(unittest.TestCase):\n def __init__(self): ...\n def test_a(self): check()\n", 1),
        ("@pytest.mark.parametrize('a', [1, 2, 3])\ndef test_a(a): check()\n", 3),
        ("@pytest.mark.parametrize('a', [1, pytest.param(2, marks=pytest.mark.skip)])\ndef test_a(a): check()\n", 1),
        ("@pytest.mark.parametrize('a', CASES)\ndef test_a(a): check()\n", 1),
        ("def test_a():\n    with pytest.raises(ValueError):\n        check()\n", 1),
        ("def test_a(rows):\n    rows.skip(1)\n    assert rows\n", 1),
        ("rows = pytest.mark.skipif(True, reason='x')\n" + TWO, 2),
        ("@pytest.fixture\ndef rows(): pytest.skip()\n" + TWO, 2),
        ("__test__ = True\n" + TWO, 2),
    ],
)
def test_tests_are_counted_from_source(text: str, count: int) -> None:
    assert count_tests(text) == count


@pytest.mark.parametrize(
    "text",
    [
        "def test_a(:\n",
        "@pytest.mark.skip\ndef test_a(): check()\n",
        "@pytest.mark.xfail(reason='x')\ndef test_a(): check()\n",
        "from pytest import mark as m\n@m.skip\ndef test_a(): check()\n",
        "import pytest as p\n@p.mark.skipif(True)\ndef test_a(): check()\n",
        "slow = pytest.mark.skip\n@slow\ndef test_a(): check()\n",
        "@unittest.skip('x')\ndef test_a(): check()\n",
        "def test_a():\n    if here:\n        pytest.skip('x')\n    check()\n",
        "from pytest import skip as leave\ndef test_a():\n    leave()\n",
        "@pytest.fixture\ndef rows(): pytest.skip()\ndef test_a(rows): check()\n",
        "@pytest.fixture\ndef test_a(): check()\n",
        "def test_a(): pass\n",
        "def test_a():\n    return\n    check()\n",
        "class TestA:\n def __init__(self): ...\n def test_a(self): check()\n",
        "class TestA:\n __test__ = False\n def test_a(self): check()\n",
    ],
)
def test_a_test_that_does_not_run_does_not_count(text: str) -> None:
    assert count_tests(text) == 0


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("pytestmark = pytest.mark.skip\n", ""),
        ("pytestmark: list = [pytest.mark.skip]\n", ""),
        ("pytest.skip('x', allow_module_level=True)\n", ""),
        ("if here:\n    raise unittest.SkipTest\n", ""),
        ("rows = pytest.importorskip('rows')\n", ""),
        ("__test__ = False\n", ""),
        ("@pytest.fixture(autouse=True)\ndef leave(): pytest.skip()\n", ""),
        ("", "test_a = test_b = None\n"),
        ("", "del test_a, test_b\n"),
        ("", "from tests.others import test_a, other as test_b\n"),
    ],
)
def test_a_line_can_stop_all_tests_of_a_file(start: str, end: str) -> None:
    assert count_tests(start + TWO + end) == 0
