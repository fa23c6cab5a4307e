"""Build tinygrad_mo/data/tate.npz: artist, title, medium and year of 4284 artworks since 1990.

Source    Debian package r-cran-modeldata 1.1.0-1 (R package modeldata 1.1.0), object `tate_text`,
          taken from the Tate collection metadata (github.com/tategallery/collection, state of
          2014).
Licence   R package: MIT. Tate metadata: CC0 1.0; Tate asks to be named as the source.
Needs     apt-get and dpkg-deb (any Debian that offers the package), and from PyPI: numpy 2.4.6,
          rdata 1.1.0.
Run       python tests/recipes/data/tate.py [r-cran-modeldata_1.1.0-1_all.deb]

Two things are ours. The source describes each medium in free words (1033 different texts, such as
"Etching and aquatint on paper"); here each is put into one of eight families. And a fifth of the
works is held back.
"""

import hashlib
import re
import sys
import tempfile

import numpy as np

import pack

PACKAGE = "r-cran-modeldata=1.1.0-1"
TEST_SHARE = 0.2

# The first of these words in a description decides: "Ink on digital print" is a drawing, "Wood,
# steel and video" a sculpture. A description with none of them ("Flint", "Mixed media") counts as
# sculpture as well.
FAMILY_WORDS = {
    "etching": "etching etchings drypoint aquatint mezzotint engraving",
    "screenprint": "screenprint screenprints silkscreen",
    "other print": "print prints lithograph lithographs woodcut woodblock linocut letterpress "
    "monoprint monotype photocopies book books",
    "photograph": "photograph photographs transparency transparencies",
    "painting": "paint painting oil acrylic tempera enamel emulsion pigment canvas",
    "drawing": "drawings ink graphite crayon charcoal chalk pastel watercolour gouache paper "
    "papers card postcard",
    "film": "film video slide monitor monitors",
    "sculpture": "wood wooden metal steel iron bronze aluminium lead brass glass plastic rubber "
    "plaster ceramic porcelain marble slate resin fabric wool felt nylon fibreglass "
    "cardboard plywood fibreboard hardboard polystyrene polyester perspex vinyl neon "
    "lights",
}
FAMILIES = list(FAMILY_WORDS)
FAMILY_OF_WORD = {word: family for family, words in FAMILY_WORDS.items() for word in words.split()}


def medium_family(description):
    for word in re.findall(r"\w+", description.lower()):
        if word in FAMILY_OF_WORD:
            return FAMILY_OF_WORD[word]
    return "sculpture"


def hold_back(artists, titles, families):
    """Mark about a fifth of every family as test rows.

    Works of one artist under one title stay together (a print series may hold dozens of them):
    otherwise a network would meet its test titles in training. Such a group counts for the family
    of its first work.
    """
    groups = {}
    for row, (artist, title) in enumerate(zip(artists, titles, strict=True)):
        groups.setdefault(f"{artist}\n{title}".casefold(), []).append(row)
    # The order of hashes is as good as a random order, and the same on every machine.
    shuffled = sorted(groups, key=lambda key: hashlib.sha256(key.encode("utf-8")).digest())
    room = {family: round(TEST_SHARE * families.count(family)) for family in FAMILIES}
    test = np.zeros(len(titles), bool)
    for key in shuffled:
        rows, family = groups[key], families[groups[key][0]]
        if len(rows) <= room[family]:
            test[rows] = True
            room[family] -= len(rows)
    return test


def main(deb=None):
    with tempfile.TemporaryDirectory() as folder:
        pack.unpack_debian_package(PACKAGE, folder, deb)
        base = f"{folder}/usr/lib/R/site-library/modeldata/data/Rdata"
        works = pack.read_lazy_load(base, "tate_text")
    titles = [str(title) for title in works["title"]]
    artists = [str(artist) for artist in works["artist"]]
    families = [medium_family(str(medium)) for medium in works["medium"]]
    artist_names, artist_codes = np.unique(artists, return_inverse=True)
    pack.write_checked_npz(
        "tate",
        {
            "title": pack.text_to_array(titles),
            "artist": artist_codes.astype(np.uint16),
            "artist_names": pack.text_to_array(artist_names),
            "medium": np.array([FAMILIES.index(family) for family in families], np.uint8),
            "medium_names": pack.text_to_array(FAMILIES),
            "year": works["year"].to_numpy().astype(np.uint16),
            "test": hold_back(artists, titles, families),
        },
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
