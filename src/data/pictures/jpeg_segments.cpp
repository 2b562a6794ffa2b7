#include "data/pictures/jpeg_segments.h"

#include <cstring>

namespace onecycle {

namespace {

constexpr std::uint8_t kEnd = 0xd9;

// A byte after ff that makes no marker: ff itself in pixels, fill bytes.
bool is_no_marker(std::uint8_t byte) { return byte == 0x00 || byte == 0xff; }

// A marker without a segment: TEM, those of restarts within pixels, the start of an image.
bool stands_alone(std::uint8_t marker) {
  return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

}  // namespace

std::optional<JpegSegments::Segment> JpegSegments::next() {
  while (at_ + 4 <= size_) {
    const void* found = std::memchr(bytes_ + at_, 0xff, size_ - at_ - 1);
    if (found == nullptr) break;
    at_ = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes_) + 1;
    const std::uint8_t marker = bytes_[at_];
    if (is_no_marker(marker) || stands_alone(marker)) continue;
    if (marker == kEnd || at_ + 3 > size_) break;
    const std::size_t length = static_cast<std::size_t>(bytes_[at_ + 1]) << 8 | bytes_[at_ + 2];
    if (length < 2 || length > size_ - at_ - 1) break;
    const Segment segment{marker, bytes_ + at_ + 3, length - 2};
    at_ += 1 + length;
    return segment;
  }
  at_ = size_;
  return std::nullopt;
}

std::int64_t jpeg_scans(const std::uint8_t* jpeg, std::size_t size) {
  JpegSegments segments(jpeg, size);
  std::int64_t scans = 0;
  while (const auto segment = segments.next()) scans += segment->marker == kJpegScan ? 1 : 0;
  return scans;
}

}  // namespace onecycle
