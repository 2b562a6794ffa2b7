#include "cli/command.h"
#include "core/text/format.h"
#include "core/text/print.h"

namespace onecycle {

int schema_command(int argc, char** argv) {
  CommandLine line("schema", "The recipe's JSON Schema, for editors and other tools.",
                   "[--markdown]",
                   "  onecycle schema > recipe.schema.json\n"
                   "  onecycle schema --markdown > docs/recipe.md\n");
  line.add_flag("markdown", "the reference page of every key instead");
  if (!line.parse(argc, argv)) return 0;
  const OptionGroup group = recipe_options(Registries().variants()).group();
  print("{}", line.has("markdown") ? markdown_of(group) : json_schema_of(group));
  return 0;
}

}  // namespace onecycle
