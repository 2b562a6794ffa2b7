#include "recipe/recipe_text.h"

#include "core/sha256.h"
#include "core/text/number.h"
#include "yaml/document.h"
#include "yaml/yaml.h"

namespace onecycle {

namespace {

using Place = std::vector<std::string>;

// The node at a place of the resolved tree, or nullptr. A choice's name alone is short for a map.
Value* node_at(Value& tree, const Place& place) {
  Value* node = &tree;
  for (const std::string& step : place) {
    if (node->is_list()) {
      const auto index = static_cast<std::size_t>(parse_integer(step).value_or(0));
      node = index < node->items.size() ? &node->items[index] : nullptr;
    } else {
      node = node->find(step);
    }
    if (node == nullptr) return nullptr;
  }
  Value* name = node->is_map() ? node->find("name") : nullptr;
  return name != nullptr ? name : node;
}

// Every scalar of the document that the environment gave, and what the recipe made of it.
void note(const Value& given, Place& place, Value& tree, std::vector<FromEnvironment>& found) {
  if (!given.written.empty())
    if (const Value* node = node_at(tree, place))
      found.push_back({place, given.written, detail::flow_text(*node), node->quoted});
  for (std::size_t i = 0; i < given.items.size(); ++i) {
    place.push_back(std::to_string(i));
    note(given.items[i], place, tree, found);
    place.pop_back();
  }
  for (const auto& member : given.members) {
    place.push_back(member.key);
    note(member.value, place, tree, found);
    place.pop_back();
  }
}

void note_positions(const Value& value, const std::string& key,
                    std::map<std::string, Position>& positions) {
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const std::string inner = detail::item_path(key, i);
    positions[inner] = value.items[i].at;
    note_positions(value.items[i], inner, positions);
  }
  for (const auto& member : value.members) {
    const std::string inner = detail::join_path(key, member.key);
    const bool holds_more = member.value.is_map() || member.value.is_list();
    positions[inner] = holds_more ? member.at : member.value.at;
    note_positions(member.value, inner, positions);
  }
}

}  // namespace

Value recipe_tree(const Recipe& recipe, const RecipeVariants& variants) {
  Value tree = recipe_options(variants).write(recipe);
  for (const FromEnvironment& one : recipe.environment)
    if (Value* node = node_at(tree, one.place))
      if (detail::flow_text(*node) == one.value) node->written = one.written;
  return tree;
}

Recipe recipe_in_tree(const Value& document, const RecipeVariants& variants, Problems& problems) {
  const auto table = recipe_options(variants);
  const std::size_t before = problems.size();
  Recipe recipe = table.read(document, "", problems);
  if (problems.size() > before) return recipe;
  Value tree = table.write(recipe);
  Place place;
  note(document, place, tree, recipe.environment);
  std::map<std::string, Position> positions;
  note_positions(document, "", positions);
  recipe.positions = std::make_shared<const std::map<std::string, Position>>(std::move(positions));
  return recipe;
}

std::string resolved_text(const Recipe& recipe, const Registries& registries,
                          const UsedValues& used) {
  Value document = recipe_tree(recipe, registries.variants());
  escape_environment(document);
  UsedValues comments = used;
  for (auto& [path, text] : comments) text += " here";
  return write_yaml(document, comments);
}

bool are_alike(const std::string& resolved, const std::string& other) {
  try {
    return write_yaml(parse_yaml(resolved, "")) == write_yaml(parse_yaml(other, ""));
  } catch (const RecipeError&) {
    return false;
  }
}

Recipe read_resolved(const std::string& text, const std::string& name,
                     const Registries& registries) {
  Value document = parse_yaml(text, name);
  interpolate_environment(document);
  return read_recipe(document, registries);
}

std::string model_json(const Recipe& recipe) {
  for (const FromEnvironment& one : recipe.environment)
    if (one.is_text && one.place.front() == "model") return "";
  return to_json(recipe.model);
}

std::string environment_digest(const Recipe& recipe) {
  Sha256 digest;
  bool any = false;
  for (const FromEnvironment& one : recipe.environment) {
    if (one.is_text) continue;
    any = true;
    for (const std::string& step : one.place) digest.add(step + ".");
    digest.add("=" + one.value + "\n");
  }
  return any ? digest.hex() : "";
}

std::string environment_names(const Recipe& recipe) {
  std::string names;
  for (const FromEnvironment& one : recipe.environment)
    if (!one.is_text) names += (names.empty() ? "" : ", ") + one.written;
  return names;
}

}  // namespace onecycle
