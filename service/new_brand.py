"""`firstreply brands new`: a small commented brand folder, whole enough to be checked and served."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from service.brands import NOT_BRANDS
from service.errors import SettingsNotUsable
from service.files import shipped

_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,62}$")
PLACE = "My Brand"  # stands in the skeleton where the brand's name goes


def write_skeleton(parent: Path, name: str) -> Path:
    """Copies knowledge/_skeleton to `parent/name`; raises SettingsNotUsable where that can't be, and changes nothing then."""
    if not _NAME.match(name) or name in NOT_BRANDS:
        raise SettingsNotUsable(f"{name!r} can't be a brand's name: use lower-case letters, digits and dashes, such as 'acme'")
    folder = parent / name
    if folder.exists():
        raise SettingsNotUsable(f"{folder} exists already: choose another name, or edit what is there")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(shipped("knowledge/_skeleton"), folder)
        for path in folder.rglob("*"):
            if path.is_file():
                path.write_text(path.read_text(encoding="utf-8").replace(PLACE, name.replace("-", " ").title()), encoding="utf-8")
    except OSError as error:
        raise SettingsNotUsable(f"{folder} can't be written: {error.strerror}") from None
    return folder
