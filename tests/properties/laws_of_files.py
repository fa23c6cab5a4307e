"""What becomes of a file that was damaged, by chance or with its checksums made right again.

By chance: it is refused by a CheckpointError, or what is read is the same to the last bit. With
right checksums it may be another file in good order; if it is refused, it is by the same error.
What reads it is unchanged then.
"""

import json
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

import tinygrad_mo as tg
from damage import HEADER, changed, forge, members_of, places
from tinygrad_mo import layers as L
from tinygrad_mo.files.archive import CheckpointError

DATA = np.random.default_rng(0).normal(size=(6, 2))
Y = {"a": DATA[:, :1], "b": DATA[:, 1:]}
KINDS = "model", "weights", "flow", "backup"


def network(seed=0):
    tg.set_random_seed(seed)
    x = tg.Input((2,), name="x")
    h = L.Dropout(0.5)(L.BatchNormalization(name="norm")(L.Dense(2, "tanh", name="trunk")(x)))
    model = tg.Model(x, {"a": L.Dense(1, name="a")(h), "b": L.Dense(1, name="b")(h) * 2.0})
    model.compile("adam", "mse", loss_weights={"b": 0.5}, metrics="mae")
    return model


class Stop(tg.callbacks.Callback):
    def on_train_batch_end(self, step, logs):
        if step:
            raise KeyboardInterrupt


def fit(model, path, *more):
    keeper = tg.callbacks.BackupAndRestore(path, 1)
    model.fit(DATA, Y, batch_size=3, epochs=2, verbose=0, callbacks=[keeper, *more])


@cache
def file_of(kind):
    """The bytes of a file of this kind."""
    model = network()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.flow"
        if kind == "backup":
            try:
                fit(model, path, Stop())
            except KeyboardInterrupt:
                return path.read_bytes()
        model.train_on_batch(DATA, Y)
        if kind == "model":
            model.save(path)
        elif kind == "weights":
            model.save_weights(path)
        else:
            model.gradient_flow(DATA, Y, keep_arrays=True).save(path)
        return path.read_bytes()


def state(model):
    """What training has made of a model."""
    slots = [np.asarray(one).tobytes() for some in model.optimizer.state.values() for one in some]
    weights = [w.tobytes() for w in model.get_weights()]
    draws = [str(generator) for generator in model.objective.randomness.states]
    return weights, model.step, dict(model.loss_weights), slots, draws


def read(kind, path):
    """What a file holds, as something to be compared."""
    if kind == "model":
        again = tg.load(path)
        again.save(path.with_name("again"))
        return path.with_name("again").read_bytes()
    if kind == "flow":
        return tg.Flow.load(path)
    model = network(seed=1)
    before = state(model)
    try:
        if kind == "weights":
            model.load_weights(path)
        else:
            fit(model, path)
    except CheckpointError:
        assert state(model) == before, "a refused file has changed the model"
        raise
    return state(model)


@cache
def whole(kind):
    """What the undamaged file holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.flow"
        path.write_bytes(file_of(kind))
        return read(kind, path)


def found_in(kind, write):
    """What is read of a file that `write` puts at a path; None if it is refused."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "a.flow"
        write(path)
        try:
            return read(kind, path)
        except CheckpointError as error:
            said = "\n".join([f"{error}", *getattr(error, "__notes__", ())])
            assert f"{path}" in said, said
            return None


# ---------------------------------------------------------------- by chance


@dataclass(frozen=True)
class Edit:
    """What is done to the bytes at a place (0 to 999,999 of a million).

    `what` is "flip" a bit, "cut" out a part, "double" it, "join" the rest of a file of another
    kind, or "swap" two parts.
    """

    what: str
    place: int
    length: int
    other: str

    def of(self, content):
        start = self.place * len(content) // 1_000_000
        head, part, rest = (
            content[:start],
            content[start:][: self.length],
            content[start:][self.length :],
        )
        if self.what == "flip":
            return (
                head + bytes([content[start] ^ 1 << self.length % 8]) + content[start + 1 :]
                if content
                else content
            )
        if self.what == "cut":
            return head + rest
        if self.what == "double":
            return head + part + part + rest
        if self.what == "swap":
            return head + rest[: self.length] + part + rest[self.length :]
        return head + file_of(self.other)[start + self.length :]


LENGTHS = st.one_of(st.integers(0, 8), st.integers(0, 20_000))
EDIT = st.builds(
    Edit,
    st.sampled_from(["flip", "cut", "double", "swap", "join"]),
    st.integers(0, 999_999),
    LENGTHS,
    st.sampled_from(KINDS),
)
DAMAGED = st.tuples(st.sampled_from(KINDS), st.lists(EDIT, min_size=1, max_size=3))


def damage_is_found_or_harmless(case):
    kind, edits = case
    content = file_of(kind)
    for edit in edits:
        content = edit.of(content)
    found = found_in(kind, lambda path: path.write_bytes(content))
    assert found is None or found == whole(kind)


# ---------------------------------------------------------------- with right checksums

PLAIN = None, True, -1, 0, 1, 2, 10**30, 1.5, float("nan"), "", "x", [], {}, [0], [[]]
WORDS = "float64", "int32", "relu", "layers.Dense", "losses.Huber", "multiply", "__class__"
VALUES = st.one_of(st.sampled_from(PLAIN), st.sampled_from(WORDS), st.integers(-3, 10))


@dataclass(frozen=True)
class Forged:
    """At a place in the header stands another value, or what stands at another place.

    `moved` members have their contents in another order.
    """

    kind: str
    place: int
    value: object
    copied: int | None
    moved: int

    def write(self, path):
        members, header, ways = parts_of(self.kind)
        value = self.value
        if self.copied is not None:
            value = header
            for key in ways[self.copied % len(ways)]:
                value = value[key]
        where = ways[self.place % len(ways)]
        header = changed(header, where, value) if where or not self.moved else header
        names, contents = list(members), list(members.values())
        turn = self.moved % len(names)
        members = list(zip(names, contents[turn:] + contents[:turn], strict=True))
        forge(path, members, header)


@cache
def parts_of(kind):
    """The members of a file, its header, and all places in that, the first one first."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.flow"
        path.write_bytes(file_of(kind))
        members = members_of(path)
    header = json.loads(members.pop(HEADER))
    ways = [way for way in places(header) if way[:1] not in (("format",), ("members",))]
    return members, header, ways


FORGED = st.builds(
    Forged,
    st.sampled_from(KINDS),
    st.integers(0, 9999),
    VALUES,
    st.one_of(st.none(), st.integers(0, 9999)),
    st.sampled_from([0, 0, 0, 1, 2]),
)


def a_forged_file_is_refused_or_in_good_order(case):
    found_in(case.kind, case.write)


LAWS = {damage_is_found_or_harmless: DAMAGED, a_forged_file_is_refused_or_in_good_order: FORGED}
