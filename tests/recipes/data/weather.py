"""Build tinygrad_mo/data/weather.npz: the weather of 1461 days in Seattle.

Source    npm package vega-datasets 3.2.1, data/seattle-weather.csv: every day of 2012 to 2015, made
          from records of NOAA, the weather service of the United States.
Licence   The package marks this file as a work of the United States government: public domain. The
          package itself: BSD-3-Clause.
Needs     npm, and from PyPI: numpy 2.4.6.
Run       python tests/recipes/data/weather.py [vega-datasets-3.2.1.tgz]

One thing is ours: the last of the four years is held back, since a forecast is about the days to
come. (The PyPI package vega_datasets 0.9 holds an older file. Its numbers are the same, but from
2013 on it calls nearly every rainy day foggy or sunny: three days with rain in all of 2014. Hence
npm.)
"""

import csv
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import numpy as np

import pack

PACKAGE = "vega-datasets@3.2.1"
TEST_FROM = "2015-01-01"


def read_days(tgz=None):
    with tempfile.TemporaryDirectory() as folder:
        if tgz is None:
            subprocess.run(["npm", "pack", PACKAGE], cwd=folder, check=True)
            tgz = next(pathlib.Path(folder).glob("*.tgz"))
        with tarfile.open(tgz) as archive:
            text = archive.extractfile("package/data/seattle-weather.csv").read().decode("utf-8")
    return list(csv.DictReader(text.splitlines()))


def column(days, name):
    return np.array([day[name] for day in days], np.float32)


def main(tgz=None):
    days = read_days(tgz)
    date = np.array([day["date"] for day in days], "datetime64[D]")
    # "kilometres an hour", says the package of the wind; a mean of 3.2 must be metres a second.
    if not (np.diff(date) == np.timedelta64(1, "D")).all():
        raise SystemExit("a day is missing, or the days are not in order")
    weather, weather_names = pack.name_codes(day["weather"] for day in days)
    pack.write_checked_npz(
        "weather",
        {
            "date": date,
            "precipitation": column(days, "precipitation"),  # millimetres
            "temp_max": column(days, "temp_max"),  # degrees Celsius
            "temp_min": column(days, "temp_min"),
            "wind": column(days, "wind"),  # metres a second
            "weather": weather,
            "weather_names": weather_names,
            "test": date >= np.datetime64(TEST_FROM),
        },
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
