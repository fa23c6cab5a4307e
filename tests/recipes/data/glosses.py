"""Build tinygrad_mo/data/glosses.npz: what 12,000 words mean, with their part of speech and topic.

Source    Debian package wordnet-base 1:3.0-37: WordNet 3.0 of Princeton University.
Licence   WordNet 3.0 licence (permissive).
Needs     apt-get and dpkg-deb (any Debian that offers the package), and from PyPI: numpy 2.4.6.
Run       python tests/recipes/data/glosses.py [wordnet-base_1%3a3.0-37_all.deb]

Ours is the choice: of the 117,659 entries a fixed 12,000, without examples, without entries of the
same text, without very short or long, rude or sexual ones. A fifth of every topic is held back.
"""

import pathlib
import re
import sys
import tempfile

import numpy as np

import pack

PACKAGE = "wordnet-base=1:3.0-37"
GLOSSES = 12_000
LONGEST = 100
FEWEST_WORDS = 3
RUDE_OR_SEXUAL = re.compile(
    r"offensive|derogat|disparag|slur|slang|obscen|vulgar|negro|sex|erotic|porn|prostitut|whore|"
    r"\brap(e|ist)|genital|penis|vagina|vulva|semen|ejaculat|dildo|coitus|copulat|masturbat"
)
PARTS = ["noun", "verb", "adjective", "adverb"]
PART_OF_LETTER = {"n": "noun", "v": "verb", "a": "adjective", "s": "adjective", "r": "adverb"}
# The entries name their topic by its place in this list, the lexicographer files of WordNet.
TOPICS = [
    "adj.all",
    "adj.pert",
    "adv.all",
    "noun.Tops",
    "noun.act",
    "noun.animal",
    "noun.artifact",
    "noun.attribute",
    "noun.body",
    "noun.cognition",
    "noun.communication",
    "noun.event",
    "noun.feeling",
    "noun.food",
    "noun.group",
    "noun.location",
    "noun.motive",
    "noun.object",
    "noun.person",
    "noun.phenomenon",
    "noun.plant",
    "noun.possession",
    "noun.process",
    "noun.quantity",
    "noun.relation",
    "noun.shape",
    "noun.state",
    "noun.substance",
    "noun.time",
    "verb.body",
    "verb.change",
    "verb.cognition",
    "verb.communication",
    "verb.competition",
    "verb.consumption",
    "verb.contact",
    "verb.creation",
    "verb.emotion",
    "verb.motion",
    "verb.perception",
    "verb.possession",
    "verb.social",
    "verb.stative",
    "verb.weather",
    "adj.ppl",
]


def read_entries(folder):
    """Return {gloss: (word, part of speech, topic)} of all entries fit for us."""
    entries = {}
    for part in ["noun", "verb", "adj", "adv"]:
        file = pathlib.Path(folder, f"usr/share/wordnet/data.{part}")
        for line in file.read_text("utf-8").splitlines():
            if line.startswith("  "):
                continue  # the licence stands above the entries
            fields, gloss = line.split(" | ", maxsplit=1)
            _place, topic, letter, _count, word = fields.split(" ")[:5]
            gloss = gloss.split('; "')[0].strip()
            # "galore(ip)" stands for: only immediately after a noun.
            word = re.sub(r"\(.*\)", "", word).replace("_", " ")
            fits = len(gloss.split()) >= FEWEST_WORDS and len(gloss) <= LONGEST
            if fits and not RUDE_OR_SEXUAL.search(f"{word} {gloss}".lower()):
                entries.setdefault(gloss, (word, PARTS.index(PART_OF_LETTER[letter]), int(topic)))
    return entries


def main(deb=None):
    with tempfile.TemporaryDirectory() as folder:
        pack.unpack_debian_package(PACKAGE, folder, deb)
        entries = read_entries(folder)
    glosses = pack.hash_order(entries)[:GLOSSES]
    words, parts, topics = zip(*(entries[gloss] for gloss in glosses), strict=True)
    pack.write_checked_npz(
        "glosses",
        {
            "gloss": pack.text_to_array(glosses),
            "word": pack.text_to_array(words),
            "part": np.array(parts, np.uint8),
            "part_names": pack.text_to_array(PARTS),
            "topic": np.array(topics, np.uint8),
            "topic_names": pack.text_to_array(TOPICS),
            "test": pack.hold_back(topics),
        },
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
