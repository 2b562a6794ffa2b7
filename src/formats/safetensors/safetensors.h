#pragma once

#include "core/files/mapped_file.h"
#include "formats/safetensors/stored_tensor.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace onecycle {

using Metadata = std::map<std::string, std::string>;

// Written atomically, with the SHA-256 of the whole file (that field taken as zeros) in the
// metadata as `sha256`. Throws Error, also for a header, which has the metadata, of more than the
// 100 MB that can be read again.
void write_safetensors(const std::string& path, const std::vector<StoredTensor>& tensors,
                       const Metadata& metadata);

// What a safetensors file holds; the tensors point into its bytes.
struct SafetensorsContent {
  std::vector<StoredTensor> tensors;  // contiguous, in the order of their bytes
  Metadata metadata;
};

// Whether the bytes begin as a safetensors file does.
bool is_safetensors(std::string_view bytes);

// Throws CheckpointError, without the file's name, where the bytes are not whole: cut short, or
// other than their own checksum says. Files of other programs carry none.
SafetensorsContent parse_safetensors(std::string_view bytes, bool checksum = true);

// A file mapped into memory.
class SafetensorsFile {
 public:
  // `layout`: the checksum, for which every byte is read, is left out.
  enum class Check { all, layout };
  // Throws CheckpointError for a file that cannot be read or is not whole.
  explicit SafetensorsFile(const std::string& path, Check check = Check::all);

  const std::vector<StoredTensor>& tensors() const { return content_.tensors; }
  const Metadata& metadata() const { return content_.metadata; }

 private:
  MappedFile file_;
  SafetensorsContent content_;
};

}  // namespace onecycle
