#!/usr/bin/env python3
"""mlp_memory.py under torch.compile."""
import mlp

mlp.train(__doc__, compiled=True)
