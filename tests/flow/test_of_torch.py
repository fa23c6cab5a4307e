"""The flow of a PyTorch module: the same numbers as ours, and nothing of the module is changed."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo.systems import demographics, googlenet, headlines, siamese

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch.nn.functional as F  # noqa: E402

import torch_twins as twins  # noqa: E402

RANDOM = np.random.default_rng(0)


def of_headlines():
    model = headlines.build(vocabulary=30, length=7, width=6, units=5)
    model.compile("sgd", "binary_crossentropy", loss_weights=headlines.WEIGHTS)
    x = {"main_input": RANDOM.integers(0, 30, (8, 7)), "aux_input": RANDOM.normal(size=(8, 5))}
    y = {name: RANDOM.integers(0, 2, (8, 1)) * 1.0 for name in headlines.WEIGHTS}
    return model, twins.Headlines(30, 6, 5), x, y, dict.fromkeys(y, twins.log_loss)


def of_siamese():
    model = siamese.build(width=6, units=5)
    model.compile("sgd", "binary_crossentropy")
    x = {name: RANDOM.normal(size=(8, 7, 6)) for name in ("left", "right")}
    y = {"score": RANDOM.integers(0, 2, (8, 1)) * 1.0}
    return model, twins.Siamese(6, 5), x, y, {"score": twins.log_loss}


def of_demographics():
    model = demographics.build(40, 6, ((8,), (8, 8)), 3, 9)
    model.compile("sgd", demographics.LOSSES, loss_weights=demographics.BOOK_WEIGHTS)
    x = {"posts": RANDOM.integers(0, 40, (8, 50))}
    y = {
        "age": RANDOM.normal(size=(8, 1)),
        "income": np.eye(10)[RANDOM.integers(0, 10, 8)],
        "gender": RANDOM.integers(0, 2, (8, 1)) * 1.0,
    }
    losses = {"age": F.mse_loss, "income": twins.class_loss, "gender": twins.log_loss}
    return model, twins.Demographics(40, 6, 8, 9), x, y, losses


def of_googlenet():
    model = googlenet.build(80, 10, 8, "he_uniform")
    model.compile("sgd", **{k: googlenet.COMPILE[k] for k in ("loss", "loss_weights")})
    x = {"picture": RANDOM.normal(size=(2, 80, 80, 3))}
    y = dict.fromkeys(googlenet.WEIGHTS, RANDOM.integers(0, 10, 2))
    twin = twins.GoogLeNet(10, 8).eval()
    return model, twin, x, y, dict.fromkeys(y, F.cross_entropy)


def both_flows(make, dtype):
    """Ours, and that of the twin with our weights."""
    with tg.use(floatx=dtype):
        model, twin, x, y, losses_of = make()
        ours = tg.flow.measure(model, model.objective.labelled_data(x, y), training=False)
    twin.to(getattr(torch, dtype))
    twins.take_weights(twin, model)
    given = {k: torch.tensor(v if v.dtype.kind == "i" else v.astype(dtype)) for k, v in x.items()}
    labels = {k: torch.tensor(v if v.ndim < 2 else v.astype(dtype)) for k, v in y.items()}

    def losses(module, batch):
        found = module(**batch)
        return {name: loss(found[name], labels[name]) for name, loss in losses_of.items()}

    theirs = tg.flow.of_torch(twin, losses, given, weights=ours.weights, to_inputs=True)
    return model, ours, theirs


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "within"), [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("make", [of_headlines, of_siamese, of_demographics, of_googlenet])
def test_the_flow_of_a_twin_is_ours(make, dtype, within):
    model, ours, theirs = both_flows(make, dtype)

    def check(one, other):
        assert one.reach == other.reach
        sizes = np.maximum(one._norms, 1e-300)
        assert other.gram / sizes / sizes[:, None] == pytest.approx(
            one.gram / sizes / sizes[:, None], abs=within
        )

    assert theirs.losses == ours.losses
    assert theirs.values == pytest.approx(ours.values, rel=within)
    entries = twins.their_names(model)
    name_of = {w: name for name, w in model.named_weights().items()}
    assert len(entries) == len(ours.parameters)
    for entry in entries:
        for theirs_called in entry.names:
            check(ours.parameters[name_of[entry.weights[0]]], theirs.parameters[theirs_called])
    wires = {(w.source, w.target): w for w in theirs.wires}
    for wire in ours.wires:
        check(wire.measure, wires[wire.source, wire.target].measure)
    for (name, node), use in ours.uses.items():
        for entry in entries:
            if name_of[entry.weights[0]] == name:
                check(use, theirs.uses[entry.names[0], node])
