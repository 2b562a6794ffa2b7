#include "data/pictures/picture.h"

#include "onecycle/error.h"

#include "core/files/input_file.h"
#include "core/text/format.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>

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
  Picture result{picture.height, picture.width, channels, {}};
  const auto count = static_cast<std::size_t>(picture.height * picture.width);
  result.pixels.resize(count * static_cast<std::size_t>(channels));
  const std::uint8_t* in = picture.pixels.data();
  std::uint8_t* out = result.pixels.data();
  for (std::size_t i = 0; i < count; ++i, in += picture.channels, out += channels)
    convert_pixel(in, picture.channels, out, channels);
  return result;
}

// Where the pixel (y, x) of the upright picture is stored. EXIF 2.3, 4.6.4: 2 mirrored, 3 turned by
// 180 degrees, 4 upside down, 5 to 8 the same with rows and columns exchanged.
Picture upright(Picture picture, int orientation) {
  if (orientation == 1) return picture;
  const bool exchanged = orientation >= 5;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Picture result{exchanged ? picture.width : picture.height,
                 exchanged ? picture.height : picture.width,
                 picture.channels,
                 {}};
  result.pixels.resize(picture.pixels.size());
  const auto channels = static_cast<std::size_t>(picture.channels);
  std::uint8_t* out = result.pixels.data();
  for (std::int64_t y = 0; y < result.height; ++y)
    for (std::int64_t x = 0; x < result.width; ++x, out += channels) {
      const std::int64_t row = exchanged ? x : y;
      const std::int64_t column = exchanged ? y : x;
      const std::int64_t from_y = from_bottom ? picture.height - 1 - row : row;
      const std::int64_t from_x = from_right ? picture.width - 1 - column : column;
      const auto at = static_cast<std::size_t>(from_y * picture.width + from_x) * channels;
      std::memcpy(out, picture.pixels.data() + at, channels);
    }
  return result;
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
  constexpr std::uint8_t kPng[] = {0x89, 'P', 'N', 'G'};
  StoredPicture stored;
  if (size >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff) {
    stored = decode_jpeg(bytes, size, name, options.shorter_side);
  } else if (size >= sizeof kPng && std::memcmp(bytes, kPng, sizeof kPng) == 0) {
    stored = decode_png(bytes, size, name);
  } else {
    throw DataError(format("{}: {}; use another copy, or leave it out", name,
                           size == 0 ? "empty" : "neither a JPEG nor a PNG by its content"));
  }
  Picture picture = with_channels(std::move(stored.picture), options.channels);
  return upright(std::move(picture), stored.orientation);
}

Picture read_picture(const std::string& path, const DecodeOptions& options) {
  const std::vector<std::uint8_t> bytes = read_regular_file(path, kLargestFile);
  return decode_picture(bytes.data(), bytes.size(), path, options);
}

PictureName picture_name(const std::string& path) {
  std::string suffix = std::filesystem::path(path).extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* known : {".jpg", ".jpeg", ".jpe", ".jfif", ".png"})
    if (suffix == known) return PictureName::readable;
  for (const char* known :
       {".bmp", ".gif", ".heic", ".jp2", ".pgm", ".ppm", ".tif", ".tiff", ".webp", ".avif"})
    if (suffix == known) return PictureName::other;
  return PictureName::no;
}

}  // namespace onecycle
