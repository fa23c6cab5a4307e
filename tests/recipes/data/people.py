"""Build tinygrad_mo/data/people.npz: earnings, gender, age, region and education of 10,000 workers.

Source    Debian package r-cran-aer 1.2-10-1 (R package AER 1.2-10), object `CPSSW8`: people of the
          United States aged 21 to 64 with full-time work, Current Population Survey of March 2005
          (for the year 2004), from the web pages of Stock and Watson, "Introduction to
          Econometrics".
Licence   Data of a survey by the United States government: public domain. R package: GPL-2 or
          GPL-3; nothing of it but this table is used.
Needs     apt-get and dpkg-deb (any Debian that offers the package), and from PyPI: numpy 2.4.6,
          rdata 1.1.0.
Run       python tests/recipes/data/people.py [r-cran-aer_1.2-10-1_all.deb]

Two things are ours: of the 61,395 people a fixed 10,000 were chosen, and a fifth is held back.
"""

import sys
import tempfile
import warnings

import numpy as np
import rdata

import pack

PACKAGE = "r-cran-aer=1.2-10-1"
PEOPLE = 10_000


def main(deb=None):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rdata takes the texts for ASCII, rightly
        pack.unpack_debian_package(PACKAGE, folder, deb)
        table = rdata.read_rda(f"{folder}/usr/lib/R/site-library/AER/data/CPSSW8.rda")["CPSSW8"]
    chosen = sorted(pack.hash_order(range(len(table)))[:PEOPLE])
    table = table.iloc[chosen]
    gender, gender_names = pack.name_codes(table["gender"])
    region, region_names = pack.name_codes(table["region"])
    pack.write_checked_npz(
        "people",
        {
            "earnings": table["earnings"].to_numpy().astype(np.float32),  # dollars an hour, in 2004
            "gender": gender,
            "gender_names": gender_names,
            "age": table["age"].to_numpy().astype(np.uint8),  # years
            "region": region,
            "region_names": region_names,
            "education": table["education"].to_numpy().astype(np.uint8),  # years of schooling
            "test": pack.hold_back(gender.tolist()),
        },
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
