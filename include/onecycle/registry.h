#pragma once

#include "onecycle/error.h"
#include "onecycle/options.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace onecycle {

// Returns the known name nearest to `name`, or "" when none is near.
std::string nearest_name(const std::string& name, const std::vector<std::string>& known);

// Parts of one kind by name. Filled explicitly, in the `builtin.cpp` of the part's room; an
// embedder adds entries of its own the same way. `Make` is the function type of the factory; its
// first parameter is the entry's resolved options, a map.
template <class Make>
class Registry {
 public:
  struct Entry {
    Variant variant;
    std::function<Make> make;
  };

  explicit Registry(std::string kind) : kind_(std::move(kind)) {}

  void add(Entry entry) {
    for (const Entry& known : entries_)
      if (known.variant.name == entry.variant.name)
        throw Error("two entries named '" + entry.variant.name + "' in the registry of " + kind_);
    entries_.push_back(std::move(entry));
  }

  const Entry& at(const std::string& name) const {
    std::string listed;
    for (const Entry& entry : entries_) {
      if (entry.variant.name == name) return entry;
      listed += (listed.empty() ? "" : ", ") + entry.variant.name;
    }
    throw RecipeError("unknown " + kind_ + " '" + name + "'; known: " + listed);
  }

  Variants variants() const {
    Variants result;
    for (const Entry& entry : entries_) result.push_back(entry.variant);
    return result;
  }

 private:
  std::string kind_;
  std::vector<Entry> entries_;
};

}  // namespace onecycle
