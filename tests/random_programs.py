"""Networks as users write them, drawn at random. Each is a program: text that can be pasted.

Layers and models that are shared, models within models, layers within layers, forks and merges,
parameters of one's own, operators between layers, masks, batch normalization, dropout,
regularizers, frozen parts, gradients that are stopped, several losses on one output or none, added
losses, losses of weight 0, labels that are missing, sample weights, inputs that are outputs, too;
on request, names that collide or hold odd characters.
"""

import inspect
from dataclasses import dataclass, field, replace

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import layers as L

SAMPLES, STEPS, WIDTH = 6, 4, 3
ODD_NAMES = ["a", "b", "a b", "a/b", "a/b/kernel", "a:1", "a_1", "a_loss", "loss", "x", "ü", "$a$"]
ODD_NAMES += ["'", '"', "\\", "{a}", "regularization", "a_op", "weight/a", "dense", "added_loss"]
ACTIVATIONS = "tanh", "linear", "sigmoid", "softplus", "relu"
LOSSES = "'mse'", "'huber'", "['mse', 'mae']", "'log_cosh'"
WEIGHTS = 1.0, 0.0, 0.1, 2.5, -0.5
RATE = "tg.optimizers.SGD(1.0)"
TRAINED = (  # by what a training law chooses
    "tg.optimizers.SGD(0.01)",
    "tg.optimizers.SGD(0.01, momentum=0.9, clipnorm=1.0)",
    "tg.optimizers.Adam(0.01)",
    "tg.optimizers.RMSprop(0.01)",
)


class Block(L.Layer):
    """A layer of one's own with layers in a list and a dict, and a parameter of its own."""

    passes_mask = True

    def __init__(self, width, **options):
        super().__init__(**options)
        self.width = width
        self.parts = [L.Dense(width, activation="tanh"), L.Dense(width)]
        self.named = {"norm": L.BatchNormalization()}
        self.scale = tg.Parameter(np.ones(width), "scale")

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return self.named["norm"](x) * self.scale


class Draw:
    """Choices, by whoever makes them: a seed, or Hypothesis, which prefers the first and the small.

    Parameters
    ----------
    integer : function of (low, high)
        Returns a whole number, both ends included.
    """

    def __init__(self, integer):
        self.integer = integer

    def one_of(self, *choices):
        return choices[self.integer(0, len(choices) - 1)]

    def chance(self, percent):
        return self.integer(0, 99) >= 100 - percent


@dataclass(frozen=True)
class Line:
    """A line of a program: what it makes, and from what.

    `kind` is "input", "layer" (which has weights, or may have), "model" or "tensor"; `uses` are the
    names of lines from which this is computed; of a gradient that is stopped, `stops` is true.
    """

    name: str
    text: str
    kind: str = "tensor"
    uses: tuple[str, ...] = ()
    stops: bool = False


@dataclass(frozen=True)
class Program:
    """Lines up to the model's outputs, and the lines that make, compile and feed it.

    Attributes
    ----------
    outputs : dict of str
        By name of output the line that makes it.
    added : dict of str
        The same by name of added loss.
    """

    lines: tuple[Line, ...]
    outputs: dict[str, str]
    added: dict[str, str]
    rest: tuple[str, ...] = field(default=())

    @property
    def text(self):
        return "\n".join([*(line.text for line in self.lines), *self.rest]) + "\n"

    def __repr__(self):
        """The whole program, to be pasted."""
        head = "import numpy as np\nimport tinygrad_mo as tg\nfrom tinygrad_mo import layers as L\n"
        block = "\n\n" + inspect.getsource(Block) + "\n\n" if "Block(" in self.text else ""
        start = 'tg.use(floatx="float64")\ntg.set_random_seed(0)\nrandom = np.random.default_rng(0)'
        return f"\n{head}{block}\n{start}\n{self.text}"

    def build(self):
        """Run it: what its names mean, among them `model`, `x`, `y` and `sample_weight`."""
        tg.set_random_seed(0)
        names = {"np": np, "tg": tg, "L": L, "Block": Block, "random": np.random.default_rng(0)}
        with tg.use(floatx="float64"):
            exec(compile(self.text, "program.py", "exec"), names)
        return names


class Writer:
    """Writes a program line by line."""

    def __init__(self, draw, odd_names=False):
        self.draw, self.odd_names = draw, odd_names
        self.lines, self.numbers = [], {}
        self.width = {}  # of the vectors so far
        self.sequences, self.layers, self.models = [], [], []

    def new(self, letter, text, kind="tensor", uses=(), stops=False):
        """A line that gives a new name to what `text` makes."""
        number = self.numbers[letter] = self.numbers.get(letter, -1) + 1
        name = f"{letter}{number}"
        self.lines.append(Line(name, f"{name} = {text}", kind, tuple(uses), stops))
        return name

    def vector(self, text, uses, width=WIDTH, **options):
        name = self.new("h", text, uses=uses, **options)
        self.width[name] = width
        return name

    def name(self):
        """An argument that names a layer, or none."""
        if self.odd_names and self.draw.chance(50):
            return f", name={self.draw.one_of(*ODD_NAMES)!r}"
        return ""

    def regularizer(self):
        return self.draw.one_of(
            "", "", "", ", kernel_regularizer='l2'", ", kernel_regularizer='l1'"
        )

    # ------------------------------------------------------------ inputs

    def vector_input(self):
        name = self.new("x", "", "input")
        own = self.draw.one_of(*ODD_NAMES) if self.odd_names and self.draw.chance(50) else name
        self.lines[-1] = replace(
            self.lines[-1], text=f"{name} = tg.Input(({WIDTH},), name={own!r})"
        )
        self.width[name] = WIDTH

    def sequence_input(self):
        name = f"x{self.numbers.get('x', -1) + 1}"
        self.new("x", f"tg.Input(({STEPS},), dtype='int32', name={name!r})", "input")
        mask = ", mask_zero=True" if self.draw.chance(60) else ""
        table = self.new("l", f"L.Embedding(5, {WIDTH}{mask}{self.name()})", "layer")
        h = self.new("s", f"{table}({name})", uses=(table, name))
        if self.draw.chance(30):
            h = self.new("s", f"{h} * 1.5", uses=(h,))
        if self.draw.chance(50):
            every = self.draw.one_of(
                f"L.Dense({WIDTH})",
                f"L.LSTM({WIDTH}, return_sequences=True)",
                "L.BatchNormalization()",
            )
            layer = self.new("l", every, "layer")
            h = self.new("s", f"{layer}({h})", uses=(layer, h))
        self.sequences.append(h)
        last = self.draw.one_of(
            "L.GlobalAveragePooling1D()",
            f"L.LSTM({WIDTH})",
            f"L.GRU({WIDTH})",
            f"L.SimpleRNN({WIDTH})",
            "L.Bidirectional(L.LSTM(2))",
        )
        layer = self.new("l", last, "layer")
        self.vector(f"{layer}({h})", (layer, h), 4 if "Bidirectional" in last else WIDTH)

    # ------------------------------------------------------------ what stands between

    def some_vector(self, width=None):
        known = [h for h, w in self.width.items() if width in (None, w)]
        if not known:
            self.vector_input()
            return self.some_vector(width)
        return self.draw.one_of(*known[::-1])

    def dense(self, width=WIDTH, activation=None):
        activation = activation or self.draw.one_of(*ACTIVATIONS)
        return f"L.Dense({width}, {activation!r}{self.regularizer()}{self.name()})"

    def layer_for_vector(self):
        return self.draw.one_of(
            self.dense(),
            f"L.BatchNormalization(momentum=0.5{self.name()})",
            "L.LayerNormalization()",
            "L.Dropout(0.4)",
            f"L.Activation({self.draw.one_of(*ACTIVATIONS)!r})",
            f"Block({WIDTH}{self.name()})",
            f"L.Dense({WIDTH}, use_bias=False)",
        )

    def call_layer(self):
        x = self.some_vector()
        text = self.layer_for_vector() if self.width[x] == WIDTH else self.dense()
        layer = self.new("l", text, "layer")
        if self.width[x] == WIDTH:
            self.layers.append(layer)
        self.vector(f"{layer}({x})", (layer, x))

    def call_layer_again(self):
        if not self.layers:
            return self.call_layer()
        layer, x = self.draw.one_of(*self.layers), self.some_vector(WIDTH)
        return self.vector(f"{layer}({x})", (layer, x))

    def merge(self):
        x = self.some_vector()
        how = self.draw.one_of(
            "add", "multiply", "average", "concatenate", "subtract", "maximum", "minimum", "plus"
        )
        y = self.some_vector(None if how == "concatenate" else self.width[x])
        if how == "concatenate":
            self.vector(f"L.concatenate([{x}, {y}])", (x, y), self.width[x] + self.width[y])
        elif how == "plus":
            self.vector(f"{x} + {y}", (x, y), self.width[x])
        else:
            self.vector(f"L.{how}([{x}, {y}])", (x, y), self.width[x])

    def operate(self):
        x = self.some_vector()
        how = self.draw.one_of("* 0.5", "parameter", "tanh", "/ (2 + square)")
        if how == "parameter":
            p = self.new("p", f"tg.Parameter(np.full({self.width[x]}, 0.8), 'factor')", "layer")
            self.vector(f"{x} * {p}", (x, p), self.width[x])
        else:
            text = {"* 0.5": f"{x} * 0.5", "tanh": f"np.tanh({x})"}
            text = text.get(how, f"{x} / (2.0 + np.square({x}))")
            self.vector(text, (x,), self.width[x])

    def stop(self):
        x = self.some_vector()
        self.vector(f"tg.stop_gradient({x})", (x,), self.width[x], stops=True)

    def new_model(self):
        """A model of one or two outputs, of which one may be made with a model, too."""
        z = self.new("z", f"tg.Input(({WIDTH},))", "input")
        first = self.new("l", self.dense(), "layer")
        outputs = [self.new("u", f"{first}({z})", uses=(first, z))]
        inner = self.draw.one_of(None, *self.models)
        if inner is not None:
            outputs = self.called(inner, outputs[0], letter="u")[:1]
        if self.draw.chance(30):
            other = self.new("l", f"L.Dense({WIDTH}{self.name()})", "layer")
            start = self.draw.one_of(z, outputs[0])
            outputs.append(self.new("u", f"{other}({start})", uses=(other, start)))
        ends = outputs[0] if len(outputs) == 1 else f"[{', '.join(outputs)}]"
        model = self.new("m", f"tg.Model({z}, {ends}{self.name()})", "model", outputs)
        self.models.append((model, outputs))
        return self.models[-1]

    def called(self, model, x, letter="h"):
        """The names of the outputs of a model that is used as a layer.

        They reach what the model's own outputs reach, and what it is called with.
        """
        name, outputs = model
        if len(outputs) == 1:
            return [self.new(letter, f"{name}({x})", uses=(name, *outputs, x))]
        every = self.new("o", f"{name}({x})", "model", (name, x))
        return [
            self.new(letter, f"{every}[{n}]", uses=(every, one, x)) for n, one in enumerate(outputs)
        ]

    def call_model(self):
        model = self.draw.one_of(None, *self.models) or self.new_model()
        for h in self.called(model, self.some_vector(WIDTH)):
            self.width[h] = WIDTH

    def grow(self):
        self.draw.one_of(
            self.call_layer,
            self.merge,
            self.call_layer_again,
            self.call_model,
            self.operate,
            self.call_layer,
            self.stop,
        )()

    # ------------------------------------------------------------ outputs

    def output(self, number):
        """The line that makes an output, its loss, and its labels."""
        kind = self.draw.one_of("number", "binary", "class", "vector", "steps", "input")
        name = self.name() or (f", name='out_{number}'" if self.draw.chance(50) else "")
        if kind == "steps" and self.sequences:
            h = self.draw.one_of(*self.sequences)
            layer = self.new("l", f"L.Dense(2{name})", "layer")
            labels = f"random.normal(size=({SAMPLES}, {STEPS}, 2))"
            return self.new("o", f"{layer}({h})", uses=(layer, h)), "'mse'", labels
        if kind in ("vector", "input"):
            inputs = [line.name for line in self.lines if line.name in self.width][:1]
            h = self.some_vector() if kind == "vector" else inputs[0]
            labels = f"random.normal(size=({SAMPLES}, {self.width[h]}))"
            return h, self.draw.one_of("'mse'", "'mae'"), labels
        h = self.some_vector()
        width, activation, loss, labels = {
            "number": (2, "linear", self.draw.one_of(*LOSSES), "random.normal(size=({0}, 2))"),
            "binary": (
                1,
                "sigmoid",
                "'binary_crossentropy'",
                "random.integers(0, 2, ({0}, 1)) * 1.0",
            ),
            "class": (3, "softmax", "'sparse_categorical_crossentropy'", CLASSES),
        }.get(kind, (1, "linear", "'mse'", "random.normal(size=({0}, 1))"))
        text = f"L.Dense({width}, {activation!r}{self.regularizer()}{name})"
        layer = self.new("l", text, "layer")
        return self.new("o", f"{layer}({h})", uses=(layer, h)), loss, labels.format(SAMPLES)


CLASSES = "random.integers(0, 3, {0}) * 1.0"


def needed(lines, ends):
    """The lines that are used by those called `ends`, directly or not."""
    used, kept = set(ends), []
    for line in reversed(lines):
        if line.name in used:
            used |= set(line.uses)
            kept.append(line)
    return tuple(kept[::-1])


def random_program(draw, odd_names=False, optimizers=(RATE,)):
    """A program, from choices.

    Parameters
    ----------
    draw : Draw
    odd_names : bool
        Draw names that collide or hold odd characters, too. The library may refuse them.
    optimizers : sequence of str
        One of them is drawn.
    """
    writer = Writer(draw, odd_names)
    for _ in range(draw.integer(1, 3)):
        draw.one_of(writer.vector_input, writer.vector_input, writer.sequence_input)()
    for _ in range(draw.integer(0, 7)):
        writer.grow()
    outputs, losses, labels = {}, {}, {}
    for number in range(draw.integer(1, 4)):
        name = draw.one_of(*ODD_NAMES) if odd_names else f"out_{number}"
        outputs[name], losses[name], labels[name] = writer.output(number)
        others = [loss for other, loss in losses.items() if other != name and loss != "None"]
        if others and draw.chance(20):
            losses[name] = "None"
    lines = needed(writer.lines, outputs.values())
    vectors = [line.name for line in lines if line.name in writer.width]
    added = {"small": draw.one_of(*vectors)} if vectors and draw.chance(25) else {}
    weights = {name: draw.one_of(*WEIGHTS) for name in [*outputs, *added]}
    inputs = [line for line in lines if line.kind == "input" and line.name[0] == "x"]
    rest = [
        *made(inputs, outputs, added),
        *frozen(draw, lines),
        *compiled(draw.one_of(*optimizers), losses, weights),
        *fed(draw, inputs, labels),
    ]
    return Program(lines, outputs, added, tuple(rest))


def made(inputs, outputs, added):
    ends = ", ".join(f"{name!r}: {h}" for name, h in outputs.items())
    yield f"model = tg.Model([{', '.join(line.name for line in inputs)}], {{{ends}}})"
    for name, h in added.items():
        yield f"model.add_loss(({h} ** 2.0).mean(), {name!r}, 0.3)"


def frozen(draw, lines):
    for line in lines:
        if line.kind == "layer" and line.name[0] == "l" and draw.chance(10):
            yield f"{line.name}.trainable = False"


def compiled(optimizer, losses, weights):
    given = ", ".join(f"{name!r}: {loss}" for name, loss in losses.items())
    yield f"model.compile({optimizer}, {{{given}}})"
    yield f"weights = {weights}"
    yield "model.loss_weights = {n: weights.get(n, 1.0) for n in model.loss_weights}"


def fed(draw, inputs, labels):
    """The data: some labels are missing, some samples have weights."""
    yield "x = ["
    for line in inputs:
        if "int32" in line.text:
            yield f"    random.integers(1, 5, ({SAMPLES}, {STEPS}))"
            yield f"    * (np.arange({STEPS}) < random.integers(1, {STEPS + 1}, ({SAMPLES}, 1))),"
        else:
            yield f"    random.normal(size=({SAMPLES}, {WIDTH})),"
    yield "]"
    yield "y = {"
    for name, label in labels.items():
        yield f"    {name!r}: {label},"
    yield "}"
    for name in labels:
        if draw.chance(20):
            yield f"y[{name!r}][{draw.integer(0, SAMPLES - 1)}] = np.nan"
    weighted = [name for name in labels if draw.chance(20)]
    each = ", ".join(f"{name!r}: random.uniform(0.2, 2, {SAMPLES})" for name in weighted)
    yield f"sample_weight = {{{each}}}" if weighted else "sample_weight = None"


def random_model(seed):
    """A compiled model in float64 with SGD(1.0), and a batch (x, y, sample_weight)."""
    random = np.random.default_rng(seed)
    program = random_program(Draw(lambda low, high: int(random.integers(low, high + 1))))
    names = program.build()
    return names["model"], (names["x"], names["y"], names["sample_weight"])
