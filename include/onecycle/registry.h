#pragma once

#include "onecycle/error.h"
#include "onecycle/option_table.h"

#include <any>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace onecycle {

// Returns the known name nearest to `name`, or "" when none is near.
std::string nearest_name(const std::string& name, const std::vector<std::string>& known);

template <class Make>
class Registry;

// Parts of one kind by name. Filled explicitly, in the `builtin.cpp` of the part's module; an
// embedder adds entries of its own the same way.
template <class Made, class... Context>
class Registry<Made(Context...)> {
 public:
  // A part: its description, and what makes it.
  struct Entry {
    Variant variant;
    // Of the struct that the variant's options fill, or of an empty one for their defaults.
    std::function<Made(const std::any& options, Context...)> make;
  };

  // The entry whose options fill a struct: `make(const Options&, context...)` returns a Made.
  template <class Options, class Make>
  static Entry entry(const OptionTable<Options>& table, Make make) {
    return {table.variant(), [make](const std::any& options, Context... context) -> Made {
              if (!options.has_value()) return make(Options{}, context...);
              const auto* given = std::any_cast<Options>(&options);
              if (given == nullptr) throw Error("these are the options of another part");
              return make(*given, context...);
            }};
  }

  // `kind`: what messages call the parts ("schedule").
  explicit Registry(std::string kind) : kind_(std::move(kind)) {}

  // Adds entry(table, make).
  template <class Options, class Make>
  void add(const OptionTable<Options>& table, Make make) {
    add(entry(table, std::move(make)));
  }

  // Throws Error where the name is taken.
  void add(Entry entry) {
    for (const Entry& known : entries_)
      if (known.variant.name == entry.variant.name)
        throw Error("two entries named '" + entry.variant.name + "' in the registry of " + kind_);
    entries_.push_back(std::move(entry));
  }

  // The entry of that name. Throws FieldError, with those that there are.
  const Entry& at(const std::string& name) const {
    std::string listed;
    for (const Entry& entry : entries_) {
      if (entry.variant.name == name) return entry;
      listed += (listed.empty() ? "" : ", ") + entry.variant.name;
    }
    throw FieldError(kind_ + ".name", "unknown name '" + name + "'; known: " + listed);
  }

  // The part as chosen. Throws FieldError for a name that is not known.
  Made make(const Choice& choice, Context... context) const {
    return at(choice.name).make(choice.options(), context...);
  }

  // What options may choose from.
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
