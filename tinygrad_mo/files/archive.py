"""Arrays in a file: never half written, never half read, and nothing in it is ever executed.

A file is a zip archive of .npy members, as `numpy.load` reads it, and one "header.json", which
lists them all with their sizes and SHA-256. That of the header itself is the archive's comment.
Nothing is compressed, so that a file never unpacks to more than it is. The same content makes the
same bytes.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import arguments
from ..whole_files import CheckpointError, replace_file, why_not_read

HEADER = "header.json"
FORMAT = "tinygrad_mo 2"
OLD = "tinygrad_mo 1"  # had the checksums of the zip archive alone
# What a header may have: of a member it holds some 250 bytes and 15 values. They are counted before
# a header is taken apart, for which Python needs up to 130 bytes for a value.
LONGEST_HEADER, MOST_VALUES = 1 << 22, 300_000
RECORDING = 16  # times as much: backups and runs, which hold flows, one for each recorded step
LONGEST_WORDS = 2000  # of a message that may quote the file
PART = 1 << 20  # bytes read at a time
LONGEST_START = 1 << 14  # bytes of a member before its numbers

READ = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class Member(NamedTuple):
    """What an array in a file is, as its first bytes say."""

    shape: tuple[int, ...]
    dtype: np.dtype
    order: Any  # of the axes, "C" or "F"
    start: int  # of the numbers
    info: zipfile.ZipInfo


def save_arrays(path: str | Path, arrays: Mapping[str, np.ndarray], **header: Any) -> None:
    """Write arrays by name, with a header of plain values; see `replace_file`."""
    packed = io.BytesIO()
    archive = zipfile.ZipFile(packed, "w")
    try:
        pack(path, archive, arrays, header)
        archive.close()
    except BaseException:
        archive.fp = None  # else, half a member written, it complains, and not of what has happened
        raise
    replace_file(path, packed.getvalue())


def pack(
    path: str | Path,
    archive: zipfile.ZipFile,
    arrays: Mapping[str, np.ndarray],
    header: Mapping[str, Any],
) -> None:
    """Write the members, and the header that lists them."""
    listed = dict[str, Any]()
    for name, array in arrays.items():
        member = io.BytesIO()
        np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
        content = member.getvalue()
        listed[f"{name}.npy"] = [len(content), digest(content)]
        archive.writestr(entry(f"{name}.npy"), content)
    text = json.dumps({"format": FORMAT, "members": listed, **header}).encode()
    times = RECORDING if {"fit", "runs"} & header.keys() else 1
    try:
        check_header(len(text), values_in(text), times)
    except CheckpointError as error:
        raise CheckpointError(
            f"cannot save {path}, since it could not be read again: {error}; save it in parts"
        ) from None
    archive.writestr(entry(HEADER), text)
    archive.comment = digest(text).encode()


def entry(name: str) -> zipfile.ZipInfo:
    """A member as on every machine and at any time, so that equal content makes equal files."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o644 << 16
    return info


def digest(content: bytes | bytearray) -> str:
    return sha256(content).hexdigest()


class Members(Mapping[str, np.ndarray]):
    """The arrays of an open file by name, each read when it is asked for.

    Attributes
    ----------
    shapes : dict of tuple of int
        Known before any numbers are read.
    """

    def __init__(self, archive: zipfile.ZipFile, infos: Mapping[str, zipfile.ZipInfo]):
        self._archive, self._digests = archive, dict[str, str]()
        self._members = {name.removesuffix(".npy"): self._begin(i) for name, i in infos.items()}
        self.shapes = {name: member.shape for name, member in self._members.items()}

    def expect(self, listed: Mapping[str, Any]) -> None:
        """Hold the file to what its header lists: name, size and SHA-256 of each member."""
        there = {member.info.filename: member.info for member in self._members.values()}
        if there.keys() != listed.keys():
            lacks, surplus = listed.keys() - there.keys(), there.keys() - listed.keys()
            found = [f"without {', '.join(sorted(lacks))}"] if lacks else []
            found += [f"with {', '.join(sorted(surplus))}, too"] if surplus else []
            raise CheckpointError(f"it holds not what its header lists: {' and '.join(found)}")
        for name, (size, its) in listed.items():
            if (now := there[name].file_size) != size:
                raise CheckpointError(f"{name} has {now} bytes, its header says {size}")
            self._digests[name] = its

    def _begin(self, info: zipfile.ZipInfo) -> Member:
        with self._archive.open(info) as file:
            start = io.BytesIO(file.read(LONGEST_START))
        version = np.lib.format.read_magic(start)
        if version not in READ:
            raise CheckpointError(f"{info.filename} has version {version} of .npy")
        shape, is_fortran, dtype = READ[version](start)
        place = start.tell()
        if dtype.kind not in "biufcSU":
            raise CheckpointError(f"{info.filename} holds {dtype}, not numbers or texts")
        if min(shape, default=0) < 0 or place + prod(shape) * dtype.itemsize != info.file_size:
            raise CheckpointError(
                f"{info.filename} claims to be {dtype.name} of shape {shape}, but has "
                f"{info.file_size - place} bytes"
            )
        return Member(shape, dtype, "F" if is_fortran else "C", place, info)

    def __getitem__(self, name: str) -> np.ndarray:
        member = self._members[name]
        content = bytearray(member.info.file_size)
        with whole(self._archive.filename), self._archive.open(member.info) as file:
            place = 0
            while part := file.read(PART):  # and finds out whether the checksum is right
                content[place : place + len(part)] = part
                place += len(part)
            found = digest(content)
            if self._digests.get(member.info.filename, found) != found:
                raise CheckpointError(f"{member.info.filename} has another SHA-256")
            flat = np.frombuffer(content, member.dtype, prod(member.shape), member.start)
            return flat.reshape(member.shape, order=member.order)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


@contextmanager
def whole(path: Any) -> Iterator[None]:
    """Whatever goes wrong while the bytes of a file are read becomes one kind of error."""
    try:
        yield
    except Exception as error:  # zipfile and json raise nearly everything
        found = f"{error}"[:LONGEST_WORDS] or type(error).__name__
        raise CheckpointError(
            f"{path} is not a whole file of {FORMAT!r}: it is cut off, changed or of another kind "
            f"({found})"
        ) from error


@contextmanager
def made_again(path: Any) -> Iterator[None]:
    """The same of what is made of a whole file: one kind of error, whatever is wrong with it."""
    try:
        yield
    except Exception as error:
        words = f"{error}"[:LONGEST_WORDS]
        if isinstance(error, CheckpointError) and words == f"{error}":
            if f"{path}" not in words:
                error.add_note(f"in {path}")
            raise
        raise CheckpointError(
            f"what {path} holds cannot be made again: {type(error).__name__}: {words}"
        ) from error


@contextmanager
def opened(path: str | Path, times: int = 1) -> Iterator[tuple[Members, dict[str, Any]]]:
    """The arrays and the header of a file that `save_arrays` wrote, while it is open.

    Its header may be so many `times` as large as that of a model.

    Raises
    ------
    CheckpointError
        If the file is missing, not of this format, cut off, or changed; of the numbers of an
        array, when they are read.
    """
    path = arguments.path("path", path)
    if reason := why_not_read(path):
        raise CheckpointError(reason)
    with whole(path):
        archive = zipfile.ZipFile(path)
    with archive:
        with whole(path):
            infos = listing_of(archive, path.stat().st_size)
            header, members = read_header(archive, infos, times), Members(archive, infos)
            if header.get("format") == FORMAT:
                check_listed(header.get("members"))
                members.expect(header["members"])
        if header.get("format") not in (FORMAT, OLD):
            raise CheckpointError(f"{path} has the format {header.get('format')!r}, not {FORMAT!r}")
        yield members, header


def listing_of(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """The members by name: each once, plain, and together not larger than the file."""
    infos: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename
        if name in infos:
            raise CheckpointError(f"it holds {name} twice")
        if info.flag_bits & ~0x800 or info.compress_type != zipfile.ZIP_STORED:  # 0x800: in UTF-8
            raise CheckpointError(f"{name} is compressed or encrypted, which is never so")
        if name != HEADER and not name.endswith(".npy"):
            raise CheckpointError(f"it holds {name}, which is no array")
        infos[name] = info
    if sum(info.file_size for info in infos.values()) > size:
        raise CheckpointError("its members claim to be larger than the file")
    return infos


def read_header(
    archive: zipfile.ZipFile, infos: dict[str, zipfile.ZipInfo], times: int
) -> dict[str, Any]:
    """What "header.json" holds, which is no longer among the members then."""
    info = infos.pop(HEADER, None)
    if info is None:
        raise CheckpointError(f"it holds no {HEADER}")
    check_header(info.file_size, 0, times)
    text = archive.read(info)
    check_header(len(text), values_in(text), times)
    header = json.loads(text, object_pairs_hook=each_once)
    if not isinstance(header, dict):
        raise CheckpointError(f"{HEADER} holds a {type(header).__name__}, not a dict")
    if header.get("format") == FORMAT and archive.comment != digest(text).encode():
        raise CheckpointError(f"{HEADER} has another SHA-256")
    return header


def check_header(length: int, values: int, times: int) -> None:
    """An error if it is longer, or holds more, than any that is needed."""
    most = LONGEST_HEADER * times, MOST_VALUES * times
    if length > most[0] or values > most[1]:
        what = f"{length:,} bytes" if length > most[0] else f"{values:,} values"
        raise CheckpointError(
            f"{HEADER} has {what}, where at most {most[0]:,} bytes and {most[1]:,} values are"
        )


def values_in(text: bytes) -> int:
    """How many values a JSON text can hold: each stands behind a comma or a bracket."""
    return sum(map(text.count, (b",", b"[", b"{")))


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise CheckpointError("one name stands twice in a dict of its header")
    return made


def check_listed(listed: Any) -> None:
    """Is this a dict of [size, SHA-256] by name?"""
    entries = listed.values() if isinstance(listed, dict) else [None]
    if not all(isinstance(e, list) and [type(x) for x in e] == [int, str] for e in entries):
        raise CheckpointError("its header does not list the members as [size, SHA-256] by name")


def load_arrays(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """All arrays of a file, and its header; see `opened`."""
    with opened(path) as (members, header):
        return dict(members), header


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
    if (whose := FOREIGN.get(Path(path).suffix.lower())) is not None:
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


def shortened(problems: list[str], limit: int = 5) -> str:
    """The first problems, and how many more there are.

    >>> shortened(["a is missing", "b is missing", "c is missing"], limit=2)
    'a is missing; b is missing; ... (3 in all)'
    """
    text = "; ".join(problems[:limit])
    return text if len(problems) <= limit else f"{text}; ... ({len(problems)} in all)"
