#!/usr/bin/env python3
"""memory.py MODULE NET PRECISION BATCH: the peak, in bytes, of the tensors of a PyTorch training step as usually
written (channels_last; autocast for bf16), by the counters of counting_module.cpp."""
import ctypes
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "golden"))
import torch  # noqa: E402

import model  # noqa: E402

module, name, precision, batch = *sys.argv[1:4], int(sys.argv[4])
torch.set_num_threads(1)
counters = ctypes.CDLL(module)
counters.counting_peak.restype = ctypes.c_int64
ResNet, Mlp, *_ = model.networks()
if name == "mlp":
    data, make = torch.randn(6 * batch, 784), lambda: Mlp(784, [256, 128], 10)
else:
    data = torch.randn(6 * batch, 3, 32, 32).to(memory_format=torch.channels_last)
    make = lambda: ResNet(20, "A", 3, 10).to(memory_format=torch.channels_last)  # noqa: E731
labels = torch.randint(10, (6 * batch,))
counters.counting_install()
net = make()
optimizer = torch.optim.SGD(net.parameters(), 0.1, 0.9, nesterov=True, weight_decay=1e-4, fused=True)
for step in range(5):
    if step == 2:
        counters.counting_forget_peak()
    rows = torch.randperm(6 * batch)[:batch]
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        loss = torch.nn.functional.cross_entropy(net(data[rows]), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(counters.counting_peak())
