"""All laws, each with the cases for which it holds, and the search for a case that breaks one."""

import hypothesis
from hypothesis import HealthCheck, Phase

import laws_of_arguments
import laws_of_arrays
import laws_of_files
import laws_of_programs

ROOMS = laws_of_programs, laws_of_arguments, laws_of_files, laws_of_arrays
LAWS = {law.__name__: (law, cases) for room in ROOMS for law, cases in room.LAWS.items()}


def smallest_failure(name, examples, seed=None, simplify=True):
    """The simplest case that breaks a law, and its error; None if all examples keep it.

    Without a seed the examples are always the same; with ``simplify=False`` it is the first case.
    """
    law, cases = LAWS[name]
    last = None

    def search(case):
        nonlocal last
        last = case
        law(case)

    options = {"max_examples": examples, "derandomize": seed is None}
    options["phases"] = [Phase.generate, Phase.shrink][: 1 + simplify]
    options |= {"deadline": None, "database": None, "report_multiple_bugs": False}
    options |= {"suppress_health_check": list(HealthCheck)}
    run = hypothesis.settings(**options)(hypothesis.given(cases)(search))
    if seed is not None:
        run = hypothesis.seed(seed)(run)
    try:
        run()
    except Exception as error:  # after shrinking, the simplest case was run last
        return last, error
    return None
