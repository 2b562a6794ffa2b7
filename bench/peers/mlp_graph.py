#!/usr/bin/env python3
"""mlp_memory.py with the whole step as one CUDA graph, recorded by hand."""
import data
import graph
import mlp
from turns import options

arguments = options(__doc__)
images, labels = (tensor.cuda() for tensor in data.fashion(arguments.data))
graph.train(mlp.make().cuda(), lambda rows: (images.index_select(0, rows), labels.index_select(0, rows)), len(labels),
            arguments, weight_decay=3e-4, bf16=False)
