#pragma once

#include "formats/zip/zip_reader.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// The bytes of a plain or gzip file, told apart by their content. Every error is a DataError that
// names the file.
class ByteSource {
 public:
  explicit ByteSource(const std::string& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  const std::string& path() const { return path_; }
  // No more bytes than this can come: the size of a plain file; deflate's best ratio for gzip.
  std::uint64_t most() const { return most_; }
  // Up to `count` bytes, fewer at the end of the file. Memory grows with what is really there.
  std::vector<std::uint8_t> read(std::uint64_t count);

 private:
  std::string path_;
  void* file_ = nullptr;  // a gzFile
  std::uint64_t most_ = 0;
};

}  // namespace onecycle
