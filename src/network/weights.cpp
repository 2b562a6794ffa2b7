#include "network/weights.h"

#include "onecycle/error.h"

#include "core/files/paths.h"
#include "core/text/format.h"
#include "network/tensor_bytes.h"

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

void check_names(const std::string& source, const TensorsByName& own, const TensorsByName& given) {
  std::vector<StoredTensor> found;
  for (const auto& [name, tensor] : given) found.push_back(stored(name, tensor));
  std::vector<WantedTensor> wanted;
  for (const auto& [name, tensor] : own)
    wanted.push_back({name, tensor.sizes().vec(), tensor.is_floating_point()});
  const Matching matching = match(found, wanted);
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

std::string kind_text(const WeightsContent& content, bool own) {
  if (own) return "onecycle";
  return content.member.empty() ? name_of(content.kind)
                                : format("{}, {}", name_of(content.kind), content.member);
}

WeightsReport load_content(const WeightsContent& content, const WeightsOptions& options,
                           Parameters& parameters, bool averaged) {
  const at::NoGradGuard no_grad;
  const TensorsByName tensors = model_tensors(parameters);
  const std::vector<WantedTensor> want = wanted_tensors(parameters);
  bool own = false;
  std::vector<StoredTensor> found = model_part(content, averaged, own);
  if (!own) rename(found, options.rename, want);
  const Matching matching = match(found, want);
  check_matching(matching, options.match);
  for (const auto& [from, to] : matching.pairs) {
    check_loadable(found[from]);
    check_finite(found[from].name, tensor_of(found[from]), tensors.at(want[to].name).scalar_type());
  }
  for (const auto& [from, to] : matching.pairs)
    copy_numbers(found[from], tensors.at(want[to].name));
  parameters.refresh_working();
  WeightsReport report{"", kind_text(content, own), matching.pairs.size(), {}, {}};
  append(report.left, matching.other_shape, /*notes=*/true);
  append(report.left, matching.missing, /*notes=*/false);
  append(report.unused, matching.unexpected, /*notes=*/false);
  return report;
}

}  // namespace

TensorsByName model_tensors(const Parameters& parameters) {
  TensorsByName result;
  for (const auto& item : parameters.module().named_parameters(true))
    result[item.key()] = item.value().detach();
  for (const auto& item : parameters.module().named_buffers(true))
    result[item.key()] = item.value();
  for (const Parameter& parameter : parameters.all()) result[parameter.name] = parameter.master;
  for (const Parameter& parameter : parameters.fixed()) result[parameter.name] = parameter.master;
  return result;
}

std::vector<WantedTensor> wanted_tensors(const Parameters& parameters) {
  std::vector<WantedTensor> result;
  for (const auto& [name, tensor] : ordered_model_tensors(parameters))
    result.push_back({name, tensor.sizes().vec(), tensor.is_floating_point()});
  return result;
}

TensorsByName averaged_tensors(const Parameters& parameters) {
  TensorsByName result = model_tensors(parameters);
  std::erase_if(result, [](const auto& item) { return !item.second.is_floating_point(); });
  return result;
}

std::vector<NamedTensor> ordered_model_tensors(const Parameters& parameters) {
  const TensorsByName tensors = model_tensors(parameters);
  std::vector<NamedTensor> result;
  for (const auto& part : parameters.module().named_modules("", true)) {
    const std::string prefix = part.key().empty() ? "" : part.key() + ".";
    for (const auto& item : part.value()->named_parameters(false))
      result.push_back({prefix + item.key(), tensors.at(prefix + item.key())});
    for (const auto& item : part.value()->named_buffers(false))
      result.push_back({prefix + item.key(), tensors.at(prefix + item.key())});
  }
  return result;
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
  try {
    WeightsReport report = load_content(content, options, parameters, averaged);
    report.file = path;
    return report;
  } catch (const CheckpointError& error) {
    throw CheckpointError(format("{}: {}", path, error.what()));
  }
}

WeightsReport load_weights(const std::string& path, Parameters& parameters, bool averaged) {
  return load_weights(path, WeightsOptions{}, parameters, averaged);
}

std::string weights_path(const WeightsOptions& options) {
  const auto path = expand_path(options.file.value());
  if (!path) throw CheckpointError(*options.file + ": names a variable that is not set");
  return *path;
}

}  // namespace onecycle
