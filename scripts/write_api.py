"""Pages of the API for `make docs`, one a room, from the tree: nothing of them is kept in the repository.

README and CONTRIBUTING become pages too; links between documents go on working.
"""

import mkdocs_gen_files

from scripts.rooms import ROOT, Room, rooms

LEFT_OUT = {"app", "views"}  # pages are called by Streamlit, by nobody else

OF_THE_ROOT = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "data/README.md": "data.md",
    "tools/exchange/README.md": "exchange.md",
}
"""Documents outside docs/, and what their pages are called."""


def module(room: Room) -> str:
    """What a room is imported as."""
    return ".".join(filter(None, (room.home, room.name)))


def page(room: Room) -> str:
    """Every module of a room: its public names with their docstrings."""
    parts = [f"# {module(room)}\n"]
    for path in room.files:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        parts.append(f"::: {name}\n")
    return "\n".join(parts)


def index(found: list[Room]) -> str:
    """The rooms with what each is for."""
    rows = [f"| [`{module(room)}`]({module(room)}.md) | {room.description} |" for room in found]
    return "\n".join(["# API\n", "| room | what is in it |", "|---|---|", *rows]) + "\n"


def of_the_root(name: str) -> str:
    """A document of the root, its links as they are from inside docs/."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
    for path, inside in OF_THE_ROOT.items():
        text = text.replace(f"]({path}", f"]({inside}")
    return text


def write() -> None:
    """Write everything."""
    found = [room for room in rooms() if not {room.home, room.name} & LEFT_OUT]
    found.sort(key=lambda room: room.home != "alphastream")
    pages = {f"api/{module(room)}.md": page(room) for room in found} | {"api/index.md": index(found)}
    pages |= {inside: of_the_root(name) for name, inside in OF_THE_ROOT.items()}
    for name, text in pages.items():
        with mkdocs_gen_files.open(name, "w") as file:
            file.write(text)


write()
