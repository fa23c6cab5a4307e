"""The command line."""

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


def test_ctrl_c_leaves_no_picture(monkeypatch, tmp_path, capsys):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.Model, "fit", interrupted)
    assert cli.main(["demo", "--out", str(tmp_path)]) == 130
    assert "Nothing was written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
