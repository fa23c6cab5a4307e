"""What the data recipes share: unpack a Debian package, read R data, write a checked .npz file.

Only the recipes use this file; the package itself reads the finished files with NumPy alone.
"""

import bz2
import gzip
import hashlib
import io
import lzma
import pathlib
import subprocess
import warnings
import zlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]
SUMS = pathlib.Path(__file__).with_name("SHA256SUMS")


def unpack_debian_package(package, folder, deb=None):
    """Unpack `package` ("name=version") into `folder`; apt fetches it if no .deb is given."""
    if deb is None:
        subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
        deb = next(pathlib.Path(folder).glob("*.deb"))
    show = ["dpkg-deb", "--show", "--showformat", "${Package}=${Version}", str(deb)]
    found = subprocess.run(show, check=True, capture_output=True, text=True).stdout
    if found != package:
        raise SystemExit(f"{deb} holds {found}, but the recipe was written for {package}")
    subprocess.run(["dpkg-deb", "-x", str(deb), str(folder)], check=True)


def read_lazy_load(base, name):
    """Read the object `name` from R's lazy-load files `base`.rdx (index) and `base`.rdb."""
    import rdata

    def parse(serialized):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # rdata reads R's "tibble" as a plain table
            return rdata.conversion.convert(rdata.parser.parse_data(serialized, extension=".rds"))

    index = parse(gzip.decompress(pathlib.Path(f"{base}.rdx").read_bytes()))
    start, length = (int(number) for number in index["variables"][name])
    block = pathlib.Path(f"{base}.rdb").read_bytes()[start : start + length]
    # Four bytes give the unpacked size; then a letter names the compression, or zlib data start.
    letter, packed = block[4:5], block[5:]
    if letter == b"Z":
        lzma2 = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
        return parse(lzma.decompress(packed, format=lzma.FORMAT_RAW, filters=lzma2))
    if letter == b"2":
        return parse(bz2.decompress(packed))
    return parse(zlib.decompress(block[4:]))


def text_to_array(lines):
    """Join lines of text into one array of UTF-8 bytes: smaller than NumPy strings, no pickle.

    Read back with: array.tobytes().decode("utf-8").split("\\n")
    """
    lines = list(lines)
    if any("\n" in line for line in lines):
        raise ValueError("a line of text must not hold a line break")
    return np.frombuffer("\n".join(lines).encode("utf-8"), np.uint8)


def hash_order(rows):
    """Sort `rows` (numbers or texts) by their hashes: a random order, but the same everywhere."""
    return sorted(rows, key=lambda row: hashlib.sha256(str(row).encode("utf-8")).digest())


def hold_back(kinds, share=0.2):
    """Mark the given share of the rows of every kind as test rows."""
    test = np.zeros(len(kinds), bool)
    for kind in sorted(set(kinds)):
        rows = hash_order(row for row, other in enumerate(kinds) if other == kind)
        test[rows[: round(share * len(rows))]] = True
    return test


def name_codes(values):
    """Return a small number for each of the texts `values`, and the sorted names they stand for."""
    names, codes = np.unique([str(value) for value in values], return_inverse=True)
    return codes.astype(np.uint8 if len(names) <= 256 else np.uint16), text_to_array(names)


def write_checked_npz(name, arrays):
    """Write tinygrad_mo/data/`name`.npz, but only when its sha256 is the one in SHA256SUMS.

    NumPy gives every member of the archive the same fixed date, so the same arrays make the same
    bytes. Only another zlib may pack the same arrays differently; then compare the arrays before
    trusting a new sum.
    """
    path = f"tinygrad_mo/data/{name}.npz"
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    found = hashlib.sha256(file.getvalue()).hexdigest()
    sums = dict(reversed(line.split()) for line in SUMS.read_text().splitlines())
    if sums.get(path) != found:
        raise SystemExit(
            f"{path} not written: its sha256 is\n{found}, but SHA256SUMS says\n"
            f"{sums.get(path)}\n"
            f"(NumPy {np.__version__}, zlib {zlib.ZLIB_RUNTIME_VERSION})"
        )
    (ROOT / path).write_bytes(file.getvalue())
    print(f"{path}: {len(file.getvalue())} bytes, sha256 as expected")
