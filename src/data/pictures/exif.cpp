#include "data/pictures/exif.h"

#include "data/pictures/jpeg_segments.h"

#include <cstring>

// EXIF 2.3 (CIPA DC-008), section 4: TIFF's header, then the entries of its first directory.
namespace onecycle {

namespace {

constexpr std::uint16_t kOrientation = 0x0112;
constexpr std::uint16_t kShort = 3;
constexpr std::size_t kEntryBytes = 12;

// Numbers of a TIFF structure in its byte order; reads past the end give 0.
class Tiff {
 public:
  Tiff(const std::uint8_t* bytes, std::size_t size) : bytes_(bytes), size_(size) {
    big_ = size_ > 0 && bytes_[0] == 'M';
  }

  bool sound() const {
    const bool marked = size_ >= 8 && bytes_[0] == bytes_[1] && (big_ || bytes_[0] == 'I');
    return marked && number(2, 2) == 42;
  }
  std::uint32_t number(std::size_t at, std::size_t count) const {
    if (at > size_ || count > size_ - at) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
      value = value << 8 | bytes_[big_ ? at + i : at + count - 1 - i];
    return value;
  }

 private:
  const std::uint8_t* bytes_;
  std::size_t size_;
  bool big_ = false;
};

}  // namespace

int exif_orientation(const std::uint8_t* tiff, std::size_t size) {
  const Tiff file(tiff, size);
  if (!file.sound()) return 1;
  const std::size_t directory = file.number(4, 4);
  const std::uint32_t entries = file.number(directory, 2);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * kEntryBytes;
    if (entry > size) return 1;
    if (file.number(entry, 2) != kOrientation || file.number(entry + 2, 2) != kShort) continue;
    const std::uint32_t value = file.number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

int jpeg_orientation(const std::uint8_t* jpeg, std::size_t size) {
  constexpr char kExif[] = {'E', 'x', 'i', 'f', 0, 0};
  JpegSegments segments(jpeg, size);
  while (const auto segment = segments.next()) {
    if (segment->marker == kJpegScan) return 1;
    if (segment->marker == kJpegExif && segment->size >= sizeof kExif &&
        std::memcmp(segment->payload, kExif, sizeof kExif) == 0)
      return exif_orientation(segment->payload + sizeof kExif, segment->size - sizeof kExif);
  }
  return 1;
}

}  // namespace onecycle
