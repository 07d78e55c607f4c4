"""Drives the simulated Stripe with Stripe's own Python library.

    python check.py http://127.0.0.1:12111 [--only refunds]...

Runs every theme in the folder `python`, or those that are named. Prints a line per check and ends
with 1 at the first that does not hold.
"""

import importlib
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent / "python"
THEMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "support")

sys.path.insert(0, str(FOLDER))
only = [word for before, word in zip(sys.argv, sys.argv[1:]) if before == "--only"]
for theme in only or THEMES:
    if theme not in THEMES:
        sys.exit(f"no such theme: {theme}")
    importlib.import_module(theme)
