"""What belongs to the quick tests, what to the whole suite, and what goes through everything.

Marks say it: `slow` tests are left out of the quick part. So are `medium` ones, tenths of a second
each; but these run in each configuration of .ci/run, like all quick ones (`varied`). What is
`exhaustive` goes through all of something of which the suite takes a part. Mostly
`one_in(n, rest="exhaustive")` chooses that part: of the cases of a test one in n stays as it is,
the others get the mark.
"""

from collections import defaultdict
from zlib import crc32


def has(item, *names):
    return any(map(item.get_closest_marker, names))


def mark_the_rest(items):
    """Give every test the marks that follow from those it has."""
    cases = defaultdict(list)
    for item in items:
        if has(item, "one_in"):
            cases[item.nodeid.partition("[")[0]].append(item)
    for same in cases.values():
        for mark in same[0].iter_markers("one_in"):
            rest = mark.kwargs["rest"]
            free = [item for item in same if rest == "exhaustive" or not has(item, "slow")]
            free.sort(key=lambda item: crc32(item.nodeid.encode()))  # chance, but always the same
            for item in free[-(-len(free) // mark.args[0]) :]:
                item.add_marker(rest)
    for item in items:
        if not has(item, "slow", "exhaustive"):
            item.add_marker("varied")
        if has(item, "medium", "exhaustive"):
            item.add_marker("slow")
