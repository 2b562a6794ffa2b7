#include "tuning/memo.h"

#include "onecycle/error.h"

#include "core/files.h"
#include "core/format.h"
#include "core/input_file.h"
#include "core/json_text.h"
#include "train/shared_checkpoints.h"

#include <filesystem>

namespace onecycle {

namespace {

constexpr std::uint64_t kLargest = std::uint64_t{1} << 26;

}  // namespace

Memo::Memo(std::string path, const std::string& subject, std::shared_ptr<Group> group)
    : path_(std::move(path)), group_(std::move(group)) {
  file_ = {{"subject", subject}, {"results", Json::object()}};
  if (!group_->leads() || !std::filesystem::exists(path_)) return;
  const auto bytes = read_regular_file(path_, kLargest);
  const Json found = parse_json({bytes.begin(), bytes.end()});
  if (!found.is_object() || !found.contains("subject") || !found.contains("results") ||
      !found["results"].is_object())
    throw Error(path_ + ": is damaged; remove it to start over");
  if (found["subject"] != subject)
    throw Error(path_ + ": holds results of another recipe or other options; resume with the same");
  file_ = found;
}

Json Memo::kept(const std::string& key, const std::function<Json()>& compute) {
  Json& results = file_["results"];
  const auto known = [&] { return results.contains(key) ? json_text(results[key]) : ""; };
  std::string found = group_->share(known(), 0);
  if (found.empty()) {
    found = group_->share(json_text(compute()), 0);
    results[key] = Json::parse(found);
    from_leader(*group_, [&] {
      write_file_atomically(path_, {json_text(file_, 1) + "\n"});
      return std::string();
    });
  }
  return Json::parse(found);
}

void Memo::refuse(const std::string& key) const {
  throw Error(format("{}: its result '{}' is damaged; remove the file to start over", path_, key));
}

}  // namespace onecycle
