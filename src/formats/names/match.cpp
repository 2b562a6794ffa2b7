#include "formats/names/match.h"

#include "onecycle/error.h"
#include "onecycle/registry.h"

#include "core/text/format.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>

namespace onecycle {

namespace {

constexpr std::size_t kShown = 4;
constexpr std::size_t kCompared = 2000;  // names held against one another for a hint

bool is_floating(const std::string& dtype) {
  return dtype == "F16" || dtype == "BF16" || dtype == "F32" || dtype == "F64";
}

bool is_counter(const std::string& name) { return name.ends_with("num_batches_tracked"); }

// Of `candidates`, by name and shape, what `name` may have been meant to be: the nearest name, else
// the only one of its shape.
template <class Candidate>
std::string hint(const std::string& name, const std::vector<std::int64_t>& shape,
                 const std::vector<const Candidate*>& candidates) {
  std::vector<std::string> names;
  std::vector<std::string> of_its_shape;
  for (const Candidate* candidate : candidates) {
    if (names.size() < kCompared) names.push_back(candidate->name);
    if (candidate->shape == shape) of_its_shape.push_back(candidate->name);
  }
  const std::string nearest = nearest_name(name, names);
  if (!nearest.empty()) return "nearest: " + nearest;
  return of_its_shape.size() == 1 ? "of its shape: " + of_its_shape.front() : "";
}

std::string in_both(const StoredTensor& stored, const WantedTensor& wanted) {
  if (element_bytes(stored.dtype) == 0) return stored.dtype + " in the file, which is not read";
  if (stored.shape != wanted.shape)
    return format("{} in the file, {} in the model", shape_text(stored.shape),
                  shape_text(wanted.shape));
  return format("{} in the file, {} in the model", stored.dtype,
                wanted.floating ? "floating-point" : "integers");
}

std::string part_text(const char* what, const std::vector<Mismatch>& mismatches) {
  return mismatches.empty() ? "" : format("; {}: {}", what, listed(mismatches));
}

}  // namespace

std::vector<StoredTensor> model_part(const WeightsContent& content, bool averaged, bool& own) {
  constexpr std::string_view kModel = "model.", kOptimizer = "optimizer.",
                             kLookahead = "lookahead.", kChosen = "chosen.";
  own = content.kind == WeightsKind::safetensors && !content.tensors.empty();
  for (const StoredTensor& tensor : content.tensors)
    own = own && (tensor.name.starts_with(kModel) || tensor.name.starts_with(kAveragePrefix) ||
                  tensor.name.starts_with(kOptimizer) || tensor.name.starts_with(kLookahead) ||
                  tensor.name.starts_with(kChosen));
  if (!own) return content.tensors;
  std::vector<StoredTensor> result;
  std::map<std::string, std::size_t> places;
  const auto take = [&](std::string_view prefix) {
    for (const StoredTensor& tensor : content.tensors) {
      if (!tensor.name.starts_with(prefix)) continue;
      const std::string name = tensor.name.substr(prefix.size());
      const auto [place, is_new] = places.emplace(name, result.size());
      if (is_new) result.emplace_back();
      result[place->second] = tensor;
      result[place->second].name = name;
    }
  };
  take(kModel);
  if (averaged) take(kAveragePrefix);
  return result;
}

Matching match(const std::vector<StoredTensor>& stored, const std::vector<WantedTensor>& wanted) {
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < stored.size(); ++i) places.emplace(stored[i].name, i);
  Matching result;
  std::set<std::size_t> used;
  std::vector<const WantedTensor*> missing;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto place = places.find(wanted[i].name);
    if (place == places.end()) {
      if (!is_counter(wanted[i].name)) missing.push_back(&wanted[i]);
      continue;
    }
    used.insert(place->second);
    const StoredTensor& found = stored[place->second];
    // A module that is converted as a whole counts in its floating-point type.
    const bool same_kind =
        element_bytes(found.dtype) != 0 &&
        (is_counter(found.name) || is_floating(found.dtype) == wanted[i].floating);
    if (found.shape == wanted[i].shape && same_kind) {
      result.pairs.push_back({place->second, i});
    } else {
      result.other_shape.push_back({wanted[i].name, in_both(found, wanted[i])});
    }
  }
  std::vector<const StoredTensor*> unexpected;
  for (std::size_t i = 0; i < stored.size(); ++i)
    if (!used.contains(i)) unexpected.push_back(&stored[i]);
  // Hints for those that messages show.
  for (const WantedTensor* item : missing)
    result.missing.push_back({item->name, result.missing.size() < kShown
                                              ? hint(item->name, item->shape, unexpected)
                                              : ""});
  for (const StoredTensor* item : unexpected)
    result.unexpected.push_back({item->name, result.unexpected.size() < kShown
                                                 ? hint(item->name, item->shape, missing)
                                                 : ""});
  return result;
}

std::string listed(const std::vector<Mismatch>& mismatches) {
  const auto shown = std::span(mismatches).first(std::min(kShown, mismatches.size()));
  const std::string text = joined(shown, ", ", [](const Mismatch& one) {
    return one.note.empty() ? one.name : format("{} ({})", one.name, one.note);
  });
  return mismatches.size() > kShown ? format("{} and {} more", text, mismatches.size() - kShown)
                                    : text;
}

std::string Matching::text() const {
  return part_text("not in the file", missing) + part_text("not in the model", unexpected) +
         part_text("other shapes", other_shape);
}

std::string WeightsReport::text() const {
  std::string text = format("{} ({}): {} tensors loaded", file, kind, loaded);
  const auto add = [&](const char* what, const std::vector<std::string>& names) {
    if (names.empty()) return;
    text +=
        format("; {}: {}", what, joined(std::span(names).first(std::min(kShown, names.size()))));
    if (names.size() > kShown) text += format(" and {} more", names.size() - kShown);
  };
  add("as initialised", left);
  add("not used", unused);
  return text;
}

}  // namespace onecycle
