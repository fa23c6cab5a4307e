"""Build tinygrad_mo/data/glyphs.npz: 964 letters of 30 alphabets, each drawn in one to four styles.

Source    Debian package fonts-noto-core 20201225-1: the Noto fonts of Google.
Licence   Fonts: SIL Open Font License 1.1; we pass the pictures on under the same licence.
Needs     apt-get and dpkg-deb (any Debian that offers the package), and from PyPI: numpy 2.4.6,
          pillow 13.0.0 (its own copy of FreeType draws the letters), fonttools 4.68.0.
Run       python tests/recipes/data/glyphs.py [fonts-noto-core_20201225-1_all.deb]

Omniglot, a collection of handwritten letters, has 30 alphabets and 964 letters to train on; this
set has as many, so a network built for one fits the other. Ours are printed, and free to pass on.
Of every letter with several styles one is held back, and every style in turn; letters with one
style only train.

A picture is 28x28 pixels, from 0 (white) to 255 (black), in only 16 shades to keep the file small.
"""

import pathlib
import re
import sys
import tempfile
import unicodedata

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

import pack

PACKAGE = "fonts-noto-core=20201225-1"
LETTERS = 964
SIZE = 28
INK = 22  # the rest is a white margin, which leaves room to turn and shift a letter
STYLES = ["Sans-Regular", "Sans-Bold", "Serif-Regular", "Serif-Bold"]

# Alphabet: the name that the font files give it, and its letters in Unicode. Where big and small
# letters look alike but for their size, we take one kind. Of the syllables of Ethiopic we take
# those that end in a short a, of the Canadian ones those with a vowel and at most one consonant.
CANADIAN = [
    code
    for code in range(0x1401, 0x1677)
    if re.fullmatch("CANADIAN SYLLABICS [A-Z]?[AEIO]", unicodedata.name(chr(code)))
]
ALPHABETS = {
    "Armenian": ("Armenian", range(0x0561, 0x0587)),
    "Balinese": ("Balinese", range(0x1B05, 0x1B34)),
    "Bengali": ("Bengali", range(0x0985, 0x09BA)),
    "Burmese": ("Myanmar", range(0x1000, 0x102B)),
    "Canadian syllabics": ("CanadianAboriginal", CANADIAN),
    "Cherokee": ("Cherokee", range(0x13A0, 0x13F5)),
    "Cyrillic": ("", range(0x0430, 0x0450)),
    "Devanagari": ("Devanagari", range(0x0904, 0x093A)),
    "Ethiopic": ("Ethiopic", range(0x1200, 0x1358, 8)),
    "Georgian Asomtavruli": ("Georgian", range(0x10A0, 0x10C6)),
    "Georgian Mkhedruli": ("Georgian", range(0x10D0, 0x10F1)),
    "Glagolitic": ("Glagolitic", range(0x2C00, 0x2C2F)),
    "Gothic": ("Gothic", range(0x10330, 0x1034A)),
    "Greek": ("", range(0x03B1, 0x03CA)),
    "Gujarati": ("Gujarati", range(0x0A85, 0x0ABA)),
    "Hebrew": ("Hebrew", range(0x05D0, 0x05EB)),
    "Imperial Aramaic": ("ImperialAramaic", range(0x10840, 0x10856)),
    "Kannada": ("Kannada", range(0x0C85, 0x0CBA)),
    "Khmer": ("Khmer", range(0x1780, 0x17B4)),
    "Malayalam": ("Malayalam", range(0x0D05, 0x0D3A)),
    "N'Ko": ("NKo", range(0x07CA, 0x07EB)),
    "Ol Chiki": ("OlChiki", range(0x1C5A, 0x1C78)),
    "Old Hungarian": ("OldHungarian", range(0x10C80, 0x10CB3)),
    "Runic": ("Runic", range(0x16A0, 0x16EB)),
    "Syriac": ("Syriac", range(0x0710, 0x0730)),
    "Tagalog": ("Tagalog", range(0x1700, 0x1712)),
    "Tamil": ("Tamil", range(0x0B85, 0x0BBA)),
    "Thaana": ("Thaana", range(0x0780, 0x07A6)),
    "Thai": ("Thai", range(0x0E01, 0x0E2F)),
    "Tifinagh": ("Tifinagh", range(0x2D30, 0x2D68)),
}

# Two letters count as look-alikes when the ink they share is more than this share of all their ink.
LOOK_ALIKE = 0.72


def draw_letter(font, letter):
    """Draw `letter` in the middle of a picture, its longer side INK pixels."""
    canvas = Image.new("L", (960, 640))
    ImageDraw.Draw(canvas).text((320, 160), letter, fill=255, font=font)
    ink = canvas.crop(canvas.getbbox())
    width, height = (max(1, round(side * INK / max(ink.size))) for side in ink.size)
    picture = Image.new("L", (SIZE, SIZE))
    small = ink.resize((width, height), Image.Resampling.BOX)
    picture.paste(small, ((SIZE - width) // 2, (SIZE - height) // 2))
    return (np.asarray(picture) // 16 * 17).astype(np.uint8)  # 16 shades: 0, 17, 34, ... 255


def draw_alphabet(folder, font_name, codes):
    """Return the letters that every style has, and for each letter a picture of every style."""
    fonts = pathlib.Path(folder, "usr/share/fonts/truetype/noto")
    files = {}
    for style in STYLES:
        family, weight = style.split("-")
        file = fonts / f"Noto{family}{font_name}-{weight}.ttf"
        if file.exists():
            files[style] = file
    known = set.intersection(*(set(TTFont(file).getBestCmap()) for file in files.values()))
    letters = [
        chr(code)
        for code in codes
        if code in known and unicodedata.category(chr(code)) in ("Lu", "Ll", "Lo")
    ]
    sizes = [
        ImageFont.truetype(file, 160, layout_engine=ImageFont.Layout.BASIC)
        for file in files.values()
    ]
    styles = [STYLES.index(style) for style in files]
    return [(letter, styles, [draw_letter(font, letter) for font in sizes]) for letter in letters]


def choose_letters(alphabets):
    """Choose LETTERS letters, one of each alphabet in turn, but none too much like one before."""
    chosen = []
    inks = np.zeros((LETTERS, SIZE * SIZE), np.uint16)
    for place in range(max(len(letters) for letters in alphabets)):
        for alphabet, letters in enumerate(alphabets):
            if place >= len(letters) or len(chosen) == LETTERS:
                continue
            letter, styles, pictures = letters[place]
            ink = pictures[0].ravel()
            others = inks[: len(chosen)]
            shared = np.minimum(ink, others).sum(1) / np.maximum(ink, others).sum(1)
            if not (shared > LOOK_ALIKE).any():
                inks[len(chosen)] = ink
                chosen.append((alphabet, letter, styles, pictures))
    if len(chosen) != LETTERS:
        raise SystemExit(f"only {len(chosen)} letters")
    return sorted(chosen, key=lambda choice: choice[:2])


def main(deb=None):
    with tempfile.TemporaryDirectory() as folder:
        pack.unpack_debian_package(PACKAGE, folder, deb)
        alphabets = [draw_alphabet(folder, *fonts) for fonts in ALPHABETS.values()]
    images, alphabet_of, letter_of, style_of, test = [], [], [], [], []
    names = []
    for number, (alphabet, letter, styles, pictures) in enumerate(choose_letters(alphabets)):
        names.append(unicodedata.name(letter))
        images += pictures
        alphabet_of += [alphabet] * len(styles)
        letter_of += [number] * len(styles)
        style_of += styles
        test += [len(styles) > 1 and place == number % len(styles) for place in range(len(styles))]
    pack.write_checked_npz(
        "glyphs",
        {
            "image": np.stack(images),
            "alphabet": np.array(alphabet_of, np.uint8),
            "alphabet_names": pack.text_to_array(ALPHABETS),
            "letter": np.array(letter_of, np.uint16),
            "letter_names": pack.text_to_array(names),  # unicodedata.lookup(name) gives the letter
            "style": np.array(style_of, np.uint8),
            "style_names": pack.text_to_array(STYLES),
            "test": np.array(test),
        },
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
