"""A file that somebody has made to do harm, or that has come to harm: one error, no change."""

import json
import struct
import time
import tracemalloc
import warnings
import zipfile
from functools import partial

import numpy as np
import pytest

import tinygrad_mo as tg
from damage import HEADER, changed, forge, members_of, places
from tinygrad_mo import layers
from tinygrad_mo.device import new_generator
from tinygrad_mo.files.archive import CheckpointError, load_arrays, save_arrays

SECONDS, BYTES = 1, 50e6


def network():
    tg.set_random_seed(0)
    x = tg.Input((3,), name="x")
    h = layers.Dropout(0.5)(layers.Dense(110, "tanh", name="trunk")(x))
    model = tg.Model(x, [layers.Dense(1, name="a")(h), layers.Dense(1, name="b")(h) * 2.0])
    model.compile("adam", "mse")
    return model


DATA = np.random.default_rng(0).normal(size=(8, 3))
LABELS = [DATA[:, :1], DATA[:, 1:2]]


class Stop(tg.callbacks.Callback):
    def on_train_batch_end(self, step, logs):
        if step:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The members of a model's file, and its header."""
    path = tmp_path_factory.mktemp("whole") / "model.tg"
    model = network()
    model.fit(DATA, LABELS, verbose=0)
    model.save(path)
    members = members_of(path)
    header = json.loads(members.pop(HEADER))
    return members, header


@pytest.fixture(scope="module")
def backup(tmp_path_factory):
    """The same of the backup of a training."""
    path = tmp_path_factory.mktemp("backup") / "backup.tg"
    with pytest.raises(KeyboardInterrupt):
        train(path, Stop())
    members = members_of(path)
    header = json.loads(members.pop(HEADER))
    return members, header


def train(path, *more, model=None):
    model = model or network()
    keeper = tg.callbacks.BackupAndRestore(path, 1)
    model.fit(DATA, LABELS, batch_size=4, epochs=2, verbose=0, callbacks=[keeper, *more])
    return model


def refused(read):
    """The one error that reading brings, if it is quick and takes little memory."""
    start = time.process_time()
    said = error_of(read)
    seconds = time.process_time() - start
    tracemalloc.start()  # which makes it slower
    try:
        error_of(read)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seconds < SECONDS and peak < BYTES, (seconds, peak)
    assert len(said) < 3000 and " at 0x" not in said
    return said


def error_of(read):
    with pytest.raises(CheckpointError) as caught, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read()
    return str(caught.value)


# ---------------------------------------------------------------- headers

WRONG = [None, True, -1, 10**30, 1.5, float("nan"), "text", "9" * 9000, [], [[]], {}, {"x": 1}]
WRONG += [
    [10**30],
    {"tuple": [None, 10**30]},
    {"array": "none"},
    {"made": ["os", "system", [], {}]},
]


def variants(header):
    """The header with one value replaced by one of another kind, at every place."""
    ways = [w for w in places(header) if not w or w[0] not in ("format", "members")]
    for n, where in enumerate(ways):
        for value in (WRONG[n % len(WRONG)], WRONG[(7 * n + 3) % len(WRONG)]):
            yield where, value


def readable(read):
    """Some changes are harmless: another name, another seed. All else must be refused."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read()
    except CheckpointError:
        return None


BRACKETS = b"[" * 100_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "Expecting value"),
        (b"[]", "holds a list, not a dict"),
        (b"null", "holds a NoneType, not a dict"),
        (b"{}", "has the format None"),
        (BRACKETS, "recursion"),
        (b'{"format": "tinygrad_mo 2", "members": {}, "model": ' + BRACKETS, "recursion"),
        (b'{"format": "tinygrad_mo 2", "members": {}, "members": {}}', "stands twice"),
        (b'{"format": "tinygrad_mo 2", "members": [1]}', "does not list the members"),
        (b'{"format": "tinygrad_mo 2", "members": {"x": [1, 2]}}', "does not list the members"),
        (b'{"format": "tinygrad_mo 9"}', "has the format 'tinygrad_mo 9', not 'tinygrad_mo 2'"),
        (b'{"format": ["tinygrad_mo 2"]}', "has the format"),
        (b"\xff\xfe", "cut off, changed or of another kind"),
    ],
    ids=lambda x: x[:30].decode("latin1") if isinstance(x, bytes) else "",
)
def test_a_header_that_is_none(text, words, tmp_path):
    forge(tmp_path / "m.tg", [], text)
    assert words in refused(lambda: tg.load(tmp_path / "m.tg"))


@pytest.mark.one_in(12, rest="medium")
@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        (("model", "graph", "steps", 0, 1, 0), -1, "expected a whole number, 0 or more, found -1"),
        (("model", "graph", "steps", 0, 1, 0), "x", "expected a whole number"),
        (("model", "graph", "steps", 0, 1, 0), 99, "expected a number from 0 to 0, found 99"),
        (("model", "graph", "steps", 0, 0), "system", "the op 'system', which is not there"),
        (("model", "graph", "steps", 0, 3), 99, "a call: expected a number from 0"),
        (("model", "graph", "inputs", 0, 1), {"tuple": [None, 10**30]}, "cannot be made again"),
        (("model", "graph", "inputs", 0, 1), {"tuple": [10**9, 10**9]}, "the batch first"),
        (("model", "graph", "inputs", 0, 2), "float31", "cannot be made again"),
        (("model", "graph", "outputs"), [], "without outputs"),
        (("model", "graph", "outputs", 0, 1), 10**30, "a tensor: expected a number from 0 to"),
        (("model", "layers"), None, "model.layers: expected a list, found None"),
        (("model", "layers", 0, "made", 2, 0), 10**9, "larger than all that the file holds"),
        (("model", "layers", 0, "made", 1), "Densely", "layers.Densely, which is nothing to be"),
        (("model", "layers", 0, "became"), [], "layers within it, in the file it has"),
        (("model", "layers", 0, "surprise"), 1, "found 'surprise', too"),
        (("state", "step"), -3, "state.step: expected a whole number, 0 or more, found -3"),
        (("state", "step"), "three", "state.step: expected a whole number, 0 or more, found 'thr"),
        (("state", "trainable"), [True], "the length of state.trainable: expected"),
        (("state", "learning_rate"), -0.5, "the learning rate must be a number"),
        (("state", "shuffler"), {"bit_generator": "MT19937"}, "cannot be made again"),
        (("state",), None, "state: expected a dict, found None"),
        (("model",), [], "holds weights only"),
    ],
)
def test_a_header_that_asks_for_what_is_not_there(where, value, words, whole, tmp_path):
    members, header = whole
    path = tmp_path / "m.tg"
    forge(path, list(members.items()), changed(header, where, value))
    assert words in refused(lambda: tg.load(path))


@pytest.mark.slow
@pytest.mark.parametrize("every", [40, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_hundreds_of_wrong_headers_are_refused_or_harmless(every, whole, tmp_path):
    members, header = whole
    path, count = tmp_path / "m.tg", 0
    for where, value in list(variants(header))[::every]:
        forge(path, list(members.items()), changed(header, where, value))
        read = lambda: tg.load(path)
        if readable(read) is None:
            refused(read)
            count += 1
    assert count > 300 / every


@pytest.mark.medium
@pytest.mark.parametrize("every", [29, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_wrong_backups_are_refused_or_harmless_and_change_nothing(every, backup, tmp_path):
    members, header = backup
    path, count = tmp_path / "b.tg", 0
    for where, value in list(variants(header))[::every]:
        forge(path, list(members.items()), changed(header, where, value))
        model = network()
        before = [w.tobytes() for w in model.get_weights()], model.step, dict(model.loss_weights)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                train(path, model=model)
        except CheckpointError:
            count += 1
            after = [w.tobytes() for w in model.get_weights()], model.step, dict(model.loss_weights)
            assert after == before, (where, value)
    assert count > 200 / every


def test_what_cannot_be_made_again_is_said_with_its_file(whole, tmp_path):
    members, header = whole
    path = tmp_path / "m.tg"
    forge(path, list(members.items()), changed(header, ("model", "layers", 0, "made", 2, 0), None))
    with pytest.raises(CheckpointError, match="layer 'trunk' could not be made again") as caught:
        tg.load(path)
    assert f"in {path}" in caught.value.__notes__


# ---------------------------------------------------------------- members


def array_with(start, content=b"\0" * 1320):
    return struct.pack("<6sBBH", b"\x93NUMPY", 1, 0, len(start)) + start + content


def start_of(shape, kind="<f4"):
    return f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()


SURPLUS = array_with(start_of((330,)))


@pytest.mark.medium
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m | {"weights/none.npy": SURPLUS}, "none is not in the model"),
        (lambda m: m | {"slots/mean/none.npy": SURPLUS}, "'none', which is not in the model"),
        (lambda m: m | {"../../notes.txt": b"text"}, "which is no array"),
        (lambda m: dict(list(m.items())[1:]), "trunk/kernel is missing"),
        (lambda m: m | {KERNEL: array_with(start_of((10**30,)))}, "claims to be float32 of shape"),
        (lambda m: m | {KERNEL: array_with(start_of((10**9, 10**9)))}, "claims to be float32"),
        (lambda m: m | {KERNEL: array_with(start_of((-3, -4)))}, "claims to be float32 of shape"),
        (lambda m: m | {KERNEL: array_with(start_of((0, 10**30)))}, "not a whole file"),
        (lambda m: m | {KERNEL: array_with(start_of("'x'"))}, "not a whole file"),
        (lambda m: m | {KERNEL: array_with(start_of((165,), "|O"))}, "holds object, not numbers"),
        (
            lambda m: m | {KERNEL: array_with(start_of((330,)))},
            "has shape (330,) instead of (3, 110)",
        ),
        (lambda m: m | {KERNEL: array_with(b"[" * 9000)}, "not a whole file"),
        (lambda m: m | {KERNEL: array_with(b"x" * 60_000)}, "not a whole file"),
        (lambda m: m | {KERNEL: b""}, "not a whole file"),
        (
            lambda m: m | {MEAN: array_with(start_of((2, 165)))},
            "shape (2, 165) instead of (3, 110)",
        ),
    ],
)
def test_members_that_do_not_fit(change, words, whole, tmp_path):
    members, header = whole
    forge(tmp_path / "m.tg", list(change(members).items()), header)
    assert words in refused(lambda: tg.load(tmp_path / "m.tg"))


KERNEL, MEAN = "weights/trunk/kernel.npy", "slots/mean/trunk/kernel.npy"


@pytest.mark.medium
def test_large_members_are_refused_before_they_are_read(whole, tmp_path):
    members, header = whole
    large = array_with(start_of((1 << 24,)), bytes(4 << 24))  # 64 MB
    for name in (KERNEL, MEAN):
        forge(tmp_path / "m.tg", list((members | {name: large}).items()), header)
        assert "has shape (16777216,) instead of (3, 110)" in refused(
            lambda: tg.load(tmp_path / "m.tg")
        )


@pytest.mark.medium
def test_members_that_are_not_those_of_the_list(whole, tmp_path):
    members, header = whole
    path, items = tmp_path / "m.tg", list(members.items())
    forge(path, [*items, ("extra.npy", SURPLUS)], header, listed=False)
    assert "holds not what its header lists: with extra.npy, too" in refused(lambda: tg.load(path))
    forge(path, items[1:], header, listed=False)
    assert f"lists: without {items[0][0]}" in refused(lambda: tg.load(path))
    other = members[KERNEL][:-4] + b"\0\0\0\0"
    forge(path, list((members | {KERNEL: other}).items()), header, listed=False)
    assert f"{KERNEL} has another SHA-256" in refused(lambda: tg.load(path))
    forge(path, list((members | {KERNEL: other + b"\0"}).items()), header, listed=False)
    assert "but has 1321 bytes" in refused(lambda: tg.load(path))
    other = array_with(start_of((0,)), b"")
    forge(path, list((members | {KERNEL: other}).items()), header, listed=False)
    assert f"{KERNEL} has {len(other)} bytes, its header says" in refused(lambda: tg.load(path))
    with pytest.warns(UserWarning, match="Duplicate name"):
        forge(path, [*items, (KERNEL, other)], header)
    assert f"holds {KERNEL} twice" in refused(lambda: tg.load(path))


def test_a_header_without_its_checksum(whole, tmp_path):
    members, header = whole
    path = tmp_path / "m.tg"
    forge(path, list(members.items()), header)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"x")
    assert "header.json has another SHA-256" in refused(lambda: tg.load(path))


@pytest.mark.medium
def test_compressed_and_encrypted_members(whole, tmp_path):
    members, header = whole
    path = tmp_path / "m.tg"
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        forge(path, list(members.items()), header, compress_type=method)
        assert "compressed or encrypted" in refused(lambda: tg.load(path))
    forge(path, list(members.items()), header)
    content = path.read_bytes()
    first = content.index(b"PK\x01\x02")
    for place, value in [(8, 1), (8, 64), (9, 32), (10, 97), (10, 14)]:  # flags, and the method
        bad = bytearray(content)
        bad[first + place] |= value
        path.write_bytes(bad)
        assert "compressed or encrypted" in refused(lambda: tg.load(path))


def test_members_that_share_bytes(tmp_path):
    """A bomb: many entries of one member."""
    save_arrays(tmp_path / "a.tg", {f"w{n}": np.zeros(9000, "u1") for n in range(3)})
    content = (tmp_path / "a.tg").read_bytes()
    directory = content.index(b"PK\x01\x02")
    places = [content.index(b"PK\x01\x02", directory + 1), content.rindex(b"PK\x01\x02")]
    bad = bytearray(content)
    for place in places:  # sizes that reach over the whole file
        bad[place + 20 : place + 28] = struct.pack("<II", len(content) - 200, len(content) - 200)
    (tmp_path / "a.tg").write_bytes(bad)
    assert "not a whole file" in refused(lambda: load_arrays(tmp_path / "a.tg"))


# ---------------------------------------------------------------- chance


def identical(one, other):
    """Two files hold the same."""
    return one[1] == other[1] and {n: (x.dtype, x.tobytes()) for n, x in one[0].items()} == {
        n: (x.dtype, x.tobytes()) for n, x in other[0].items()
    }


def flips(path, places):
    """Change a byte at each place; every file must be refused, or hold the same."""
    content = path.read_bytes()
    right, refusals = load_arrays(path), 0
    for place in places(len(content)):
        bad = bytearray(content)
        bad[place] ^= 1 << place % 8
        path.write_bytes(bad)
        try:
            found = load_arrays(path)
        except CheckpointError:
            refusals += 1
        else:
            assert identical(right, found), place
    return refusals / len(places(len(content)))


def model_of_20_kB(path):
    model = network()
    model.fit(DATA, LABELS, verbose=0)
    model.save(path)
    assert 15_000 < path.stat().st_size < 25_000


def backup_of_it(path):
    with pytest.raises(KeyboardInterrupt):
        train(path, Stop())


@pytest.mark.medium
@pytest.mark.parametrize("write", [model_of_20_kB, backup_of_it])
def test_a_changed_byte_is_found_or_changes_nothing(write, tmp_path):
    write(tmp_path / "m.tg")
    assert flips(tmp_path / "m.tg", lambda size: range(0, size, 97)) > 0.9


@pytest.mark.exhaustive
@pytest.mark.parametrize("write", [model_of_20_kB, backup_of_it])
def test_each_single_byte_once(write, tmp_path):
    write(tmp_path / "m.tg")
    assert flips(tmp_path / "m.tg", range) > 0.9


def test_a_file_that_ends_early_anywhere(tmp_path):
    path = tmp_path / "m.tg"
    model_of_20_kB(path)
    content = path.read_bytes()
    for size in range(0, len(content), 499):
        path.write_bytes(content[:size])
        assert "not a whole file" in refused(lambda: tg.load(path))


def test_a_refused_load_draws_no_random_numbers(whole, tmp_path):
    members, header = whole
    forge(tmp_path / "m.tg", list(members.items()), changed(header, ("state", "step"), -1))
    tg.set_random_seed(5)
    new_generator()
    wanted = new_generator().integers(1 << 60)
    tg.set_random_seed(5)
    new_generator()
    refused(lambda: tg.load(tmp_path / "m.tg"))
    assert new_generator().integers(1 << 60) == wanted


def test_files_of_the_first_format_are_read(whole, tmp_path):
    members, header = whole
    path = tmp_path / "old.tg"
    old = {name: x for name, x in header.items() if name != "members"}
    forge(path, list(members.items()), old | {"format": "tinygrad_mo 1"}, listed=False)
    model = tg.load(path)
    forge(tmp_path / "new.tg", list(members.items()), header)
    new = tg.load(tmp_path / "new.tg")
    assert all(
        np.array_equal(a, b) for a, b in zip(model.get_weights(), new.get_weights(), strict=True)
    )
    content = bytearray(path.read_bytes())
    content[content.index(b"\x93NUMPY") + 130] ^= 1
    path.write_bytes(content)
    assert "Bad CRC-32" in refused(lambda: tg.load(path))


# ---------------------------------------------------------------- kinds


READERS = {
    "model": lambda path: tg.load(path),
    "fit": lambda path: train(path),
    "flow": lambda path: tg.Flow.load(path),
    "weights": lambda path: network().load_weights(path),
}
SAID = {
    "model": "holds a whole model: tinygrad_mo.load reads it",
    "fit": "holds the backup of a training: fit goes on from it, with callbacks.BackupAndRestore",
    "flow": "holds a flow: tinygrad_mo.Flow.load reads it",
    "weights": "holds weights only: make the model, then load_weights",
}


@pytest.mark.medium
@pytest.mark.one_in(5, rest="medium")
@pytest.mark.parametrize("kind", SAID)
def test_a_file_of_another_kind_is_called_what_it_is(kind, tmp_path):
    path, model = tmp_path / "file.flow", network()
    if kind == "fit":
        backup_of_it(path)
    elif kind == "flow":
        model.gradient_flow(DATA, LABELS).save(path)
    else:
        (model.save if kind == "model" else model.save_weights)(path)
    for wanted, read in READERS.items():
        if wanted != kind and (wanted, kind) != ("weights", "model"):  # it has weights
            assert refused(partial(read, path)) == f"{path} {SAID[kind]}"


@pytest.mark.medium
@pytest.mark.parametrize("every", [41, pytest.param(3, marks=pytest.mark.exhaustive)])
def test_wrong_flows_are_refused_or_harmless(every, tmp_path):
    path, count = tmp_path / "one.flow", 0
    network().gradient_flow(DATA, LABELS).save(path)
    members = members_of(path)
    header = json.loads(members.pop(HEADER))
    for where, value in list(variants(header))[::every]:
        forge(path, list(members.items()), changed(header, where, value))
        count += readable(partial(tg.Flow.load, path)) is None
    assert count > 300 / every
