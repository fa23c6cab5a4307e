"""A course of two lessons, for tests of what guides through one and marks it."""

from tinygrad_mo.learn import Runner

HOLE = 'raise NotImplementedError("YOUR TURN")'
ADDING = f"""\
# %% [markdown]
# # Lesson 1: Adding

# %%
ZERO = 0
outside = [1, 2]


def add(x, y):
    # YOUR TURN: the sum.
    {HOLE}


def double(x):
    # YOUR TURN: twice x.
    {HOLE}


# %%
WAYS = {{"add": add, "double": double}}
print("never printed by a check", add(1, 2))
"""
COUNTING = f"""\
# %% [markdown]
# # Lesson 2: Counting → 10

# %%
def count(n):
    {HOLE}
"""
ADDING_ANSWERS = '''\
"""Answers to lesson 1."""


def add(x, y):
    # In this order.
    return x + y


def double(x):
    return 2 * x


HINTS = {"add": ["Think.", "Use plus."], "double": ["Use add.", "Use times."]}


def check_add__zero(lesson):
    """adding zero changes nothing"""
    assert lesson.add(5, lesson.ZERO) == 5, f"5 + 0 is 5, not {lesson.add(5, 0)}"


def check_add__two(lesson):
    """two numbers are added"""
    assert lesson.add(2, 3) == 5, f"2 + 3 is 5, not {lesson.add(2, 3)}"


def check_add__rounded(lesson):
    """fractions are added"""
    assert abs(lesson.add(0.5, 0.25) - 0.75) < 1e-6, "0.5 + 0.25 is 0.75"


def check_double__three(lesson):
    """3 becomes 6"""
    assert lesson.double(3) == 6, "twice 3 is 6"


def check_double__four(lesson):
    """4 becomes 8"""
    assert lesson.WAYS["double"](4) == 8, "twice 4 is 8"
'''
COUNTING_ANSWERS = '''\
"""Answers to lesson 2."""


def count(n):
    return list(range(n))


HINTS = {"count": ["Use range.", "Use list, too."]}


def check_count__length(lesson):
    """n numbers → a list of length n"""
    assert len(lesson.count(3)) == 3, "three numbers"


def check_count__start(lesson):
    """it starts at 0"""
    assert lesson.count(2)[0] == 0, "the first number is 0"
'''


def write(folder, *bodies, name="01_adding.py", text=ADDING):
    """Fill the holes of a lesson, from its first one."""
    for body in bodies:
        text = text.replace(HOLE, body, 1)
    (folder / name).write_text(text, "utf-8")


def finish(folder):
    write(folder, "return x + y", "return 2 * x")
    write(folder, "return [*range(n)]", name="02_counting.py", text=COUNTING)


def talk(folder, *typed):
    """A conversation in which the student types these lines, and does what is a function."""
    rest = iter(typed)

    def ask(prompt):
        for entry in rest:
            if callable(entry):
                entry()
            else:
                return entry
        raise EOFError

    Runner(folder, ask).run()
