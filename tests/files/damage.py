"""Files as chance and malice change them."""

import json
import zipfile
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
