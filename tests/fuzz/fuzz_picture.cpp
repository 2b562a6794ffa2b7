// needs: src/data/pictures/picture.cpp src/data/pictures/exif.cpp src/data/pictures/jpeg*.cpp src/data/pictures/png.cpp src/core/files/input_file.cpp -lturbojpeg -lpng
#include "onecycle/error.h"

#include "data/pictures/exif.h"
#include "data/pictures/picture.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)onecycle::exif_orientation(data, size);
  (void)onecycle::jpeg_orientation(data, size);
  try {
    (void)onecycle::decode_picture(data, size, "a", {1, 8});
    (void)onecycle::decode_picture(data, size, "a", {3, 0});
  } catch (const onecycle::DataError&) {
    // Refusing is what a reader may do with any bytes.
  }
  return 0;
}
