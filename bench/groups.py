"""Who is compared with whom: the same data, network, batch and threads."""
import re
from dataclasses import dataclass, field

from common import ROOT
from environment import BUILD, tcmalloc

PEERS = ROOT / "bench/peers"
TURNS = "bench/bench_turns"
RANDOM_PICTURES = "name: null, validation: 0, format: {name: synthetic, train: 10000, test: 100, channels: 3, height: 32, width: 32}"


@dataclass
class Variant:
    name: str
    command: list
    environment: dict = field(default_factory=dict)


@dataclass
class Group:
    name: str
    title: str
    variants: list
    reference: str  # the name of the one whose figure is 1
    steps: int      # a turn
    rounds: int
    notes: list = field(default_factory=list)
    spare: bool = False  # a peer that ends before its first step is left out, with a note


def ours(options, name, recipe, *settings):
    pairs = [f"train.threads={options.threads}", f"train.device={options.device}", *settings]
    command = [BUILD / TURNS, ROOT / "recipes" / recipe]
    return Variant(name, command + [word for pair in pairs for word in ("--set", pair)])


def our_mlp(options, precision, *settings):
    return ours(options, f"onecycle, {precision}", "quickstart.yaml", f"data.dir={options.fashion_mnist}",
                f"data.batch_size={options.batch or 128}", f"train.precision={precision}", *settings)


def our_resnet(options, net, precision, *settings):
    model = "{name: resnet18, stem: cifar}" if net == "resnet18" else net
    if options.cifar10:
        data = [f"data.dir={options.cifar10}", f"data.batch_size={options.batch or 128}"]
    else:
        data = [f"data={{{RANDOM_PICTURES}, batch_size: {options.batch or 128}}}"]
    augment = "[{pad_crop: 4}, flip]" if options.augment else "[]"
    return ours(options, f"onecycle, {precision}", "cifar10-resnet20.yaml", *data, f"data.augment={augment}",
                f"model={model}", f"train.precision={precision}", *settings)


def peer(options, name, file, *rest, environment=None):
    command = [options.python, PEERS / file, "--threads", options.threads, "--device", options.device,
               *(["--batch", options.batch] if options.batch and "--batch" not in rest else []), *rest]
    return Variant(name, command, environment or {})


def mlp_peer(options, name, file):
    return peer(options, name, file, "--data", options.fashion_mnist)


def widths(options, *names):
    """Of the formats in which onecycle trains, those that this machine has: without bf16, `auto` is fp32."""
    return ("fp32",) if options.why_no_bf16 else names


def expert(options):
    return "PyTorch, channels_last, " + ("fp32" if options.why_no_bf16 else "bf16")


def no_bf16(options):
    return ["--no-bf16"] if options.why_no_bf16 else []


def notes(options):
    return [f"not measured in bf16: {options.why_no_bf16}"] if options.why_no_bf16 else []


def resnet_peer(options, name, file, net, environment=None):
    data = ["--data", options.cifar10 / "cifar-10-batches-bin"] if options.cifar10 else []
    augment = ["--augment"] if options.augment else []
    return peer(options, name, file, "--net", net, *data, *augment, *no_bf16(options), environment=environment)


# On a GPU, of any network: a name in the table and the end of the name of its file in bench/peers.
ON_A_GPU = {"eager": "eager, on the GPU", "graph": "graph, the whole step by hand", "compiled": "compiled, max-autotune"}


def on_a_gpu(options, net, title, ours, peer_of):
    """Turns of hundreds of steps: the first holds the warm-up and the recording of every graph."""
    peers = [peer_of(ON_A_GPU[name], name) for name in options.peers]
    return Group(net, f"{title}, batch {options.batch or 128}", [*ours, *peers], peers[0].name,
                 steps=500 if net == "mlp" else 200, rounds=8, spare=True)


def mlp(options):
    if options.device == "cuda":
        files = {"eager": "mlp_memory.py", "graph": "mlp_graph.py", "compiled": "mlp_compiled.py"}
        return on_a_gpu(options, "mlp", "3-layer net 784-256-128-10, Fashion-MNIST",
                        [our_mlp(options, precision, "train.tf32=on") for precision in ("fp32", "bf16")],
                        lambda name, kind: mlp_peer(options, name, files[kind]))
    return Group("mlp", "3-layer net 784-256-128-10, Fashion-MNIST, batch " + f"{options.batch or 128}; peers in fp32", [
        *(our_mlp(options, precision) for precision in widths(options, "fp32", "auto", "bf16")),
        mlp_peer(options, "PyTorch, in memory", "mlp_memory.py"),
        mlp_peer(options, "PyTorch, DataLoader", "mlp_dataloader.py"),
        mlp_peer(options, "fastai", "mlp_fastai.py"),
        mlp_peer(options, "Lightning", "mlp_lightning.py"),
    ], "PyTorch, in memory", steps=500, rounds=12, notes=notes(options))


def resnet(options, net, steps, rounds):
    pictures = "CIFAR-10" if options.cifar10 else "random pictures"
    augment = "crops and flips (peers: vectorised, normalised beforehand)" if options.augment else "no augmentation"
    title = f"{net.replace('resnet', 'ResNet-')}, {pictures} 3x32x32"
    if options.device == "cuda":
        files = {"eager": "resnet_autocast.py", "graph": "resnet_graph.py", "compiled": "resnet_compiled.py"}
        return on_a_gpu(options, net, f"{title}, {augment}", [our_resnet(options, net, "auto")],
                        lambda name, kind: resnet_peer(options, name, files[kind], net))
    title = f"{title}, batch {options.batch or 128}, {augment}"
    group = Group(net, title, [
        *(our_resnet(options, net, precision) for precision in widths(options, "auto", "fp32")),
        resnet_peer(options, expert(options), "resnet_autocast.py", net),
        resnet_peer(options, "the same, torch.compile", "resnet_compiled.py", net),
        resnet_peer(options, "PyTorch, contiguous, fp32", "resnet_usual.py", net),
    ], expert(options), steps, rounds, notes(options))
    library = tcmalloc()
    if library:
        group.variants.insert(-2, resnet_peer(options, "the same, tcmalloc", "resnet_autocast.py", net,
                                             {"LD_PRELOAD": library}))
    else:
        group.notes.append("not measured with tcmalloc: libtcmalloc-minimal4 is not installed")
    return group


def muon(options):
    """What Muon's steps cost beside SGD's; with --against, beside those of another build."""
    def variant(optimizer):
        found = our_resnet(options, "resnet20", "auto", f"optimizer={{name: {optimizer}}}",
                           "schedule.lr_max=0.05", "schedule.lr_min=0.005")
        return Variant(f"onecycle, {optimizer}", found.command)
    title = f"ResNet-20 by Muon and by SGD, 3x32x32, batch {options.batch or 128}"
    return Group("muon", title, [variant("muon"), variant("sgd")], "onecycle, sgd", steps=8, rounds=10,
                 notes=notes(options))


def cifar_fast(options):
    """recipes/cifar10-94.yaml's network and batch, without Lookahead on the peers' side."""
    data = [f"data.dir={options.cifar10}"] if options.cifar10 else [
        f"data={{{RANDOM_PICTURES}, batch_size: 1024}}", "data.augment=[{pad_crop: 4}, flip]"]
    batch = ("--batch", options.batch or 1024)
    network = [ours(options, "onecycle, auto", "cifar10-94.yaml", *data, f"data.batch_size={batch[1]}")]
    folder = ["--data", options.cifar10 / "cifar-10-batches-bin"] if options.cifar10 else []
    for name, file in ((expert(options), "resnet_autocast.py"), ("the same, torch.compile", "resnet_compiled.py")):
        network.append(peer(options, name, file, "--net", "cifar_fast", "--augment", *batch, *folder, *no_bf16(options)))
    return Group("cifar_fast", f"airbench94's network, batch {batch[1]}, crops and flips", network,
                 expert(options), steps=2, rounds=8, notes=notes(options))


def table(options):
    """Two groups: speed and memory of the residual network with embeddings."""
    batch = ("--batch", options.batch or 256)
    recipe = f"{ROOT}/bench/tables/diamonds.yaml"
    def variants(*precisions):
        return [*(ours(options, f"onecycle, {precision}", recipe, f"data.dir={options.table}", "data.validation=0",
                       f"data.batch_size={batch[1]}", f"train.precision={precision}") for precision in precisions),
                peer(options, "PyTorch, in memory", "table_memory.py", "--data", options.table, *batch)]
    title = f"residual network with embeddings, diamonds, batch {batch[1]}; peers in fp32"
    return [Group("table", title, variants(*widths(options, "fp32", "auto")), "PyTorch, in memory", steps=100, rounds=12,
                  notes=notes(options)),
            Group("memory", f"peak resident memory, {title}", variants("fp32"), "PyTorch, in memory", steps=100, rounds=3)]


def start(options):
    return Group("start", "from the program's start to its first finished step, 3-layer net, files in the page cache", [
        our_mlp(options, "fp32", "train.duration=5ep"),
        mlp_peer(options, "PyTorch, in memory", "mlp_memory.py"),
        mlp_peer(options, "fastai", "mlp_fastai.py"),
        mlp_peer(options, "Lightning", "mlp_lightning.py"),
    ], "PyTorch, in memory", steps=1, rounds=5)


def memory(options):
    """Two groups: peak resident memory of the whole process for the same work."""
    mlp_group = Group("memory", "peak resident memory, 3-layer net", [
        our_mlp(options, "fp32"),
        mlp_peer(options, "PyTorch, in memory", "mlp_memory.py"),
        mlp_peer(options, "PyTorch, DataLoader", "mlp_dataloader.py"),
    ], "PyTorch, in memory", steps=300, rounds=3)
    resnet_group = Group("memory", "peak resident memory, ResNet-20", [
        *(our_resnet(options, "resnet20", precision) for precision in widths(options, "auto", "fp32")),
        resnet_peer(options, expert(options), "resnet_autocast.py", "resnet20"),
        resnet_peer(options, "PyTorch, contiguous, fp32", "resnet_usual.py", "resnet20"),
    ], expert(options), steps=10, rounds=3, notes=notes(options))
    return [mlp_group, resnet_group]


def code_lines(path):
    comment = ("#", '"""') if path.suffix == ".py" else "//"
    lines = [line.strip() for line in path.read_text().splitlines()]
    return sum(bool(line) and not line.startswith(comment) for line in lines)


def custom_module(options):
    """Whole programs, from the data to the last evaluation; each trains a small network in 50 steps an epoch."""
    files = {"onecycle": ROOT / "examples/custom_module.cpp", "LibTorch": PEERS / "custom_module_libtorch.cpp",
             "fastai": PEERS / "custom_module_fastai.py"}
    cpu = {"CUDA_VISIBLE_DEVICES": ""}
    return Group("custom_module", "examples/custom_module.cpp, start to end; peers: the same in LibTorch and in fastai", [
        Variant("onecycle", [BUILD / "bench/bench_custom_module", options.threads], cpu),
        Variant("LibTorch", [BUILD / "bench/bench_custom_module_libtorch", options.threads], cpu),
        peer(options, "fastai", "custom_module_turns.py", environment=cpu),
    ], "LibTorch", steps=2, rounds=12,
        notes=["lines of code: " + ", ".join(f"{name} {code_lines(file)}" for name, file in files.items())])


def predictor(options):
    """A Predictor beside the same network's forward pass."""
    groups = []
    for model, batch, channels, side, calls in (("mlp", 1, 1, 28, 20000), ("mlp", 512, 1, 28, 200),
                                                ("resnet20", 1, 3, 32, 200), ("resnet20", 128, 3, 32, 8),
                                                ("resnet18", 1, 3, 224, 20), ("resnet18", 16, 3, 224, 2)):
        def variant(name, way):
            return Variant(name, [BUILD / "bench/bench_predictor", way, model, batch, channels, side, options.threads])
        groups.append(Group("predictor", f"{model}, {batch} x {channels} x {side} x {side}, uint8 to probabilities", [
            variant("onecycle", "predictor"),
            variant("forward alone", "forward"),
            variant("normalised by hand", "by_hand"),
        ], "forward alone", calls, rounds=9))
    return groups


def against(group, options):
    """For each variant of ours a group of it and the same by another build; the peers are left out."""
    title = re.sub(r"; peers.*| \(peers.*?\)", "", group.title)
    pairs = []
    for variant in group.variants:
        program, *arguments = variant.command
        if variant.name.startswith("onecycle"):
            before = Variant("before", [options.against / program.relative_to(BUILD), *arguments], variant.environment)
            pairs.append(Group(group.name, f"{title}; {variant.name}", [variant, before], before.name, group.steps,
                               group.rounds, notes(options)))
    return pairs


GROUPS = {"mlp": lambda options: [mlp(options)],
          "resnet20": lambda options: [resnet(options, "resnet20", 8, 10)],
          "resnet18": lambda options: [resnet(options, "resnet18", 3, 8)],
          "resnet56": lambda options: [resnet(options, "resnet56", 3, 8)],
          "muon": lambda options: [muon(options)],
          "cifar_fast": lambda options: [cifar_fast(options)],
          "table": table,
          "start": lambda options: [start(options)],
          "memory": memory,
          "custom_module": lambda options: [custom_module(options)],
          "predictor": predictor}
