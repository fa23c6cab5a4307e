"""An op is to Python what its rule is: a function with a name, a text and a place."""

import copy
import importlib
import inspect
import pickle
import pkgutil
import pydoc

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import ops
from tinygrad_mo.ops import OPS, Op


@ops.op
def doubled(x):
    """x twice."""
    return 2 * x, (lambda g: 2 * g,)


del OPS["doubled"]  # the table is for all tests


def test_help_shows_signature_and_text():
    for op in OPS.values():
        text = pydoc.render_doc(op, renderer=pydoc.plaintext)
        signature = str(inspect.signature(op.rule))
        assert f"{op.__name__}{signature}" in text
        assert inspect.getdoc(op.rule).splitlines()[0] in text


def test_every_op_says_what_it_does():
    for op in OPS.values():
        first, *rest = inspect.getdoc(op.rule).splitlines()
        assert first.endswith((".", ":")) and len(first) > 5
        assert not rest or rest[0] == "" or not first.endswith(".")


def test_what_somebody_reads_who_asks_for_help():
    text = pydoc.render_doc(ops.add, renderer=pydoc.plaintext)
    assert text.startswith("Python Library Documentation: Op in module tinygrad_mo.ops.arithmetic")
    assert "add(x, y)\n    x + y. Both get the gradient as it is." in text


def test_the_help_of_the_module_lists_its_ops():
    text = pydoc.render_doc(ops, renderer=pydoc.plaintext)
    for op in OPS.values():
        assert f"\n    {op.__name__}(" in text


@pytest.mark.medium
def test_inspect_sees_the_rule():
    for op in OPS.values():
        assert inspect.signature(op) == inspect.signature(op.rule)
        assert op.__module__ == op.rule.__module__ and op.__qualname__ == op.rule.__qualname__
        assert "@op" in inspect.getsource(op)
        assert inspect.isroutine(op)


def test_copies_and_pickles_are_the_same_op():
    for op in (*OPS.values(), doubled):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(op, protocol)) is op
        assert copy.copy(op) is op and copy.deepcopy(op) is op
        assert copy.deepcopy({"ops": [op]})["ops"][0] is op


def test_an_op_that_has_no_place_is_copied_but_not_pickled():
    op = Op(lambda x: (x, (lambda g: g,)))
    assert copy.deepcopy(op) is op
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(op)


def test_an_op_is_the_same_as_an_attribute_of_a_class():
    class Layer:
        compute = ops.tanh

    assert Layer.compute is Layer().compute is ops.tanh
    assert Layer().compute(np.zeros(2))[0].tolist() == [0, 0]


def test_names():
    assert (ops.sum_.name, ops.sum_.__name__, repr(ops.sum_)) == ("sum", "sum_", "<op sum>")
    assert all(OPS[op.name] is op for op in OPS.values())


def modules():
    names = [m.name for m in pkgutil.iter_modules(ops.__path__)]
    return [importlib.import_module(f"tinygrad_mo.ops.{name}") for name in names]


def test_each_module_announces_its_ops():
    announced = set()
    for module in modules():
        own = {
            name
            for name, value in vars(module).items()
            if isinstance(value, Op) and value.__module__ == module.__name__
        }
        assert own <= set(getattr(module, "__all__", [])), module.__name__
        assert all(hasattr(module, name) for name in getattr(module, "__all__", []))
        announced |= own
    assert announced == {op.__name__ for op in OPS.values()}
    assert announced < set(ops.__all__)


def test_a_model_with_ops_is_copied():
    x = tg.Input((3,))
    model = tg.Model(x, ops.tanh(tg.layers.Dense(2)(x)) * 2.0)
    again = copy.deepcopy(model)
    np.testing.assert_array_equal(again.predict(np.ones((1, 3))), model.predict(np.ones((1, 3))))


def test_an_op_of_ones_own_names_the_inputs_that_may_be_none():
    def shifted(x, bias):
        return (x if bias is None else x + bias), (lambda g: g, lambda g: g)

    for x in (np.ones(2), tg.Tensor([1.0, 1.0]), tg.Input((2,))):
        with pytest.raises(
            TypeError, match=r'shifted: input 1 is None, .* @op\(optional=\("bias",'
        ):
            Op(shifted)(x, None)
        Op(shifted, optional=("bias",))(x, None)
    with pytest.raises(ValueError, match=r"shifted: optional=\('bais',\) must name inputs"):
        Op(shifted, optional=("bais",))
