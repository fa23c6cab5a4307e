"""Files as chance and malice change them."""

import json
import zipfile
from copy import deepcopy
from hashlib import sha256

HEADER = "header.json"


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forge(path, members, header=None, listed=True, **entry):
    """Write a file whose checksums are right, whatever it holds.

    `header` is a dict, or the text of the member; `entry` is set in the zip entry of each array.
    """
    if isinstance(header, dict) and listed:
        arrays = {n: [len(c), sha256(c).hexdigest()] for n, c in members if n != HEADER}
        header = {**header, "members": arrays}
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in [*members, (HEADER, text)]:
            info = zipfile.ZipInfo(name)
            for key, value in entry.items() if name != HEADER else ():
                setattr(info, key, value)
            archive.writestr(info, content)
        archive.comment = sha256(text).hexdigest().encode()


def places(x, where=()):
    """The way to everything in a header that a reader looks at."""
    yield where
    if isinstance(x, dict | list):
        items = x.items() if isinstance(x, dict) else enumerate(x)
        for key, item in items:
            yield from places(item, (*where, key))


def changed(header, where, value):
    """The header with another value at a place."""
    if not where:
        return value
    header = deepcopy(header)
    *way, last = where
    inner = header
    for key in way:
        inner = inner[key]
    inner[last] = value
    return header
