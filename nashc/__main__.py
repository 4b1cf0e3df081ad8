"""`nashc` and `python -m nashc`: Ctrl-C among the imports ends without a traceback, too."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    try:
        from nashc import cli

        cli.main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
