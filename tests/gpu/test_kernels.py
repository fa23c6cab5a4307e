"""The CUDA kernels do what the rules do, run on the CPU; and a compiler for GPUs takes them."""

import double
import kernel_checks as checks
import numpy as np
import nvrtc
import pytest
import raw_module
from kernel_checks import floats

import tinygrad_mo as tg
from op_cases import CASES
from tinygrad_mo import optimizers
from tinygrad_mo.compiled.cuda import launching, products, updates
from tinygrad_mo.ops import OPS
from tinygrad_mo.optimizers.finite import NotFinite
from tinygrad_mo.questions import settled

pytestmark = pytest.mark.skipif(not raw_module.COMPILER, reason="kernels run on a CPU by g++")
TWINS = [name for name, op in OPS.items() if "cuda" in op.compiled]
LAUNCHES = {  # forward, with a mask if there may be one, and back, for any number of rows
    "lstm": (3, 5),
    "gru": (3, 5),
    "embedding": (1, 3),
    "softmax": (1, 1),
    "categorical_crossentropy_from_logits": (1, 1),
    "sparse_categorical_crossentropy_from_logits": (1, 1),
    "binary_crossentropy": (1, 1),
    "binary_crossentropy_from_logits": (2, 1),  # labels that are no floats are converted
    "weighted_mean": (1, 1),
    "batch_normalization": (2, 2),
    "layer_normalization": (1, 2),
    "max_pool": (1, 1),
    "average_pool": (1, 1),
    "convolution": (3, 5),
    "transposed_convolution": (2, 5),
    "depthwise_convolution": (1, 3),
    "dense": (2, 3),
    "matmul": (1, 2),
    "concatenate": (3, 0),
} | dict.fromkeys([*checks.ACTIVATIONS, "leaky_relu", "elu"], (1, 1))
each_twin = pytest.mark.parametrize("name", TWINS)


@pytest.fixture(autouse=True)
def first_order(monkeypatch):
    monkeypatch.setattr(raw_module, "order", raw_module.ORDERS[0])


def test_every_twin_is_tried_and_its_launches_are_known():
    assert set(TWINS) == set(checks.DRAWN) == set(LAUNCHES)


@pytest.mark.one_in(6, rest="exhaustive")
@pytest.mark.medium
@each_twin
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_twin_does_what_its_rule_does_in_any_order_of_threads(name, every, cupy):
    drawn = checks.DRAWN[name]
    cases = drawn + checks.LARGE.get(name, []) if every else drawn[:1]
    assert checks.largest_gap_of(cupy, name, cases) <= checks.ALLOWED


def is_left_to_the_rule(name, inputs, attributes):
    if name == "softmax" and attributes:  # along another axis
        return True
    if name == "batch_normalization" and (not attributes["training"] or inputs[-1] is not None):
        return True
    if name == "convolution" and (attributes["groups"] != 1):
        return True
    if name in ("dense", "matmul") and min(np.ndim(x) for x in inputs[:2]) < 2:
        return True
    if attributes.get("recurrent_dropout") and attributes.get("training"):
        return True
    is_empty = not all(x is None or np.size(x) for x in inputs)
    is_number = any(isinstance(x, np.generic) for x in inputs)  # of NumPy, not an array
    return is_empty or is_number or attributes.get("reset_after") is False


@pytest.mark.one_in(3, rest="exhaustive")
@pytest.mark.medium
@each_twin
def test_a_twin_takes_the_cases_of_its_op(name, cupy):
    for inputs, attributes in CASES[name]:
        inputs = [checks.in_type(x, "float32") for x in inputs]
        right, gs = checks.by_rule(name, inputs, attributes)
        found = checks.by_twin(cupy, name, inputs, attributes, gs)
        if found is None:
            assert is_left_to_the_rule(name, inputs, attributes)
        else:
            assert checks.largest_gap(found, right) <= checks.ALLOWED


@pytest.mark.one_in(3, rest="exhaustive")
@pytest.mark.medium
@each_twin
def test_launches_are_few_and_nobody_waits(name, cupy):
    inputs, attributes = checks.DRAWN[name][0]
    gs = checks.by_rule(name, inputs, attributes, rows=3)[1]
    given = [x if x is None else cupy.asarray(x) for x in inputs]
    gs = [*map(cupy.asarray, gs)]
    checks.twin(name)(*given, **attributes)  # flags are made once
    double.counts.clear()
    y, back = checks.twin(name)(*given, **attributes)
    forward = double.counts["launch"]
    checks.pulled(y, back, gs)
    assert (forward, double.counts["launch"] - forward) <= LAUNCHES[name]
    assert double.counts["wait"] == double.counts["fetch"] == double.counts["send"] == 0


@pytest.mark.one_in(20, rest="exhaustive")
@pytest.mark.medium
@each_twin
@pytest.mark.parametrize("count", [1, pytest.param(9, marks=pytest.mark.slow)])
def test_rows_do_not_mix_and_the_same_bits_come_twice(name, count, cupy):
    for inputs, attributes in checks.DRAWN[name][:count]:
        given = [x if x is None else cupy.asarray(x) for x in inputs]
        before = [x if x is None else x.get().tobytes() for x in given]
        y, back = checks.twin(name)(*given, **attributes)
        kept = [v.get().tobytes() for v in checks.as_tuple(y)]
        gs = [cupy.asarray(g) for g in checks.cotangents(y, 3)]
        sent = [g.get().tobytes() for g in gs]
        both, again = (checks.pulled(y, back, [*gs]) for _ in range(2))
        alone = checks.pulled(y, back, [g[1:2] for g in gs])
        nothing = checks.pulled(y, back, [0 * g for g in gs])
        for one, other, single, zero in zip(both, again, alone, nothing, strict=True):
            if one is not None:
                assert one.get().tobytes() == other.get().tobytes()
                np.testing.assert_allclose(one.get()[1:2], single.get(), 1e-6, 1e-6)
                assert not zero.get().any()
        assert [x if x is None else x.get().tobytes() for x in given] == before
        assert [v.get().tobytes() for v in checks.as_tuple(y)] == kept
        assert [g.get().tobytes() for g in gs] == sent


@pytest.mark.one_in(2, rest="medium")
@each_twin
def test_what_a_twin_does_not_apply_to_is_left_to_the_rule(name, cupy, monkeypatch):
    inputs, attributes = checks.DRAWN[name][0]
    for dtype in ("float64", "float16"):
        given = [x if x is None else cupy.asarray(checks.in_type(x, dtype)) for x in inputs]
        assert checks.twin(name)(*given, **attributes) is NotImplemented
    given = [x if x is None else cupy.asarray(x) for x in inputs]
    called = []
    monkeypatch.setattr(launching, "compiled", lambda *given: called.append(given))
    with tg.use(kernels=False):
        OPS[name].run(*given, **attributes)
    assert not called


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_wrong_shapes_and_too_many_units_are_left_to_the_rule(name, cupy):
    inputs, attributes = checks.DRAWN[name][0]
    given = [x if x is None else cupy.asarray(x) for x in inputs]
    for place in range(1, len(given)):
        if given[place] is not None:
            wrong = [*given[:place], given[place][:-1], *given[place + 1 :]]
            assert checks.twin(name)(*wrong, **attributes) is NotImplemented
    gates, units = (4 if name == "lstm" else 3), 257
    weights = [
        cupy.ones(shape, "float32") for shape in [(5, gates * units), (units, gates * units)]
    ]
    bias = cupy.ones((gates * units,) if name == "lstm" else (2, gates * units), "float32")
    states = [None] * (len(given) - 4)
    assert checks.twin(name)(given[0], *weights, bias, *states) is NotImplemented


@pytest.mark.medium
def test_a_batch_with_nan_in_padding_trains(cupy):
    inputs, attributes = checks.DRAWN["lstm"][0]
    x, mask = inputs[0].copy(), inputs[-1]
    x[~mask] = np.nan
    inputs = [x, *inputs[1:]]
    right, gs = checks.by_rule("lstm", inputs, attributes)
    found = checks.by_twin(cupy, "lstm", inputs, attributes, gs)
    assert checks.largest_gap(found, right) <= checks.ALLOWED


@pytest.mark.medium
@pytest.mark.parametrize(
    ("name", "inputs", "error", "said"),
    [
        ("embedding", ([[1, 6]], floats(6, 2)), IndexError, r"id 6 at position .0, 1. is out"),
        ("embedding", ([-1], floats(6, 2)), IndexError, "id -1 at position .0,. is out"),
        ("embedding", ([2**32], floats(6, 2)), IndexError, "id 4294967296 at position"),
        (
            "sparse_categorical_crossentropy_from_logits",
            ([0, 2], floats(2, 2)),
            ValueError,
            "label 2 in row 1 is not one of the 2 classes",
        ),
        ("binary_crossentropy", ([0, 1], np.float32([0.5, 1.5])), ValueError, "0.5 and 1.5: give"),
        ("binary_crossentropy", ([0, 3], np.float32([0.5, 0.5])), ValueError, "label 3 in row 1"),
        ("binary_crossentropy_from_logits", ([-1, 0], floats(2)), ValueError, "label -1 in row 0"),
    ],
)
def test_what_a_kernel_has_flagged_is_told_in_words_and_once(name, inputs, error, said, cupy):
    given = [*map(cupy.asarray, inputs)]
    with pytest.raises(error, match=said):
        settled(checks.twin(name), *given)
    settled(checks.twin(name), cupy.zeros(given[0].shape, "int32"), given[1] * 0 + 0.5)


@pytest.mark.medium
@pytest.mark.parametrize("how", products.BLOCKS)
@pytest.mark.parametrize(
    ("one", "other"), [((70, 33), (33, 130)), ((2, 3, 65), (2, 65, 4)), ((1, 1), (1, 1))]
)
def test_a_product_is_the_same_however_blocks_work(how, one, other, cupy, monkeypatch):
    monkeypatch.setattr(products, "MANY", 0 if how == "many" else 10**9)
    monkeypatch.setattr(products, "MOST", 1 << 20)
    x, y = floats(*one), floats(*other) / one[-1] ** 0.5
    right = x.astype(float) @ y.astype(float)
    for turn_x in (False, True):
        for turn_y in (False, True):
            given = [
                cupy.asarray(np.ascontiguousarray(a.swapaxes(-1, -2))).swapaxes(-1, -2)
                if turn
                else cupy.asarray(a)
                for a, turn in ((x, turn_x), (y, turn_y))
            ]
            double.counts.clear()
            found = products.by_kernel(*given)
            assert double.counts == {"launch": 1}
            assert checks.largest_gap([found.get()], [right]) <= checks.ALLOWED


def test_a_product_that_is_large_is_left_to_cublas(cupy, monkeypatch):
    x = cupy.ones((4, 5), "float32")
    monkeypatch.setattr(products, "MOST", 4 * 5 * 4 - 1)
    assert products.by_kernel(x, x.T) is NotImplemented
    assert products.by_kernel(x, x[0]) is NotImplemented
    assert products.product(x, x.T).get()[0, 0] == 5


@pytest.mark.slow
def test_gradients_of_a_table_are_the_same_bits_in_any_order(cupy):
    inputs, _ = checks.DRAWN["embedding"][-1]
    found = set()
    for order in raw_module.ORDERS:
        raw_module.order = order
        y, (_, pull) = checks.twin("embedding")(*map(cupy.asarray, inputs))
        found.add(pull(cupy.ones((2, *y.shape), "float32")).get().tobytes())
    assert len(found) == 1


# ---------------------------------------------------------------- steps of optimizers

OPTIMIZERS = {
    "sgd": optimizers.SGD(0.1),
    "momentum": optimizers.SGD(0.1, momentum=0.9),
    "nesterov": optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": optimizers.RMSprop(0.1, epsilon=0.1),
    "rmsprop_momentum": optimizers.RMSprop(0.1, momentum=0.5, epsilon=0.1),
    "adam": optimizers.Adam(0.1, epsilon=0.1),
    "adamw": optimizers.AdamW(0.1, weight_decay=0.2, epsilon=0.1),
    "adagrad": optimizers.Adagrad(0.1, epsilon=0.1),
    "sgd_decay": optimizers.SGD(0.1, momentum=0.9, weight_decay=0.2),
    "rmsprop_decay": optimizers.RMSprop(0.1, weight_decay=0.2, epsilon=0.1),
    "adagrad_decay": optimizers.Adagrad(0.1, weight_decay=0.2, epsilon=0.1),
}
each_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)


def numbers_to_step(optimizer):
    w, g, *slots = floats(2 + len(optimizer.slots), 300)
    return w, g, [np.abs(slot) for slot in slots]


def rule_of(optimizer):
    return type(optimizer).rule


def test_every_rule_has_a_kernel():
    of_formulas_alone = {"adadelta", "adamax", "nadam", "lion"}
    named = {kind for n, kind in optimizers.OPTIMIZERS.items() if n not in of_formulas_alone}
    assert {type(o) for o in OPTIMIZERS.values()} == named
    assert all("cuda" in rule_of(o).changing for o in OPTIMIZERS.values())
    assert not any(optimizers.OPTIMIZERS[name].rule.compiled for name in of_formulas_alone)


@pytest.mark.medium
@each_optimizer
def test_a_step_is_that_of_the_rule(optimizer, cupy):
    w, g, slots = numbers_to_step(optimizer)
    w64, g64, *slots64 = map(np.float64, (w, g, *slots))
    right = rule_of(optimizer).after_step_of_few(optimizer, w64, g64, 0.1, 3, slots64)
    given = [*map(cupy.asarray, (w, g, *slots))]
    twin = rule_of(optimizer).compiled["cuda"]
    double.counts.clear()
    found = twin(optimizer, *given[:2], 0.1, 3, *given[2:])
    assert double.counts == {"launch": 2, "wait": 1}  # the second for a flag
    assert checks.largest_gap([x.get() for x in found], right) <= checks.ALLOWED
    assert given[0].get().tobytes() == w.tobytes()

    bad = cupy.zeros((), "int32")
    changing = cupy.asarray(np.float32(updates.numbers_of_step(optimizer, 0.1, 3)))
    double.counts.clear()
    options = {"bad": bad, "changing": changing, "in_place": True}
    new = twin(optimizer, *given[:2], 100.0, 1, *given[2:], **options)
    assert double.counts == {"launch": 1} and new[0] is given[0]
    for one, other in zip(new, found, strict=True):
        assert one.get().tobytes() == other.get().tobytes()


@pytest.mark.parametrize(
    ("g", "w", "where"),
    [(np.nan, 1.0, "gradient"), (-np.inf, 1.0, "gradient"), (1.0, 3e38, "values")],
)
def test_what_a_step_refuses_is_named_when_somebody_asks(g, w, where, cupy):
    optimizer, rule = optimizers.SGD(0.1), optimizers.SGD.rule
    arrays = cupy.full(5, w, "float32"), cupy.full(5, g, "float32")
    rate = 1e38 if where == "values" else 0.1
    with pytest.raises(NotFinite, match=where):
        settled(rule.after_step, optimizer, -arrays[0], arrays[1], rate, 1, [])
    settled(rule.after_step, optimizer, arrays[0], arrays[0] * 0, 0.1, 1, [])  # the flag is clear


@pytest.mark.one_in(2, rest="medium")
@each_optimizer
def test_what_is_not_finite_is_noted_and_then_nothing_is_done(optimizer, cupy):
    w, g, slots = numbers_to_step(optimizer)
    twin, bad = rule_of(optimizer).compiled["cuda"], cupy.zeros((), "int32")
    for odd in (np.nan, np.inf, -np.inf):
        g[7] = odd
        given = [*map(cupy.asarray, (w, g, *slots))]
        assert twin(optimizer, *given[:2], 0.1, 3, *given[2:]) is NotImplemented
        twin(optimizer, *given[:2], 0.1, 3, *given[2:], bad=bad)
        assert bad.get() == 1
        bad[...] = 0
        updates.note_not_finite(given[0], bad)
        assert bad.get() == 0
        updates.note_not_finite(given[1], bad)
        assert bad.get() == 1
        twin(optimizer, *given[:2], 0.1, 3, *given[2:], bad=bad, in_place=True)
        assert [x.get().tobytes() for x in given] == [x.tobytes() for x in (w, g, *slots)]
        bad[...] = 0


# ---------------------------------------------------------------- how kernels are launched


def test_all_kernels_and_their_parameters_are_found():
    found = launching.kernels()
    assert found["lstm_forward"].file.name == "lstm.cu"
    assert [(p.name, str(p.dtype), p.is_array) for p in found["lstm_forward"].parameters[4:7]] == [
        ("c0", "float32", True),
        ("mask", "bool", True),
        ("gates", "float32", True),
    ]
    assert found["lstm_forward"].parameters[-1] == ("backwards", np.dtype("int32"), False)
    texts = [file.read_text("utf-8") for file in launching.folder().glob("*.cu")]
    assert len(found) == sum(text.count('extern "C"') for text in texts)


def test_where_no_texts_are_installed_the_rules_run(cupy, monkeypatch, tmp_path):
    monkeypatch.setattr(launching, "folder", lambda: tmp_path)
    launching.kernels.cache_clear()
    x = cupy.ones((2, 3), "float32")
    assert checks.twin("softmax")(x) is NotImplemented
    assert OPS["softmax"].run(x)[0].shape == (2, 3)
    launching.kernels.cache_clear()


def arguments_of_gru(cupy):
    def array(*shape):
        return cupy.ones(shape, "float32")

    weights = [array(1, 2, 9), array(9), array(3, 9), array(9), array(1, 3)]
    kept = [array(1, 2, 9), array(1, 2, 3), array(1, 2, 3), array(1, 2, 3), array(1, 3)]
    return [*weights, None, *kept, 2, 0]


@pytest.mark.medium
@pytest.mark.parametrize(
    ("place", "wrong", "error", "said"),
    [
        (0, lambda cp: cp.ones((1, 2, 9)), TypeError, "x_w is an array of float32.*not float64"),
        (0, lambda cp: np.ones((1, 2, 9), "float32"), TypeError, "on the GPU, not float32, nd"),
        (0, lambda cp: cp.ones((1, 2, 18), "float32")[..., ::2], ValueError, "x_w has gaps"),
        (2, lambda cp: cp.ones((9, 3), "float32").T, ValueError, "or another order"),
        (5, lambda cp: cp.ones((1, 2), "int32"), TypeError, "mask is an array of bool.*not int32"),
        (5, lambda cp: 3, TypeError, "mask is an array of bool on the GPU, not 3"),
        (11, lambda cp: 2.0, TypeError, "time is a whole number, not 2.0"),
        (11, lambda cp: 2**40, OverflowError, "out of bounds"),
    ],
)
def test_arguments_that_a_kernel_would_read_wrongly_are_refused(place, wrong, error, said, cupy):
    given = arguments_of_gru(cupy)
    launching.launch("gru_forward", (1,), (9,), *given, UNITS=3)
    given[place] = wrong(cupy)
    with pytest.raises(error, match=said):
        launching.launch("gru_forward", (1,), (9,), *given, UNITS=3)
    with pytest.raises(TypeError, match="takes 13 arguments, not 12"):
        launching.launch("gru_forward", (1,), (9,), *given[:-1], UNITS=3)


# ---------------------------------------------------------------- CUDA on the CPU is strict


def in_cuda(cupy, body, parameters="float *x, int n", before=""):
    text = f'{before}\nextern "C" __global__ void f({parameters}) {{ {body} }}'
    return cupy.RawModule(code=text).get_function("f")


@pytest.mark.medium
@pytest.mark.parametrize(
    ("grid", "block", "arguments", "error", "said"),
    [
        ((1,), (4,), lambda cp: (cp.ones(4, "float32"), 4), TypeError, "1 is int64, not int32"),
        ((1,), (4,), lambda cp: (cp.ones(4, "float32"), 4.0), TypeError, "float64, not int32"),
        ((1,), (4,), lambda cp: (cp.ones(4), np.int32(4)), TypeError, "not float32"),
        ((1,), (4,), lambda cp: (np.ones(4, "float32"), np.int32(4)), TypeError, "not float32"),
        ((1,), (4,), lambda cp: (None, np.int32(4)), TypeError, "NoneType"),
        ((1,), (4,), lambda cp: (cp.ones(8, "float32")[::2], np.int32(4)), ValueError, "contig"),
        ((1,), (4,), lambda cp: (cp.ones(4, "float32"),), TypeError, "1 arguments, not 2"),
        ((1,), (32, 33), lambda cp: (cp.ones(4, "float32"), np.int32(4)), ValueError, "1024"),
        ((0,), (4,), lambda cp: (cp.ones(4, "float32"), np.int32(4)), ValueError, "of size"),
        ((1, 65536), (4,), lambda cp: (cp.ones(4, "float32"), np.int32(4)), ValueError, "of size"),
    ],
)
def test_a_raw_kernel_refuses(grid, block, arguments, error, said, cupy):
    kernel = in_cuda(cupy, "x[threadIdx.x] = 2.0f;")
    x = cupy.ones(4, "float32")
    double.counts.clear()
    kernel((1,), (4,), (x, np.int32(4)))
    assert x.get().tolist() == [2] * 4 and double.counts["launch"] == 1
    with pytest.raises(error, match=said):
        kernel(grid, block, arguments(cupy))


@pytest.mark.medium
def test_threads_that_do_not_meet_are_complained_of(cupy):
    x, n = cupy.ones(4, "float32"), np.int32(4)
    for body in (
        "if (threadIdx.x) __syncthreads();",
        "if (threadIdx.x)\n__syncthreads();\nelse\n__syncthreads();",
    ):
        with pytest.raises(RuntimeError, match="do not meet at one barrier"):
            in_cuda(cupy, body)((1,), (4,), (x, n))
    helper = "__device__ void rest() { __syncthreads(); }"
    in_cuda(cupy, "rest();", before=helper)((1,), (4,), (x, n))


@pytest.mark.medium
def test_a_missing_barrier_shows_in_some_order_and_shared_memory_is_not_0(cupy):
    body = "__shared__ float a[4]; int i = threadIdx.x; a[i] = x[i]; BARRIER x[i] = a[(i + 1) % 4];"
    for barrier, is_right in (("__syncthreads();", True), ("", False)):
        right = []
        for order in raw_module.ORDERS:
            raw_module.order = order
            x = cupy.asarray(np.arange(4, dtype="float32"))
            in_cuda(cupy, body.replace("BARRIER", barrier))((1,), (4,), (x, np.int32(4)))
            right.append(x.get().tolist() == [1, 2, 3, 0])
        assert all(right) == is_right
    x = cupy.ones(1, "float32")
    in_cuda(cupy, "__shared__ float a[4]; x[0] = a[0];")((1,), (1,), (x, np.int32(4)))
    assert np.isnan(x.get()[0])


@pytest.mark.exhaustive
def test_every_place_that_is_read_or_written_is_in_an_array():
    run = checks.sanitized(",".join(TWINS))
    assert run.returncode == 0, run.stderr


# ---------------------------------------------------------------- compilers for GPUs

needs_nvrtc = pytest.mark.skipif(
    nvrtc.library() is None, reason="no NVRTC: python -m pip install nvidia-cuda-nvrtc"
)
FILES = [file.stem for file in sorted(launching.folder().glob("*.cu"))]
UNITS = {"lstm": (3, 32, 96, 97, 128, 129, 192, 256), "gru": (3, 32, 96, 97, 128, 129, 192, 256)}
UNITS["products"] = tuple(products.BLOCKS)


def complaints_of(file, chip, units):
    defined = products.BLOCKS.get(units, {"UNITS": units} if units else {})
    options = ["-std=c++17", *(f"-D{name}={value}" for name, value in defined.items())]
    text = launching.text_of(launching.folder() / f"{file}.cu")
    return nvrtc.complaints(nvrtc.compiled(text, options, chip))


@pytest.mark.one_in(5, rest="exhaustive")
@pytest.mark.medium
@needs_nvrtc
@pytest.mark.parametrize("file", FILES)
def test_a_gpu_computes_in_single_precision_and_in_registers(file):
    for chip in nvrtc.CHIPS[1:2]:
        for units in UNITS.get(file, (0, 0))[1:2]:
            assert complaints_of(file, chip, units) == []


@pytest.mark.exhaustive
@needs_nvrtc
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("chip", nvrtc.CHIPS)
def test_every_gpu_computes_in_single_precision_and_in_registers(file, chip):
    for units in UNITS.get(file, (0,)):
        assert complaints_of(file, chip, units) == [], units


@needs_nvrtc
def test_what_a_compiler_says_of_a_wrong_text_is_told():
    with pytest.raises(SyntaxError, match=r"identifier .y. is undefined"):
        nvrtc.compiled('extern "C" __global__ void f(float *x) { x[0] = y; }', [], 90)
