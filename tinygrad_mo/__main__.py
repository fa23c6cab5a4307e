"""``python -m tinygrad_mo`` is the command ``tinygrad-mo``."""

import sys

from .cli import main

sys.exit(main())
