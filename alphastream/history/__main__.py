"""``python -m alphastream.history COMMAND``: look at a history, prove it, take from it, and bring into it.

A command is a module with ``add_arguments(parser)`` and ``run(place, **arguments) -> exit code``, whose first line of
documentation is its help.
"""

import os
import sys
from argparse import SUPPRESS, ArgumentParser
from importlib import import_module
from typing import Final

from alphastream.errors import AlphaStreamError
from alphastream.history.places import Place

COMMANDS: Final = {
    "list": ("alphastream.history.list_command", "what is held: kinds, instruments, days, rows, bytes"),
    "verify": ("alphastream.history.verify_command", "prove that every file is what was written"),
    "export": ("alphastream.history.export_command", "write a range or the answer to a query as CSV, Parquet or Arrow"),
    "import": ("alphastream.history.published_command", "bring in files that exchanges publish, and recordings"),
    "seal": ("sealing", "move what is old from the tape files into the history"),
}
"""Name, module and help. Sealing writes tape files, which the application alone does: its module is no part of the
library and is looked for when it is asked for."""

_ENDED: Final = 130  # as a shell says that a program was interrupted


def main(arguments: list[str]) -> int:
    """Run one command; its exit code, 2 for what cannot be understood or done."""
    asked = next((each for each in arguments if each in COMMANDS), None)
    parser = ArgumentParser(prog="python -m alphastream.history", description=(__doc__ or "").splitlines()[0])
    place_help = f"folder or URL such as s3://bucket/prefix ({_usual()})"
    parser.add_argument("--history", default=_usual(), metavar="PLACE", help=place_help)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--history", default=SUPPRESS, metavar="PLACE", help=place_help)  # also after the command
        if name == asked:
            try:
                import_module(module).add_arguments(command)
            except ModuleNotFoundError as error:
                if error.name is None or not module.startswith(error.name):
                    raise
                parser.error(f"{name} is a command of the application: run it in the folder of AlphaStream")
    given = vars(parser.parse_args(arguments))
    module, place = COMMANDS[given.pop("command")][0], given.pop("history")
    try:
        return int(import_module(module).run(Place(place), **given))
    except AlphaStreamError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted: run it again to go on\n")
        return _ENDED


def _usual() -> str:
    """Where the application keeps its history; settings are read by the application alone, but for these two."""
    data_dir = os.environ.get("ALPHASTREAM_DATA_DIR", "var")
    history = os.environ.get("ALPHASTREAM_HISTORY", "").strip()
    return history if history and history.lower() != "off" else os.path.join(data_dir, "history")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
