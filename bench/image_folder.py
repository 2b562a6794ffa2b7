#!/usr/bin/env python3
"""Reading a folder of pictures: onecycle's image_folder against torchvision's ImageFolder + DataLoader.

Two folders of class folders are made, of Fashion-MNIST (onecycle's own copy): --small 28x28 PNGs, kept at 28, and
--large JPEGs of 500x375 put together from them and coloured, resized to 256 and cut to 224. Both programs read the
whole folder in turn, --runs times, with two threads or two workers; the median with the smallest and largest, and the
ratio of each pair. Build first: ninja -C build/release bench_image_folder. Needs bench/requirements.txt:

  bench/image_folder.py --python /tmp/bench/bin/python
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile

from common import ROOT, last_json

MAKE = """
import gzip, sys
from pathlib import Path
import numpy
from PIL import Image
source, folder, small, large = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
images = numpy.frombuffer(gzip.open(source + "/train-images-idx3-ubyte.gz").read(), numpy.uint8, offset=16).reshape(-1, 28, 28)
labels = numpy.frombuffer(gzip.open(source + "/train-labels-idx1-ubyte.gz").read(), numpy.uint8, offset=8)
for i in range(small):
    place = folder / "small" / "train" / str(labels[i])
    place.mkdir(parents=True, exist_ok=True)
    Image.fromarray(images[i]).save(place / f"{i:05}.png")
random = numpy.random.default_rng(1)
for i in range(large):
    place = folder / "large" / "train" / str(labels[i])
    place.mkdir(parents=True, exist_ok=True)
    tiles = images[random.integers(0, len(images), 12)].reshape(3, 4, 28, 28).transpose(0, 2, 1, 3).reshape(84, 112)
    layers = [Image.fromarray(numpy.roll(tiles, shift, 1)).resize((500, 375), Image.BICUBIC) for shift in (0, 2, 5)]
    noise = random.normal(0, 6, (375, 500, 3))
    picture = numpy.clip(numpy.stack([numpy.asarray(layer) for layer in layers], 2) + noise, 0, 255)
    Image.fromarray(picture.astype(numpy.uint8)).save(place / f"{i:05}.jpg", quality=90)
"""

PEER = """
import json, sys, time
import torch
from torchvision import datasets, transforms as T
torch.set_num_threads(1)
folder, resize, size, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
begin = time.perf_counter()
data = datasets.ImageFolder(folder + "/train", T.Compose([T.Resize(resize), T.CenterCrop(size), T.PILToTensor()]))
count = 0
for images, labels in torch.utils.data.DataLoader(data, batch_size=128, num_workers=workers):
    count += len(labels)
print(json.dumps({"seconds": time.perf_counter() - begin, "pictures": count}))
"""


def row(name, values, unit):
    return f"  {name:<24}{statistics.median(values):8.3f} {unit} [{min(values):.3f}–{max(values):.3f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="a Python with torchvision")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--small", type=int, default=10000)
    parser.add_argument("--large", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--source", default="/usr/share/datasets/fashion-mnist")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([arguments.python, "-c", MAKE, arguments.source, folder, str(arguments.small),
                        str(arguments.large)], check=True)
        for kind, resize, size in (("small", 28, 28), ("large", 256, 224)):
            ours, peers = [], []
            for _ in range(arguments.runs):
                rest = [f"{folder}/{kind}", resize, size, arguments.threads]
                ours.append(last_json([ROOT / "build/release/bench/bench_image_folder", *rest])["seconds"])
                peers.append(last_json([arguments.python, "-c", PEER, *rest])["seconds"])
            print(f"{kind}: {getattr(arguments, kind)} pictures, {arguments.threads} threads or workers")
            print(row("onecycle", ours, "s"))
            print(row("torchvision", peers, "s"))
            print(row("onecycle / torchvision", [a / b for a, b in zip(ours, peers)], " "))


if __name__ == "__main__":
    main()
