#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Files of pictures to pixels, without LibTorch.
namespace onecycle {

struct Picture {
  // Sides in pixels; 0: the picture's own.
  struct Part {
    double height = 0;
    double width = 0;
  };

  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::vector<std::uint8_t> pixels;  // [height, width, channels], as they are stored
  int orientation = 1;               // EXIF's, 1 to 8: `fitted` turns them upright
  // What of it is picture, from its first pixel: of a JPEG decoded at a fraction that does not
  // divide its sides, the last row and column lie partly outside.
  Part part = {};
};

// A header that announces more is refused before any memory is taken: 134 million.
constexpr std::int64_t kMostPixels = std::int64_t{1} << 27;

struct DecodeOptions {
  std::int64_t channels = 3;  // 3: red, green, blue; 1: grey
  // A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, while its shorter side stays at least
  // three times this: Pillow's `reducing_gap=3.0`, which its documentation calls almost
  // indistinguishable from decoding it whole; 0: never.
  std::int64_t shorter_side = 0;
};

// Decodes a JPEG, PNG, WebP, BMP or GIF, told apart by their content; of an animation its first
// picture. Colours are those of Pillow's convert("RGB") or convert("L"): an alpha channel is left
// out, palettes become colours, CMYK is taken for Adobe's inverted kind. Of 16 bits the upper 8 are
// kept. Throws DataError with `name` for what is none of these, damaged, cut short or too large.
Picture decode_picture(const std::uint8_t* bytes, std::size_t size, const std::string& name,
                       const DecodeOptions& options);

// The same of a file. Throws DataError where it is no regular file, or is larger than 1 GiB.
Picture read_picture(const std::string& path, const DecodeOptions& options);

// Whether a file's name ends as that of a picture which is read; `other`: as another picture's.
enum class PictureName { no, readable, other };
PictureName picture_name(const std::string& path);

// ---- Parts of the above ------------------------------------------------------------------------

// With 1, 3 or (CMYK, `jpeg` only) 4 channels.
Picture decode_jpeg(const std::uint8_t* bytes, std::size_t size, const std::string& name,
                    std::int64_t shorter_side);
Picture decode_png(const std::uint8_t* bytes, std::size_t size, const std::string& name);
Picture decode_webp(const std::uint8_t* bytes, std::size_t size, const std::string& name);
Picture decode_bmp(const std::uint8_t* bytes, std::size_t size, const std::string& name);
Picture decode_gif(const std::uint8_t* bytes, std::size_t size, const std::string& name);

// Throws DataError for sizes that are none, or more than kMostPixels.
void check_picture_size(std::int64_t height, std::int64_t width, const std::string& name);

}  // namespace onecycle
