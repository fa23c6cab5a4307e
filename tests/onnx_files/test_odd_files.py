"""Files as others may write them, and those that are refused: one error says node, op and why."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import tinygrad_mo as tg
from round_trips import as_list, by_reference, there_and_back
from tinygrad_mo.whole_files import CheckpointError

RNG = np.random.default_rng(0)


def floats(*shape):
    return RNG.normal(size=shape).astype("float32")


def ints(*numbers):
    return np.array(numbers, np.int64)


def written(path, nodes, inputs, outputs, weights=None, opset=17, **more):
    """A file of these nodes; inputs and outputs are shapes by name."""
    kind = more.pop("kind", TensorProto.FLOAT)
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(n, more.get("to", kind), s) for n, s in outputs.items()],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in (weights or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def agrees(path, *data):
    """The model that was read; it computes what the reference implementation does."""
    model = tg.from_onnx(path)
    feed = dict(zip(model.input_names, data, strict=True))
    for y, found in zip(by_reference(path, feed), as_list(model.predict(feed)), strict=True):
        size = max(np.abs(y).max(), 1)
        np.testing.assert_allclose(found, y, rtol=1e-5, atol=1e-6 * size)
    return model


node = helper.make_node
B4 = {"x": ["batch", 4]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "odd.onnx"


def test_a_shared_weight_is_one_parameter(path):
    nodes = [
        node("MatMul", ["x", "fc/kernel"], ["h"]),
        node("Tanh", ["h"], ["t"]),
        node("MatMul", ["t", "fc/kernel"], ["y"]),
    ]
    written(path, nodes, B4, {"y": ["batch", 4]}, {"fc/kernel": floats(4, 4)})
    model = agrees(path, floats(3, 4))
    assert list(model.named_weights()) == ["fc/kernel"]
    assert type(model.get_layer("fc")).__name__ == "Dense"


def test_a_weight_that_is_read_in_two_ways_is_one_parameter_too(path):
    nodes = [
        node("Gather", ["table", "ids"], ["h"]),
        node("Transpose", ["table"], ["t"], perm=[1, 0]),
        node("MatMul", ["h", "t"], ["y"]),
    ]
    inputs, kind = {"ids": ["batch", 5]}, TensorProto.INT64
    shapes = {"y": ["batch", 5, 9]}
    weights = {"table": floats(9, 4)}
    written(path, nodes, inputs, shapes, weights, kind=kind, to=TensorProto.FLOAT)
    model = agrees(path, RNG.integers(0, 9, (3, 5)))
    assert list(model.named_weights()) == ["table"]
    there_and_back(model, RNG.integers(0, 9, (3, 5)), path, 1e-5)


def test_a_shared_weight_stays_shared_with_the_same_or_other_things_behind_it(path):
    weights = {"fc/kernel": floats(4, 4), "fc/bias": floats(4), "other": floats(4)}
    for biases, acts, inside in [
        (["fc/bias", "fc/bias"], ["Tanh", "Tanh"], True),
        (["fc/bias", "other"], ["Tanh", "Tanh"], False),
        (["fc/bias", "fc/bias"], ["Tanh", "Relu"], False),
    ]:
        nodes, h = [], "x"
        for i, (bias, act) in enumerate(zip(biases, acts, strict=True)):
            nodes += [
                node("MatMul", [h, "fc/kernel"], [f"m{i}"]),
                node("Add", [f"m{i}", bias], [f"a{i}"]),
                node(act, [f"a{i}"], [h := f"h{i}"]),
            ]
        used = {name: w for name, w in weights.items() if name in ("fc/kernel", *biases)}
        written(path, nodes, B4, {"h1": ["batch", 4]}, used)
        model = agrees(path, floats(3, 4))
        assert sorted(model.named_weights()) == sorted(used)
        alone = [step.op.name for step in model.steps if step.call is None]
        assert alone == ([] if inside else ["add", acts[0].lower(), "add", acts[1].lower()])


def test_a_shared_convolution_is_one_layer(path):
    nodes = [
        node("Conv", ["x", "c.weight", "c.bias"], ["a"], pads=[1, 1, 1, 1]),
        node("Relu", ["a"], ["b"]),
        node("Conv", ["b", "c.weight", "c.bias"], ["y"], pads=[1, 1, 1, 1]),
    ]
    weights, shape = {"c.weight": floats(2, 2, 3, 3), "c.bias": floats(2)}, ["batch", 2, 5, 5]
    written(path, nodes, {"x": shape}, {"y": shape}, weights)
    model = agrees(path, floats(3, 2, 5, 5))
    assert list(model.named_weights()) == ["c/kernel", "c/bias"]


def test_layers_that_share_a_weight_with_other_settings_are_refused(path):
    nodes = [
        node("Conv", ["x", "c.weight"], ["a"], pads=[1, 1, 1, 1]),
        node("Conv", ["a", "c.weight"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2]),
    ]
    weights, shape = {"c.weight": floats(2, 2, 3, 3)}, ["batch", 2, 5, 5]
    written(path, nodes, {"x": shape}, {"y": ["batch", 2, 3, 3]}, weights)
    assert "'c.weight'" in refused(path)


def test_a_token_of_all_samples_is_one_weight(path):
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["n"], axis=0),
        node("Concat", ["n", "rest"], ["to"], axis=0),
        node("Expand", ["token", "to"], ["t"]),
        node("Concat", ["t", "x"], ["y"], axis=1),
    ]
    weights = {"token": floats(1, 1, 4), "zero": ints(0), "rest": ints(1, 4)}
    written(path, nodes, {"x": ["batch", 5, 4]}, {"y": ["batch", 6, 4]}, weights)
    x = floats(3, 5, 4)
    x[1] = 0
    model = agrees(path, x)
    assert {n: w.shape for n, w in model.named_weights().items()} == {"token": (1, 1, 4)}
    there_and_back(model, x, path, 1e-6)


def test_an_initializer_may_come_first(path):
    nodes = [node("Sub", ["one", "x"], ["h"]), node("Div", ["w", "h"], ["y"])]
    weights = {"one": np.float32(9), "w": floats(4)}
    written(path, nodes, B4, {"y": ["batch", 4]}, weights)
    assert list(agrees(path, floats(3, 4)).named_weights()) == ["w"]


@pytest.mark.parametrize("shape", [(), (1,)])
def test_one_number_is_a_constant_unless_it_is_named(path, shape):
    weights = {"half": np.full(shape, 0.5, "float32")}
    written(path, [node("Mul", ["x", "half"], ["y"])], B4, {"y": ["batch", 4]}, weights)
    assert agrees(path, floats(3, 4)).weights == []
    named = tg.from_onnx(path, numbers=["half"])
    assert {n: w.shape for n, w in named.named_weights().items()} == {"half": shape}
    with pytest.raises(ValueError, match="no initializers hlaf"):
        tg.from_onnx(path, numbers=["hlaf"])


def test_a_bias_of_one_number_is_a_weight(path):
    nodes = [node("Gemm", ["x", "fc.weight", "fc.bias"], ["y"], transB=1)]
    weights = {"fc.weight": floats(1, 4), "fc.bias": floats(1)}
    written(path, nodes, B4, {"y": ["batch", 1]}, weights)
    assert list(agrees(path, floats(3, 4)).named_weights()) == ["fc/kernel", "fc/bias"]


def test_what_nothing_takes_is_left_out(path):
    nodes = [node("Relu", ["x"], ["y"]), node("Exp", ["x"], ["unused"])]
    written(path, nodes, B4, {"y": ["batch", 4]}, {"idle": floats(3)})
    model = agrees(path, floats(3, 4))
    assert model.weights == []
    assert [step.op.name for step in model.steps] == ["relu", "identity"]


def test_an_input_may_be_an_output(path):
    written(path, [node("Neg", ["x"], ["y"])], B4, {"x": ["batch", 4], "y": ["batch", 4]})
    model = tg.from_onnx(path)
    x = floats(3, 4)
    same, negative = model.predict(x)
    np.testing.assert_array_equal([same, -negative], [x, x])
    assert model.output_names == ["x", "y"]


def test_names_may_be_odd(path):
    nodes = [node("MatMul", ["a b:0", "ä/../w%d{}"], ["y\n"]), node("Identity", ["y\n"], [" "])]
    weights = {"ä/../w%d{}": floats(4, 2)}
    written(path, nodes, {"a b:0": ["batch", 4]}, {" ": ["batch", 2]}, weights)
    model = agrees(path, floats(3, 4))
    assert model.input_names == ["a b:0"]
    assert model.output_names == [" "]


def test_the_model_of_a_file_is_saved_and_loaded(path, tmp_path):
    nodes = [node("Gemm", ["x", "fc.weight", "fc.bias"], ["h"]), node("Mul", ["h", "w"], ["y"])]
    weights = {"fc.weight": floats(4, 3), "fc.bias": floats(3), "w": floats(3)}
    written(path, nodes, B4, {"y": ["batch", 3]}, weights)
    model, x = agrees(path, floats(3, 4)), floats(3, 4)
    model.save(tmp_path / "model.tg")
    again = tg.load(tmp_path / "model.tg")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.output_names == model.output_names == ["y"]


OLD_AND_NEW = {  # attributes until opset 10 or 12, inputs since
    "Squeeze": (
        [node("Squeeze", ["u"], ["y"], axes=[1])],
        [node("Squeeze", ["u", "axes"], ["y"])],
        {"axes": ints(1)},
    ),
    "Unsqueeze": (
        [node("Unsqueeze", ["x"], ["t"], axes=[2]), node("Squeeze", ["t"], ["y"], axes=[2])],
        [node("Unsqueeze", ["x", "two"], ["t"]), node("Squeeze", ["t", "last"], ["y"])],
        {"two": ints(2), "last": ints(-1)},
    ),
    "ReduceSum": (
        [node("ReduceSum", ["x"], ["s"], axes=[-1]), node("Add", ["x", "s"], ["y"])],
        [node("ReduceSum", ["x", "last"], ["s"]), node("Add", ["x", "s"], ["y"])],
        {"last": ints(-1)},
    ),
    "Split": (
        [
            node("Split", ["x"], ["a", "b"], axis=1, split=[1, 3]),
            node("Concat", ["b", "a"], ["y"], axis=1),
        ],
        [
            node("Split", ["x", "sizes"], ["a", "b"], axis=1),
            node("Concat", ["b", "a"], ["y"], axis=-1),
        ],
        {"sizes": ints(1, 3)},
    ),
    "Clip": (
        [node("Clip", ["x"], ["y"], min=-0.5, max=0.25)],
        [node("Clip", ["x", "low", "high"], ["y"])],
        {"low": np.float32(-0.5), "high": np.float32(0.25)},
    ),
    "Pad": (
        [node("Pad", ["x"], ["p"], pads=[0, 1, 0, 2]), node("MatMul", ["p", "w"], ["y"])],
        [node("Pad", ["x", "pads"], ["p"]), node("MatMul", ["p", "w"], ["y"])],
        {"pads": ints(0, 1, 0, 2)},
    ),
    "Slice": (
        [
            node("Slice", ["x"], ["s"], axes=[1], starts=[1], ends=[3]),
            node("MatMul", ["s", "v"], ["y"]),
        ],
        [node("Slice", ["x", "a", "b", "one"], ["s"]), node("MatMul", ["s", "v"], ["y"])],
        {"a": ints(1), "b": ints(3), "one": ints(1)},
    ),
}


@pytest.mark.parametrize("name", OLD_AND_NEW)
def test_settings_are_attributes_in_old_opsets_and_inputs_in_new_ones(name, path):
    old, new, settings = OLD_AND_NEW[name]
    weights = {"w": floats(7, 4), "v": floats(2, 4)}
    x, found = floats(3, 4), []
    for opset, nodes, more in ((9, old, {}), (17, new, settings)):
        taken = {one for n in nodes for one in n.input}
        shapes = {"u": ["batch", 1, 4]} if "u" in taken else B4
        given = {k: v for k, v in (weights | more).items() if k in taken}
        written(path, nodes, shapes, {"y": ["batch", 4]}, given, opset=opset)
        data = x[:, None] if "u" in taken else x
        found.append(agrees(path, data).predict(data))
    np.testing.assert_array_equal(*found)


# ---------------------------------------------------------------- refused


def refused(path, kind=NotImplementedError):
    """What the error says, and its notes."""
    with pytest.raises(kind) as caught:
        tg.from_onnx(path)
    return "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


def test_an_unknown_op_is_named_with_its_node_and_what_is_read(path):
    nodes = [node("Det", ["x"], ["y"], name="the_determinant")]
    written(path, nodes, {"x": ["batch", 4, 4]}, {"y": ["batch"]})
    text = refused(path)
    assert all(word in text for word in ("Det", "'the_determinant'", "BatchNormalization, "))


def test_an_attribute_that_is_not_read_is_named(path):
    nodes = [node("CumSum", ["x", "one"], ["y"], reverse=1, name="sums")]
    written(path, nodes, B4, {"y": ["batch", 4]}, {"one": np.int64(1)})
    text = refused(path)
    assert "node 'sums' (CumSum): exclusive and reverse are not read" in text
    assert "of x, one" in text


def test_control_flow_is_refused(path):
    branch = helper.make_graph(
        [node("Identity", ["x"], ["z"])], "b", [], [helper.make_tensor_value_info("z", 1, None)]
    )
    nodes = [node("If", ["c"], ["y"], then_branch=branch, else_branch=branch, name="choice")]
    written(path, nodes, B4, {"y": ["batch", 4]}, {"c": np.array(True)})
    assert "If (node 'choice')" in refused(path)


@pytest.mark.parametrize("kind", ["FLOAT16", "BFLOAT16", "STRING", "UINT64"])
def test_types_that_are_not_read_are_named(path, kind):
    number = TensorProto.DataType.Value(kind)
    written(path, [node("Identity", ["x"], ["y"])], B4, {"y": ["batch", 4]}, kind=number)
    assert f"input 'x' is of type {kind.lower()}" in refused(path)


def test_opsets_that_are_too_old_are_named(path):
    written(path, [node("Relu", ["x"], ["y"])], B4, {"y": ["batch", 4]}, opset=6)
    assert "opset 6; 7 to " in refused(path)


@pytest.mark.parametrize("content", [b"", b"no graph at all", b"\x08\x07"])
def test_what_is_no_onnx_file_is_called_so(path, content):
    path.write_bytes(content)
    assert f"{path} is no ONNX file" in refused(path, CheckpointError)


def test_a_file_that_is_not_there_is_called_so(path):
    assert "there is no such file" in refused(path, CheckpointError)


def test_weights_beside_the_file_are_read_or_missed_by_name(path):
    nodes = [node("MatMul", ["x", "w"], ["y"])]
    written(path, nodes, B4, {"y": ["batch", 400]}, {"w": floats(4, 400)})
    inside, x = agrees(path, floats(3, 4)), floats(3, 4)
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="beside.bin")
    np.testing.assert_array_equal(tg.from_onnx(path).predict(x), inside.predict(x))
    path.with_name("beside.bin").unlink()
    assert "beside.bin" in refused(path, CheckpointError)


def test_inputs_that_are_no_batch_are_refused(path):
    nodes = [node("Add", ["a", "b"], ["y"])]
    written(path, nodes, {"a": [3, 4], "b": [1, 4]}, {"y": [3, 4]})
    assert "'a' is 3 long, that of 'b' 1" in refused(path)
    written(path, [node("Neg", ["a"], ["y"])], {"a": []}, {"y": []})
    assert "input 'a' is a single number" in refused(path)


def test_an_output_that_depends_on_no_input_is_refused(path):
    nodes = [node("Relu", ["w"], ["y"]), node("Relu", ["x"], ["z"])]
    written(path, nodes, B4, {"y": [4], "z": ["batch", 4]}, {"w": floats(4)})
    assert "output 'y' does not depend on an input" in refused(path)


# ---------------------------------------------------------------- written


def doubled(x):
    return x[:, [0, 0]]


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (tg.layers.Lambda(doubled, name="mine"), "an index of arrays"),
        (tg.layers.Lambda(lambda x: tg.ops.sort(x), name="mine"), "sort"),
    ],
)
def test_what_cannot_be_written_is_named_and_the_old_file_stays(call, word, tmp_path):
    refused_to_write(call, word, tmp_path)


def test_an_op_of_ones_own_cannot_be_written(tmp_path):
    @tg.ops.op
    def own_op(x):
        return 2 * x, (lambda g: 2 * g,)

    refused_to_write(tg.layers.Lambda(own_op, name="mine"), "own_op", tmp_path)


def refused_to_write(call, word, tmp_path):
    x = tg.Input((3,), name="x")
    path = tmp_path / "model.onnx"
    path.write_bytes(b"before")
    with pytest.raises(NotImplementedError, match=f"Lambda 'mine': op .*{word}"):
        tg.Model(x, call(x)).to_onnx(path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_dropout_keeps_its_rate_and_what_only_training_does_is_left_out(tmp_path):
    x = tg.Input((8,), name="x")
    h = tg.layers.GaussianNoise(0.5)(tg.layers.Dropout(0.3, name="drop")(x))
    model = tg.Model(x, tg.layers.Dense(1, name="y")(h))
    again = there_and_back(model, floats(3, 8), tmp_path / "model.onnx", 1e-6)
    assert again.get_layer("drop").rate == 0.3
    assert [type(layer).__name__ for layer in again.layers] == ["Dropout", "Dense"]


def test_the_same_tensor_may_be_two_outputs_and_an_input_one(tmp_path):
    x = tg.Input((4,), name="x")
    y = tg.layers.Dense(2, name="y")(x)
    model = tg.Model(x, {"first": y, "second": y, "given": tg.ops.identity(x)})
    there_and_back(model, floats(3, 4), tmp_path / "model.onnx", 1e-6)


def test_it_needs_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    x = tg.Input((4,), name="x")
    model = tg.Model(x, tg.layers.Dense(2)(x))
    for call in (model.to_onnx, tg.from_onnx):
        with pytest.raises(ImportError, match="pip install onnx"):
            call(tmp_path / "model.onnx")
