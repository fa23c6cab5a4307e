"""Arrays in a file: never half written, never half read, and nothing in it is ever executed.

A file is a zip archive of .npy members, as `numpy.load` reads it, and one "header.json". The
archive's checksums find every changed byte.
"""

from __future__ import annotations

import io
import json
import os
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np

from .. import arguments

HEADER = "header.json"
FORMAT = "tinygrad_mo 1"
LARGEST = 1 << 34  # bytes that a file may unpack to


class CheckpointError(ValueError):
    """A file that cannot be read, or does not fit: the text says what was expected and found."""


def save_arrays(path: str | Path, arrays: Mapping[str, np.ndarray], **header: Any) -> None:
    """Write arrays by name, with a header of plain values; see `replace_file`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(HEADER, json.dumps({"format": FORMAT, **header}))
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
            archive.writestr(f"{name}.npy", member.getvalue())
    replace_file(path, packed.getvalue())


HOLDS = {
    "model": "a whole model: tinygrad_mo.load reads it",
    "fit": "the backup of a training: fit goes on from it, with callbacks.BackupAndRestore",
    "flow": "a flow: tinygrad_mo.Flow.load reads it",
    "runs": "runs with several loss weights: tinygrad_mo.flow.Runs.load reads them",
    "weights": "weights only: make the model, then load_weights",
}


FOREIGN = {
    ".h5": "HDF5",
    ".hdf5": "HDF5",
    ".keras": "Keras",
    ".pt": "PyTorch",
    ".pth": "PyTorch",
}


def tell_of_format(path: str | Path, suffix: str, stacklevel: int = 3) -> None:
    """Warn of a name by which another program would take the file for one of its own."""
    if (whose := FOREIGN.get(Path(path).suffix)) is not None:
        warnings.warn(
            f"{path} is a file of this package (a zip of arrays), which {whose} does not read: "
            f"call it {Path(path).with_suffix(suffix)}",
            stacklevel=stacklevel,
        )


def check_kind(path: str | Path, header: Mapping[str, Any], wanted: str) -> None:
    """An error that says what a file of `save_arrays` holds, unless it is what is wanted."""
    found = next((kind for kind in ("fit", "flow", "runs") if kind in header), "weights")
    if isinstance(header.get("model"), Mapping):  # of weights, it is the name of the model
        found = "model"
    if found != wanted:
        raise CheckpointError(f"{path} holds {HOLDS[found]}")


def replace_file(path: str | Path, content: bytes) -> None:
    """Write a file.

    The file at `path` is replaced in one instant when everything is on the disk: whatever goes
    wrong before, the old file is still there.
    """
    path = Path(path)
    if path.exists() and not path.is_file():  # a device or pipe is written to, not replaced
        path.write_bytes(content)
        return
    if not path.parent.is_dir():
        raise CheckpointError(f"cannot save {path}: there is no folder {path.parent}")
    temporary = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        with open(temporary, "xb") as file:  # read by whoever may read what others write here
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            os.chmod(temporary, path.stat().st_mode)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load_arrays(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the header of a file that `save_arrays` wrote.

    Raises
    ------
    CheckpointError
        If the file is missing, not of this format, cut off, or changed.
    """
    path = arguments.path("path", path)
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise CheckpointError(f"{path} unpacks to more than {LARGEST >> 30} GB")
            header = json.loads(archive.read(HEADER))
            arrays = {
                name.removesuffix(".npy"): np.lib.format.read_array(
                    io.BytesIO(archive.read(name)), allow_pickle=False
                )
                for name in archive.namelist()
                if name != HEADER
            }
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, ValueError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a whole file of {FORMAT!r}: it is cut off, changed or of another kind "
            f"({error})"
        ) from error
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{path} has the format {header.get('format')!r}, not {FORMAT!r}")
    return arrays, header


def shortened(problems: list[str], limit: int = 5) -> str:
    """The first problems, and how many more there are.

    >>> shortened(["a is missing", "b is missing", "c is missing"], limit=2)
    'a is missing; b is missing; ... (3 in all)'
    """
    text = "; ".join(problems[:limit])
    return text if len(problems) <= limit else f"{text}; ... ({len(problems)} in all)"
