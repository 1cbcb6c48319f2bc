"""The `attach-confirm` command-line tool.

Tokens come from the environment, a file or standard input. They are never arguments, because every
user of the machine can read the arguments of a process. The exit code is 0 for success, 1 for a
failure, 2 for a usage error and 130 for an interrupt.
"""

import sys

try:
    from attach_confirm.cli._app import TOKEN_ENV_VAR, app, main
except ModuleNotFoundError as error:
    sys.exit(f"attach-confirm: {error.name} is missing: pip install 'attach-confirm[cli]'")

__all__ = ["TOKEN_ENV_VAR", "app", "main"]
