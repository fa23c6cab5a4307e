"""What is printed, on terminals that know few characters, and where there is none."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import cli, console, platforms

ENCODINGS = ["ascii", "cp1252", "cp437", "cp932", "utf-8"]
NAME = "größe → 1"


class Terminal(io.TextIOWrapper):
    """Strict: what it cannot show is an error."""

    def __init__(self, encoding):
        super().__init__(io.BytesIO(), encoding, errors="strict", newline="\n")

    def said(self):
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)


@pytest.fixture
def terminals(monkeypatch):
    """Standard output and error in an encoding."""

    def open_in(encoding):
        out, err = Terminal(encoding), Terminal(encoding)
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        return out, err

    return open_in


def named_model(name=NAME):
    x = tg.Input((2,), name="x")
    trunk = tg.layers.Dense(2, name="trunk")(x)
    model = tg.Model(x, [tg.layers.Dense(1, name=one)(trunk) for one in (name, "aux")])
    model.compile("sgd", "mse")
    return model, np.ones((4, 2)), [np.ones((4, 1))] * 2


@pytest.mark.medium
@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_names_that_a_terminal_lacks(terminals, encoding):
    """In `fit` and `summary`: what it knows stays, the rest is ASCII."""
    known = {"ascii": "grosse -> 1", "cp932": "grosse → 1", "utf-8": NAME}
    out, _ = terminals(encoding)
    model, x, y = named_model()
    model.fit(x, y, verbose=2)
    model.summary()
    said = out.said()
    assert said.count(known.get(encoding, "größe -> 1")) == 2 and "weighted sum" in said


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_commands_and_their_complaints(terminals, encoding, tmp_path):
    for command in (["list"], ["names", "dropout"], ["doctor"], ["train", NAME], ["learn", NAME]):
        out, err = terminals(encoding)
        code = cli.main(command)
        said = out.said() + err.said()
        assert code in (0, 2) and len(said) > 50
        if NAME in command:
            assert code == 2 and console.printable(NAME, out) in said


def texts():
    """All that is returned as text, to be printed by the program."""
    with tg.use(floatx="float64"):
        model, x, y = named_model("main")
    flow = model.gradient_flow(x, y)
    runs = tg.flow.Runs(
        [
            tg.flow.Run({"main": 1.0, "aux": weight}, seed, {"main_loss": [weight + seed * weight]})
            for weight in (0.2, 5.0)
            for seed in range(3)
        ]
    )
    yield from (flow.table(), flow.report(), model.explain(), model.pairing())
    yield from (str(tg.balancing.suggest(model, x, y)), runs.table(), runs.report(), repr(model))
    yield str(tg.check.check_model(model, x, y))


def test_texts_are_ascii_where_names_are():
    assert [text for text in map(str, texts()) if not text.isascii()] == []


def test_a_bar_on_a_terminal_of_few_characters(terminals, monkeypatch):
    pytest.importorskip("tqdm")
    _, err = terminals("cp437")
    monkeypatch.setattr(err, "isatty", lambda: True, raising=False)
    model, x, y = named_model()
    model.fit(x, y, batch_size=1, verbose=1)
    assert "Epoch 1/1" in err.said()


class Nothing:
    """What some programs put in place of a terminal: it can be written to, and no more."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_a_program_without_streams_and_one_with_a_window(monkeypatch, capsys):
    model, x, y = named_model()
    for stream in (None, Nothing()):
        for name in ("stdout", "stderr", "stdin"):
            monkeypatch.setattr(sys, name, stream)
        model.fit(x, y, verbose=1)
        model.summary()
        assert cli.main(["list"]) == 0 and cli.main(["train", "nothing"]) == 2
        assert cli.main(["learn", "nowhere"]) == 2
    assert NAME in stream.text


def test_whoever_reads_has_read_enough(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    console.stop_printing()
    monkeypatch.setattr(sys, "stdout", Nothing())
    console.stop_printing()


def test_without_a_browser_the_page_is_named(monkeypatch, capsys):
    import webbrowser

    def fail(address):
        raise webbrowser.Error("could not locate runnable browser")

    model, x, y = named_model()
    flow = model.gradient_flow(x, y)
    for broken in (fail, lambda address: False):
        monkeypatch.setattr(webbrowser, "open", broken)
        flow.show()
        said = capsys.readouterr().out
        page = Path(said.partition("open ")[2].removesuffix(" in one\n"))
        assert said.startswith("No browser was found") and page.read_bytes().endswith(b"</html>")


WARNED = """
import sys
import numpy as np
import tinygrad_mo as tg
from tinygrad_mo import cli

x = tg.Input((2,), name="x")
model = tg.Model(x, tg.layers.Dense(1, name="y")(x))
model.compile("sgd", "mse")
data, labels = np.ones((4, 2)), np.ones((4, 1))
kept = [tg.callbacks.CSVLogger("log.csv"), tg.callbacks.BackupAndRestore("backup.tg")]
model.fit(data, labels, verbose=0, epochs=2, callbacks=kept)
model.save("model.tg")
flow = tg.load("model.tg").gradient_flow(data, labels)
flow.save("flow.html")
flow.save("flow.flow")
for command, code in (
    ("doctor", 0), ("list", 0), ("names dropout", 0), ("reference", 0),
    ("learn --start my", 0), ("check 0 my", 1), ("check --all my --lessons 0", 1),
):
    assert cli.main(command.split()) == code, command
"""


@pytest.mark.exhaustive
def test_no_text_depends_on_the_encoding_of_the_system(tmp_path):
    """Python is told to complain, also in the processes that it starts, and not to use UTF-8."""
    strict = ["-X", "utf8=0", "-X", "warn_default_encoding", "-W", "error::EncodingWarning"]
    settings = {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "error::EncodingWarning"}
    settings |= {
        "PYTHONIOENCODING": "ascii:strict",
        "PYTHONPATH": str(Path(tg.__file__).parents[1]),
    }
    run = subprocess.run(
        [sys.executable, *strict, "-c", WARNED],
        cwd=tmp_path,
        env={**os.environ, **settings},
        capture_output=True,
    )
    assert run.returncode == 0 and run.stderr == b"", run.stderr.decode()
    assert b"Copied to" in run.stdout


def test_what_the_doctor_says_of_the_system(capsys):
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert f"Python {platforms.PYTHON}, NumPy" in said and platforms.description() in said
