"""The onecycle program, for `python -m onecycle`. It trains without Python; nothing here is needed to run it."""

import pathlib

PROGRAM = pathlib.Path(__file__).parent / "bin/onecycle"
