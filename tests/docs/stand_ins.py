"""What somebody who reads the documentation has beside a clone, small and made up: CIFAR-10, pictures, folders of pictures,
made with Python's standard library alone."""
import random
import struct
import zlib

CLASSES = 10


def png(width, height, rows):
    """An RGB picture; `rows` are its bytes, top to bottom."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    lines = b"".join(b"\0" + rows[3 * width * y:3 * width * (y + 1)] for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(lines, 1)) + chunk(b"IEND", b""))


def noisy(pattern, source):
    """The pattern, of bytes below 128, with a noise of 0 to 127 on each."""
    noise = source.randbytes(len(pattern)).translate(bytes(i & 127 for i in range(256)))
    total = int.from_bytes(pattern, "little") + int.from_bytes(noise, "little")
    return total.to_bytes(len(pattern), "little")


def pattern(label, length):
    """A class's own, blocks of 64 bytes alike."""
    source = random.Random(label)
    return b"".join(bytes([source.randrange(128)]) * 64 for _ in range(-(-length // 64)))[:length]


def cifar10(folder, train=1280, test=40):
    """The binary version in `folder`, with so many samples: a class is a pattern under noise. `descriptor` says how many."""
    source = random.Random(1)
    patterns = [pattern(label, 3072) for label in range(CLASSES)]

    def records(count):
        return b"".join(bytes([i % CLASSES]) + noisy(patterns[i % CLASSES], source) for i in range(count))
    batches = folder / "cifar-10-batches-bin"
    batches.mkdir(parents=True)
    for i in range(1, 6):
        (batches / f"data_batch_{i}.bin").write_bytes(records(train // 5))
    (batches / "test_batch.bin").write_bytes(records(test))


def descriptor(shipped, folder, train=1280):
    """The shipped descriptor of CIFAR-10 in `folder`, of so many samples."""
    folder.mkdir()
    (folder / "cifar10.yaml").write_text(shipped.read_text().replace("train_samples: 50000", f"train_samples: {train}"))


def pictures(folder, count, label=0, side=64):
    folder.mkdir(parents=True)
    source = random.Random(2 + label)
    for i in range(count):
        (folder / f"{i}.png").write_bytes(png(side, side, noisy(pattern(label, 3 * side * side), source)))


def class_folders(folder, classes=("cat", "dog"), train=12, test=4):
    for label, name in enumerate(classes):
        pictures(folder / "train" / name, train, label)
        pictures(folder / "val" / name, test, label)
