#pragma once

#include "onecycle/group.h"

#include "core/json.h"

#include <functional>
#include <memory>
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
  Json get(const std::string& key, const std::function<Json()>& compute,
           const std::function<bool(const Json&)>& sound);

 private:
  std::string path_;
  std::shared_ptr<Group> group_;
  Json file_;
};

}  // namespace onecycle
