"""What cannot be done, said in one line; a traceback is for bugs only."""

import os
import sys
from collections.abc import Callable


class Refusal(Exception):
    """Bad input or a state that forbids to go on: its text says what, where, expected, found, and what to do next."""


def guarded(main: Callable[[], int], hint: str = "") -> int:
    """Runs a command; a Refusal, Ctrl-C, a full disk or a closed pipe become one line and a non-zero exit."""
    try:
        code = main()
        sys.stdout.flush()  # a closed pipe shows itself here and not at exit
        return code
    except BrokenPipeError:  # whoever read the output has enough: there is nothing to say, and nothing to flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Refusal as error:
        line = str(error)
    except KeyboardInterrupt:
        line = "stopped by Ctrl-C; nothing half-written was kept. Run it again"
    except OSError as error:
        line = f"{error.filename or 'a file'}: {error.strerror or error}. Free or mend it and run again"
    print(f"ERROR: {' '.join(line.split())}{hint}", file=sys.stderr)
    return 1
