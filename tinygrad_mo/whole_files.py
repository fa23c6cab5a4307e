"""A file is written whole or not at all, and one that cannot be read is named."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from secrets import token_hex
from typing import Any

from . import ranks
from .platforms import patiently, why_no_name, why_too_long

ABANDONED = 3600  # seconds: nobody writes a file for so long without adding to it
NO_SUCH_THING = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}  # says a file system that cannot do it


class CheckpointError(ValueError):
    """A file that cannot be read, or does not fit: the text says what was expected and found."""


def replace_file(path: str | Path, content: bytes) -> None:
    """Write a file.

    The file at `path` (or, of a link, where it leads) is replaced in one instant when everything
    is on the disk: whatever goes wrong before, the old file is still there, and no other one.
    What a process that was killed within left beside it, the next one removes after an hour.
    Of processes that train together, the first one writes.
    """
    if ranks.rank:
        return
    path = Path(path)
    if reason := why_no_name(path):
        raise CheckpointError(f"cannot save {path}: {reason}; choose another name")
    if leads_in_a_circle(path):
        raise CheckpointError(f"cannot save {path}: it is a link that leads in a circle")
    if path.is_dir():
        raise CheckpointError(f"cannot save {path}: this is a folder, give the name of a file")
    if path.exists() and not path.is_file():  # a device or pipe is written to, not replaced
        path.write_bytes(content)
        return
    if not path.parent.is_dir():
        raise CheckpointError(f"cannot save {path}: there is no folder {path.parent}")
    real = path.resolve()
    temporary = new_beside(real)
    try:
        with open(temporary, "xb") as file:  # read by whoever may read what others write here
            file.write(content)
            file.flush()
            bring_to_disk(file.fileno())
        remove_abandoned(real, temporary.stat().st_mtime)
        if real.exists():
            with suppress(PermissionError):  # file systems without modes, as of memory cards
                os.chmod(temporary, real.stat().st_mode)
        patiently(partial(os.replace, temporary, real), path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        error.add_note(f"{path} was not written; what was there before is unchanged")
        if reason := why_too_long(temporary):
            error.add_note(reason)
        raise


def new_beside(real: Path) -> Path:
    """A hidden file that becomes `real` when it is whole, or that shows that it can be made."""
    return real.with_name(f".{real.name[:40]}.{token_hex(8)}")  # a name has 255 bytes at most


def remove_abandoned(real: Path, now: float) -> None:
    """Remove such files of processes that were killed; those of others are younger.

    The time of a file just written is `now`, by the clock of the disk.
    """
    pattern = re.compile(rf"\.{re.escape(real.name[:40])}\.[0-9a-f]{{16}}")
    with suppress(OSError), os.scandir(real.parent) as files:
        for one in files:
            if pattern.fullmatch(one.name) and one.is_file(follow_symlinks=False):
                with suppress(OSError):
                    if now - one.stat(follow_symlinks=False).st_mtime > ABANDONED:
                        os.unlink(one.path)


def leads_in_a_circle(path: Path) -> bool:
    try:
        os.stat(path)
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def why_not_read(path: Path) -> str:
    """Why no file can be read at `path`; empty if one can."""
    if path.is_file():
        return ""
    if path.is_dir():
        return f"{path} is a folder, not a file"
    if leads_in_a_circle(path):
        return f"{path} is a link that leads in a circle"
    return (
        f"{path} is a device or pipe, not a file" if path.exists() else f"there is no file {path}"
    )


def bring_to_disk(file: int) -> None:
    """All that was written, where the file system can say that it is there."""
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in NO_SUCH_THING:
            raise


def delete_file(path: Path) -> None:
    """Delete a file, if there is one."""
    patiently(partial(path.unlink, missing_ok=True), path)


def write_picture(save: Callable[..., Any], path: str | Path, dpi: int) -> None:
    """Write what matplotlib's `savefig` draws; the ending says how, without one it is a .png."""
    path = Path(path)
    if not path.suffix:
        path = path.with_name(f"{path.name}.png")
    drawn = BytesIO()
    save(drawn, format=path.suffix[1:], dpi=dpi)
    replace_file(path, drawn.getvalue())
