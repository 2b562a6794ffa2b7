#!/usr/bin/env python3
"""The 3-layer net as an expert trains it: data in memory, or on the GPU, one gather a batch, the fused update."""
import mlp

mlp.train(__doc__)
