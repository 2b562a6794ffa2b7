#include "tuning/memo.h"

#include "onecycle/error.h"

#include "core/files.h"

#include <filesystem>
#include <fstream>

namespace onecycle {

using Json = nlohmann::ordered_json;

Memo::Memo(std::string path, const std::string& subject) : path_(std::move(path)) {
  file_ = {{"subject", subject}, {"results", Json::object()}};
  if (!std::filesystem::exists(path_)) return;
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
  if (!results.contains(key)) {
    results[key] = compute();
    write_file_atomically(path_, {file_.dump(1) + "\n"});
  }
  return results[key];
}

}  // namespace onecycle
