#pragma once

#include "core/files/mapped_file.h"
#include "formats/safetensors/stored_tensor.h"
#include "formats/zip/zip_reader.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace onecycle {

// An array of a file.
struct Array {
  std::string place;   // for messages: the file, and the array's name where the file has names
  std::string dtype;   // as in StoredTensor
  at::Tensor numbers;  // on the CPU, of any strides; only to be read: they may lie in a mapped file
};

// "float32 [60000, 28, 28]", in numpy's terms.
std::string array_text(const Array& array);

// An .npy, .npz or safetensors file, told apart by its content. Every error is a DataError that
// names the file.
class ArrayFile {
 public:
  explicit ArrayFile(const std::string& path);

  const std::string& path() const { return path_; }
  // Whether it holds one array without a name: it is an .npy.
  bool is_single() const { return single_; }
  // Of its arrays, sorted; one empty name where it is single.
  std::vector<std::string> names() const;
  // One of `names`.
  Array array(const std::string& name) const;

 private:
  std::string path_;
  std::shared_ptr<const MappedFile> file_;
  bool single_ = false;
  std::map<std::string, StoredTensor> stored_;  // of .npy and safetensors
  std::map<std::string, ZipEntry> entries_;     // of .npz, each an .npy
};

}  // namespace onecycle
