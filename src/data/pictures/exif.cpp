#include "data/pictures/exif.h"

#include "data/pictures/jpeg_segments.h"

#include <algorithm>

// EXIF 2.3 (CIPA DC-008), section 4: TIFF's header, then the entries of its first directory. XMP
// part 2, section 3.4: tiff:Orientation, an attribute or an element.
namespace onecycle {

namespace {

constexpr std::uint16_t kOrientation = 0x0112;
constexpr std::size_t kEntryBytes = 12;
constexpr std::string_view kExif("Exif\0\0", 6);
constexpr std::string_view kXmp("http://ns.adobe.com/xap/1.0/\0", 29);

// Of TIFF's types that a whole number has: BYTE, SHORT and LONG; 0: another type.
std::size_t number_bytes(std::uint32_t type) {
  switch (type) {
    case 1:
      return 1;
    case 3:
      return 2;
    case 4:
      return 4;
    default:
      return 0;
  }
}

int sound_orientation(std::uint32_t value) {
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

std::string_view as_text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

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

std::optional<int> exif_orientation(const std::uint8_t* tiff, std::size_t size) {
  while (as_text(tiff, size).starts_with(kExif)) {
    tiff += kExif.size();
    size -= kExif.size();
  }
  const Tiff file(tiff, size);
  if (!file.sound()) return std::nullopt;
  const std::size_t directory = file.number(4, 4);
  const std::uint32_t entries = file.number(directory, 2);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * kEntryBytes;
    if (entry > size) return std::nullopt;
    const std::size_t bytes = number_bytes(file.number(entry + 2, 2));
    if (file.number(entry, 2) != kOrientation || bytes == 0) continue;
    if (size < entry + 8 + bytes) return std::nullopt;
    return sound_orientation(file.number(entry + 8, bytes));
  }
  return std::nullopt;
}

std::optional<int> xmp_orientation(std::string_view xml) {
  constexpr std::string_view kName = "tiff:Orientation";
  for (std::size_t at = xml.find(kName); at != xml.npos; at = xml.find(kName, at)) {
    at += kName.size();
    const std::size_t value = xml.find_first_not_of("=\"'> \t\r\n", at);
    if (value != xml.npos && value > at && xml[value] >= '0' && xml[value] <= '9')
      return sound_orientation(static_cast<std::uint32_t>(xml[value] - '0'));
  }
  return std::nullopt;
}

std::vector<std::uint8_t> raw_profile(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto skip = [&](const char* what) {
    text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
    text.remove_prefix(std::min(text.find_first_not_of(what), text.size()));
  };
  skip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
  skip("0123456789");
  std::vector<std::uint8_t> bytes;
  bool upper = true;
  for (const char c : text) {
    if (kSpace.find(c) != kSpace.npos) continue;
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return {};
    if (upper) bytes.push_back(0);
    bytes.back() = static_cast<std::uint8_t>(bytes.back() << 4 | digit);
    upper = !upper;
  }
  return bytes;
}

int jpeg_orientation(const std::uint8_t* jpeg, std::size_t size) {
  std::optional<int> exif;
  std::optional<int> xmp;
  JpegSegments segments(jpeg, size);
  while (const auto segment = segments.next()) {
    if (segment->marker == kJpegScan) break;
    if (segment->marker != kJpegExif) continue;
    const std::string_view text = as_text(segment->payload, segment->size);
    if (!exif && text.starts_with(kExif)) exif = exif_orientation(segment->payload, segment->size);
    if (!xmp && text.starts_with(kXmp)) xmp = xmp_orientation(text.substr(kXmp.size()));
  }
  return exif ? *exif : xmp.value_or(1);
}

}  // namespace onecycle
