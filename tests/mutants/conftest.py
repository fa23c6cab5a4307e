"""The program is run as one; under its name, another folder has one, too."""

collect_ignore = ["conftest.py", "run.py"]
