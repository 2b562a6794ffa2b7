// needs: src/data/pictures/picture.cpp src/data/pictures/exif.cpp src/data/pictures/jpeg*.cpp src/data/pictures/png.cpp src/data/pictures/webp.cpp src/data/pictures/bmp_gif.cpp src/core/files/input_file.cpp -ljpeg -lpng -lwebpdemux -lwebp
#include "onecycle/error.h"

#include "data/pictures/exif.h"
#include "data/pictures/picture.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)onecycle::exif_orientation(data, size);
  (void)onecycle::jpeg_orientation(data, size);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)onecycle::xmp_orientation(text);
  (void)onecycle::raw_profile(text);
  try {
    (void)onecycle::decode_picture(data, size, "a", {1, 8});
    (void)onecycle::decode_picture(data, size, "a", {3, 0});
  } catch (const onecycle::DataError&) {
    // Refusing is what a reader may do with any bytes.
  }
  return 0;
}
