#pragma once

#include "onecycle/group.h"

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace onecycle {

// Results by key, in a file that is replaced as a whole after each new one: what was computed once
// is not computed again, in this process or a later one. Ranks compute together; rank 0 keeps the
// file, and its results count.
class Memo {
 public:
  // `subject` is what the results belong to. Throws Error where the file holds those of another.
  Memo(std::string path, const std::string& subject, std::shared_ptr<Group> group);

  // The result under `key`, computed where there is none yet. Throws Error where the file holds one
  // that is not `sound`. Collective.
  nlohmann::ordered_json get(const std::string& key,
                             const std::function<nlohmann::ordered_json()>& compute,
                             const std::function<bool(const nlohmann::ordered_json&)>& sound);

 private:
  std::string path_;
  std::shared_ptr<Group> group_;
  nlohmann::ordered_json file_;
};

}  // namespace onecycle
