#include "train/weights.h"

#include "onecycle/error.h"

#include "core/format.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

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

TensorsByName with_prefix(const Snapshot& snapshot, const std::string& prefix) {
  TensorsByName result;
  for (const NamedTensor& item : snapshot.tensors)
    if (item.name.starts_with(prefix)) result[item.name.substr(prefix.size())] = item.tensor;
  return result;
}

void check_names(const std::string& source, const TensorsByName& own, const TensorsByName& given) {
  std::vector<std::string> missing;
  std::vector<std::string> unknown;
  std::vector<std::string> shapes;
  for (const auto& [name, tensor] : own) {
    const auto other = given.find(name);
    if (other == given.end()) {
      missing.push_back(name);
    } else if (tensor.sizes() != other->second.sizes()) {
      shapes.push_back(format("{} ({} in the file, {} in the model)", name,
                              shape_text(other->second.sizes()), shape_text(tensor.sizes())));
    }
  }
  for (const auto& [name, tensor] : given)
    if (!own.contains(name)) unknown.push_back(name);
  if (missing.empty() && unknown.empty() && shapes.empty()) return;
  std::string text;
  if (!missing.empty()) text += format("; not in the file: {}", listed(missing));
  if (!unknown.empty()) text += format("; not in the model: {}", listed(unknown));
  if (!shapes.empty()) text += format("; other shapes: {}", listed(shapes));
  throw CheckpointError(source + ": weights of another model" + text);
}

}  // namespace

TensorsByName model_tensors(const Parameters& parameters) {
  TensorsByName result;
  for (const auto& item : parameters.module().named_parameters(true))
    result[item.key()] = item.value().detach();
  for (const auto& item : parameters.module().named_buffers(true))
    result[item.key()] = item.value();
  for (const Parameter& parameter : parameters.all()) result[parameter.name] = parameter.master;
  return result;
}

TensorsByName averaged_tensors(const Parameters& parameters) {
  TensorsByName result = model_tensors(parameters);
  std::erase_if(result, [](const auto& item) { return !item.second.is_floating_point(); });
  return result;
}

void copy_out(const TensorsByName& tensors, const std::string& prefix, Snapshot& snapshot) {
  for (const auto& [name, tensor] : tensors)
    snapshot.tensors.push_back(
        {prefix + name,
         tensor.detach().to(at::kCPU, /*non_blocking=*/false, /*copy=*/true).contiguous()});
}

void copy_in(const Snapshot& snapshot, const std::string& prefix, const std::string& source,
             const TensorsByName& tensors) {
  const at::NoGradGuard no_grad;
  const TensorsByName given = with_prefix(snapshot, prefix);
  check_names(source, tensors, given);
  for (const auto& [name, tensor] : tensors) {
    at::Tensor target = tensor;
    target.copy_(given.at(name));
  }
}

bool holds(const Snapshot& snapshot, const std::string& prefix) {
  return std::any_of(snapshot.tensors.begin(), snapshot.tensors.end(),
                     [&](const NamedTensor& item) { return item.name.starts_with(prefix); });
}

void load_weights(const std::string& path, Parameters& parameters, bool averaged) {
  const Snapshot snapshot = read_checkpoint(path);
  copy_in(snapshot, "model.", path, model_tensors(parameters));
  if (averaged && holds(snapshot, "average."))
    copy_in(snapshot, "average.", path, averaged_tensors(parameters));
  parameters.refresh_working();
}

}  // namespace onecycle
