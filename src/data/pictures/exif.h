#pragma once

#include <cstddef>
#include <cstdint>

namespace onecycle {

// The Orientation tag (1 to 8) of EXIF data: a TIFF structure, as JPEG's APP1 segment holds it
// after "Exif\0\0" and PNG's eXIf chunk as a whole. 1 where there is no sound one.
int exif_orientation(const std::uint8_t* tiff, std::size_t size);

// The same of a JPEG file's first EXIF segment.
int jpeg_orientation(const std::uint8_t* jpeg, std::size_t size);

}  // namespace onecycle
