#include "onecycle/error.h"

#include "core/text/format.h"
#include "data/pictures/picture.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

// Its functions are this file's alone: a program may have another copy of them.
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#include <stb/stb_image.h>

namespace onecycle {

namespace {

// A code of LZW has 12 bits at most, and stands for 4096 pixels at most.
constexpr std::int64_t kGifPixelsPerByte = 4096;

// Up to the bits of a pixel, of the longer kind.
constexpr std::size_t kBmpHeader = 30;

[[noreturn]] void refuse_bitmap(const char* kind, const std::string& name, const char* why) {
  throw DataError(format("{}: damaged or cut short {} ({}); use another copy, or leave it out",
                         name, kind, why));
}

// What stb cannot read may also be sound: run-length encoded BMPs, palettes that are nowhere.
[[noreturn]] void refuse_kind(const char* kind, const std::string& name) {
  const char* why = stbi_failure_reason();
  throw DataError(
      format("{}: a damaged {} or one of a rare kind ({}); convert it to PNG, or "
             "leave it out",
             name, kind, why == nullptr ? "no reason given" : why));
}

std::int64_t little_endian(const std::uint8_t* bytes, int count) {
  std::int64_t number = 0;
  for (int i = count - 1; i >= 0; --i) number = number << 8 | bytes[i];
  return number;
}

// Where the pixels end that a BMP's header announces, but for what fills up the last row; stb reads
// zeros past the end of a file.
std::int64_t bmp_end(const std::uint8_t* bytes, const Picture& picture) {
  constexpr std::int64_t kCoreHeader = 12;
  const bool core = little_endian(bytes + 14, 4) == kCoreHeader;
  const std::int64_t row_bits = picture.width * little_endian(bytes + (core ? 24 : 28), 2);
  return little_endian(bytes + 10, 4) + (row_bits + 31) / 32 * 4 * (picture.height - 1) +
         (row_bits + 7) / 8;
}

// The place behind a GIF's sub-blocks at `at`; nothing where the file ends before.
std::optional<std::size_t> after_blocks(const std::vector<std::uint8_t>& gif, std::size_t at) {
  while (at < gif.size()) {
    const std::size_t length = gif[at];
    at += 1 + length;
    if (length == 0) return at;
  }
  return std::nullopt;
}

std::size_t colour_bytes(std::uint8_t flags) {
  return (flags & 0x80) != 0 ? std::size_t{6} << (flags & 7) : 0;
}

// Where the first picture of a GIF lies on its canvas, and the place of the colour around it.
struct GifFrame {
  std::int64_t left, top, width, height;
  std::size_t around = 0;
};

// Cuts a GIF after its first picture, whose transparent colour becomes one like the others, as in
// Pillow's convert("RGB"), and lies around it. Nothing where the file ends before. GIF89a, sections
// 15 to 23.
std::optional<GifFrame> keep_first_picture(std::vector<std::uint8_t>& gif) {
  constexpr std::size_t kHeader = 13;
  constexpr std::size_t kPictureHeader = 10;
  if (gif.size() < kHeader) return std::nullopt;
  std::size_t at = kHeader + colour_bytes(gif[10]);
  std::size_t transparent = 0;
  while (at + kPictureHeader < gif.size()) {
    const bool is_picture = gif[at] == 0x2c;
    if (!is_picture && gif[at] != 0x21) return std::nullopt;
    if (!is_picture && gif[at + 1] == 0xf9) {
      transparent = (gif[at + 3] & 1) != 0 ? gif[at + 6] : 0;
      gif[at + 3] &= 0xfe;
    }
    const std::size_t local = is_picture ? colour_bytes(gif[at + 9]) : 0;
    const auto end = after_blocks(gif, is_picture ? at + kPictureHeader + local + 1 : at + 2);
    if (!end) return std::nullopt;
    if (is_picture) {
      const std::uint8_t* box = gif.data() + at + 1;
      const GifFrame frame{little_endian(box, 2), little_endian(box + 2, 2),
                           little_endian(box + 4, 2), little_endian(box + 6, 2),
                           (local > 0 ? at + kPictureHeader : kHeader) + 3 * transparent};
      gif.resize(*end);
      return frame;
    }
    at = *end;
  }
  return std::nullopt;
}

void fill_around(const GifFrame& frame, const std::uint8_t* colour, Picture& picture) {
  std::uint8_t* out = picture.pixels.data();
  for (std::int64_t y = 0; y < picture.height; ++y)
    for (std::int64_t x = 0; x < picture.width; ++x, out += 3)
      if (y < frame.top || y >= frame.top + frame.height || x < frame.left ||
          x >= frame.left + frame.width)
        std::memcpy(out, colour, 3);
}

Picture announced(const std::uint8_t* bytes, std::size_t size, const char* kind,
                  const std::string& name) {
  int width = 0;
  int height = 0;
  int channels = 0;
  if (stbi_info_from_memory(bytes, static_cast<int>(size), &width, &height, &channels) == 0)
    refuse_kind(kind, name);
  // The rows of a BMP with a negative height are stored from the top.
  const std::int64_t rows = std::abs(std::int64_t{height});
  check_picture_size(rows, width, name);
  return {rows, width, 3, {}};
}

void read_bitmap(const std::uint8_t* bytes, std::size_t size, const char* kind,
                 const std::string& name, Picture& picture) {
  int width = 0;
  int height = 0;
  int channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(bytes, static_cast<int>(size), &width, &height, &channels, 3),
      std::free);
  if (!pixels || height != picture.height || width != picture.width) refuse_kind(kind, name);
  picture.pixels.assign(pixels.get(), pixels.get() + picture.height * picture.width * 3);
}

}  // namespace

Picture decode_bmp(const std::uint8_t* bytes, std::size_t size, const std::string& name) {
  Picture picture = announced(bytes, size, "BMP", name);
  if (size < kBmpHeader || bmp_end(bytes, picture) > static_cast<std::int64_t>(size))
    refuse_bitmap("BMP", name, "the file ends within the picture");
  read_bitmap(bytes, size, "BMP", name, picture);
  return picture;
}

Picture decode_gif(const std::uint8_t* bytes, std::size_t size, const std::string& name) {
  Picture picture = announced(bytes, size, "GIF", name);
  if (picture.height * picture.width / kGifPixelsPerByte > static_cast<std::int64_t>(size))
    refuse_bitmap("GIF", name, "its header announces more than the file can hold");
  std::vector<std::uint8_t> first(bytes, bytes + size);
  const auto frame = keep_first_picture(first);
  if (!frame) refuse_bitmap("GIF", name, "the file ends within the picture");
  read_bitmap(first.data(), first.size(), "GIF", name, picture);
  if (frame->around + 3 <= first.size()) fill_around(*frame, first.data() + frame->around, picture);
  return picture;
}

}  // namespace onecycle
