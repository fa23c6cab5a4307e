"""Build tinygrad_mo/data/emoji.npz: 1377 emoji, 24x24 pixels, with name, group, subgroup and year.

Source    Debian packages fonts-noto-color-emoji 2.042-0+deb12u1 (the pictures, of Google) and
          unicode-data 15.0.0-1 (emoji/emoji-test.txt: names, groups and versions).
Licence   Font: SIL Open Font License 1.1; we pass the pictures on under the same licence. Names,
          groups and versions: the licence of the Unicode data files.
Needs     apt-get and dpkg-deb (any Debian that offers the packages), and from PyPI: numpy 2.4.6,
          pillow 13.0.0.
Run       python tests/recipes/data/emoji.py [fonts-noto-color-emoji_2.042-0+deb12u1_all.deb
                                              unicode-data_15.0.0-1_all.deb]

All pictures share 256 colours, one byte a pixel. In red, green and blue they are: palette[image]
Ours is the choice (emoji of one code point, so no flags of countries, families or skin colours),
the size, the palette, and that a fifth of every group is held back.
"""

import pathlib
import re
import sys
import tempfile

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import pack

FONT_PACKAGE = "fonts-noto-color-emoji=2.042-0+deb12u1"
UNICODE_PACKAGE = "unicode-data=15.0.0-1"
SIZE = 24
COLOURS = 256
FONT_SIZE = 109  # the one size in which the font holds its bitmaps, 136x128 pixels
BOX = (4, 0, 132, 128)  # the square of such a bitmap that holds all the ink
# The year in which each version of the emoji list came out. Versions before 1.0 were given
# afterwards, to emoji that came with Unicode 6.0 (2010) and 7.0 (2014).
YEARS = {
    "0.6": 2010,
    "0.7": 2014,
    "1.0": 2015,
    "2.0": 2015,
    "3.0": 2016,
    "4.0": 2016,
    "5.0": 2017,
    "11.0": 2018,
    "12.0": 2019,
    "13.0": 2020,
    "14.0": 2021,
    "15.0": 2022,
}
VARIATION_SELECTOR = "\ufe0f"  # asks for the coloured picture, and is no picture of its own


def read_emoji(file):
    """Yield (character, group, subgroup, year, name) of every emoji that is a single code point."""
    group = subgroup = None
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("# group: "):
            group = line.removeprefix("# group: ")
        elif line.startswith("# subgroup: "):
            subgroup = line.removeprefix("# subgroup: ")
        elif match := re.fullmatch(r"[0-9A-F ]+; fully-qualified +# (\S+) E([0-9.]+) (.+)", line):
            text, version, name = match.groups()
            character = text.removesuffix(VARIATION_SELECTOR)
            if len(character) == 1:
                yield character, group, subgroup, YEARS[version], name


def draw(font, character):
    canvas = Image.new("RGBA", (136, 128), "white")
    ImageDraw.Draw(canvas).text((0, 0), character, font=font, embedded_color=True)
    return canvas.convert("RGB").crop(BOX).resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def share_palette(pictures):
    """Return the pictures as numbers of colours, and the 256 colours that suit all of them best."""
    column = Image.fromarray(np.concatenate([np.asarray(picture) for picture in pictures]))
    column = column.quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=3, dither=Image.Dither.NONE)
    palette = np.array(column.getpalette(), np.uint8).reshape(-1, 3)
    return np.asarray(column).reshape(-1, SIZE, SIZE), palette


def main(font_deb=None, unicode_deb=None):
    with tempfile.TemporaryDirectory() as folder:
        pack.unpack_debian_package(UNICODE_PACKAGE, folder, unicode_deb)
        emoji = list(read_emoji(pathlib.Path(folder, "usr/share/unicode/emoji/emoji-test.txt")))
    with tempfile.TemporaryDirectory() as folder:
        pack.unpack_debian_package(FONT_PACKAGE, folder, font_deb)
        file = f"{folder}/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
        font = ImageFont.truetype(file, FONT_SIZE)
        pictures = [draw(font, character) for character, *_ in emoji]
    characters, groups, subgroups, years, names = zip(*emoji, strict=True)
    image, palette = share_palette(pictures)
    group, group_names = pack.name_codes(groups)
    subgroup, subgroup_names = pack.name_codes(subgroups)
    pack.write_checked_npz(
        "emoji",
        {
            "image": image,
            "palette": palette,
            "character": pack.text_to_array(characters),
            "name": pack.text_to_array(names),
            "group": group,
            "group_names": group_names,
            "subgroup": subgroup,
            "subgroup_names": subgroup_names,
            "year": np.array(years, np.uint16),
            "test": pack.hold_back(group.tolist()),
        },
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
