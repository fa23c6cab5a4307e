"""Networks as others have written them: a page for each, and what is said of it.

Run     python tests/frameworks/public.py [NAME ...]
where torch, torchvision and timm are installed. Weights are random, data noise: that all gradients
are those of PyTorch is asserted, and that nothing of the module is changed.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import timm
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import detection, googlenet, inception_v3, segmentation

import tinygrad_mo as tg

PLAIN = {"weights": None, "num_classes": 5}
BARE = PLAIN | {"weights_backbone": None}
SMALL = BARE | {"min_size": 96, "max_size": 96}


def kinds(x):
    return F.cross_entropy(x, torch.zeros(len(x), *x.shape[2:], dtype=torch.long))


def of_each(model, x):
    """A loss for each output, by name or place."""
    found = model(x)
    named = found.items() if isinstance(found, dict) else zip(("main", "aux"), found, strict=False)
    return {name: kinds(y) if y.shape[1] > 1 else y.square().mean() for name, y in named}


def own(model, batch):
    """A detector computes its losses itself."""
    return model(*batch)


class Heads(nn.Module):
    """Two tasks on a network of timm."""

    def __init__(self, name, **settings):
        super().__init__()
        self.base = timm.create_model(name, num_classes=0, **settings)
        width = getattr(self.base, "head_hidden_size", None) or self.base.num_features
        self.kind, self.angle = nn.Linear(width, 5), nn.Linear(width, 1)

    def forward(self, x):
        h = self.base(x)
        return {"kind": self.kind(h), "angle": self.angle(h)}


def distilled():
    model = timm.create_model("deit_tiny_distilled_patch16_224", num_classes=5, img_size=96)
    model.set_distilled_training(True)
    return model


def networks():
    """By name: who makes it, its losses, its data."""
    picture, large = torch.randn(2, 3, 96, 96), torch.randn(2, 3, 299, 299)
    box = {"boxes": torch.tensor([[5.0, 5.0, 40.0, 50.0]]), "labels": torch.tensor([1])}
    boxes = [torch.rand(3, 96, 96), torch.rand(3, 96, 80)], [box, box]
    once = {"aux_logits": True, "init_weights": False}
    return {
        "googlenet": (lambda: googlenet(**PLAIN, **once), of_each, picture),
        "inception": (lambda: inception_v3(**PLAIN, **once), of_each, large),
        "fcn": (lambda: segmentation.fcn_resnet50(**BARE, aux_loss=True), of_each, picture),
        "lraspp": (lambda: segmentation.lraspp_mobilenet_v3_large(**BARE), of_each, picture),
        "ssdlite": (lambda: detection.ssdlite320_mobilenet_v3_large(**BARE), own, boxes),
        "retinanet": (lambda: detection.retinanet_resnet50_fpn(**SMALL), own, boxes),
        "fasterrcnn": (
            lambda: detection.fasterrcnn_mobilenet_v3_large_320_fpn(**SMALL), own, boxes,
        ),
        "vit": (lambda: Heads("vit_tiny_patch16_224", img_size=96), of_each, picture),
        "convnext": (lambda: Heads("convnext_atto"), of_each, picture),
        "efficientnet": (lambda: Heads("efficientnet_lite0"), of_each, picture),
        "deit": (distilled, of_each, picture),
    }  # fmt: skip


def check(flow, model, losses, batch):
    named = dict(model.named_parameters())
    for loss, value in losses(model, batch).items():
        found = torch.autograd.grad(value, named.values(), retain_graph=True, allow_unused=True)
        for name, g in zip(named, found, strict=True):
            size = 0.0 if g is None else float(g.double().norm())
            assert flow.reaches(loss, name) == (g is not None), (loss, name)
            assert abs(flow.norm(loss, name) - size) <= 1e-6 * size, (loss, name)


def main(names):
    warnings.simplefilter("ignore")
    for name, (make, losses, batch) in networks().items():
        if names and name not in names:
            continue
        torch.manual_seed(0)
        model = make()
        before = {key: x.clone() for key, x in model.state_dict().items()}
        flow = tg.flow.of_torch(model, losses, batch)
        assert all(torch.equal(x, before[key]) for key, x in model.state_dict().items())
        check(flow, model, losses, batch)
        page = Path(tempfile.mkdtemp(), f"{name}.html")
        flow.save(page)
        print(f"{name}: {len(flow.nodes)} cards, {len(flow.wires)} wires, {page}", *flow.notes)


if __name__ == "__main__":
    main(sys.argv[1:])
