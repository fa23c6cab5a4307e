"""Build tinygrad_mo/data/cars.npz: price, mileage, make, body and equipment of 804 used cars.

Source    Debian package r-cran-modeldata 1.1.0-1 (R package modeldata 1.1.0), object `car_prices`:
          cars of General Motors, all of model year 2005, priced by the Kelley Blue Book,
          collected by S. Kuiper ("Introduction to Multiple Regression: How Much Is Your Car
          Worth?", Journal of Statistics Education 16, 2008).
Licence   R package: MIT.
Needs     apt-get and dpkg-deb (any Debian that offers the package), and from PyPI: numpy 2.4.6,
          rdata 1.1.0.
Run       python tests/recipes/data/cars.py [r-cran-modeldata_1.1.0-1_all.deb]

Two things are ours. Make and body are yes-or-no columns in the source (Buick, Cadillac, ...), here
one number each. And a fifth of every make is held back.
"""

import sys
import tempfile

import numpy as np

import pack

PACKAGE = "r-cran-modeldata=1.1.0-1"
MAKES = ["Buick", "Cadillac", "Chevy", "Pontiac", "Saab", "Saturn"]
BODIES = ["convertible", "coupe", "hatchback", "sedan", "wagon"]


def which(table, columns):
    """Tell for each row which of the yes-or-no columns says yes; exactly one must."""
    answers = table[columns].to_numpy()
    if not (answers.sum(axis=1) == 1).all():
        raise SystemExit(f"a car is none or several of {columns}")
    return answers.argmax(axis=1).astype(np.uint8)


def main(deb=None):
    with tempfile.TemporaryDirectory() as folder:
        pack.unpack_debian_package(PACKAGE, folder, deb)
        base = f"{folder}/usr/lib/R/site-library/modeldata/data/Rdata"
        cars = pack.read_lazy_load(base, "car_prices")
    make = which(cars, MAKES)
    pack.write_checked_npz(
        "cars",
        {
            "price": cars["Price"].to_numpy().astype(np.float32),  # dollars
            "mileage": cars["Mileage"].to_numpy().astype(np.uint16),  # miles
            "make": make,
            "make_names": pack.text_to_array(MAKES),
            "body": which(cars, BODIES),
            "body_names": pack.text_to_array(BODIES),
            "cylinders": cars["Cylinder"].to_numpy().astype(np.uint8),
            "doors": cars["Doors"].to_numpy().astype(np.uint8),
            "cruise": cars["Cruise"].to_numpy().astype(np.uint8),  # 1: has cruise control
            "sound": cars["Sound"].to_numpy().astype(np.uint8),  # 1: has the better loudspeakers
            "leather": cars["Leather"].to_numpy().astype(np.uint8),  # 1: has leather seats
            "test": pack.hold_back(make.tolist()),
        },
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
