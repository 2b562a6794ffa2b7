"""The 3-layer net in PyTorch alone, from the .pth that `onecycle export` writes, gives a Predictor's logits.

    mlp_forward.py WEIGHTS.pth DATA.pth   for trained_test.cpp
"""

import sys

import torch

weights, data = torch.load(sys.argv[1]), torch.load(sys.argv[2])
shape = (1, -1, 1, 1)
values = ((data["images"].double() / 255 - data["mean"].view(shape)) / data["std"].view(shape)).float().flatten(1)
layers = len(weights) // 2
for number in range(1, layers + 1):
    values = torch.nn.functional.linear(values, weights[f"layer{number}.weight"], weights[f"layer{number}.bias"])
    if number < layers:
        values = values.relu()
torch.testing.assert_close(values, data["logits"], rtol=1e-4, atol=1e-5)
