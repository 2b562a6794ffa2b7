#!/usr/bin/env python3
"""resnet_autocast.py with the whole step as one CUDA graph, recorded by hand."""
import torch

import data
import graph
import resnet
from turns import options

arguments = options(__doc__)
pictures = data.Pictures(arguments.data, arguments.augment, True, "cuda")
net = resnet.make(arguments.net).cuda().to(memory_format=torch.channels_last)
graph.train(net, pictures.batch, len(pictures.labels), arguments, weight_decay=5e-4, bf16=not arguments.no_bf16)
