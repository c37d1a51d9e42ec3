"""Write the map of the house into README.md: `python -m scripts.write_map`, or `make map`."""

from typing import Final

from scripts.rooms import ROOT, Room, beside, homes, rooms

BEGIN: Final = "<!-- make map -->\n"
END: Final = "<!-- end of the map -->\n"


def table() -> str:
    """The rooms as a Markdown table."""
    found = rooms()
    rows = [room for room in found if not room.home]
    for home in homes():
        rows += [home, *(room for room in found if room.home == home.name)]
    lines = ["| where | what is in it |", "|---|---|", *map(_row, [*rows, *beside()])]
    return "\n".join(lines) + "\n"


def _row(room: Room) -> str:
    name = f"**`{room.place}`**" if not room.home and room.is_folder else f"`{room.place}`"
    return f"| {name} | {room.description} |"


def with_map(text: str) -> str:
    """README with the table between its two marks renewed."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"README.md needs the lines {BEGIN.strip()} and {END.strip()}, one after the other")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(with_map(readme.read_text(encoding="utf-8")), encoding="utf-8")
