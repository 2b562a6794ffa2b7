#include "network/weights.h"

#include "onecycle/error.h"

#include "core/files/paths.h"
#include "core/text/format.h"
#include "data/tensor_bytes.h"
#include "formats/torch/torch_writer.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

TensorsByName with_prefix(const Snapshot& snapshot, const std::string& prefix) {
  TensorsByName result;
  for (const NamedTensor& item : snapshot.tensors)
    if (item.name.starts_with(prefix)) result[item.name.substr(prefix.size())] = item.tensor;
  return result;
}

// Of pairs of a name and a tensor.
template <class Tensors>
std::vector<WantedTensor> wanted(const Tensors& tensors) {
  std::vector<WantedTensor> result;
  for (const auto& [name, tensor] : tensors)
    result.push_back({name, tensor.sizes().vec(), tensor.is_floating_point()});
  return result;
}

void check_names(const std::string& source, const TensorsByName& own, const TensorsByName& given) {
  std::vector<StoredTensor> found;
  for (const auto& [name, tensor] : given) found.push_back(stored(name, tensor));
  const Matching matching = match(found, wanted(own));
  if (matching.complete() && matching.pairs.size() == own.size()) return;
  throw CheckpointError(source + ": weights of another model" + matching.text());
}

// Throws CheckpointError where the options want more than matches.
void check_matching(const Matching& matching, WeightsMatch how) {
  if (how == WeightsMatch::strict && !matching.complete())
    throw CheckpointError("weights of another model" + matching.text());
  if (matching.pairs.empty())
    throw CheckpointError("none of its tensors is one of the model's" + matching.text());
}

void append(std::vector<std::string>& texts, const std::vector<Mismatch>& mismatches, bool notes) {
  for (const auto& [name, note] : mismatches)
    texts.push_back(notes && !note.empty() ? format("{} ({})", name, note) : name);
}

// `averaged`: as asked for.
std::string kind_text(const WeightsContent& content, bool own, bool averaged) {
  if (own) {
    const bool has_average = std::any_of(
        content.tensors.begin(), content.tensors.end(),
        [](const StoredTensor& tensor) { return tensor.name.starts_with(kAveragePrefix); });
    if (!has_average) return "onecycle";
    return averaged ? "onecycle, averaged over the run" : "onecycle, as the last step left them";
  }
  return origin_text(content);
}

TensorsByName module_tensors(const torch::nn::Module& module) {
  TensorsByName result;
  for (const auto& item : module.named_parameters(true)) result[item.key()] = item.value().detach();
  for (const auto& item : module.named_buffers(true)) result[item.key()] = item.value();
  return result;
}

// Those of a module and its children, from `tensors`. Asks for no shared_ptr to the module, as
// Module::named_modules does.
void add_in_order(const torch::nn::Module& module, const std::string& prefix,
                  const TensorsByName& tensors, std::vector<NamedTensor>& result) {
  const auto add = [&](const auto& items) {
    for (const auto& item : items)
      result.push_back({prefix + item.key(), tensors.at(prefix + item.key())});
  };
  add(module.named_parameters(false));
  add(module.named_buffers(false));
  for (const auto& child : module.named_children())
    add_in_order(*child.value(), prefix + child.key() + ".", tensors, result);
}

std::vector<NamedTensor> in_order(const torch::nn::Module& module, const TensorsByName& tensors) {
  std::vector<NamedTensor> result;
  add_in_order(module, "", tensors, result);
  return result;
}

// Into `tensors`, which are live.
WeightsReport load_content(const WeightsContent& content, const WeightsOptions& options,
                           const std::vector<NamedTensor>& tensors, bool averaged) {
  const at::NoGradGuard no_grad;
  const std::vector<WantedTensor> want = wanted(tensors);
  bool own = false;
  std::vector<StoredTensor> found = model_part(content, averaged, own);
  if (!own) rename(found, options.rename, want);
  const Matching matching = match(found, want);
  check_matching(matching, options.match);
  for (const auto& [from, to] : matching.pairs) {
    check_loadable(found[from]);
    check_finite(found[from].name, tensor_of(found[from]), tensors[to].tensor.scalar_type());
  }
  for (const auto& [from, to] : matching.pairs) copy_numbers(found[from], tensors[to].tensor);
  WeightsReport report;
  report.kind = kind_text(content, own, averaged);
  report.is_checkpoint = own;
  report.loaded = matching.pairs.size();
  append(report.left, matching.other_shape, /*notes=*/true);
  append(report.left, matching.missing, /*notes=*/false);
  append(report.unused, matching.unexpected, /*notes=*/false);
  return report;
}

// The same of the file at `path`, which errors name.
WeightsReport load_content_of(const std::string& path, const WeightsContent& content,
                              const WeightsOptions& options,
                              const std::vector<NamedTensor>& tensors, bool averaged) {
  try {
    WeightsReport report = load_content(content, options, tensors, averaged);
    report.file = path;
    return report;
  } catch (const CheckpointError& error) {
    throw CheckpointError(format("{}: {}", path, error.what()));
  }
}

}  // namespace

TensorsByName model_tensors(const Parameters& parameters) {
  TensorsByName result = module_tensors(parameters.module());
  for (const Parameter& parameter : parameters.all()) result[parameter.name] = parameter.master;
  for (const Parameter& parameter : parameters.fixed()) result[parameter.name] = parameter.master;
  return result;
}

std::vector<WantedTensor> wanted_tensors(const Parameters& parameters) {
  return wanted(ordered_model_tensors(parameters));
}

TensorsByName averaged_tensors(const Parameters& parameters) {
  TensorsByName result = model_tensors(parameters);
  std::erase_if(result, [](const auto& item) { return !item.second.is_floating_point(); });
  return result;
}

std::vector<NamedTensor> ordered_model_tensors(const Parameters& parameters) {
  return in_order(parameters.module(), model_tensors(parameters));
}

void copy_out(const TensorsByName& tensors, const std::string& prefix, Snapshot& snapshot) {
  std::vector<NamedTensor> sorted;
  for (const auto& [name, tensor] : tensors) sorted.push_back({name, tensor});
  copy_out(sorted, prefix, snapshot);
}

void copy_out(const std::vector<NamedTensor>& tensors, const std::string& prefix,
              Snapshot& snapshot) {
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

WeightsReport load_weights(const std::string& path, const WeightsOptions& options,
                           Parameters& parameters, bool averaged) {
  const WeightsFile file(path);
  return load_weights(file.content(), path, options, parameters, averaged);
}

WeightsReport load_weights(const WeightsContent& content, const std::string& path,
                           const WeightsOptions& options, Parameters& parameters, bool averaged) {
  WeightsReport report =
      load_content_of(path, content, options, ordered_model_tensors(parameters), averaged);
  parameters.refresh_working();
  return report;
}

WeightsReport load_weights(const std::string& path, Parameters& parameters, bool averaged) {
  return load_weights(path, WeightsOptions{}, parameters, averaged);
}

WeightsReport load_weights(torch::nn::Module& module, const std::string& path,
                           const WeightsOptions& options) {
  const WeightsFile file(path);
  return load_content_of(path, file.content(), options, in_order(module, module_tensors(module)),
                         /*averaged=*/true);
}

void save_weights(const torch::nn::Module& module, const std::string& path) {
  const auto kind = kind_by_name(path);
  if (!kind) throw Error(path + ": expected a name that ends in .pth, .pt or .safetensors");
  Snapshot copies;
  copy_out(in_order(module, module_tensors(module)), "", copies);
  std::vector<StoredTensor> tensors;
  for (const auto& [name, tensor] : copies.tensors) tensors.push_back(stored(name, tensor));
  if (*kind == WeightsKind::torch_archive)
    write_torch(path, tensors);
  else
    write_safetensors(path, tensors, {{"format", "pt"}});
}

std::string weights_path(const WeightsOptions& options) {
  const auto path = expand_path(options.file.value());
  if (!path) throw CheckpointError(*options.file + ": names a variable that is not set");
  return *path;
}

}  // namespace onecycle
