#include "onecycle/search.h"

#include "cli/command.h"
#include "core/text/format.h"
#include "core/text/print.h"

#include <memory>

namespace onecycle {

namespace {

// What a file of a recipe may hold: the recipe's own keys, and those that are gone once it is read.
OptionGroup file_options() {
  OptionGroup group = recipe_options(Registries().variants()).group();
  OptionDescription extends;
  extends.name = "extends";
  extends.type = OptionType<std::string>::name();
  extends.schema = OptionType<std::string>::schema();
  extends.default_text = "null";
  extends.meaning =
      "path of the recipe, from this one's folder, that this one changes: maps merge key by key, "
      "everything else replaces; null: none";
  group.options.insert(group.options.begin(), std::move(extends));
  OptionDescription search;
  search.name = "search";
  search.type = "section";
  search.section = std::make_shared<OptionGroup>(search_options());
  search.meaning = search.section->meaning;
  group.options.push_back(std::move(search));
  return group;
}

}  // namespace

int schema_command(int argc, char** argv) {
  CommandLine line("schema", "The recipe's JSON Schema, for editors and other tools.",
                   "[--markdown]",
                   "  onecycle schema > recipe.schema.json\n"
                   "  onecycle schema --markdown > docs/recipe.md\n");
  line.add_flag("markdown", "the reference page of every key instead");
  if (!line.parse(argc, argv)) return 0;
  const OptionGroup group = file_options();
  print("{}", line.has("markdown") ? markdown_of(group) : json_schema_of(group));
  return 0;
}

}  // namespace onecycle
