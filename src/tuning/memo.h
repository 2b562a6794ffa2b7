#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace onecycle {

// Results by key, in a file that is replaced as a whole after each new one: what was computed once
// is not computed again, in this process or a later one.
class Memo {
 public:
  // `subject` is what the results belong to. Throws Error where the file holds those of another.
  Memo(std::string path, const std::string& subject);

  // The result under `key`, computed where there is none yet.
  nlohmann::ordered_json get(const std::string& key,
                             const std::function<nlohmann::ordered_json()>& compute);

 private:
  std::string path_;
  nlohmann::ordered_json file_;
};

}  // namespace onecycle
