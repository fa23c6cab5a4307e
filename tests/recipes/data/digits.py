"""Build tinygrad_mo/data/digits.npz: 1797 handwritten digits, 8x8 pixels, and their forms.

Source    PyPI package scikit-learn 1.9.1, `load_digits`: the test part of the data set "Optical
          Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998, UCI repository).
Licence   scikit-learn: BSD-3-Clause. Data set: CC BY 4.0, as the UCI repository states.
Needs     from PyPI: numpy 2.4.6, scikit-learn 1.9.1.
Run       python tests/recipes/data/digits.py

Two things are ours. The number of the form, so that a network has a second thing to learn: who
wrote it? And a fifth of every digit is held back.
"""

import numpy as np
from sklearn.datasets import load_digits

import pack

# Every writer filled in the same printed form of 130 digits (a few got lost), and the file keeps
# them in that order. Hence a new form starts wherever "0123456789" comes three times, followed by
# "0955650989". That makes 14 forms, though the source names 13 writers: one may have filled in
# two of them.
FORM_STARTS = [0, 130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667]


def main():
    images, digits = load_digits(return_X_y=True)
    forms = np.searchsorted(FORM_STARTS, np.arange(len(digits)), side="right") - 1
    pack.write_checked_npz(
        "digits",
        {
            "image": images.reshape(-1, 8, 8).astype(np.uint8),  # 0 (white) to 16 (black)
            "digit": digits.astype(np.uint8),
            "form": forms.astype(np.uint8),
            "test": pack.hold_back(digits.tolist()),
        },
    )


if __name__ == "__main__":
    main()
