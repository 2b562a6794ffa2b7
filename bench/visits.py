"""The visits of bench/gpu, most important first: what is right, then how fast, then what is published."""
import shutil
from pathlib import Path

import gpu_results
from gpu_plan import Part, Visit
from gpu_results import cases, evaluated, from_file, json_lines, last_lines, trained

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench/peers"

MLP = "recipes/quickstart.yaml"
RESNET20 = "recipes/cifar10-resnet20.yaml"
FAST = "recipes/cifar10-94.yaml"
MUON = "recipes/cifar10-94-muon.yaml"
PICTURES = "{name: synthetic, train: 10000, test: 1000, channels: 3, height: 32, width: 32}"
MORE_TESTS = "data.format.test=10000"
# Of test cases: on a GPU; not those about a machine that has none.
FILTER = ("*Cuda*:*Gpu*:*GPU*:*Nccl*"
          "-CudaOnHost.*:Engines.*:BadInput.*:StepGraph.OnNeedsAGpu:*.WithoutCuda*:*BuildWithoutCuda*")
# Super-convergence (Smith & Topin 2018): CLR .1 to 3 to .1 over 10,000 steps of 1000 samples, published 92.4 %.
SUPER = ["name=super", "model={name: resnet56, init: msra}", "data.batch_size=1000", "data.validation=0",
         "data.augment=[flip]", "schedule={name: cyclical, lr_min: 0.1, lr_max: 3, step_up: 5000it}",
         "optimizer={name: sgd, momentum: 0.9, weight_decay: 1e-4, weight_decay_mode: l2, decay_all: true}",
         "train.duration=10000it", "train.evaluate_every=1000it", "train.log_every=250", "output.checkpoint_every=500it"]
# Losses that are to be the same bits.
EXACT = ["train.deterministic=true", "train.tf32=off", "train.log_every=1"]


def tool(name):
    """Of the CUDA toolkit: its path, or None."""
    return shutil.which(name) or shutil.which(name, path="/usr/local/cuda/bin")


def steps(count):
    return [f"train.duration={count}it", f"train.evaluate_every={count}it", f"output.checkpoint_every={count}it"]


def synthetic(batch):
    return [f"data={{name: null, validation: 0, format: {PICTURES}, batch_size: {batch}}}", "data.augment=[{pad_crop: 4}, flip]"]


class Make:
    """Parts, by where the program, the data and the results are."""

    def __init__(self, options):
        self.options = options
        self.program = options.build / "onecycle"
        self.bench_data = ["--fashion-mnist", options.fashion_mnist]
        if options.cifar10_is_complete:
            self.bench_data += ["--cifar10", options.cifar10]

    def train_words(self, recipe, settings, words=(), data=True):
        pairs = ["train.device=cuda", f"output.dir={self.options.work / 'runs'}"]
        if data:
            pairs.append(f"data.dir={self.options.fashion_mnist if recipe == MLP else self.options.cifar10 or 'data/cifar10'}")
        return [self.program, "train", recipe, "--json", *words,
                *(word for pair in [*pairs, *settings] for word in ("--set", pair))]

    def train(self, name, usual, limit, recipe, *settings, words=(), data=True, before=(), **rest):
        rest.setdefault("needs", ("cifar10",) if data and recipe != MLP else ())
        rest.setdefault("read", trained)
        return Part(name, usual, limit, [*before, *self.train_words(recipe, settings, words, data)], **rest)

    def airbench(self, name, usual, limit, *words, cache=None, **rest):
        """`cache`: where torch.compile keeps its kernels."""
        environment = {"TORCHINDUCTOR_CACHE_DIR": str(self.options.work / cache)} if cache else {}
        return Part(name, usual, limit, [self.options.python, PEERS / "airbench94.py", "--device", "cuda", "--data",
                    self.options.cifar10 or "data/cifar10", *words], json_lines,
                    needs=("cifar10", "compiler") if "--compile" in words else ("cifar10",), environment=environment, **rest)

    def turns(self, group, batch, peers, usual, limit, wanted, rounds):
        file = self.options.work / f"turns-{group}-{batch}-{peers.replace(',', '-')}.json"
        return Part(f"{group}, batch {batch}, beside {peers.replace(',', ' and ')}", usual, limit,
                    [self.options.python, ROOT / "bench/run", "--device", "cuda", "--only", group, "--batch", batch, "--peers",
                     peers, "--rounds", rounds, "--quiet", 0.5, "--json", file, *self.bench_data], from_file(file), wanted,
                    needs=("compiler",) if peers == "compiled" else ())

    def leg(self, number, goes_on):
        """Of one run that is resumed where there is one."""
        def command():
            begun = any((self.options.work / "runs/super").glob("*/checkpoints/*"))
            return self.train_words(RESNET20, SUPER, ["--resume"] if begun else [])
        return Part(f"ResNet-56, super-convergence, part {number} of 3", 225, 240, command, trained, "0.915", ("cifar10",),
                    goes_on=goes_on)


def right(make):
    """1: nothing but the bundle and its data."""
    build, python = make.options.build, make.options.python
    yield Part("CUDA tests", 60, 110, [python, ROOT / "bench/cuda_tests.py", build, FILTER], cases)
    for net, recipe, settings, data in (("mlp", MLP, [], True),
                                        ("resnet20", RESNET20, [*synthetic(128), "train.precision=bf16"], False),
                                        ("cifar_fast", FAST, synthetic(1024), False)):
        for graph in ("off", "on"):
            yield make.train(f"{net}, graph {graph}", 12, 30, recipe, *settings, f"train.graph={graph}", *EXACT, *steps(100),
                             data=data)
    # Ten evaluations of 20 batches and six views; a bias freezes within, and both graphs are recorded anew.
    for graph in ("off", "on"):
        yield make.train(f"cifar_fast, evaluation graph {graph}", 12, 30, FAST, *synthetic(1024), MORE_TESTS,
                         f"train.evaluation_graph={graph}", *EXACT, *steps(100), "train.evaluate_every=10it", data=False,
                         before=[python, ROOT / "bench/gpu_memory.py"], read=evaluated)
    yield make.train("quickstart", 15, 45, MLP, wanted="0.888")
    yield make.train("one rank over NCCL", 15, 40, MLP, *steps(300), words=("--ranks", "1"))
    yield make.train("two ranks on one GPU", 25, 45, MLP, "data.batch_size=64", "train.graph=off", *EXACT, *steps(100),
                     before=[python, ROOT / "bench/one_gpu_ranks.py", "2"])
    yield make.train("two ranks over gloo", 15, 40, MLP, "train.device=cpu", *steps(100), words=("--ranks", "2"))


def fast(make):
    yield make.train("cifar10-94, seeds 1-5", 50, 110, FAST, "seed=1", words=("--seeds", "5"))
    yield make.train("cifar10-94, seeds 6-10", 50, 110, FAST, "seed=6", words=("--seeds", "5"))
    yield make.train(gpu_results.COLD, 12, 40, FAST, "seed=11")
    yield make.airbench("airbench94 plain", 60, 110, "--runs", 4)


def compiled(make):
    yield make.airbench("airbench94 compiled, cold", 75, 115, "--runs", 1, "--compile", cache="inductor",
                        empties=make.options.work / "inductor")
    yield make.airbench(gpu_results.COMPILED, 45, 80, "--runs", 5, "--compile", cache="inductor")
    yield make.airbench("airbench94 muon, compiled", 75, 110, "--runs", 4, "--muon", "--compile", cache="inductor")
    yield make.train("cifar10-94-muon, 4 seeds", 35, 80, MUON, words=("--seeds", "4"))


def small_nets(make):
    for group, usual, limit in (("mlp", 40, 70), ("resnet20", 70, 100)):
        for batch in (128, 512):
            yield make.turns(group, batch, "eager,graph", usual, limit, "eager=2;graph=1", 6)


def resnet56(make):
    for batch in (128, 512):
        yield make.turns("resnet56", batch, "eager,graph", 110, 120, "eager=2;graph=1", 5)


def max_autotune(make):
    yield make.turns("mlp", 128, "compiled", 30, 60, "compiled=1.2", 4)
    yield make.turns("resnet20", 128, "compiled", 80, 120, "compiled=1.2", 4)
    yield make.turns("resnet56", 128, "compiled", 125, 160, "compiled=1.2", 4)


def deeper(make):
    short = [*synthetic(128), *steps(60)]
    yield Part("compute-sanitizer", 70, 100, [make.options.python, ROOT / "bench/cuda_tests.py", make.options.build, FILTER,
               "kernels,models,optim,data", tool("compute-sanitizer") or "compute-sanitizer", "--error-exitcode", "1"], cases,
               needs=("compute-sanitizer",))
    yield make.train("resnet20 in fp16", 20, 40, RESNET20, *synthetic(128), "train.precision=fp16", *steps(500), data=False,
                     read=last_lines)
    yield Part("fit-batch", 60, 80, [make.program, "fit-batch", RESNET20, "--max", "4096",
               *(word for pair in [*synthetic(128), "train.device=cuda"] for word in ("--set", pair))], last_lines)
    # Without --json: the lists of phases, operators and kernels are printed.
    profiled = make.train("trace", 25, 50, RESNET20, *synthetic(128), *steps(120), words=("--profile=50",), data=False,
                          read=last_lines)
    yield Part(profiled.name, profiled.usual, profiled.limit, [word for word in profiled.command if word != "--json"], last_lines)
    yield Part("ncu", 55, 80, [tool("ncu") or "ncu", "--csv", "--log-file",
               make.options.work / "ncu.csv", "--launch-skip", "400", "--launch-count", "30", "-k",
               "regex:gather|multi_tensor|metrics|norm", "--section", "SpeedOfLight",
               *make.train_words(RESNET20, [*short, "train.graph=off"], data=False)], last_lines, needs=("ncu",))


def visits(options):
    """options: build, python, fashion_mnist, cifar10 (or None), cifar10_is_complete, work."""
    make = Make(options)
    legs = [make.leg(1, "next"), make.leg(2, "next"), make.leg(3, "here")]
    described = [
        ("CUDA tests, losses with and without graph, quickstart, ranks", right(make)),
        ("cifar10-94, ten seeds, beside airbench94", fast(make)),
        ("airbench94 compiled and muon, cold and warm", compiled(make)),
        ("3-layer net and ResNet-20 beside eager and a graph made by hand", small_nets(make)),
        ("ResNet-56 beside eager and a graph made by hand", resnet56(make)),
        ("beside torch.compile(max-autotune)", max_autotune(make)),
        *((f"super-convergence of ResNet-56, part {i + 1} of 3", [leg]) for i, leg in enumerate(legs)),
        ("compute-sanitizer, fp16, fit-batch, where the time goes", deeper(make)),
    ]
    return [Visit(number, title, tuple(parts)) for number, (title, parts) in enumerate(described, 1)]
