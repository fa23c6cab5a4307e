"""The picture in the README of a network that others have written: torchvision's DeepLabV3.

Run     python tests/benchmarks/torch_picture.py lessons/pictures/deeplabv3.png
where torch and torchvision are installed. The weights are random, the pictures noise: it shows who
can train what, not how well.
"""

import sys

import torch
import torchvision
from torch.nn.functional import cross_entropy

import tinygrad_mo as tg


def losses(model, batch):
    found = model(batch["image"])
    return {name: cross_entropy(found[name], batch["mask"]) for name in ("out", "aux")}


def main(path):
    torch.manual_seed(0)
    model = torchvision.models.segmentation.deeplabv3_resnet50(
        weights=None, weights_backbone=None, aux_loss=True, num_classes=5
    )
    batch = {"image": torch.randn(2, 3, 65, 65), "mask": torch.randint(0, 5, (2, 65, 65))}
    tg.flow.of_torch(model, losses, batch, weights={"aux": 0.5}).figure(path)


if __name__ == "__main__":
    main(sys.argv[1])
