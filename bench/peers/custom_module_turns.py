#!/usr/bin/env python3
"""custom_module_fastai.py, over and over, in turns."""
import custom_module_fastai
from turns import Turns, options

arguments = options(__doc__)
turns = Turns()
while custom_module_fastai.main() == 0:
    turns.step_done()
