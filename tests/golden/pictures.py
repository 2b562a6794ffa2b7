"""Writes pictures.txt: small picture files, byte by byte, and what Pillow makes of them.

Needs Pillow >= 10 and numpy: `python pictures.py > pictures.txt`. A case holds `file` (the bytes) and `rgb` or `grey`
([H,W,C], of ImageOps.exif_transpose and convert), or `fitted`: the shorter side resized (BILINEAR) to resize=, then
the centre size=, as torchvision's Resize and CenterCrop do.
"""

import io
import struct
import zlib

import numpy
import PIL
from PIL import Image, ImageOps


def picture(height, width):
    y, x = numpy.mgrid[0:height, 0:width].astype(float)
    red = 255 * x / width
    green = 127 + 120 * numpy.sin(x / 3) * numpy.cos(y / 4)
    blue = 255 * ((x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 3) ** 2)
    return Image.fromarray(numpy.stack([red, green, blue], 2).round().astype(numpy.uint8))


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def png(width, height, depth, colour, rows, chunks=b""):
    """A PNG of raw rows, for what Pillow does not write."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunks + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def show(name, file, keys, **options):
    print(f"case {name} " + " ".join(f"{key}={value}" for key, value in options.items()))
    print("file", *file)
    for key, pixels in keys.items():
        print(key, *numpy.asarray(pixels).ravel())


def decoded(name, file):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    show(name, file, {"rgb": image.convert("RGB"), "grey": image.convert("L")}, height=image.height, width=image.width)


def fitted(name, image, resize, size):
    short, long = sorted(image.size)
    other = int(resize * long / short)
    width, height = (resize, other) if image.width <= image.height else (other, resize)
    left, top = round((width - size) / 2), round((height - size) / 2)
    result = image.resize((width, height), Image.BILINEAR).crop((left, top, left + size, top + size))
    show(name, saved(image, "PNG"), {"fitted": result}, resize=resize, size=size)


def main():
    print(f"# pictures.py; Pillow {PIL.__version__}")
    colour = picture(13, 20)
    exif = Image.Exif()
    decoded("jpeg-420", saved(colour, "JPEG", quality=90))
    decoded("jpeg-444", saved(colour, "JPEG", quality=90, subsampling=0))
    decoded("jpeg-progressive", saved(colour, "JPEG", quality=75, progressive=True))
    decoded("jpeg-grey", saved(colour.convert("L"), "JPEG", quality=90))
    decoded("jpeg-cmyk", saved(colour.convert("CMYK"), "JPEG", quality=90))
    for turn in range(2, 9):
        exif[0x0112] = turn
        decoded(f"jpeg-exif-{turn}", saved(picture(5, 8), "JPEG", quality=90, exif=exif))
    decoded("png-rgb", saved(colour, "PNG"))
    decoded("png-exif-6", saved(picture(5, 8), "PNG", exif=exif))
    decoded("png-grey", saved(colour.convert("L"), "PNG"))
    decoded("png-1-bit", saved(colour.convert("1"), "PNG"))
    rgba = colour.convert("RGBA")
    rgba.putalpha(colour.convert("L"))
    decoded("png-rgba", saved(rgba, "PNG"))
    decoded("png-grey-alpha", saved(rgba.convert("LA"), "PNG"))
    palette = colour.quantize(13)
    decoded("png-palette", saved(palette, "PNG"))
    decoded("png-palette-transparent", saved(palette, "PNG", transparency=bytes([0, 128, 255] * 4)))
    deep = (numpy.asarray(picture(4, 5)).astype(int) * 256 + 77).astype(">u2")
    file = png(5, 4, 16, 2, [row.tobytes() for row in deep])
    show("png-16-bit", file, {"rgb": deep // 256}, height=4, width=5)
    fitted("shrink", picture(61, 83), 24, 20)
    fitted("shrink-tall", picture(83, 61), 24, 23)
    fitted("grow", picture(9, 14), 16, 16)
    fitted("little", picture(33, 40), 32, 32)


main()
