"""The flow of a PyTorch module: the same numbers as ours, and nothing of the module is changed."""

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo.frameworks.torch_pulls import far_products, near_products
from tinygrad_mo.systems import demographics, googlenet, headlines, siamese

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

import torch_twins as twins  # noqa: E402

README = Path(__file__).parents[2] / "README.md"
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


class Net(nn.Module):
    """Odd on purpose: batch statistics, dropout, in place, tied weights, a bare parameter."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(9, 4)
        self.body = nn.Sequential(nn.BatchNorm1d(4), nn.ReLU(inplace=True), nn.Dropout(0.5))
        self.scale = nn.Parameter(torch.ones(1))
        self.decoder = nn.Linear(4, 9, bias=False)
        self.decoder.weight = self.words.weight
        self.head = nn.Linear(4, 1)
        self.idle = nn.Linear(4, 1)

    def forward(self, batch):
        h = self.body(self.words(batch["ids"]).mean(1) + batch["numbers"]) * self.scale
        return {"decoded": self.decoder(h), "score": self.head(h), "free": self.idle(h)}


BATCH = {"ids": torch.tensor([[1, 2, 3], [4, 5, 6]]), "numbers": torch.ones(2, 4)}


def two_losses(model, batch):
    found = model(batch)
    words = F.cross_entropy(found["decoded"], batch["ids"][:, 0])
    return {"words": words, "score": found["score"].square().mean()}


def slopes(model, batch, losses=two_losses):
    """By loss and name of parameter: the gradient as PyTorch gives it, or None."""
    named = {name: w for name, w in model.named_parameters() if w.requires_grad}
    return {
        loss: dict(
            zip(
                named,
                torch.autograd.grad(x, named.values(), retain_graph=True, allow_unused=True),
                strict=True,
            )
        )
        for loss, x in losses(model, batch).items()
    }


def check_slopes(flow, model, batch, losses=two_losses):
    for loss, of_weights in slopes(model, batch, losses).items():
        for name, g in of_weights.items():
            assert flow.reaches(loss, name) == (g is not None)
            size = 0.0 if g is None else float(g.norm())
            assert flow.norm(loss, name) == pytest.approx(size, rel=1e-5)


@pytest.mark.slow
def test_nothing_of_the_module_is_changed_and_the_next_step_draws_the_same():
    torch.manual_seed(0)
    model = Net()
    model.head.weight.grad = torch.ones(1, 4)
    model.body[2].eval()
    before = {name: x.clone() for name, x in model.state_dict().items()}
    state = torch.get_rng_state()
    flow = tg.flow.of_torch(model, two_losses, BATCH)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(x, before[name]) for name, x in model.state_dict().items())
    assert model.head.weight.grad.tolist() == [[1, 1, 1, 1]] and model.words.weight.grad is None
    assert not BATCH["numbers"].requires_grad and model.training and not model.body[2].training
    for module in model.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks
    check_slopes(flow, model, BATCH)
    assert "In eval mode, unlike the model: body.2." in flow.notes
    assert "Without a loss: free." in flow.report()
    assert "words.weight is used in 2 places" in flow.report()
    assert flow.folds["body"] == ["body.0", "body.1"]  # a dropout in eval mode does nothing
    assert "No path leads from it to head" in flow.explain()


def test_hooks_are_gone_after_an_error():
    model, state = Net(), torch.get_rng_state()
    statistics = model.body[0].running_mean.clone()

    def broken(model, batch):
        two_losses(model, batch)
        raise OSError("mine")

    with pytest.raises(OSError, match="mine"):
        tg.flow.of_torch(model, broken, BATCH)
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(model.body[0].running_mean, statistics)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 5), nn.Linear(5, 2)

    def forward(self, x):
        return self.last(self.first(x).tanh())


class ByHand(nn.Module):
    """Functions alone, one of which writes into the data."""

    def __init__(self):
        super().__init__()
        self.w = nn.ParameterList([torch.randn(4, 3), torch.randn(3, 2)])

    def forward(self, x):
        x -= x.mean()
        return F.normalize(x @ self.w[0]) @ self.w[1]


class Checkpointed(Mlp):
    def __init__(self, reentrant=False):
        super().__init__()
        self.reentrant = reentrant

    def forward(self, x):
        first = checkpoint(self.first, x, use_reentrant=self.reentrant)
        return self.last(first)


def columns(model, x):
    y = model(x)
    return {"a": y[:, 0].mean(), "b": y[:, 1].square().mean()}


def compiled_inside():
    model = Mlp()
    model.first = torch.compile(model.first)
    return model


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's own, when it compiles
@pytest.mark.parametrize(
    ("make", "cards"),
    [
        (Mlp, ["x", "first", "tanh", "last"]),
        (ByHand, ["x", "mean", "sub", "matmul", "normalize", "matmul:1"]),
        (Checkpointed, ["x", "first", "last"]),
        (lambda: nn.DataParallel(Mlp()), ["x", "first", "tanh", "last"]),
        (lambda: torch.compile(Mlp()), ["x", "first", "tanh", "last"]),
        (compiled_inside, ["x", "first", "tanh", "last"]),
        (lambda: nn.Linear(4, 2), ["input", "linear"]),
    ],
)
def test_networks_in_many_styles(make, cards):
    torch.manual_seed(0)
    model, x = make(), torch.randn(3, 4)
    flow = tg.flow.of_torch(model, columns, x.clone())
    kinds = [node.name for node in flow.nodes if node.kind != "loss"]
    assert [name for name in kinds if "select" not in name] == cards
    plain = getattr(model, "_orig_mod", getattr(model, "module", model))
    if make is compiled_inside:
        plain.first = plain.first._orig_mod
    check_slopes(flow, plain, x, columns)


def of_numbers(model, x):
    return {"a": 1.0}


def with_total(model, x):
    found = columns(model, x)
    return found | {"loss": found["a"] + found["b"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "losses", "words"),
    [
        (Mlp, lambda model, x: model(x), "must return a dict of losses by name, not a Tensor"),
        (Mlp, lambda model, x: {"a": model(x)}, "'a' must be .* not one of shape .3, 2.: return"),
        (Mlp, of_numbers, "'a' must be a tensor with one number, not 1.0"),
        (Mlp, with_total, "loss 'loss' is computed from loss 'a': give either the parts"),
        (Mlp, lambda model, x: {"a": model(x).sum().detach()}, "no loss depends on a weight"),
        (lambda: Checkpointed(True), columns, "call it with use_reentrant=False"),
        (lambda: columns, columns, "model must be a torch.nn.Module, not the function columns"),
    ],
)
def test_what_cannot_be_measured_is_refused(make, losses, words):
    with pytest.raises((TypeError, ValueError), match=words):
        tg.flow.of_torch(make(), losses, torch.randn(3, 4))
    with pytest.raises(ValueError, match=r"weights: there is no loss 'c'; .*Known: 'a', 'b'"):
        tg.flow.of_torch(Mlp(), columns, torch.randn(3, 4), weights={"c": 1})


@pytest.mark.slow
def test_what_is_frozen_hidden_or_in_half_precision_is_said():
    model = Mlp()
    model.first.requires_grad_(False)
    flow = tg.flow.of_torch(model, columns, torch.randn(3, 4))
    assert flow.frozen == {"first.weight", "first.bias"}
    assert "no gradient for first.weight and first.bias" in flow.notes[0]
    assert not any(w.measure.reach[0] for w in flow.wires if w.target in ("first", "tanh"))
    through = tg.flow.of_torch(model, columns, torch.randn(3, 4), to_inputs=True)
    assert all(through.norm("a", wire) > 0 for wire in (("x", "first"), ("first", "tanh")))
    optimizers = [torch.optim.SGD([model.last.bias])]
    assert (
        "last.weight"
        in tg.flow.of_torch(model, columns, torch.randn(3, 4), optimizers=optimizers).frozen
    )
    with torch.autocast("cpu", torch.bfloat16):
        flow = tg.flow.of_torch(Mlp(), columns, torch.randn(3, 4))
    assert flow.notes == ["Autocast on cpu was switched off for this measurement."]

    def half(model, x):
        with torch.autocast("cpu", torch.bfloat16):
            return columns(model, x)

    assert "bfloat16" in tg.flow.of_torch(Mlp(), half, torch.randn(3, 4)).notes[0]


@pytest.mark.slow
def test_a_training_is_recorded(tmp_path):
    torch.manual_seed(0)
    model = Mlp()
    optimizer = torch.optim.AdamW(model.parameters(), 0.01)
    recorder = tg.flow.TorchRecorder(model, columns, every=2, optimizers=optimizer)
    for step in range(5):
        x = torch.randn(3 + step, 4)
        recorder.record(x)
        optimizer.zero_grad()
        sum(columns(model, x).values()).backward()
        optimizer.step()
    assert [flow.step for flow in recorder.flows] == [0, 2, 4]
    assert (
        recorder.flows[-1].optimizer == "AdamW" and recorder.flows[-1].settings["epsilon"] == 1e-8
    )
    recorder.flows[-1].save(tmp_path / "flow.html", recorder.flows)
    recorder.flows[-1].save(tmp_path / "one.flow")
    assert tg.Flow.load(tmp_path / "one.flow") == recorder.flows[-1]


@pytest.mark.slow
def test_the_readme_shows_what_runs(tmp_path, monkeypatch):
    code = README.read_text("utf-8").split("```py\n")[1].split("```")[0]
    net = nn.ModuleDict({name: nn.Conv2d(3, 2, 1) for name in ("out", "aux")})
    net.forward = lambda x: {name: part(x) for name, part in net.items()}
    batch = {"image": torch.randn(2, 3, 4, 4), "mask": torch.zeros(2, 4, 4, dtype=torch.long)}
    monkeypatch.chdir(tmp_path)
    exec(code, {"tg": tg, "cross_entropy": F.cross_entropy, "model": net, "batch": batch})
    assert (tmp_path / "flow.html").stat().st_size > 10_000


class Branches(nn.Module):
    """What it is given goes two ways and is added."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return self.left(x) + self.right(x)


@pytest.mark.slow
def test_what_a_fold_sends_back_is_added_before_it_is_measured():
    torch.manual_seed(0)
    parts = {"first": nn.Linear(4, 4), "block": Branches(), "last": nn.Linear(4, 2)}
    model = nn.Sequential()
    for name, part in parts.items():
        model.add_module(name, part)
    x = torch.randn(3, 4)
    flow = tg.flow.of_torch(model, columns, x)
    (number,) = {wire.number for wire in flow.wires if wire.source == "first"}
    given = model.first(x).detach().requires_grad_()
    y = model.last(model.block(given))
    rows = [
        torch.autograd.grad(loss, given, retain_graph=True)[0]
        for loss in (y[:, 0].mean(), y[:, 1].square().mean())
    ]
    exact = tg.flow.Measure.of(torch.stack(rows).flatten(1).numpy(), (0, 1), 2)
    for found in (flow.forks[number], flow.bundles["block", number]):
        assert found.reach == exact.reach and found.gram == pytest.approx(exact.gram, rel=1e-5)
    assert flow.folds["block"] == ["block.left", "block.right", "add"]


class Twice(Mlp):
    """A layer that is called two times."""

    def forward(self, x):
        return self.last(self.first(self.first(x).tanh()[:, :4]))


def penalised(model, x):
    found = columns(model, x)
    return found | {"a": found["a"] + 0.1 * sum(w.square().sum() for w in model.parameters())}


def test_uses_by_losses_are_counted_for_all_weights_alike():
    torch.manual_seed(0)
    model, x = Twice(), torch.randn(3, 4)
    flow = tg.flow.of_torch(model, penalised, x)
    check_slopes(flow, model, x, penalised)
    text = flow.report()
    assert "first is called 2 times with the same weights" in text
    assert "first.weight and first.bias are each used in 3 places" in text
    assert "last.weight and last.bias are each used in 2 places" in text
    assert flow.reaches("a", ("last.bias", "a")) and not flow.reaches("b", ("last.bias", "a"))


def test_losses_that_go_backward_by_themselves_are_refused():
    def backward(model, x):
        found = columns(model, x)
        sum(found.values()).backward(retain_graph=True)
        return found

    model = Mlp()
    model.last.bias.grad = torch.ones(2)
    with pytest.raises(ValueError, match=r"losses has called backward\(\), which filled first.w"):
        tg.flow.of_torch(model, backward, torch.randn(3, 4))
    assert model.last.bias.grad.tolist() == [1, 1] and model.first.weight.grad is None


def test_what_losses_write_is_said():
    def writing(model, x):
        with torch.no_grad():
            model.last.weight.mul_(0.5)
        return columns(model, x)

    flow = tg.flow.of_torch(Mlp(), writing, torch.randn(3, 4))
    assert flow.notes == ["The losses have written into last.weight: this stays."]


def test_what_was_made_for_inference_alone_is_refused_and_no_mode_around_matters():
    model, x = Mlp(), torch.randn(3, 4)
    expected = tg.flow.of_torch(model, columns, x).norm("a", "first.weight")
    with torch.inference_mode():
        for wrong in ((Mlp(), x), (model, torch.randn(3, 4))):
            with pytest.raises(ValueError, match=r"were made under torch.inference_mode\(\), and"):
                tg.flow.of_torch(wrong[0], columns, wrong[1])
        found = [tg.flow.of_torch(model, columns, x)]
    with torch.no_grad():
        found.append(tg.flow.of_torch(model, columns, x))
    assert [flow.norm("a", "first.weight") for flow in found] == [expected] * 2


class Intermediate(nn.Module):
    """Returns what it goes on with itself."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 4))

    def forward(self, x):
        h = x @ self.weight
        return h, h.sigmoid()


class Passing(nn.Module):
    def __init__(self):
        super().__init__()
        self.both, self.a, self.b = Intermediate(), nn.Linear(4, 1), nn.Linear(4, 1)
        self.stop = nn.Linear(4, 4)

    def forward(self, x):
        h, z = self.both(x)
        self.stop(x.detach()).detach()
        return {"a": self.a(h), "b": self.b(z)}


def squares(model, x):
    return {name: y.square().mean() for name, y in model(x).items()}


def test_a_wire_has_what_its_card_sends_and_no_more():
    torch.manual_seed(0)
    model, x = Passing(), torch.randn(3, 4)
    flow = tg.flow.of_torch(model, squares, x)
    h = (x @ model.both.weight).detach().requires_grad_()
    (g,) = torch.autograd.grad(model.a(h).square().mean(), h)
    (wire,) = [w for w in flow.wires if w.target == "a"]
    assert wire.measure.reach == (True, False)
    assert wire.measure.norm(0) == pytest.approx(float(g.norm()), rel=1e-5)
    assert "No gradient passes through stop (frozen, detached or under no_grad)" in flow.notes[0]


@pytest.mark.filterwarnings("ignore:Complex modules:UserWarning")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "complex64"])
def test_gradients_of_other_numbers(dtype):
    torch.manual_seed(0)
    model, kind = Mlp(), getattr(torch, dtype)

    def losses(model, x):
        return {name: y.abs().float() for name, y in columns(model, x).items()}

    model, x = model.to(kind), torch.randn(3, 4).to(kind).T.contiguous().T
    flow = tg.flow.of_torch(model, losses, x)
    for loss, of_weights in slopes(model, x, losses).items():
        for name, g in of_weights.items():
            exact = np.linalg.norm(g.to(torch.complex128).numpy())
            assert flow.norm(loss, name) == pytest.approx(exact, rel=1e-6)


def test_nothing_of_a_measured_graph_stays_in_memory():
    alive = []

    def losses(model, x):
        found = columns(model, x)
        alive.extend(map(weakref.ref, found.values()))
        return found

    gc.disable()
    try:
        tg.flow.of_torch(Mlp(), losses, torch.randn(3, 4))
        assert [one() for one in alive] == [None, None]
    finally:
        gc.enable()


def test_gradients_that_are_empty_or_zero():
    model, x = Mlp(), torch.randn(3, 4)
    model.none, model.scale = nn.Parameter(torch.ones(0)), nn.Parameter(torch.tensor(2j))

    def losses(model, x):
        found = columns(model, x)
        nothing = model.none.sum() + F.relu(-model.last.bias.square() - 1).sum()
        return {"a": found["a"] + nothing, "b": found["b"] * model.scale.abs()}

    flow = tg.flow.of_torch(model, losses, x)
    check_slopes(flow, model, x, losses)
    assert flow.reaches("a", "none") and flow.norm("a", "none") == 0


def test_a_gpu_would_find_the_same_products():
    rows = [torch.randn(5, 7) for _ in range(3)]
    near, far = near_products(rows), far_products(rows)
    assert far.dtype == torch.float64 and far.numpy() == pytest.approx(near, rel=1e-12)
