"""The command line."""

import os
import signal

import pytest

from tinygrad_mo import cli


def test_doctor_says_what_is_in_use(capsys):
    assert cli.main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "NumPy" in printed and "tate" in printed and "matplotlib: installed" in printed


def test_unknown_command_names_the_known_ones(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["dmeo"])
    assert stop.value.code == 2
    assert "demo" in capsys.readouterr().err


def test_list_shows_every_system(capsys):
    assert cli.main(["list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in cli.SYSTEMS)
    assert "5,200,610 parameters" in printed


def test_unknown_system_is_explained(capsys):
    assert cli.main(["train", "headlins"]) == 2
    assert "did you mean 'headlines'" in capsys.readouterr().err


@pytest.mark.medium
def test_ctrl_c_saves_the_weights_of_the_last_whole_step(monkeypatch, tmp_path, capsys):
    class Interrupting(cli.FlowRecorder):
        def on_train_batch_begin(self, step, batch):
            if step == 2:
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(cli, "FlowRecorder", Interrupting)
    assert cli.main(["train", "headlines", "--out", str(tmp_path / "new")]) == 130
    printed = capsys.readouterr()
    assert "Stopped after 3 steps." in printed.out
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["headlines.npz"]
    model = cli.SYSTEMS["headlines"].make()
    before = model.get_weights()
    model.load_weights(tmp_path / "new" / "headlines.npz")
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.slow
def test_train_draws_both_pictures(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert cli.main(["train", "headlines", "--epochs", "1", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "aux_output      accuracy" in printed and "no path" in printed
    assert {path.name for path in tmp_path.iterdir()} == {"headlines.png", "headlines.html"}


@pytest.mark.exhaustive
def test_whatif_trains_and_compares(monkeypatch, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(cli, "AUX_WEIGHTS", (5.0,))
    assert cli.main(["demo", "--whatif", "--epochs", "1", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "main accuracy" in printed and "against aux x 0.2, seed by seed" in printed
    assert "1 epoch of 3,426 samples" in printed and "Trained with aux x 5 instead of" in printed
    assert {path.name for path in tmp_path.iterdir()} == {"whatif.png", "whatif.html"}


def test_a_folder_that_cannot_be_is_refused_before_training(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    for command in (["demo"], ["train", "siamese"]):
        assert cli.main([*command, "--out", str(file)]) == 2
        assert f"--out: {file} is no folder, and none can be made" in capsys.readouterr().err
    assert cli.main(["learn", "--start", str(tmp_path / "new"), "another"]) == 2
    assert "takes one folder: leave another" in capsys.readouterr().err
    assert cli.main(["learn", "--start", str(file / "new")]) == 2
    assert "tinygrad-mo: " in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["train", "siamese", "--seed", "-1"])
    assert "--seed" in capsys.readouterr().err
