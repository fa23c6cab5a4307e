"""What is said where there is no MPI; nothing is started."""

import sys

import pytest

import tinygrad_mo as tg
from tinygrad_mo import ranks
from tinygrad_mo.distributed import starting


def test_without_mpi4py_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", None)
    with pytest.raises(
        ImportError, match=r"several processes need mpi4py and an MPI .* pip install"
    ):
        tg.distributed.init()
    assert (ranks.rank, ranks.size, ranks.plan_kind) == (0, 1, None)


def test_without_a_launcher_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *given, **options: None)
    with pytest.raises(ImportError, match="there is no mpiexec, which starts several processes"):
        starting.launch(2, ["train.py"])


def test_synchronised_is_true_or_false():
    with pytest.raises(TypeError, match=r"distributed\.init: synchronised"):
        tg.distributed.init(synchronised="yes")


def test_who_was_started_by_an_mpi_knows_it():
    assert starting.is_launched({"PMI_RANK": "0"}) and starting.is_launched({"PMIX_RANK": "3"})
    assert not starting.is_launched({"PATH": "/bin"})
