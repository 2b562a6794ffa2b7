#include "train/state/shared_checkpoints.h"

#include "onecycle/error.h"

#include "core/text/json.h"
#include "core/text/json_text.h"

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr char kMade = '+';
constexpr char kFailed = '-';

// Names, types, shapes and metadata; the numbers follow as tensors of bytes.
std::string description_of(const std::optional<Snapshot>& snapshot) {
  if (!snapshot) return "";
  Json tensors = Json::array();
  for (const NamedTensor& item : snapshot->tensors)
    tensors.push_back(
        {item.name, static_cast<int>(item.tensor.scalar_type()), item.tensor.sizes().vec()});
  return json_text(Json{{"tensors", tensors}, {"metadata", snapshot->metadata}});
}

Snapshot described(const std::string& text) {
  const Json json = Json::parse(text);
  Snapshot snapshot;
  snapshot.metadata = json.at("metadata").get<std::map<std::string, std::string>>();
  for (const Json& item : json.at("tensors"))
    snapshot.tensors.push_back(
        {item.at(0), at::empty(item.at(2).get<std::vector<std::int64_t>>(),
                               static_cast<at::ScalarType>(item.at(1).get<int>()))});
  return snapshot;
}

}  // namespace

std::string from_leader(Group& group, const std::function<std::string()>& make) {
  if (group.size() == 1) return make();
  std::string result;
  std::exception_ptr error;
  if (group.is_leader()) {
    try {
      result = kMade + make();
    } catch (const Error& thrown) {
      result = kFailed + std::string(thrown.what());
      error = std::current_exception();
    }
  }
  result = group.broadcast(result, 0);
  if (error) std::rethrow_exception(error);
  if (result.front() == kFailed) throw Error(result.substr(1));
  return result.substr(1);
}

std::optional<Snapshot> snapshot_from_leader(Group& group,
                                             const std::function<std::optional<Snapshot>()>& make) {
  if (group.size() == 1) return make();
  std::optional<Snapshot> snapshot;
  const std::string text = from_leader(group, [&] {
    snapshot = make();
    return description_of(snapshot);
  });
  if (text.empty()) return std::nullopt;
  if (!group.is_leader()) snapshot = described(text);
  std::vector<at::Tensor> tensors;
  for (const NamedTensor& item : snapshot->tensors) tensors.push_back(item.tensor);
  group.broadcast(tensors);
  return snapshot;
}

std::string SharedCheckpoints::save(const Snapshot& snapshot, std::int64_t step, bool best) {
  return from_leader(group_, [&] { return own_->save(snapshot, step, best); });
}

std::optional<Snapshot> SharedCheckpoints::load_latest(std::vector<std::string>& warnings) {
  return snapshot_from_leader(group_, [&] { return own_->load_latest(warnings); });
}

}  // namespace onecycle
