"""Writes pictures.txt: small picture files, byte by byte, and what Pillow makes of them.

Needs Pillow >= 10 and numpy: `python pictures.py > pictures.txt`. A case holds `file` (the bytes) and `rgb` or `grey`
([H,W,C], of ImageOps.exif_transpose and convert), or `fitted`: the shorter side resized (BILINEAR) to resize=, then
the centre size=, as torchvision's Resize and CenterCrop do; `reduced`: the same of a JPEG that Pillow's draft, as its
thumbnail has it, decodes at a fraction first.
"""

import io
import struct
import zlib

import numpy
import PIL
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo


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


def reduced(name, image, resize):
    file = saved(image, "JPEG", quality=75)
    short, long = sorted(image.size)
    other = int(resize * long / short)
    width, height = (resize, other) if image.width <= image.height else (other, resize)
    left, top = round((width - resize) / 2), round((height - resize) / 2)
    opened = Image.open(io.BytesIO(file))
    _, box = opened.draft(None, (width * 3, height * 3))
    result = opened.resize((width, height), Image.BILINEAR, box=box)
    show(name, file, {"reduced": result.crop((left, top, left + resize, top + resize))}, resize=resize, size=resize)


def tiff(turn):
    """EXIF data whose Orientation is a LONG."""
    return b"MM" + struct.pack(">HIHHHIII", 42, 8, 1, 0x0112, 4, 1, turn, 0)


def xmp(turn):
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{turn}"/></rdf:RDF></x:xmpmeta>'
    )


def texts(turn, kind):
    info = PngInfo()
    if kind == "xmp":
        info.add_itxt("XML:com.adobe.xmp", xmp(turn))
    else:  # as ImageMagick writes it
        data = (b"Exif\0\0" + tiff(turn)).hex()
        lines = "\n".join(data[i : i + 72] for i in range(0, len(data), 72))
        info.add_text("Raw profile type exif", f"\nexif\n{len(data) // 2:8}\n{lines}\n", zip=True)
    return info


def patched(file, before, after):
    assert file.count(before) == 1
    return file.replace(before, after)


def top_down_bmp(image):
    """Pillow writes rows from the bottom alone."""
    pixels = numpy.asarray(image)[:, :, ::-1]
    rows = numpy.zeros((image.height, (image.width * 3 + 3) // 4 * 4), numpy.uint8)
    rows[:, : image.width * 3] = pixels.reshape(image.height, -1)
    head = struct.pack("<IiiHHIIiiII", 40, image.width, -image.height, 1, 24, 0, rows.size, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + rows.size, 0, 0, 54) + head + rows.tobytes()


def kinds():
    small = picture(5, 8)
    jpeg = saved(small, "JPEG", quality=90)
    decoded("jpeg-exif-long-6", saved(small, "JPEG", quality=90, exif=b"Exif\0\0" + tiff(6)))
    decoded("jpeg-xmp-8", saved(small, "JPEG", quality=90, xmp=xmp(8).encode()))
    decoded("jpeg-scan-to-0", patched(jpeg, b"\x03\x11\x00\x3f\x00", b"\x03\x11\x00\x00\x00"))
    decoded("jpeg-jfif-2", patched(jpeg, b"JFIF\0\1\1", b"JFIF\0\2\1"))
    decoded("jpeg-cmyk-420", saved(picture(19, 22).convert("CMYK"), "JPEG", quality=90, subsampling=2))
    decoded("png-raw-profile-5", saved(small, "PNG", pnginfo=texts(5, "exif")))
    decoded("png-xmp-3", saved(small, "PNG", pnginfo=texts(3, "xmp")))
    rgba = small.convert("RGBA")
    rgba.putalpha(small.convert("L"))
    decoded("webp-lossy", saved(picture(13, 20), "WEBP", quality=80))
    decoded("webp-lossless", saved(small, "WEBP", lossless=True))
    decoded("webp-lossy-alpha", saved(rgba, "WEBP", quality=80))
    decoded("webp-lossless-alpha", saved(rgba, "WEBP", lossless=True, exact=True))
    decoded("webp-exif-6", saved(small, "WEBP", lossless=True, exif=b"Exif\0\0" + tiff(6)))
    decoded("webp-xmp-7", saved(small, "WEBP", lossless=True, xmp=xmp(7).encode()))
    others = [ImageOps.mirror(small), ImageOps.flip(small)]
    animation = {"save_all": True, "append_images": others, "duration": 100}
    decoded("webp-animated", saved(small, "WEBP", lossless=True, **animation))
    decoded("bmp-rgb", saved(small, "BMP"))
    decoded("bmp-rgba", saved(rgba, "BMP"))
    decoded("bmp-palette", saved(small.quantize(13), "BMP"))
    decoded("bmp-grey", saved(small.convert("L"), "BMP"))
    decoded("bmp-1-bit", saved(small.convert("1"), "BMP"))
    decoded("bmp-top-down", top_down_bmp(small))
    palette = small.quantize(13)
    decoded("gif", saved(palette, "GIF"))
    decoded("gif-one-by-one", saved(palette, "GIF", interlace=0))
    decoded("gif-grey", saved(small.convert("L"), "GIF"))
    decoded("gif-transparent", saved(palette, "GIF", transparency=int(numpy.asarray(palette)[2, 3])))
    decoded("gif-animated", saved(small, "GIF", **animation))
    plain = saved(palette, "GIF")
    decoded("gif-part", patched(b"GIF89a" + struct.pack("<HH", 12, 9) + plain[10:], b"\x2c" + bytes(4), b"\x2c\2\0\1\0"))
    reduced("reduced", picture(67, 101), 10)
    reduced("reduced-tall", picture(101, 67), 10)


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
    kinds()


main()
