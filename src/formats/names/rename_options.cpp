#include "formats/names/rename_options.h"

#include <regex>

namespace onecycle {

namespace {

std::optional<OptionTable<RenameRule>::Violation> check_pattern(const RenameRule& rule) {
  using Violation = OptionTable<RenameRule>::Violation;
  if (rule.from.empty()) return Violation{"from", "cannot be empty"};
  if (rule.from.front() != '^') return std::nullopt;
  try {
    const std::regex pattern(rule.from);
    return std::nullopt;
  } catch (const std::regex_error& error) {
    return Violation{"from", std::string("is not a regular expression: ") + error.what()};
  }
}

OptionTable<RenameRule> rename_options() {
  OptionTable<RenameRule> table(
      "rename",
      "renames tensors of the file, rule after rule, before they are matched; not those of "
      "onecycle's own checkpoints");
  table
      .add("from", &RenameRule::from,
           "the start of a name; with a ^ first, a regular expression (ECMAScript)")
      .required();
  table.add("to", &RenameRule::to, "what replaces it; $1 is a group of the expression");
  table.rule(check_pattern);
  return table;
}

}  // namespace

OptionTable<WeightsOptions> weights_options() {
  OptionTable<WeightsOptions> table("weights", "Weights to start from");
  table.add(
      "file", &WeightsOptions::file,
      "a checkpoint of onecycle, a safetensors file, or what torch.save wrote (.pth, .pt, .th); "
      "the kind is found by content; ~ and ${NAME} as in data.dir; null: random weights");
  table.add("name", &WeightsOptions::name,
            "in place of file: published weights of `onecycle weights list`, or a path to a "
            "descriptor like those; the data are normalised as theirs were where the recipe states "
            "nothing");
  table.add(
      "match", &WeightsOptions::match,
      {{"strict", WeightsMatch::strict}, {"partial", WeightsMatch::partial}},
      "strict: its names and shapes are the model's, all of them; partial: what fits is taken, "
      "and the rest stays as initialised (a head for other classes)");
  table.add_list("rename", &WeightsOptions::rename, rename_options());
  table.rule(
      [](const WeightsOptions& options) -> std::optional<OptionTable<WeightsOptions>::Violation> {
        if (!options.file || !options.name) return std::nullopt;
        return OptionTable<WeightsOptions>::Violation{
            "name", "weights have a name or a file of their own, not both"};
      });
  return table;
}

}  // namespace onecycle
