"""The double is as strict as CuPy, and what is made for NumPy runs on it with the same numbers."""

import copy
import subprocess
import sys
import types
from functools import partial

import check
import double
import numpy as np
import pytest
from comparing import gap, of_model, of_op, run_system

import tinygrad_mo as tg
from numpy_table import LINES, VALUES, evaluated, names_in
from op_cases import CASES
from tinygrad_mo import device, layers, systems
from tinygrad_mo.device import to_numpy
from tinygrad_mo.optimizers.finite import ask_if_not_finite, refuse_if_not_finite
from tinygrad_mo.questions import settle
from zoo import ZOO

RANDOM = {"dropout", "gaussian_noise"}

# ---------------------------------------------------------------- the double


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda cp, x: x + np.ones(2), "Unsupported type"),
        (lambda cp, x: np.ones(2) * x, "Unsupported type"),
        (lambda cp, x: cp.add(x, np.ones(2)), "Unsupported type"),
        (lambda cp, x: cp.where(x > 1, x, np.zeros(2)), "Unsupported type"),
        (lambda cp, x: np.asarray(x), "Implicit conversion"),
        (lambda cp, x: x.__setitem__(0, np.ones(2)), "cannot be used for fill"),
        (lambda cp, x: cp.add([1.0], x), "a list is no array"),
        (lambda cp, x: cp.no_such_function(x), "no attribute"),
        (lambda cp, x: cp.sum(x, where=x > 1), "unexpected keyword"),
        (lambda cp, x: cp.asarray(["a"]), "no arrays of"),
    ],
)
def test_the_double_refuses_what_cupy_refuses(wrong, error, cupy):
    x = cupy.asarray([1.0, 2.0])
    with pytest.raises((TypeError, ValueError, AttributeError), match=error):
        wrong(cupy, x)


def test_the_double_computes_and_counts(cupy):
    x = cupy.asarray([[1.0, 2.0], [3.0, 4.0]])
    double.counts.clear()
    total = (x.reshape(-1)[::2] * 2.0).sum()
    assert isinstance(total, cupy.ndarray) and total.shape == ()
    assert double.counts == {"launch": 2}
    assert float(total) == 8 and double.counts["wait"] == 1
    assert (x.get() == [[1, 2], [3, 4]]).all() and double.counts["fetch"] == 1
    x[0] = cupy.ones(2)
    cupy.add.at(x, (slice(None), cupy.asarray([0, 0])), 1.0)
    assert x.get().tolist() == [[3, 1], [5, 4]]
    assert copy.deepcopy(x) is not x


# ---------------------------------------------------------------- ops


@pytest.mark.medium
@pytest.mark.parametrize("name", [name for name in CASES if name not in RANDOM])
@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.slow)])
def test_an_op_does_the_same_there(name, dtype, cupy):
    for inputs, attributes in CASES[name]:
        for here, there in of_op(name, inputs, attributes, dtype, cupy.asarray):
            assert gap(here, there) < (1e-12 if dtype == "float64" else 1e-5)


@pytest.mark.one_in(14, rest="medium")
@pytest.mark.parametrize("line", LINES)
def test_what_is_written_with_numpys_names_does_the_same_there(line, cupy):
    found = []
    for backend in ("numpy", "cupy"):
        with tg.use(backend, floatx="float64"), np.errstate(all="ignore"):
            tensors = {name: tg.Tensor(VALUES[name]) for name in names_in(line)}
            made = evaluated(line, VALUES | tensors)
            loss = sum((y.sum() for y in made), tg.Tensor(0.0))
            gradients = tg.gradients(loss, list(tensors.values()))
            found.append([*(y.numpy() for y in made), *(g is not None and g for g in gradients)])
    for here, there in zip(*found, strict=True):
        assert here is False or gap(here, to_numpy(there)) < 1e-12


# ---------------------------------------------------------------- models


@pytest.mark.one_in(3, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in ("headline", "masked_lstms") else pytest.mark.slow)
        for name in ZOO
    ],
)
def test_a_model_trains_as_on_numpy(name, cupy):
    with tg.use(floatx="float64"):
        there = of_model(name)
        with tg.use("numpy"):
            here = of_model(name)
    assert max(map(gap, here, there)) < 1e-9


@pytest.mark.medium
def test_a_model_goes_from_one_device_to_the_other(cupy, tmp_path):
    model, x, y = ZOO["headline"]()
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "there.tg")
    expected = model.predict(x)
    with tg.use("numpy"):
        here = tg.load(tmp_path / "there.tg")
        for one, other in zip(here.predict(x), expected, strict=True):
            np.testing.assert_allclose(one, other, 1e-5, 1e-6)
        here.fit(x, y, verbose=0)
        here.save(tmp_path / "here.tg")
        expected = here.predict(x)
    again = tg.load(tmp_path / "here.tg")
    for one, other in zip(again.predict(x), expected, strict=True):
        np.testing.assert_allclose(one, other, 1e-5, 1e-6)
    again.fit(x, y, verbose=0)


@pytest.mark.medium
def test_a_model_follows_from_one_device_to_the_other_and_back(cupy):
    def trained(*places):
        tg.set_random_seed(0)
        with tg.use("numpy", floatx="float64"):
            model, x, y = ZOO["headline"]()
            model.compile("adam", ["binary_crossentropy"] * 2)
        for place in places:
            with tg.use(place, floatx="float64"):
                model.fit(x, y, epochs=2, batch_size=2, verbose=0)
                model.evaluate(x, y)
                model.gradient_flow(x, y)
        assert tg.check.check_model(model, x, y)
        return [*model.predict(x), *model.get_weights()]

    here, there = trained("numpy", "numpy", "numpy"), trained("numpy", "cupy", "numpy")
    assert max(map(gap, here, there)) < 1e-9


def test_an_optimizer_takes_gradients_from_anywhere(cupy):
    w = tg.Parameter([1.0, 2.0], "w")
    optimizer = tg.optimizers.SGD(0.5)
    optimizer.apply({w: np.array([1.0, 0.0])})
    optimizer.apply({w: cupy.asarray([0.0, 2.0])})
    assert w.numpy().tolist() == [0.5, 1.0]


@pytest.mark.medium
def test_arrays_that_are_there_already_are_taken(cupy):
    x = tg.Input((3,), name="x")
    model = tg.Model(x, layers.Dense(1, name="y")(x))
    model.compile("adam", "mse", metrics=["mae"])
    data, labels = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
    expected = model.evaluate(data, labels)
    assert model.evaluate(cupy.asarray(data), cupy.asarray(labels)) == expected
    model.fit(cupy.asarray(data), cupy.asarray(labels), sample_weight=cupy.ones(8), verbose=0)
    assert isinstance(model.predict(cupy.asarray(data)), np.ndarray)


def test_an_array_that_is_there_takes_the_type_of_the_tensors_beside_it(cupy):
    x = tg.Tensor(cupy.ones(2, "float32"))
    for kind, found in (("float64", "float32"), ("float32", "float32")):
        y = x * cupy.ones(2, kind)
        assert y.dtype == found and isinstance(y.value, cupy.ndarray)


def test_one_number_is_enough_to_be_not_finite(cupy):
    for numbers, wrong in (([1.0, 2.0], False), ([1.0, np.nan], True), ([np.inf, 1.0], True)):
        assert bool(ask_if_not_finite(cupy.asarray(numbers))) == wrong
        looked = iter([1])
        refuse_if_not_finite([cupy.ones(2), cupy.asarray(numbers)], partial(next, looked))
        settle()
        assert (list(looked) == []) == wrong


def test_gradients_of_tensors(cupy):
    w = tg.Parameter([1.0, 2.0], "w")
    loss = (w * w * np.array([1.0, 3.0])).sum()
    assert to_numpy(tg.gradients(loss, w)).tolist() == [2, 12]
    assert float(loss) == 13 and loss.numpy() == 13


@pytest.mark.one_in(15, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize("name", systems.SYSTEMS)
def test_a_system_trains_there(name, cupy):
    # The text of the kernels is slow on a CPU: some systems that have most of them will do.
    with tg.use(kernels=None if name in ("headlines", "residual", "siamese") else False):
        run_system(systems.SYSTEMS[name])


@pytest.mark.exhaustive
def test_what_a_real_gpu_must_show_is_rehearsed(tmp_path, monkeypatch, capsys):
    for name, module in double.MODULES.items():
        monkeypatch.setitem(sys.modules, name, module)
    options = ["--double", "--out", str(tmp_path)]
    monkeypatch.setattr(check, "SECONDS", dict.fromkeys(check.SECONDS, 0.3))
    assert check.main([*options, "--only", "machine,kernels,ops,models"]) == 0
    report = (tmp_path / "report.md").read_text("utf-8")
    assert "largest gap to NumPy in float64: " in report and report.endswith(" s\n")
    monkeypatch.setattr(double.cupy, "exp", lambda x: double.cupy.add(x, 1e-3))
    monkeypatch.setattr("op_cases.CASES", {"exp": CASES["exp"]})
    assert check.main([*options, "--only", "ops"]) == 1
    assert "FAULT: exp " in capsys.readouterr().out


@pytest.mark.gpu
@pytest.mark.slow
def test_what_a_real_gpu_must_show(tmp_path):
    try:
        device.library("cupy")
    except (ImportError, RuntimeError) as error:
        pytest.skip(str(error))
    command = [sys.executable, check.__file__, "--out", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr


# ---------------------------------------------------------------- a machine without a GPU


def module(version="14.2.0", devices=lambda: 1):
    runtime = types.SimpleNamespace(getDeviceCount=devices)
    return types.SimpleNamespace(__version__=version, cuda=types.SimpleNamespace(runtime=runtime))


def no_driver():
    raise OSError("CUDA driver version is insufficient for CUDA runtime version")


@pytest.mark.parametrize(
    ("found", "error", "said"),
    [
        (
            None,
            ImportError,
            "a GPU needs CuPy, which cannot be imported .*pip install cupy-cuda13x",
        ),
        (module("13.4.0"), ImportError, "CuPy 13.4.0 is too old: version 14 is needed"),
        (module(devices=no_driver), RuntimeError, "finds no GPU .CUDA driver version is insuff"),
    ],
)
def test_what_a_gpu_lacks_is_said_in_words(found, error, said, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", found)
    with pytest.raises(error, match=said):
        tg.use("cupy")
    assert device.xp() is np
    monkeypatch.setenv("TINYGRAD_MO_BACKEND", "cupy")
    with pytest.warns(UserWarning, match=f"TINYGRAD_MO_BACKEND=cupy, but NumPy computes.*{said}"):
        device.start()
    assert device.xp() is np


def test_the_environment_chooses_the_backend(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", double.cupy)
    monkeypatch.setenv("TINYGRAD_MO_BACKEND", "cupy")
    with tg.use("numpy"):
        device.start()
        assert device.xp() is double.cupy


def test_nonsense_is_refused():
    for options in ({"backend": "torch"}, {"replay": "no"}, {"kernels": 1}, {"threads": 0.5}):
        with pytest.raises((ValueError, TypeError), match=r"backend|use: "):
            tg.use(**options)
    assert device.xp() is np


@pytest.mark.medium
@pytest.mark.parametrize("method", ["nash_mtl", "graddrop", "famo"])
def test_losses_are_balanced_as_on_numpy(method, cupy):
    """The Gram matrix alone comes back; the random numbers are the same."""
    found = []
    for backend in ("numpy", "cupy"):
        with tg.use(backend, floatx="float64"):
            tg.set_random_seed(0)
            model, x, y = ZOO["headline"]()
            model.loss_weights = method
            model.fit(x, y, epochs=3, verbose=0)
            found.append((model.get_weights(), list(model.loss_weights.values())))
    for a, b in zip(*(weights for weights, _ in found), strict=True):
        np.testing.assert_allclose(to_numpy(a), to_numpy(b), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-6)
