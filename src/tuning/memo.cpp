#include "tuning/memo.h"

#include "onecycle/error.h"

#include "core/files.h"
#include "train/shared_checkpoints.h"

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
  const auto known = [&] { return results.contains(key) ? results[key].dump() : ""; };
  std::string found = group_->share(known(), 0);
  if (found.empty()) {
    found = group_->share(compute().dump(), 0);
    results[key] = Json::parse(found);
    from_leader(*group_, [&] {
      write_file_atomically(path_, {file_.dump(1) + "\n"});
      return std::string();
    });
  }
  return Json::parse(found);
}

}  // namespace onecycle
