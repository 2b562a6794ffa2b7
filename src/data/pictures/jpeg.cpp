#include "onecycle/error.h"

#include "core/text/format.h"
#include "data/pictures/exif.h"
#include "data/pictures/jpeg_segments.h"
#include "data/pictures/picture.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <jerror.h>
#include <jpeglib.h>

namespace onecycle {

namespace {

// A block of 64 pixels takes a bit at least, but for the rare arithmetic coding.
constexpr std::int64_t kPixelsPerByte = 4096;

// A scan is a pass over all pixels that takes a few bytes: progressive pictures have about ten.
constexpr std::int64_t kMostScans = 100;
constexpr std::int64_t kMostScannedPixels = 16 * kMostPixels;

// DecodeOptions::shorter_side
constexpr std::int64_t kReducingGap = 3;

struct JpegReader {
  jpeg_decompress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  std::jmp_buf leave;
  char message[JMSG_LENGTH_MAX] = "";

  ~JpegReader() { jpeg_destroy_decompress(&jpeg); }
};

[[noreturn]] void leave_jpeg(j_common_ptr info) {
  auto* reader = static_cast<JpegReader*>(info->client_data);
  info->err->format_message(info, reader->message);
  std::longjmp(reader->leave, 1);
}

// As Pillow, which reads on over all that libjpeg recovers from, but not past the end of the file.
void heed_end(j_common_ptr info, int level) {
  if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF) leave_jpeg(info);
}

// libjpeg leaves by longjmp: nothing in these functions has a destructor.
bool read_jpeg_header(JpegReader& reader, const std::uint8_t* bytes, std::size_t size) {
  if (setjmp(reader.leave) != 0) return false;
  reader.jpeg.err = jpeg_std_error(&reader.errors);
  reader.errors.error_exit = leave_jpeg;
  reader.errors.emit_message = heed_end;
  reader.jpeg.client_data = &reader;
  jpeg_create_decompress(&reader.jpeg);
  jpeg_mem_src(&reader.jpeg, bytes, static_cast<unsigned long>(size));
  jpeg_read_header(&reader.jpeg, TRUE);
  return true;
}

bool start_jpeg(JpegReader& reader, unsigned denominator) {
  if (setjmp(reader.leave) != 0) return false;
  jpeg_decompress_struct& jpeg = reader.jpeg;
  jpeg.scale_num = 1;
  jpeg.scale_denom = denominator;
  const J_COLOR_SPACE stored = jpeg.jpeg_color_space;
  jpeg.out_color_space = stored == JCS_GRAYSCALE                    ? JCS_GRAYSCALE
                         : stored == JCS_CMYK || stored == JCS_YCCK ? JCS_CMYK
                                                                    : JCS_RGB;
  jpeg_start_decompress(&jpeg);
  return true;
}

bool read_jpeg_rows(JpegReader& reader, std::uint8_t* pixels, std::size_t row_bytes) {
  if (setjmp(reader.leave) != 0) return false;
  jpeg_decompress_struct& jpeg = reader.jpeg;
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = pixels + jpeg.output_scanline * row_bytes;
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  return true;
}

[[noreturn]] void refuse_jpeg(const std::string& name, const std::string& why) {
  throw DataError(
      format("{}: damaged or cut short JPEG ({}); use another copy, or leave it out", name, why));
}

// libjpeg's scaled decoding computes fewer coefficients: a sharper and faster box filter.
std::int64_t denominator_for(std::int64_t shorter, std::int64_t shorter_side) {
  for (const std::int64_t denominator : {8, 4, 2})
    if (shorter_side > 0 && shorter >= denominator * kReducingGap * shorter_side)
      return denominator;
  return 1;
}

}  // namespace

Picture decode_jpeg(const std::uint8_t* bytes, std::size_t size, const std::string& name,
                    std::int64_t shorter_side) {
  JpegReader reader;
  if (!read_jpeg_header(reader, bytes, size)) refuse_jpeg(name, reader.message);
  const std::int64_t height = reader.jpeg.image_height;
  const std::int64_t width = reader.jpeg.image_width;
  check_picture_size(height, width, name);
  if (height * width / kPixelsPerByte > static_cast<std::int64_t>(size))
    refuse_jpeg(name, "its header announces more than the file can hold");
  const std::int64_t scans = jpeg_scans(bytes, size);
  if (scans > kMostScans || scans * height * width > kMostScannedPixels)
    throw DataError(
        format("{}: {} scans of {}x{} pixels, more than any picture needs; use another "
               "copy, or leave it out",
               name, scans, height, width));

  const std::int64_t denominator = denominator_for(std::min(height, width), shorter_side);
  if (!start_jpeg(reader, static_cast<unsigned>(denominator))) refuse_jpeg(name, reader.message);
  Picture picture{
      reader.jpeg.output_height, reader.jpeg.output_width, reader.jpeg.output_components, {}};
  const auto row_bytes = static_cast<std::size_t>(picture.width * picture.channels);
  picture.pixels.resize(static_cast<std::size_t>(picture.height) * row_bytes);
  if (!read_jpeg_rows(reader, picture.pixels.data(), row_bytes)) refuse_jpeg(name, reader.message);
  if (denominator > 1)
    picture.part = {static_cast<double>(height) / static_cast<double>(denominator),
                    static_cast<double>(width) / static_cast<double>(denominator)};
  picture.orientation = jpeg_orientation(bytes, size);
  return picture;
}

}  // namespace onecycle
