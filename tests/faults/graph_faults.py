"""Faults of graphs and of the way back: rows 1 to 34."""

import copy
import pickle
import threading
import weakref

import numpy as np

import tinygrad_mo as tg
from faults import fault, refused
from tinygrad_mo import layers, ops
from zoo import numbers, two_heads


def dense(width=3, name="y"):
    x = tg.Input((width,), name="x")
    model = tg.Model(x, layers.Dense(1, name=name)(x))
    model.compile("sgd", "mse")
    return model


X, Y = numbers(3), numbers(1)


def vector(*values):
    return tg.Tensor(np.array(values or (1.0, 2.0)))


@fault(1, "the gradient of a loss that is no scalar", ValueError, r"make it a scalar with \.sum")
def _():
    x = vector()
    tg.gradients(x * x, x)


@fault(2, "the gradient asked for twice")
def _():
    x = vector()
    loss = (x * x).sum()
    first, second = tg.gradients(loss, x), tg.gradients(loss, x)
    assert first.tobytes() == second.tobytes() and first.tolist() == [2, 4]
    return "the same bits: gradients belong to the question, nothing is added up or freed"


@fault(3, "a tape that keeps nothing is swept", ValueError, "forward.*keep|keep")
def _():
    x = tg.Input((3,))
    layer = layers.Dense(1)
    plan = tg.Plan([layer(x).sum()], [layer.kernel])
    plan.backward(plan.forward({x: X}, keep=False), [1.0])


@fault(4, "a loss that depends on no parameter", UserWarning, "every weight is frozen")
def _():
    model = dense()
    model.trainable = False
    model.fit(X, Y, verbose=0)


@fault(5, "a seed of another shape", ValueError, r"needs a seed of its own shape, not \(3,\)")
def _():
    x = vector()
    tg.gradients(x * x, x, seeds=np.ones(3))


@fault(
    6,
    "a seed of another type",
    elsewhere="engine/test_engine.py::test_seeds_are_weights_or_arrays_of_the_loss_shape",
)
def _():
    for floatx, seed in (("float32", np.float64(2)), ("float64", np.float32(2)), ("float32", 2)):
        with tg.use(floatx=floatx):
            x = vector()
            assert tg.gradients((x * x).sum(), x, seeds=seed).dtype == floatx
            try:
                tg.gradients((x * x).sum(), x, seeds=1j)
            except TypeError as error:
                assert "the seed of 'sum' () holds numbers, not complex128" in str(error)
            else:
                raise AssertionError
    return "it is cast to the type of the loss; complex numbers are refused"


@fault(7, "a value that the way back needs is written to", ValueError, "read-only")
def _():
    x = vector()
    y = ops.exp(x)
    y.value[:] = 0


@fault(8, "the array that a tensor was made of is changed")
def _():
    source = np.ones(2, "float32")
    x = tg.Tensor(source)
    loss = (x * x).sum()
    source[:] = 100
    assert tg.gradients(loss, x).tolist() == [2, 2]
    return "a tensor has its own copy"


@fault(
    9,
    "a parameter changed in place",
    elsewhere="engine/test_graph.py::test_a_parameter_stays_locked",
)
def _():
    layer = dense().get_layer("y")
    kernel, before = layer.kernel, layer.kernel.numpy()

    def put(x):
        layer.kernel = x

    for words, change in {
        "write p.assign(p + ...)": lambda: kernel.__iadd__(1),
        "and write p.assign(value)": lambda: kernel.__setitem__(0, 1.0),
        "models would know nothing": lambda: put(before),
        "write layer.kernel.assign(value)": lambda: put(kernel + 1),
    }.items():
        assert "'y/kernel' (3, 1)" in str(refused(TypeError, words, change))
    refused(ValueError, "read-only", lambda: kernel.value.fill(0))
    assert layer.kernel is kernel and np.array_equal(kernel.numpy(), before)
    return "is refused by name, with the right way, p.assign(...); its array cannot be written to"


@fault(10, "a parameter that changes between the way there and back")
def _():
    w = tg.Parameter(np.array([3.0]), "w")
    loss = (w * w).sum()
    w.assign([100.0])
    assert tg.gradients(loss, w).tolist() == [6]
    return "the gradient is that of the values that made the loss"


@fault(11, "a number put into a tensor", TypeError, "not changed in place")
def _():
    x = vector()
    (x + 1)[0] = 5.0


@fault(12, "a weight that no loss reaches", UserWarning, "no loss reaches b/kernel, b/bias")
def _():
    x = tg.Input((3,), name="x")
    model = tg.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
    model.compile("sgd", {"a": "mse"})
    model.fit(X, {"a": Y}, verbose=0)


@fault(13, "a model that is not connected", ValueError, "output 'y' needs Input 'extra'.*pass it")
def _():
    x, extra = tg.Input((3,), name="x"), tg.Input((3,), name="extra")
    tg.Model(x, layers.Dense(1, name="y")(layers.add([x, extra])))


@fault(14, "an input that nothing uses", UserWarning, "'extra'")
def _():
    x, extra = tg.Input((3,), name="x"), tg.Input((3,), name="extra")
    tg.Model([x, extra], layers.Dense(1)(x))


@fault(15, "the gradient of whole numbers", TypeError, "int")
def _():
    x = tg.Tensor(np.array([1, 2]))
    tg.gradients((x * 2.0).sum(), x)


@fault(16, "gradients that are not set to zero")
def _():
    model = dense()
    w, kernel = model.weights[0], model.get_weights()[0]
    for _ in range(2):
        tg.gradients((model(tg.Tensor(X)) ** 2).sum(), w)
    assert not hasattr(w, "value_of_gradient") and (w.numpy() == kernel).all()
    return "nothing is kept on a tensor, so nothing adds up"


@fault(
    17,
    "a weight used several times",
    elsewhere="engine/test_engine.py::test_using_a_weight_n_times_is_the_sum_of_n_copies",
)
def _():
    x = vector(3.0)
    y = x * x
    assert tg.gradients((y + y * y).sum(), x).tolist() == [6 + 2 * 9 * 6]
    return "its gradients add up, along each way once"


@fault(
    18,
    "a chain of 20,000 ops",
    elsewhere="engine/test_engine.py::test_long_chains_need_no_recursion",
)
def _():
    x = y = tg.Tensor(1.0)
    for _ in range(20_000):
        y = y * 1.0
    assert tg.gradients(y, x) == 1
    return "is swept and freed without recursion"


@fault(
    19,
    "a copy of a long history",
    elsewhere="engine/test_engine.py::test_a_long_history_is_copied_and_pickled",
)
def _():
    for copied in (copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        x = y = tg.Tensor(2.0)
        for _ in range(300):  # 250 are too many for recursion
            y = y * 1.0
        again = copied({"x": x, "y": y})
        assert tg.gradients(again["y"], again["x"]) == 1 and again["y"].item() == 2
    model = two_heads()
    other = copy.deepcopy(model)
    data = numbers(4)
    model.fit(data, [Y, Y], verbose=0)
    assert not np.array_equal(other.get_weights()[0], model.get_weights()[0])
    return "copies and pickles it, without recursion; a model gets weights and optimizer of its own"


@fault(
    20, "memory after the way back", elsewhere="faults/test_resources.py::test_memory_stays_flat"
)
def _():
    x = vector()
    y = ops.exp(x)
    loss, there = y.sum(), weakref.ref(y.value)
    tg.gradients(loss, x)
    del y, loss
    assert there() is None
    return "a graph is no circle: it is freed at once"


@fault(21, "a gradient of a gradient")
def _():
    x = vector()
    g = tg.Tensor(tg.gradients((x * x).sum(), x))
    assert tg.gradients(g.sum(), x) is None
    return "a gradient is an array, not a tensor: no path leads back, and None says so"


@fault(
    22,
    "losses that are added up",
    elsewhere="engine/test_by_hand.py::test_a_history_that_grows_is_told",
)
def _():
    history = dense().fit(X, Y, verbose=0).history
    assert type(history["loss"][0]) is float
    return "what fit returns are numbers; by hand, a history that grows is told"


def at_sqrt(function):
    """Train on the root of 0."""
    x = tg.Input((3,), name="x")
    y = function(layers.Dense(1, kernel_initializer="zeros", name="y")(x))
    model = tg.Model(x, y)
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert np.isfinite(model.get_weights()[0]).all()


@fault(
    23,
    "0 times infinity on the way back",
    elsewhere="training/test_callbacks.py::test_nan_that_is_born_on_the_way_back",
)
def _():
    at_sqrt(lambda x: ops.sqrt(x) * 0.0)
    return "what weighs 0 hands back 0; NaN that is born elsewhere is named with op, layer and line"


@fault(
    24, "infinity on the way there or back", FloatingPointError, "infinity .row 0. appears first"
)
def _():
    x = tg.Input((3,), name="x")
    y = ops.exp(layers.Dense(1, kernel_initializer="ones", name="y")(x) * 1e3)
    model = tg.Model(x, y)
    model.compile("sgd", "mse")
    model.fit(np.abs(X) + 1, Y, verbose=0)


@fault(
    25,
    "where(x > 0, sqrt(x), 0) at 0",
    elsewhere="ops/test_special_points.py::test_what_where_hides_cannot_spoil_a_gradient",
)
def _():
    at_sqrt(lambda x: ops.where(x > 0, ops.sqrt(x), 0.0))
    return "what where hides cannot spoil a gradient"


@fault(26, "ties", elsewhere="ops/test_special_points.py::test_value_and_slope")
def _():
    x = vector(1.0, 1.0, 0.0)
    assert tg.gradients(ops.max_(x), x).tolist() == [0.5, 0.5, 0]
    return "equal ones share evenly, in a pooling window the first one takes all"


@fault(27, "kinks at 0", elsewhere="ops/test_special_points.py::test_value_and_slope")
def _():
    for function in (ops.relu, np.abs):
        x = vector(0.0)
        assert tg.gradients(function(x).sum(), x).tolist() == [0]
    return "relu and abs have 0 there"


def own(pullbacks):
    rule = ops.Op(lambda x, y: (x * y, pullbacks))
    x, y = vector(), vector()
    tg.gradients(rule(x, y).sum(), [x, y])


@fault(28, "a pullback of wrong count, shape or type")
def _():
    right = lambda g: g
    wrong = {
        "1 pullbacks for 2 inputs": (right,),
        "returned shape (1, 3)": (lambda g: g[:, [0, 1, 0]], right),
        "not 'text'": (lambda g: "text", right),
        "not None": (lambda g: None, right),
        "returned complex64": (lambda g: g * 1j, right),
        "returned int64": (lambda g: g.astype(int), right),
        "1 gradients came back": lambda g: (g,),
    }
    for words, pullbacks in wrong.items():
        try:
            own(pullbacks)
        except (TypeError, ValueError) as error:
            assert words in str(error), error
            assert "<lambda>" in error.__notes__[0] and "wired at" in error.__notes__[0]
        else:
            raise AssertionError(words)
    x = tg.Tensor([1.0, 2.0], "float32")
    longer = ops.Op(lambda x: (x, (lambda g: g * np.sqrt(2),)))  # of float64, as np.sqrt(2) is
    assert tg.gradients(longer(x).sum(), x).dtype == "float32"
    return "is refused, with the op and where it was wired; floats get the type of the input"


@fault(29, "a pullback that raises", KeyError, "of the user")
def _():
    own((lambda g: {}["of the user"], lambda g: g))


@fault(30, "a hook that changes a gradient")
def _():
    assert not hasattr(tg, "hooks")
    return "there are none: a gradient is asked for, and what is made of it is yours"


@fault(31, "threads", elsewhere="faults/test_resources.py::test_side_by_side_is_as_one_by_one")
def _():
    model, found = dense(), []
    ask = lambda: found.append(model.predict(X).tobytes())
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 4 and set(found) == {model.predict(X).tobytes()}
    return "predictions side by side have the bits of one by one"


@fault(32, "a function of NumPy on a tensor", TypeError, "cannot be recorded")
def _():
    np.unwrap(vector())


@fault(33, "a symbolic tensor in an if", TypeError, ".")
def _():
    if tg.Input((3,)):
        pass


@fault(34, "a loss that is cut off from all weights", UserWarning, "no loss reaches")
def _():
    x = tg.Input((3,), name="x")
    model = tg.Model(x, ops.stop_gradient(layers.Dense(1, name="y")(x)))
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
