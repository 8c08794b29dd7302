"""The shape of the house: small files, an essay in each room, every named query used."""

import re
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "ocpi_hub"
ROOMS = sorted(path.parent for path in HOUSE.glob("*/__init__.py"))
SQL = sorted(HOUSE.rglob("*.sql"))


def test_no_file_has_grown_past_450_lines() -> None:
    grown = {
        str(path.relative_to(HOUSE)): lines
        for path in HOUSE.rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert grown == {}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_each_room_opens_with_its_essay(room: Path) -> None:
    source = (room / "__init__.py").read_text(encoding="utf-8")
    assert source.startswith('"""'), "the first thing in a room is its essay"
    essay = source.split('"""')[1]
    assert len(essay.split()) >= 25
    assert len(essay.splitlines()) <= 60


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.name)
def test_every_named_query_is_used(path: Path) -> None:
    names = re.findall(r"^-- (\w+) *-*\n", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert names, "a query file names its queries"
    python = "\n".join(p.read_text(encoding="utf-8") for p in path.parent.glob("*.py"))
    unused = [name for name in names if not re.search(rf"\b{name}\b", python)]
    assert unused == []
