#include "recipe/recipe_changes.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "yaml/yaml.h"

#include <cstddef>
#include <utility>

namespace onecycle {

namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 15;  // every key is tried on the whole

class Comparison {
 public:
  Comparison(Value document, const RecipeVariants& variants)
      : table_(recipe_options(variants)), document_(std::move(document)), whole_(reading()) {}

  std::string text() {
    look_into(document_, "");
    return lines_;
  }

 private:
  // What the document means, and how many of its keys it cannot mean: of an older version, or
  // ${NAME} where a number goes.
  std::pair<std::string, std::size_t> reading() const {
    Problems problems;
    const Recipe recipe = table_.read(document_, "", problems);
    return {detail::flow_text(table_.write(recipe)), problems.size()};
  }

  void look_into(Value& map, const std::string& path) {
    for (std::size_t i = 0; i < map.members.size(); ++i) {
      const std::string inner = detail::join_path(path, map.members[i].key);
      const std::size_t before = lines_.size();
      if (map.members[i].value.is_map()) look_into(map.members[i].value, inner);
      if (lines_.size() > before) continue;
      const auto place = map.members.begin() + static_cast<std::ptrdiff_t>(i);
      const Value::Member member = *place;
      map.members.erase(place);
      const bool same = reading() == whole_;
      map.members.insert(map.members.begin() + static_cast<std::ptrdiff_t>(i), member);
      if (!same) lines_ += format("{}: {}\n", inner, detail::flow_text(member.value));
    }
  }

  OptionTable<Recipe> table_;
  Value document_;
  std::pair<std::string, std::size_t> whole_;
  std::string lines_;
};

}  // namespace

std::string changes_from_defaults(const std::string& resolved, const RecipeVariants& variants) {
  if (resolved.size() > kMostBytes) return "";
  try {
    Value document = parse_yaml(resolved, "recipe.yaml");
    if (!document.is_map()) return "";
    return Comparison(std::move(document), variants).text();
  } catch (const Error&) {
    return "";
  }
}

}  // namespace onecycle
