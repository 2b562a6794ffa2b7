"""ResNets as Python has them, for torch_weights_test.cpp. With torchvision where it is installed, else the twin of
tests/golden/model.py.

    torch_weights.py make FOLDER NAME...    random weights and statistics in every kind of file, with images and logits
    torch_weights.py check FOLDER NAME...   NAME.exported.pth loads strictly and gives the logits; so do its kin
    torch_weights.py optimizer FILE CHECKPOINT   FILE (onecycle export --optimizer) loads into torch.optim
"""

import ctypes
import importlib.util
import json
import pathlib
import struct
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent


def network(name):
    try:
        import torchvision
        return getattr(torchvision.models, name)(num_classes=11)
    except ImportError:
        sys.path.insert(0, str(HERE.parent / "golden"))
        spec = importlib.util.spec_from_file_location("model", HERE.parent / "golden" / "model.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.torchvision_resnet(int(name[6:]), "imagenet", classes=11)


def bytes_of(tensor):
    """Without numpy, which PyPI's torch does not bring."""
    whole = tensor.detach().contiguous()
    return ctypes.string_at(whole.data_ptr(), whole.numel() * whole.element_size())


def save_safetensors(tensors, path):
    kinds = {torch.float64: "F64", torch.float32: "F32", torch.int64: "I64", torch.float16: "F16"}
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, value in tensors.items():
        size = value.numel() * value.element_size()
        header[name] = {"dtype": kinds[value.dtype], "shape": list(value.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for value in tensors.values():
            file.write(bytes_of(value))


def load_safetensors(path):
    kinds = {"F64": torch.float64, "F32": torch.float32, "I64": torch.int64}
    data = bytearray(pathlib.Path(path).read_bytes())
    end = 8 + struct.unpack("<Q", data[:8])[0]
    return {name: torch.frombuffer(data, dtype=kinds[entry["dtype"]], offset=end + entry["data_offsets"][0],
                                   count=max(1, torch.Size(entry["shape"]).numel())).reshape(entry["shape"])
            for name, entry in json.loads(data[8:end]).items() if name != "__metadata__"}


def make(folder, name):
    torch.manual_seed(len(name) + int(name[6:]))
    model = network(name).eval()
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if key.endswith("running_mean"):
                value.normal_(0, 0.1)
            elif key.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif value.dim() == 1 and key.endswith("weight"):
                value.uniform_(0.5, 1.5)
        images = torch.randn(2, 3, 48, 40)
        scale = 3 / model(images).abs().max()  # logits of about 1: an absolute tolerance means something
        model.fc.weight.mul_(scale)
        model.fc.bias.mul_(scale)
    state = model.state_dict()
    with torch.no_grad():
        save_safetensors({"images": images, "logits": model(images)}, folder / f"{name}.expected")
    torch.save(state, folder / f"{name}.archive")
    torch.save(state, folder / f"{name}.legacy", _use_new_zipfile_serialization=False)
    wrapped = {f"module.{key}": value for key, value in state.items()}
    torch.save({"epoch": 3, "arch": name, "state_dict": wrapped}, folder / f"{name}.wrapped")
    turned = {key: value.contiguous(memory_format=torch.channels_last) if value.dim() == 4 else value
              for key, value in state.items()}
    torch.save({"model": turned}, folder / f"{name}.strided")
    save_safetensors(state, folder / f"{name}.safetensors")


def check(folder, name):
    expected = load_safetensors(folder / f"{name}.expected")
    model = network(name).eval()
    for state in (torch.load(folder / f"{name}.exported.pth", weights_only=True),
                  load_safetensors(folder / f"{name}.exported.safetensors")):
        for value in model.state_dict().values():
            value.zero_()
        model.load_state_dict(state, strict=True)
        with torch.no_grad():
            assert torch.equal(model(expected["images"]), expected["logits"]), name


def check_optimizer(path, checkpoint):
    """Every parameter's state is that of the checkpoint, by the names of its state_dict."""
    loaded = torch.load(path, weights_only=True)
    saved = load_safetensors(checkpoint)
    names = [name for name in loaded["state_dict"] if f"optimizer.velocity.{name}" in saved or
             f"optimizer.exp_avg.{name}" in saved]
    parameters = [torch.nn.Parameter(loaded["state_dict"][name].clone()) for name in names]
    adaptive = "betas" in loaded["optimizer"]["param_groups"][0]
    optimizer = torch.optim.AdamW(parameters) if adaptive else torch.optim.SGD(parameters, lr=1)
    optimizer.load_state_dict(loaded["optimizer"])
    for name, parameter in zip(names, parameters):
        for theirs, own in (("exp_avg", "exp_avg"), ("exp_avg_sq", "exp_avg_sq")) if adaptive else (
                ("momentum_buffer", "velocity"),):
            assert torch.equal(optimizer.state[parameter][theirs], saved[f"optimizer.{own}.{name}"]), name
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    group = optimizer.param_groups[0]
    print(json.dumps({"lr": group["lr"], "momentum": group["betas"][0] if adaptive else group["momentum"],
                      "parameters": len(names), "step": loaded["step"]}))


if __name__ == "__main__":
    if sys.argv[1] == "optimizer":
        check_optimizer(sys.argv[2], sys.argv[3])
    else:
        for given in sys.argv[3:]:
            {"make": make, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]), given)
