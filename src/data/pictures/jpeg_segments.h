#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace onecycle {

// The marker segments of a JPEG file, in their order (ITU T.81, annex B), as libjpeg finds them:
// what stands between them is passed over.
class JpegSegments {
 public:
  struct Segment {
    std::uint8_t marker = 0;
    const std::uint8_t* payload = nullptr;  // behind its length
    std::size_t size = 0;
  };

  JpegSegments(const std::uint8_t* jpeg, std::size_t size) : bytes_(jpeg), size_(size) {}

  // Nothing at the end of the image, or of the file.
  std::optional<Segment> next();

 private:
  const std::uint8_t* bytes_;
  std::size_t size_;
  std::size_t at_ = 2;  // after the start of the image
};

constexpr std::uint8_t kJpegScan = 0xda;
constexpr std::uint8_t kJpegExif = 0xe1;

// Passes over the picture that the file asks for: 1 of a baseline picture, about 10 of a
// progressive one.
std::int64_t jpeg_scans(const std::uint8_t* jpeg, std::size_t size);

}  // namespace onecycle
