#include "train/weights.h"

#include "onecycle/error.h"

#include "core/format.h"

#include <algorithm>
#include <map>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

const std::string kPrefix = "model.";

const char* stored_dtype(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return "F32";
    case at::kDouble:
      return "F64";
    case at::kBFloat16:
      return "BF16";
    case at::kHalf:
      return "F16";
    case at::kLong:
      return "I64";
    default:
      throw CheckpointError(format("weights of type {} cannot be stored", at::toString(type)));
  }
}

at::ScalarType loaded_dtype(const std::string& path, const StoredTensor& stored) {
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf, at::kLong})
    if (stored.dtype == stored_dtype(type)) return type;
  throw CheckpointError(
      format("{}: {} has type {}, which cannot be loaded", path, stored.name, stored.dtype));
}

// Every tensor of the model by name; masters where the module computes in bf16.
std::map<std::string, at::Tensor> tensors_of(const Parameters& parameters) {
  std::map<std::string, at::Tensor> result;
  for (const auto& item : parameters.module().named_parameters(true))
    result[item.key()] = item.value().detach();
  for (const auto& item : parameters.module().named_buffers(true))
    result[item.key()] = item.value();
  for (const Parameter& parameter : parameters.all()) result[parameter.name] = parameter.master;
  return result;
}

std::string shape_text(at::IntArrayRef shape) {
  std::string text;
  for (const std::int64_t length : shape) text += format("{}{}", text.empty() ? "" : "x", length);
  return text.empty() ? "scalar" : text;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i)
    text += (i > 0 ? ", " : "") + names[i];
  return names.size() > kShown ? format("{} and {} more", text, names.size() - kShown) : text;
}

void check_names(const std::string& path, const std::map<std::string, at::Tensor>& model,
                 const std::map<std::string, const StoredTensor*>& file) {
  std::vector<std::string> missing;
  std::vector<std::string> unknown;
  std::vector<std::string> shapes;
  for (const auto& [name, tensor] : model) {
    const auto stored = file.find(name);
    if (stored == file.end()) {
      missing.push_back(name);
    } else if (tensor.sizes() != at::IntArrayRef(stored->second->shape)) {
      shapes.push_back(format("{} ({} in the file, {} in the model)", name,
                              shape_text(stored->second->shape), shape_text(tensor.sizes())));
    }
  }
  for (const auto& [name, stored] : file)
    if (!model.contains(name)) unknown.push_back(name);
  if (missing.empty() && unknown.empty() && shapes.empty()) return;
  std::string text;
  if (!missing.empty()) text += format("; not in the file: {}", listed(missing));
  if (!unknown.empty()) text += format("; not in the model: {}", listed(unknown));
  if (!shapes.empty()) text += format("; other shapes: {}", listed(shapes));
  throw CheckpointError(path + ": weights of another model" + text);
}

}  // namespace

void save_weights(const std::string& path, const Parameters& parameters, const Metadata& metadata) {
  std::vector<at::Tensor> alive;
  std::vector<StoredTensor> stored;
  for (const auto& [name, tensor] : tensors_of(parameters)) {
    const at::Tensor& plain = alive.emplace_back(tensor.cpu().contiguous());
    stored.push_back({kPrefix + name, stored_dtype(plain.scalar_type()), plain.sizes().vec(),
                      plain.const_data_ptr(), static_cast<std::uint64_t>(plain.nbytes())});
  }
  write_safetensors(path, stored, metadata);
}

void load_weights(const std::string& path, Parameters& parameters) {
  const at::NoGradGuard no_grad;
  const SafetensorsFile file(path);
  std::map<std::string, const StoredTensor*> by_name;
  for (const StoredTensor& tensor : file.tensors())
    if (tensor.name.starts_with(kPrefix)) by_name[tensor.name.substr(kPrefix.size())] = &tensor;
  auto model = tensors_of(parameters);
  check_names(path, model, by_name);
  std::map<std::string, at::Tensor> loaded;  // all of it, before the first weight changes
  for (const auto& [name, stored] : by_name)
    // from_blob takes no const pointer; the copy only reads.
    loaded[name] =
        at::from_blob(const_cast<void*>(stored->data), stored->shape, loaded_dtype(path, *stored));
  for (auto& [name, tensor] : model) tensor.copy_(loaded.at(name));
  parameters.refresh_working();
}

}  // namespace onecycle
