"""``python -m alphastream [name ...]`` compiles kernels ahead and keeps the machine code on disk.

Names are those of rooms (estimators, scan, portfolio, backtest) or of groups; none means everything. A line with the
name of a group, and the seconds it took, is written when it is there.
"""

import os
import sys
import time

from alphastream.kernel_groups import GROUPS


def main(names: list[str]) -> None:
    """Compile what is named, in the order of ``GROUPS``."""
    rooms = list(dict.fromkeys(group.room for group in GROUPS.values()))
    if unknown := [name for name in names if name not in GROUPS and name not in rooms]:
        raise SystemExit(f"no room {', '.join(unknown)}: choose of {', '.join(rooms)}, or of {', '.join(GROUPS)}")
    if hasattr(os, "nice"):
        os.nice(10)  # a person who waits for a page comes first
    for name, group in GROUPS.items():
        if not names or name in names or group.room in names:
            begin = time.process_time()
            group.load()
            try:
                sys.stdout.write(f"{name} {time.process_time() - begin:.2f} s\n")
                sys.stdout.flush()
            except BrokenPipeError:  # who waited for it has ended
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
                return


if __name__ == "__main__":
    main(sys.argv[1:])
