"""The kept inputs of a target: a file of one input a line, in hexadecimal."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.fuzz.targets import TARGETS

FOLDER = Path(__file__).parent / "corpus"


def inputs(target: str) -> list[bytes]:
    """Return the kept inputs, and where the fuzzer begins without any."""
    file = _file(target)
    kept = file.read_text().splitlines() if file.exists() else []
    return [*map(bytes.fromhex, kept), *TARGETS[target].seeds()]


def unpack(target: str, folder: Path) -> None:
    """Write each input to a file of its own, as the fuzzer wants them."""
    folder.mkdir()
    for each in inputs(target):
        (folder / hashlib.sha256(each).hexdigest()).write_bytes(each)


def pack(target: str, folder: Path) -> None:
    """Keep the inputs that a folder has, and no others."""
    FOLDER.mkdir(exist_ok=True)
    found = sorted(
        (each.read_bytes() for each in folder.iterdir()), key=lambda each: (len(each), each)
    )
    _file(target).write_text("".join(f"{each.hex()}\n" for each in found if each))


def _file(target: str) -> Path:
    return FOLDER / f"{target}.hex"
