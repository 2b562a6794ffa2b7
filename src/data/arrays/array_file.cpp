#include "data/arrays/array_file.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/printable.h"
#include "data/tensor_bytes.h"
#include "formats/numpy/npy.h"
#include "formats/safetensors/safetensors.h"

#include <utility>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr std::string_view kEnding = ".npy";

// Runs `read`, whose errors then name the place.
template <class Read>
auto named(const std::string& place, Read read) {
  try {
    return read();
  } catch (const CheckpointError& error) {
    throw DataError(format("{}: {}", place, error.what()));
  }
}

std::shared_ptr<const MappedFile> mapped_file(const std::string& path) {
  try {
    return std::make_shared<const MappedFile>(path);
  } catch (const CheckpointError& error) {  // it names the path
    throw DataError(error.what());
  }
}

// As long as it lives, so does what holds its numbers.
at::Tensor kept_with(const at::Tensor& numbers, std::shared_ptr<const void> owner) {
  return at::from_blob(
      numbers.data_ptr(), numbers.sizes(), numbers.strides(),
      [numbers, owner = std::move(owner)](void*) {}, numbers.options());
}

std::string numpy_type(const std::string& dtype) {
  constexpr std::pair<const char*, const char*> kNames[] = {
      {"F16", "float16"}, {"F32", "float32"}, {"F64", "float64"}, {"BF16", "bfloat16"},
      {"I8", "int8"},     {"I16", "int16"},   {"I32", "int32"},   {"I64", "int64"},
      {"U8", "uint8"},    {"U16", "uint16"},  {"U32", "uint32"},  {"U64", "uint64"},
      {"BOOL", "bool"}};
  for (const auto& [name, numpy] : kNames)
    if (dtype == name) return numpy;
  return dtype;
}

}  // namespace

std::string array_text(const Array& array) {
  return format(
      "{} [{}]", numpy_type(array.dtype),
      joined(array.numbers.sizes(), ", ", [](auto length) { return std::to_string(length); }));
}

ArrayFile::ArrayFile(const std::string& path) : path_(path), file_(mapped_file(path)) {
  const std::string_view bytes = file_->bytes();
  named(path, [&] {
    single_ = is_npy(bytes);
    if (single_) {
      stored_[""] = parse_npy(bytes);
    } else if (is_zip(bytes)) {
      for (const auto& [name, entry] : read_zip(bytes, ZipPacking::any))
        if (name.ends_with(kEnding))
          entries_.emplace(name.substr(0, name.size() - kEnding.size()), entry);
    } else if (is_safetensors(bytes)) {
      for (StoredTensor& tensor : parse_safetensors(bytes).tensors) {
        const std::string name = tensor.name;
        stored_.emplace(name, std::move(tensor));
      }
    } else {
      throw DataError(path +
                      ": neither an .npy, an .npz nor a safetensors file; check which file it is");
    }
  });
}

std::vector<std::string> ArrayFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : stored_) names.push_back(name);
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

Array ArrayFile::array(const std::string& name) const {
  Array array{single_ ? path_ : format("{}, array '{}'", path_, printable(name)), "", {}};
  named(array.place, [&] {
    StoredTensor tensor;
    std::shared_ptr<const void> owner = file_;
    if (const auto entry = entries_.find(name); entry != entries_.end()) {
      if (entry->second.deflated) {
        const auto bytes = std::make_shared<const std::string>(inflated(name, entry->second));
        owner = bytes;
        tensor = parse_npy(*bytes);
      } else {
        check_crc(name, entry->second);
        tensor = parse_npy(entry->second.bytes);
      }
    } else {
      tensor = stored_.at(name);
    }
    array.dtype = tensor.dtype;
    array.numbers = kept_with(tensor_of(tensor), owner);
  });
  return array;
}

}  // namespace onecycle
