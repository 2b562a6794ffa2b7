#include "tuning/memo.h"

#include "onecycle/error.h"

#include "core/files.h"
#include "core/json_text.h"

#include <filesystem>
#include <fstream>

namespace onecycle {

using Json = nlohmann::ordered_json;

Memo::Memo(std::string path, const std::string& subject, std::shared_ptr<Group> group)
    : path_(std::move(path)), group_(std::move(group)) {
  file_ = {{"subject", subject}, {"results", Json::object()}};
  if (!group_->leads() || !std::filesystem::exists(path_)) return;
  std::ifstream stream(path_);
  const Json found = Json::parse(stream, nullptr, /*allow_exceptions=*/false);
  if (!found.is_object() || !found.contains("subject") || !found.contains("results"))
    throw Error(path_ + ": is damaged; remove it to begin anew");
  if (found["subject"] != subject)
    throw Error(path_ + ": holds results of another recipe or other options; resume with the same");
  file_ = found;
}

Json Memo::get(const std::string& key, const std::function<Json()>& compute) {
  Json& results = file_["results"];
  const auto known = [&] { return results.contains(key) ? json_text(results[key]) : ""; };
  std::string found = group_->share(known(), 0);
  if (found.empty()) {
    found = group_->share(json_text(compute()), 0);
    results[key] = Json::parse(found);
    if (group_->leads()) write_file_atomically(path_, {json_text(file_, 1) + "\n"});
  }
  return Json::parse(found);
}

}  // namespace onecycle
