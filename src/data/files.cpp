#include "data/files.h"

#include "onecycle/error.h"

#include "core/format.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <zlib.h>

namespace onecycle {

namespace fs = std::filesystem;

// ---- Finding -----------------------------------------------------------------------------------

std::optional<std::string> expand_path(const std::string& path) {
  std::string result = path;
  if (result == "~" || result.starts_with("~/")) result.replace(0, 1, "${HOME}");
  for (std::size_t at = 0; (at = result.find("${", at)) != std::string::npos;) {
    const std::size_t end = result.find('}', at);
    if (end == std::string::npos) break;
    const char* value = std::getenv(result.substr(at + 2, end - at - 2).c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    result.replace(at, end + 1 - at, value);
    at += std::strlen(value);
  }
  return result;
}

DataFiles data_files(const DataOptions& options, const DatasetDescriptor& descriptor) {
  DataFiles files;
  files.get = descriptor.get;
  const std::vector<std::string> folders =
      options.dir ? std::vector<std::string>{*options.dir} : descriptor.folders;
  for (const std::string& folder : folders)
    if (const auto expanded = expand_path(folder)) files.folders.push_back(*expanded);
  return files;
}

std::optional<std::string> DataFiles::find(const std::string& file) const {
  const fs::path packed(file);
  const fs::path plain =
      packed.extension() == ".gz" ? fs::path(packed).replace_extension() : fs::path(file + ".gz");
  for (const std::string& folder : folders) {
    for (const fs::path& name : {packed, packed.filename(), plain, plain.filename()}) {
      const fs::path path = fs::path(folder) / name;
      std::error_code ignored;
      if (fs::is_regular_file(path, ignored)) return path.string();
    }
  }
  return std::nullopt;
}

std::string DataFiles::path(const std::string& file) const {
  if (const auto found = find(file)) return *found;
  std::string looked;
  for (const std::string& folder : folders) looked += (looked.empty() ? "" : ", ") + folder;
  throw DataError(format("no file {} in {}; {}", file, looked.empty() ? "any folder" : looked,
                         get.empty() ? "data.dir names the folder of the files" : get));
}

// ---- Reading -----------------------------------------------------------------------------------

namespace {

constexpr std::uint64_t kBestRatio = 1032;  // of deflate
constexpr std::uint64_t kChunk = 1 << 22;

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
    throw DataError(format("{}: cannot be read: {}", path,
                           failed ? failed.message() : std::string(std::strerror(errno))));
  gzbuffer(static_cast<gzFile>(file_), 1 << 18);
  most_ = is_gzip(path) ? size * kBestRatio : size;
}

ByteSource::~ByteSource() {
  if (file_ != nullptr) gzclose(static_cast<gzFile>(file_));
}

std::vector<std::uint8_t> ByteSource::read(std::uint64_t count) {
  std::vector<std::uint8_t> bytes;
  while (bytes.size() < count) {
    const std::uint64_t old = bytes.size();
    const std::uint64_t want = std::min(count - old, std::max(kChunk, old));
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
