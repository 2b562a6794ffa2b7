#include "study/result_cache.h"

#include "onecycle/error.h"

#include "core/files/files.h"
#include "core/files/input_file.h"
#include "core/text/format.h"
#include "core/text/json_text.h"
#include "train/state/shared_checkpoints.h"

#include <filesystem>

namespace onecycle {

namespace {

constexpr std::uint64_t kLargest = std::uint64_t{1} << 26;

}  // namespace

ResultCache::ResultCache(std::string path, const std::string& subject, std::shared_ptr<Group> group)
    : path_(std::move(path)), group_(std::move(group)) {
  file_ = {{"subject", subject}, {"results", Json::object()}};
  if (!group_->is_leader() || !std::filesystem::exists(path_)) return;
  const auto bytes = read_regular_file(path_, kLargest);
  const Json found = parse_json({bytes.begin(), bytes.end()});
  if (!found.is_object() || !found.contains("subject") || !found.contains("results") ||
      !found["results"].is_object())
    throw Error(path_ + ": is damaged; remove it to start over");
  if (found["subject"] != subject)
    throw Error(path_ + ": holds results of another recipe or other options; resume with the same");
  file_ = found;
}

Json ResultCache::kept(const std::string& key, const std::function<Json()>& compute) {
  Json& results = file_["results"];
  const auto known = [&] { return results.contains(key) ? json_text(results[key]) : ""; };
  std::string found = group_->broadcast(known(), 0);
  if (found.empty()) {
    found = group_->broadcast(json_text(compute()), 0);
    results[key] = Json::parse(found);
    from_leader(*group_, [&] {
      write_file_atomically(path_, {json_text(file_, 1) + "\n"});
      return std::string();
    });
  }
  return Json::parse(found);
}

void ResultCache::refuse(const std::string& key) const {
  throw Error(format("{}: its result '{}' is damaged; remove the file to start over", path_, key));
}

}  // namespace onecycle
