#pragma once

#include "onecycle/group.h"

#include "core/text/json.h"

#include <functional>
#include <memory>
#include <string>

namespace onecycle {

// Results by key, in a file that is replaced as a whole after each new one: what was computed once
// is not computed again, in this process or a later one. Ranks compute together; rank 0 keeps the
// file, and its results count.
class ResultCache {
 public:
  // `subject` is what the results belong to. Throws Error where the file holds those of another.
  ResultCache(std::string path, const std::string& subject, std::shared_ptr<Group> group);

  // The result under `key`, of a type that JSON converts to; computed where there is none yet.
  // Throws Error where the file holds one of another type or one that is not `sound`. Collective.
  template <class Compute, class Sound>
  auto get(const std::string& key, const Compute& compute, const Sound& sound) {
    const Json json = kept(key, [&] { return Json(compute()); });
    try {
      auto result = json.get<decltype(compute())>();
      if (sound(result)) return result;
    } catch (const Json::exception&) {
    }
    refuse(key);
  }

 private:
  Json kept(const std::string& key, const std::function<Json()>& compute);
  [[noreturn]] void refuse(const std::string& key) const;

  std::string path_;
  std::shared_ptr<Group> group_;
  Json file_;
};

}  // namespace onecycle
