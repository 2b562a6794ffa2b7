#include "data/byte_source.h"

#include "onecycle/error.h"

#include "core/files/paths.h"
#include "core/text/format.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <zlib.h>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kReadAtOnce = 1 << 22;

bool is_gzip(const std::string& path) {
  unsigned char magic[2] = {0, 0};
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  const std::size_t count = std::fread(magic, 1, 2, file);
  std::fclose(file);
  return count == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

}  // namespace

ByteSource::ByteSource(const std::string& path) : path_(path) {
  std::error_code failed;
  const std::uint64_t size = fs::file_size(path, failed);
  file_ = failed ? nullptr : gzopen(path.c_str(), "rb");
  if (file_ == nullptr)
    throw DataError(
        format("{}: cannot be read: {}", path, why_unread(path, failed ? failed.value() : errno)));
  gzbuffer(static_cast<gzFile>(file_), 1 << 18);
  most_ = is_gzip(path) ? size * kBestDeflateRatio : size;
}

ByteSource::~ByteSource() {
  if (file_ != nullptr) gzclose(static_cast<gzFile>(file_));
}

std::vector<std::uint8_t> ByteSource::read(std::uint64_t count) {
  std::vector<std::uint8_t> bytes;
  while (bytes.size() < count) {
    const std::uint64_t old = bytes.size();
    const std::uint64_t want = std::min(count - old, std::max(kReadAtOnce, old));
    const std::uint64_t piece = std::min<std::uint64_t>(want, 1 << 30);
    bytes.resize(old + piece);
    const int got =
        gzread(static_cast<gzFile>(file_), bytes.data() + old, static_cast<unsigned>(piece));
    int code = Z_OK;
    const char* message = gzerror(static_cast<gzFile>(file_), &code);
    if (code == Z_BUF_ERROR)
      throw DataError(format("{}: truncated gzip data; get the file again", path_));
    if (got < 0)
      throw DataError(format("{}: {} ({}); get the file again", path_,
                             code == Z_ERRNO ? "cannot be read" : "corrupt gzip data", message));
    bytes.resize(old + static_cast<std::uint64_t>(got));
    if (got == 0) break;
  }
  return bytes;
}

}  // namespace onecycle
