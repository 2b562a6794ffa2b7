#include "formats/zip/zip_writer.h"

#include "onecycle/error.h"

#include <zlib.h>

namespace onecycle {

namespace {

constexpr std::uint64_t kAlignment = 64;
constexpr std::uint64_t kMost = 0xfffffffe;  // 32 bits; all ones mean the 64-bit form
constexpr std::uint64_t kLocalBytes = 30, kExtraBytes = 4;
constexpr std::uint64_t kVersion = 20;  // of the format: 2.0

void put(std::string& text, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
}

// Version, flags, method, time, date, checksum, both sizes and the name's length: what the local
// header and the directory share. The date is 1 January 1980: the same content is the same file.
void put_common(std::string& text, std::uint64_t crc, std::uint64_t size,
                std::uint64_t name_bytes) {
  put(text, kVersion, 2);
  put(text, 0, 2);
  put(text, 0, 2);
  put(text, 0, 2);
  put(text, 1 << 5 | 1, 2);
  put(text, crc, 4);
  put(text, size, 4);
  put(text, size, 4);
  put(text, name_bytes, 2);
}

}  // namespace

void ZipWriter::add(const std::string& name, std::string_view bytes) {
  const std::uint64_t unpadded = size_ + kLocalBytes + name.size() + kExtraBytes;
  const std::uint64_t padding = (kAlignment - unpadded % kAlignment) % kAlignment;
  if (unpadded + padding > kMost || bytes.size() > kMost - unpadded - padding)
    throw CheckpointError("more than the 4 GB that a .pth archive holds here; write .safetensors");
  const uLong crc =
      crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());

  directory_ += "PK\x01\x02";
  put(directory_, kVersion, 2);
  put_common(directory_, crc, bytes.size(), name.size());
  directory_.append(12, '\0');  // no extra field, comment, disk, attributes
  put(directory_, size_, 4);
  directory_ += name;

  std::string& header = headers_.emplace_back("PK\x03\x04");
  put_common(header, crc, bytes.size(), name.size());
  put(header, kExtraBytes + padding, 2);
  header += name + "FB";
  put(header, padding, 2);
  header.append(padding, 'Z');
  parts_.insert(parts_.end(), {header, bytes});
  size_ += header.size() + bytes.size();
  ++entries_;
}

std::vector<std::string_view> ZipWriter::finish() {
  if (size_ + directory_.size() > kMost || entries_ >= 0xffff)
    throw CheckpointError("more than a .pth archive holds here; write .safetensors");
  std::string& end = headers_.emplace_back("PK\x05\x06");
  put(end, 0, 4);
  put(end, entries_, 2);
  put(end, entries_, 2);
  put(end, directory_.size(), 4);
  put(end, size_, 4);
  put(end, 0, 2);
  parts_.insert(parts_.end(), {directory_, end});
  return parts_;
}

}  // namespace onecycle
