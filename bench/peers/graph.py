"""A whole training step as one CUDA graph, recorded by hand: what PyTorch can do at best without a compiler.

In the graph: the batch's gather (and augmentation), forward pass, loss, backward pass, the fused update with its learning
rate, and the place of the next batch. Outside of it: a new order of the samples every epoch.
"""
import torch

from turns import STEPS, Turns

WARM_UP = 11  # steps before the recording, on another stream, as PyTorch's manual says


def train(net, batch_of, samples, arguments, weight_decay, bf16):
    """`batch_of(rows)`: inputs and labels on the device."""
    device, size = "cuda", arguments.batch
    rate = torch.zeros((), device=device)
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], rate, 0.95, weight_decay=weight_decay,
                                nesterov=True, fused=True)
    order = torch.randperm(samples, device=device)
    offsets = torch.arange(size, device=device)
    place = torch.zeros((), dtype=torch.int64, device=device)
    done = torch.zeros((), device=device)

    def step():
        inputs, labels = batch_of(order.index_select(0, place + offsets))
        with torch.autocast(device, torch.bfloat16, enabled=bf16, cache_enabled=False):
            loss = torch.nn.functional.cross_entropy(net(inputs), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        done.add_(1)
        rate.copy_(0.1 * (0.04 + 0.96 * (done / STEPS)))  # the rising part of one cycle, far from its end
        optimizer.step()
        place.add_(size)

    side, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    turns = Turns(device)
    number = 0
    while True:
        if number % (samples // size) == 0:
            order.copy_(torch.randperm(samples, device=device))
            place.zero_()
        if number < WARM_UP:
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                step()
            torch.cuda.current_stream().wait_stream(side)
        else:
            if number == WARM_UP:
                optimizer.zero_grad(set_to_none=True)
                with torch.cuda.graph(graph):  # records, and computes nothing
                    step()
            graph.replay()
        number += 1
        turns.step_done()
