"""Hands over to template/bake. Jinja renders this file, and this file alone."""

import json
import sys

CHECKOUT = {{ bake_checkout() | jsonify }}
ANSWERS = json.loads({{ cookiecutter | jsonify | jsonify }})  # twice: a JSON text as a literal of Python
OPERATION = {{ bake_operation() | jsonify }}

sys.dont_write_bytecode = True
sys.path.insert(0, CHECKOUT)
from template.bake.__main__ import main  # noqa: E402

sys.exit(main(CHECKOUT, ".", ANSWERS, OPERATION))
