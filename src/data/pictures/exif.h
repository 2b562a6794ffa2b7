#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace onecycle {

// The Orientation tag (1 to 8; 1 where it is another number) of EXIF data: a TIFF structure, with
// "Exif\0\0" before it or without, as JPEG's APP1 segment and the chunks of PNG and WebP hold it.
// Nothing where there is no sound one.
std::optional<int> exif_orientation(const std::uint8_t* tiff, std::size_t size);

// The same of XMP, an XML text: its tiff:Orientation.
std::optional<int> xmp_orientation(std::string_view xml);

// The EXIF data in ImageMagick's text "Raw profile type exif" of a PNG: a name, the count of bytes,
// and as many in hexadecimal digits. Empty where it is another text.
std::vector<std::uint8_t> raw_profile(std::string_view text);

// Of a JPEG file's first EXIF segment that has one, else of its XMP; 1 where neither has.
int jpeg_orientation(const std::uint8_t* jpeg, std::size_t size);

}  // namespace onecycle
