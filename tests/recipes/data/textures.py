"""Build tinygrad_mo/data/textures.npz: 256 patches of photographs of brick, grass and gravel.

Source    PyPI package scikit-image 0.26.0, the photographs `brick`, `grass` and `gravel`, 512x512
          pixels.
Licence   Photographs: CC0 1.0 (brick and gravel from cc0textures.com, grass by linolafett on
          deviantart.com). scikit-image: BSD-3-Clause.
Needs     from PyPI: numpy 2.4.6, scikit-image 0.26.0.
Run       python tests/recipes/data/textures.py

Two things are ours. Each photograph makes 16x16 patches that do not overlap, and every place of
this grid is taken from just one of the three, in turn: place and texture tell nothing about each
other. And a fifth of every texture is held back.
"""

import numpy as np
from skimage import data

import pack

TEXTURES = ["brick", "grass", "gravel"]
SIZE = 32
GRID = 16


def main():
    rows, columns = (place.ravel() for place in np.indices((GRID, GRID)))
    textures = (rows + columns) % len(TEXTURES)
    photographs = [data.brick(), data.grass(), data.gravel()]
    images = [
        photographs[texture][row * SIZE : (row + 1) * SIZE, column * SIZE : (column + 1) * SIZE]
        for texture, row, column in zip(textures, rows, columns, strict=True)
    ]
    pack.write_checked_npz(
        "textures",
        {
            "image": np.stack(images),
            "texture": textures.astype(np.uint8),
            "texture_names": pack.text_to_array(TEXTURES),
            "row": rows.astype(np.uint8),  # place of the patch in its photograph, from the top left
            "column": columns.astype(np.uint8),
            "test": pack.hold_back(textures.tolist()),
        },
    )


if __name__ == "__main__":
    main()
