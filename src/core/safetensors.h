#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace onecycle {

// A tensor of a safetensors file: contiguous, row-major, little-endian.
struct StoredTensor {
  std::string name;
  std::string dtype;  // "F64", "F32", "BF16", "I64", "U8", as the format names them
  std::vector<std::int64_t> shape;
  const void* data = nullptr;
  std::uint64_t bytes = 0;
};

using Metadata = std::map<std::string, std::string>;

// Written atomically, with the SHA-256 of the whole file (that field taken as zeros) in the
// metadata as `sha256`. Throws Error.
void write_safetensors(const std::string& path, const std::vector<StoredTensor>& tensors,
                       const Metadata& metadata);

// A file mapped into memory; its tensors point into the map.
class SafetensorsFile {
 public:
  // Throws CheckpointError for a file that cannot be read or is not whole: cut short, or other than
  // its own checksum says. Files of other programs carry none. `layout`: the checksum, for which
  // every byte is read, is left out.
  enum class Check { all, layout };
  explicit SafetensorsFile(const std::string& path, Check check = Check::all);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  const Metadata& metadata() const { return metadata_; }

 private:
  void map(const std::string& path);
  void parse();
  void check_layout() const;
  void check_sum() const;

  const char* begin_ = nullptr;
  std::uint64_t size_ = 0;
  std::uint64_t data_begin_ = 0;  // offset of the tensors' bytes
  std::vector<StoredTensor> tensors_;
  Metadata metadata_;
};

}  // namespace onecycle
