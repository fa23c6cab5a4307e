"""Reference values of simple layers -> layers_basic.npz (versions and how to run: common.py).

dense_2d, dense_3d
    x, kernel, bias, upstream of the cases dense_2d_<activation> and dense_3d_<activation> (some
    activations only), which hold output, grad_x, grad_kernel, grad_bias
embedding, embedding_mask_zero
    x (ids, repeated), embeddings, upstream, output, grad_embeddings, mask (where mask_zero is set;
    it changes neither output nor gradient: row 0 is looked up like any other)
concatenate ... dot
    x1, x2 (x3), upstream, output, grad_x1, grad_x2 (grad_x3)
reshape ... softmax
    x, upstream, output, grad_x; prelu also alpha, grad_alpha
l1, l2, l1_l2
    x (with a zero entry), value, grad
initializers
    one JSON text, {initializer_kernel: facts}. In theory: shape, fan_in, fan_out; `limit` of a
    uniform one, `stddev` of a normal one (of the result) and, where the normal is truncated, `cut`
    = two standard deviations of the normal before it was truncated. Measured over many kernels:
    mean, std, max (of |x|), and `beyond` = how many of `count` numbers lie beyond `cut`. None
    should, but on the torch backend Keras tries each number only 4 times, so a few in a million do.
"""

import json

import numpy as np
import torch

from common import Book, as_array, distinct, draw, generator, keras, layer_case

ACTIVATIONS = [
    "linear",
    "relu",
    "sigmoid",
    "tanh",
    "softmax",
    "elu",
    "selu",
    "softplus",
    "softsign",
    "gelu",
    "silu",
    "leaky_relu",
    "hard_sigmoid",
    "exponential",
]
ACTIVATIONS_3D = ["linear", "relu", "softmax", "gelu"]


def hard_sigmoid(x):
    """The activation of that name in full precision: the pullback in torch uses 1/6 in float32."""
    return keras.ops.clip(x / 6.0 + 0.5, 0.0, 1.0)


def record_dense(book):
    for group, shape in (("dense_2d", (4, 4)), ("dense_3d", (2, 3, 4))):
        rng = generator(group)
        shared = {
            "x": draw(rng, *shape, scale=1.5),
            "kernel": draw(rng, 4, 3),
            "bias": draw(rng, 3),
            "upstream": draw(rng, *shape[:-1], 3),
        }
        book.put(group, **shared)
        for activation in ACTIVATIONS if group == "dense_2d" else ACTIVATIONS_3D:
            case = f"{group}_{activation}"
            config = {"class": "Dense", "units": 3, "activation": activation}
            book.configs[case] = config
            function = hard_sigmoid if activation == "hard_sigmoid" else activation
            layer = keras.layers.Dense(3, activation=function)
            layer.build(shape)
            layer.set_weights([shared["kernel"], shared["bias"]])
            x = torch.tensor(shared["x"], requires_grad=True)
            output = layer(x)
            loss = (output * torch.tensor(shared["upstream"])).sum()
            gradients = torch.autograd.grad(loss, [x, layer.kernel.value, layer.bias.value])
            names = ("grad_x", "grad_kernel", "grad_bias")
            gradients = dict(zip(names, map(as_array, gradients), strict=True))
            book.put(case, output=as_array(output), **gradients)


def record_embedding(book):
    ids = np.array([[3, 1, 0, 0], [2, 3, 3, 0], [5, 1, 3, 4]], dtype="int32")
    config = {"class": "Embedding", "input_dim": 6, "output_dim": 3}
    layer_case(book, "embedding", config, {"x": ids})
    config = {**config, "mask_zero": True}
    mask = keras.layers.Embedding(6, 3, mask_zero=True).compute_mask(torch.tensor(ids))
    layer_case(book, "embedding_mask_zero", config, {"x": ids}, mask=as_array(mask))


# case: (config, shapes of the inputs)
MERGES = {
    "concatenate": ({"class": "Concatenate"}, [(3, 4), (3, 2)]),
    "concatenate_axis_1": ({"class": "Concatenate", "axis": 1}, [(2, 3, 2), (2, 1, 2)]),
    "add": ({"class": "Add"}, [(3, 4), (3, 4), (3, 4)]),
    "subtract": ({"class": "Subtract"}, [(3, 4), (3, 4)]),
    "multiply": ({"class": "Multiply"}, [(3, 4), (3, 4)]),
    "average": ({"class": "Average"}, [(3, 4), (3, 4)]),
    "maximum": ({"class": "Maximum"}, [(3, 4), (3, 4)]),
    "minimum": ({"class": "Minimum"}, [(3, 4), (3, 4)]),
    "multiply_broadcast": ({"class": "Multiply"}, [(3, 4, 2), (3, 1, 2)]),
    "dot": ({"class": "Dot", "axes": 1}, [(3, 4), (3, 4)]),
    "dot_normalize": ({"class": "Dot", "axes": 1, "normalize": True}, [(3, 4), (3, 4)]),
    "dot_axes_1": ({"class": "Dot", "axes": 1}, [(2, 3, 4), (2, 3, 2)]),
    "dot_axes_2_1": ({"class": "Dot", "axes": [2, 1]}, [(2, 3, 4), (2, 4, 2)]),
    "dot_axes_2_normalize": (
        {"class": "Dot", "axes": 2, "normalize": True},
        [(2, 3, 4), (2, 2, 4)],
    ),
}

# case: (config, shape of the input)
SHAPES = {
    "reshape": ({"class": "Reshape", "target_shape": [4, -1]}, (2, 3, 8)),
    "permute": ({"class": "Permute", "dims": [3, 1, 2]}, (2, 2, 3, 2)),
    "relu_max": (
        {"class": "ReLU", "max_value": 1.0, "negative_slope": 0.25, "threshold": 0.5},
        (4, 6),
    ),
    "elu": ({"class": "ELU", "alpha": 0.5}, (2, 4)),
    "prelu": ({"class": "PReLU"}, (3, 4)),
    "softmax": ({"class": "Softmax"}, (2, 4)),
    "softmax_axis_1": ({"class": "Softmax", "axis": 1}, (2, 3, 2)),
}


def record_merges_and_shapes(book):
    for case, (config, shapes) in MERGES.items():
        rng = generator(case + " inputs")
        inputs = {f"x{i}": distinct(rng, *shape) for i, shape in enumerate(shapes, start=1)}
        if len(set(shapes)) == 1:  # no two inputs share an entry: Maximum needs a single winner
            inputs = {name: array + i / 512 for i, (name, array) in enumerate(inputs.items())}
        layer_case(
            book, case, config, inputs, call=lambda layer, tensors: layer(list(tensors.values()))
        )
    for case, (config, shape) in SHAPES.items():
        rng = generator(case + " inputs")
        layer_case(book, case, config, {"x": distinct(rng, *shape) * 8})


def record_regularizers(book):
    x = draw(generator("regularizers"), 3, 4)
    x[1, 2] = 0.0
    for case, config in {
        "l1": {"class": "L1", "l1": 0.03},
        "l2": {"class": "L2", "l2": 0.02},
        "l1_l2": {"class": "L1L2", "l1": 0.03, "l2": 0.02},
    }.items():
        book.configs[case] = config
        arguments = {key: value for key, value in config.items() if key != "class"}
        tensor = torch.tensor(x, requires_grad=True)
        value = getattr(keras.regularizers, config["class"])(**arguments)(tensor)
        (gradient,) = torch.autograd.grad(value, [tensor])
        book.put(case, x=x, value=as_array(value), grad=as_array(gradient))


KERNELS = {"dense": ((30, 50), 30, 50), "conv": ((3, 3, 5, 8), 45, 72)}
FAMILIES = {
    "glorot": lambda fi, fo: (fi + fo) / 2,
    "he": lambda fi, fo: fi,
    "lecun": lambda fi, fo: fi,
}
SAMPLES = 400
TRUNCATED_STD = 0.87962566103423978  # std of a unit normal cut off at 2


def measured(name, shape, cut=None, **arguments):
    """Facts about the numbers in SAMPLES kernels."""
    kernels = []
    for seed in range(SAMPLES):
        initializer = keras.initializers.get({"class_name": name, "config": {"seed": seed}})
        kernels.append(as_array(initializer(shape)))
    size = np.abs(kernels)
    facts = {
        "mean": np.mean(kernels),
        "std": np.std(kernels),
        "max": size.max(),
        "count": size.size,
    }
    return facts if cut is None else {**facts, "beyond": int((size > cut).sum())}


def record_initializers(book):
    facts = {}
    for kernel, (shape, fan_in, fan_out) in KERNELS.items():
        for family, fan in FAMILIES.items():
            std = np.sqrt((2.0 if family == "he" else 1.0) / fan(fan_in, fan_out))
            uniform, normal = (
                {"limit": np.sqrt(3) * std},
                {"stddev": std, "cut": 2 * std / TRUNCATED_STD},
            )
            for kind, theory in (("uniform", uniform), ("normal", normal)):
                theory = {"shape": shape, "fan_in": fan_in, "fan_out": fan_out, **theory}
                name = f"{family}_{kind}"
                facts[f"{name}_{kernel}"] = {**theory, **measured(name, **theory)}
    for name, theory in {
        "random_normal": {"shape": (30, 50), "stddev": 0.05},
        "random_uniform": {"shape": (30, 50), "limit": 0.05},
        "truncated_normal": {"shape": (30, 50), "stddev": 0.05 * TRUNCATED_STD, "cut": 0.1},
    }.items():
        facts[name] = {**theory, **measured(name, **theory)}
    book.arrays["initializers"] = np.array(json.dumps(facts))


def main():
    book = Book("layers_basic.npz")
    record_dense(book)
    record_embedding(book)
    record_merges_and_shapes(book)
    record_regularizers(book)
    record_initializers(book)
    book.save()


if __name__ == "__main__":
    main()
