#include "onecycle/error.h"

#include "core/text/format.h"
#include "data/byte_source.h"
#include "data/pictures/exif.h"
#include "data/pictures/picture.h"

#include <csetjmp>
#include <cstring>
#include <optional>
#include <png.h>
#include <string_view>

namespace onecycle {

namespace {

constexpr std::size_t kLongestMessage = 120;

// Each may unpack to 8 MB, libpng's limit; those after them are passed over.
constexpr png_uint_32 kMostTexts = 32;

struct Reader {
  const std::uint8_t* next = nullptr;
  std::size_t left = 0;
  char message[kLongestMessage] = "";
  png_structp png = nullptr;
  png_infop info = nullptr;

  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

void take_bytes(png_structp png, png_bytep out, png_size_t count) {
  auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (count > reader->left) png_error(png, "the file ends within the picture");
  std::memcpy(out, reader->next, count);
  reader->next += count;
  reader->left -= count;
}

void keep_message(png_structp png, png_const_charp text) {
  auto* reader = static_cast<Reader*>(png_get_error_ptr(png));
  std::strncpy(reader->message, text, kLongestMessage - 1);
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

// libpng leaves by longjmp: nothing in these functions has a destructor.
bool read_header(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_set_read_fn(reader.png, &reader, take_bytes);
  png_set_crc_action(reader.png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
  // Colour profiles are not used: not unpacked either.
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
  png_set_chunk_cache_max(reader.png, kMostTexts);
  constexpr png_byte kLeftOut[] = "iCCP";
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, kLeftOut, 1);
  png_read_info(reader.png, reader.info);
  png_set_expand(reader.png);  // palettes to colours, 1 to 4 bits of grey to 8
  png_set_strip_16(reader.png);
  png_set_strip_alpha(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

bool read_rows(Reader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, reader.info);  // EXIF and text may follow the pixels
  return true;
}

[[noreturn]] void refuse(const std::string& name, const char* why) {
  throw DataError(
      format("{}: damaged or cut short PNG ({}); use another copy, or leave it out", name, why));
}

// Of the chunk for it, else of the texts that programs kept it in before there was one, else of
// XMP.
int orientation_of(const Reader& reader) {
  std::optional<int> exif;
  std::optional<int> xmp;
  png_uint_32 size = 0;
  png_bytep chunk = nullptr;
  if (png_get_eXIf_1(reader.png, reader.info, &size, &chunk) != 0)
    exif = exif_orientation(chunk, size);
  png_textp texts = nullptr;
  int count = 0;
  png_get_text(reader.png, reader.info, &texts, &count);
  for (int i = 0; i < count; ++i) {
    const std::string_view key = texts[i].key;
    const std::string_view text = texts[i].text == nullptr ? "" : texts[i].text;
    if (!exif && (key == "Raw profile type exif" || key == "Raw profile type APP1")) {
      const std::vector<std::uint8_t> profile = raw_profile(text);
      exif = exif_orientation(profile.data(), profile.size());
    }
    if (!xmp && key == "XML:com.adobe.xmp") xmp = xmp_orientation(text);
  }
  return exif ? *exif : xmp.value_or(1);
}

}  // namespace

Picture decode_png(const std::uint8_t* bytes, std::size_t size, const std::string& name) {
  Reader reader;
  reader.next = bytes;
  reader.left = size;
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, keep_message, ignore_warning);
  if (reader.png == nullptr) throw Error("libpng could not start");
  reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) throw Error("libpng could not start");
  if (!read_header(reader)) refuse(name, reader.message);

  Picture picture;
  picture.height = png_get_image_height(reader.png, reader.info);
  picture.width = png_get_image_width(reader.png, reader.info);
  picture.channels = png_get_channels(reader.png, reader.info);
  check_picture_size(picture.height, picture.width, name);
  const auto row_bytes = static_cast<std::int64_t>(png_get_rowbytes(reader.png, reader.info));
  // Eight pixels a stored byte at most.
  if (picture.height * row_bytes / (8 * picture.channels) >
      static_cast<std::int64_t>(kBestDeflateRatio * size))
    refuse(name, "its header announces more than the file can hold");
  picture.pixels.resize(static_cast<std::size_t>(picture.height * row_bytes));
  std::vector<png_bytep> rows;
  for (std::int64_t y = 0; y < picture.height; ++y)
    rows.push_back(picture.pixels.data() + y * row_bytes);
  if (!read_rows(reader, rows.data())) refuse(name, reader.message);
  picture.orientation = orientation_of(reader);
  return picture;
}

}  // namespace onecycle
