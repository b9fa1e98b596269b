"""The `frontdesk` command, also as `python -m frontdesk_server`; says what is missing where not all is installed."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from frontdesk_server.cli import main as run
    except ModuleNotFoundError as error:
        sys.stderr.write(f"frontdesk: the command needs {error.name}: pip install . in a checkout\n")
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
