"""Build tinygrad_mo/data/verses.npz: 3000 Bible verses, each in two translations.

Source    Debian packages sword-text-kjv 14.3-1 (King James Version of 1611/1769) and sword-text-web
          426.0-1 (World English Bible).
Licence   Both texts: public domain (the King James Version is under a patent of the Crown within
          the United Kingdom). "World English Bible" is a trademark of eBible.org.
Needs     apt-get and dpkg-deb (any Debian that offers the packages), and from PyPI: numpy 2.4.6,
          pysword 0.2.8.
Run       python tests/recipes/data/verses.py [sword-text-kjv_14.3-1_all.deb
                                               sword-text-web_426.0-1_all.deb]

The two texts of a row say the same, so a network can learn what "the same" means. For the opposite
take the other text of row `neighbour`: it is about the same matter, but says something else. That
is the next verse here of the same chapter; for the last one, the verse before.

Ours is the choice: chapters of eight well-known books, of which we keep verses of 20 to 140 letters
in both translations. Footnotes and headings were left out. A fifth of the chapters is held back.
"""

import re
import sys
import tempfile

import numpy as np
from pysword.modules import SwordModules

import pack

KJV_PACKAGE = "sword-text-kjv=14.3-1"
WEB_PACKAGE = "sword-text-web=426.0-1"
BOOKS = ["Job", "Psalms", "Proverbs", "Ecclesiastes", "Matthew", "Luke", "John", "Acts"]
VERSES = 3000
SHORTEST, LONGEST = 20, 140
# The two Bibles count a few verses differently. Such a pair shares hardly any words, so drop pairs
# whose shared words are less than this part of all their words.
LEAST_SHARED = 0.15


def plain_text(marked_up):
    """Drop footnotes, headings and marks. A footnote may be all that keeps two words apart."""
    text = re.sub(r"<title.*?</title>|<note.*?</note>|¶", " ", marked_up, flags=re.DOTALL)
    text = " ".join(re.sub(r"<[^>]*>", "", text).split())
    return re.sub(r" ([,.;:!?”])", r"\1", text)


def shared_words(one, other):
    one, other = (set(re.findall(r"\w+", text.lower())) for text in (one, other))
    return len(one & other) / len(one | other)


def read_chapters(bible):
    """Return the verses of all chapters of BOOKS: {(book, chapter): {verse: text}}."""
    chapters = {}
    for book in BOOKS:
        _testament, structure = bible.get_structure().find_book(book)
        for chapter, length in enumerate(structure.chapter_lengths, start=1):
            chapters[book, chapter] = {
                verse: plain_text(bible.get([book], [chapter], [verse], clean=False))
                for verse in range(1, length + 1)
            }
    return chapters


def fits(kjv, web):
    return all(SHORTEST <= len(text) <= LONGEST for text in (kjv, web)) and (
        shared_words(kjv, web) >= LEAST_SHARED
    )


def choose_chapters(kjv, web):
    """Choose chapters until there are VERSES pairs: {(book, chapter): [(verse, kjv, web), ...]}."""
    chosen, room = {}, VERSES
    for book, chapter in pack.hash_order(kjv):
        other = web[book, chapter]
        pairs = [
            (verse, text, other[verse])
            for verse, text in kjv[book, chapter].items()
            if verse in other and fits(text, other[verse])
        ][:room]
        if len(pairs) > 1:  # with a single one, there would be no neighbour
            chosen[book, chapter] = pairs
            room -= len(pairs)
    if room:
        raise SystemExit(f"{room} verses too few")
    return {key: chosen[key] for key in kjv if key in chosen}


def neighbours(chapters):
    """Return the next row for every row, but for the last of a chapter the row before."""
    rows = []
    for pairs in chapters.values():
        start, end = len(rows), len(rows) + len(pairs)
        rows += [*range(start + 1, end), end - 2]
    return rows


def main(kjv_deb=None, web_deb=None):
    texts = []
    for package, deb in [(KJV_PACKAGE, kjv_deb), (WEB_PACKAGE, web_deb)]:
        with tempfile.TemporaryDirectory() as folder:
            pack.unpack_debian_package(package, folder, deb)
            modules = SwordModules(f"{folder}/usr/share/sword")
            [module] = modules.parse_modules()
            texts.append(read_chapters(modules.get_bible_from_module(module)))
    chapters = choose_chapters(*texts)
    tested = pack.hold_back([book for book, _chapter in chapters])
    rows = [
        (kjv, web, BOOKS.index(book), chapter, verse, test)
        for ((book, chapter), pairs), test in zip(chapters.items(), tested, strict=True)
        for verse, kjv, web in pairs
    ]
    kjv, web, book, chapter, verse, test = zip(*rows, strict=True)
    pack.write_checked_npz(
        "verses",
        {
            "kjv": pack.text_to_array(kjv),
            "web": pack.text_to_array(web),
            "neighbour": np.array(neighbours(chapters), np.uint16),
            "book": np.array(book, np.uint8),
            "book_names": pack.text_to_array(BOOKS),
            "chapter": np.array(chapter, np.uint8),
            "verse": np.array(verse, np.uint8),
            "test": np.array(test),
        },
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
