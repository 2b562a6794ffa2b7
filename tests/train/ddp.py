"""The gradients of PyTorch's DistributedDataParallel, for ddp_test.cpp.

    ddp.py IN OUT RANKS   IN: safetensors with model.* (a CIFAR ResNet-8), images and labels; each rank takes an equal
                          part of them, in order. OUT: safetensors with the gradient of every weight, of rank 0
"""

import pathlib
import sys

import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "golden")]

import model as golden  # noqa: E402
import torch_weights  # noqa: E402


def work(rank, ranks, source, target):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{target}.rendezvous", rank=rank, world_size=ranks)
    tensors = torch_weights.load_safetensors(source)
    net = golden.networks()[0](8, "A", 1, 4).double()
    state = {name[len("model."):]: value for name, value in tensors.items() if name.startswith("model.")}
    net.load_state_dict(state)
    net = torch.nn.parallel.DistributedDataParallel(net)
    part = len(tensors["labels"]) // ranks
    rows = slice(rank * part, (rank + 1) * part)
    loss = torch.nn.functional.cross_entropy(net(tensors["images"][rows]), tensors["labels"][rows])
    loss.backward()
    if rank == 0:
        gradients = {name: value.grad for name, value in net.module.named_parameters()}
        torch_weights.save_safetensors(gradients, target)
    dist.destroy_process_group()


if __name__ == "__main__":
    source, target, ranks = sys.argv[1], sys.argv[2], int(sys.argv[3])
    multiprocessing.spawn(work, (ranks, source, target), nprocs=ranks)
