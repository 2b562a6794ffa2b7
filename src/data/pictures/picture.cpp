#include "data/pictures/picture.h"

#include "onecycle/error.h"

#include "core/files/input_file.h"
#include "core/text/format.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace onecycle {

namespace {

constexpr std::uint64_t kLargestFile = std::uint64_t{1} << 30;

// Pillow's ImagingConvert: ITU-R 601 luma in 16 bits of fixed point.
std::uint8_t luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >>
                                   16);
}

// a * b / 255, rounded, as Pillow's MULDIV255.
int multiplied(int a, int b) {
  const int product = a * b + 128;
  return (product + (product >> 8)) >> 8;
}

// Adobe writes CMYK inverted: a stored value is the ink left out.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb) {
  const int light = cmyk[3];
  for (int c = 0; c < 3; ++c)
    rgb[c] = static_cast<std::uint8_t>(std::max(0, light - multiplied(255 - cmyk[c], light)));
}

void convert_pixel(const std::uint8_t* in, std::int64_t in_channels, std::uint8_t* out,
                   std::int64_t out_channels) {
  std::uint8_t rgb[3];
  if (in_channels == 1) {
    std::memset(rgb, in[0], 3);
  } else if (in_channels == 4) {
    cmyk_to_rgb(in, rgb);
  } else {
    std::memcpy(rgb, in, 3);
  }
  if (out_channels == 3)
    std::memcpy(out, rgb, 3);
  else
    out[0] = in_channels == 1 ? in[0] : luma(rgb);
}

Picture with_channels(Picture picture, std::int64_t channels) {
  if (picture.channels == channels) return picture;
  Picture result{picture.height, picture.width, channels, {}, picture.orientation, picture.part};
  const auto count = static_cast<std::size_t>(picture.height * picture.width);
  result.pixels.resize(count * static_cast<std::size_t>(channels));
  const std::uint8_t* in = picture.pixels.data();
  std::uint8_t* out = result.pixels.data();
  for (std::size_t i = 0; i < count; ++i, in += picture.channels, out += channels)
    convert_pixel(in, picture.channels, out, channels);
  return result;
}

// What a file is that is no picture we read, by its first bytes; nullptr: nothing known.
const char* stranger(std::string_view head) {
  const std::string_view brand = head.size() >= 12 ? head.substr(8, 4) : "";
  if (head.size() >= 12 && head.substr(4, 4) == "ftyp") {
    if (brand == "avif" || brand == "avis") return "an AVIF picture";
    for (const char* heic : {"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"})
      if (brand == heic) return "a HEIC picture";
    return "a video or a picture of its kind";
  }
  if (head.starts_with(std::string_view("II*\0", 4)) ||
      head.starts_with(std::string_view("MM\0*", 4)))
    return "a TIFF picture";
  if (head.starts_with(std::string_view("\0\0\0\x0cjP  ", 8)) ||
      head.starts_with("\xff\x4f\xff\x51"))
    return "a JPEG 2000 picture";
  return nullptr;
}

Picture decode_stored(const std::uint8_t* bytes, std::size_t size, const std::string& name,
                      std::int64_t shorter_side) {
  const std::string_view head(reinterpret_cast<const char*>(bytes),
                              std::min<std::size_t>(size, 16));
  if (head.starts_with("\xff\xd8\xff")) return decode_jpeg(bytes, size, name, shorter_side);
  if (head.starts_with("\x89PNG")) return decode_png(bytes, size, name);
  if (head.starts_with("RIFF") && head.substr(std::min<std::size_t>(size, 8)).starts_with("WEBP"))
    return decode_webp(bytes, size, name);
  if (head.starts_with("BM")) return decode_bmp(bytes, size, name);
  if (head.starts_with("GIF8")) return decode_gif(bytes, size, name);
  const char* kind = stranger(head);
  if (kind != nullptr)
    throw DataError(
        format("{}: {}, which is not read; convert it to JPEG, PNG or WebP, or leave it "
               "out",
               name, kind));
  throw DataError(format("{}: {}; use another copy, or leave it out", name,
                         size == 0 ? "empty" : "no JPEG, PNG, WebP, BMP or GIF by its content"));
}

}  // namespace

void check_picture_size(std::int64_t height, std::int64_t width, const std::string& name) {
  if (height < 1 || width < 1)
    throw DataError(format("{}: a picture of {}x{} pixels; use another copy", name, height, width));
  if (height > kMostPixels / width)
    throw DataError(format(
        "{}: {}x{} pixels, more than the limit of {} million; make it smaller, or leave it out",
        name, height, width, kMostPixels / 1000000));
}

Picture decode_picture(const std::uint8_t* bytes, std::size_t size, const std::string& name,
                       const DecodeOptions& options) {
  return with_channels(decode_stored(bytes, size, name, options.shorter_side), options.channels);
}

Picture read_picture(const std::string& path, const DecodeOptions& options) {
  const std::vector<std::uint8_t> bytes = read_regular_file(path, kLargestFile);
  return decode_picture(bytes.data(), bytes.size(), path, options);
}

PictureName picture_name(const std::string& path) {
  std::string suffix = std::filesystem::path(path).extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* known : {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif"})
    if (suffix == known) return PictureName::readable;
  for (const char* known : {".avif", ".heic", ".heif", ".jp2", ".pgm", ".ppm", ".tif", ".tiff"})
    if (suffix == known) return PictureName::other;
  return PictureName::no;
}

}  // namespace onecycle
