#pragma once

#include "onecycle/option_table.h"
#include "onecycle/value.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// What recipes do with described options: read, write, change and document them.
namespace onecycle {

// Something wrong in what was read.
struct Problem {
  Position at;
  std::string path;     // "schedule.lr_max"
  std::string message;  // what is wrong, what is allowed

  std::string text() const;  // "file:line:column: path: message"
};

// All that was found wrong.
class Problems {
 public:
  // Notes one more.
  void add(const Position& at, const std::string& path, const std::string& message);
  bool empty() const { return found_.empty(); }       // nothing was found
  std::size_t size() const { return found_.size(); }  // how many
  // All, those of a file in the order of its lines.
  std::vector<Problem> found() const;
  // Throws RecipeError with the first problem, and how many more there are.
  void throw_if_any() const;

 private:
  std::vector<Problem> found_;
};

// The number that an unquoted scalar is.
std::optional<std::int64_t> integer_in(const Value& value);
// The same with a fraction.
std::optional<double> number_in(const Value& value);

template <class S>
Value OptionTable<S>::write(const S& source) const {
  Value result;
  write_to(source, result);
  return result;
}

namespace detail {
std::string flow_text(const Value& value);  // one line of YAML in flow style
}  // namespace detail

// ---- Choices ---------------------------------------------------------------------------------

// The variant of that name with these options, a map. Throws RecipeError, which names them below
// `path`.
Choice choose(const Variants& variants, const std::string& name, const Value& options = {},
              const std::string& path = "");
// The same, as recipes write it: a name, or a map of its options and `name`.
Choice choose(const Variants& variants, const Value& given, const std::string& path);

// All options of a choice, a map; empty where no recipe was read.
Value options_of(const Choice& choice);

// Whether the part knows such a change.
bool takes(const Choice& choice, Change change);

// Makes those of the changes that the part knows, in this order, and checks what its options are
// then. Throws RecipeError.
void change(Choice& choice, const std::vector<std::pair<Change, double>>& changes,
            const std::string& path = "");

// ---- Documents -------------------------------------------------------------------------------

// A group of options in Markdown, as docs/recipe.md.
std::string markdown_of(const OptionGroup& group);
// The same as a JSON Schema (draft 2020-12).
std::string json_schema_of(const OptionGroup& group);

}  // namespace onecycle
