#include "onecycle/error.h"

#include "cli/commands/data_commands.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/shipped.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/number.h"
#include "core/text/print.h"
#include "core/text/printable.h"
#include "yaml/document.h"
#include "yaml/yaml.h"

namespace onecycle {

namespace {

constexpr const char* kDataExamples = R"(  onecycle data list
  onecycle data info fashion-mnist
  onecycle data verify cifar10 --dir ~/data
  onecycle data fetch cifar10
  onecycle data pack my-recipe.yaml --to pictures.packed
)";

int list(const CommandLine& line, const Environment& environment) {
  for (const std::string& name : list_descriptors(environment.dataset_folders)) {
    DataOptions options;
    options.name = name;
    const DatasetDescriptor descriptor = descriptor_of(options, environment);
    if (line.json()) {
      print_json(Json{{"event", "dataset"}, {"name", name}, {"title", descriptor.title}});
    } else {
      print("{:<18}{}\n", visible(name), visible(descriptor.title));
    }
  }
  return 0;
}

const char* status_text(FileCheck::Status status) {
  switch (status) {
    case FileCheck::Status::ok:
      return "ok";
    case FileCheck::Status::mismatch:
      return "MISMATCH";
    case FileCheck::Status::missing:
      return "missing";
    case FileCheck::Status::unchecked:
      return "unchecked";
  }
  return "";
}

int verify(const CommandLine& line, const DataOptions& options, const Environment& environment) {
  const DatasetDescriptor descriptor = descriptor_of(options, environment);
  int num_bad = 0;
  for (const FileCheck& check : verify_data(options, descriptor, environment.registries.formats)) {
    const bool bad =
        check.status == FileCheck::Status::mismatch || check.status == FileCheck::Status::missing;
    num_bad += bad ? 1 : 0;
    if (line.json()) {
      print_json(Json{{"event", "file"},
                      {"file", check.file},
                      {"path", check.path},
                      {"status", status_text(check.status)},
                      {"expected", check.expected},
                      {"actual", check.actual}});
    } else {
      print("{:<10}{}\n", status_text(check.status),
            visible(check.path.empty() ? check.file : check.path));
    }
  }
  if (num_bad > 0)
    throw DataError(format("{}: {} of its files missing or damaged; to get them: {}",
                           descriptor.name, num_bad, descriptor.get));
  return 0;
}

std::string numbers(const std::vector<double>& values) {
  return joined(values, " ", [](double value) { return format("{:.4f}", value); });
}

int info(const CommandLine& line, const DataOptions& options, const Environment& environment,
         std::optional<TargetKind> targets_wanted) {
  const DatasetDescriptor descriptor = descriptor_of(options, environment);
  const DataSummary summary = describe_data(load_data(
      options, descriptor, environment.registries.formats, environment.loading, targets_wanted));
  if (!line.json())
    print("{}: {}\n{} {}, {} {}\n", visible(summary.name), visible(descriptor.title),
          joined(summary.sample_shape, "x"), summary.type,
          summary.classes.size() + summary.targets.names.size(), name_of(summary.target_kind));
  for (const SplitSummary& split : summary.splits) {
    if (line.json()) {
      print_json(Json{{"event", "split"},
                      {"name", split.name},
                      {"samples", split.samples},
                      {"classes", summary.classes},
                      {"per_class", split.per_class},
                      {"mean", split.statistics.mean},
                      {"std", split.statistics.std}});
      continue;
    }
    print("{:<11}{:>8} samples{}\n", split.name, grouped(split.samples),
          split.statistics.mean.empty()
              ? ""
              : format("  mean {}  std {}", numbers(split.statistics.mean),
                       numbers(split.statistics.std)));
    for (std::size_t i = 0; i < split.per_class.size(); ++i)
      print("{:>19}  {}\n", grouped(split.per_class[i]), visible(summary.classes[i]));
  }
  const TargetStatistics& targets = summary.targets;
  for (std::size_t i = 0; i < targets.names.size(); ++i) {
    if (line.json())
      print_json(Json{{"event", "target"},
                      {"name", targets.names[i]},
                      {"mean", targets.mean[i]},
                      {"std", targets.std[i]}});
    else
      print("target {}  mean {}  std {}\n", visible(targets.names[i]), number_text(targets.mean[i]),
            number_text(targets.std[i]));
  }
  return 0;
}

struct WantedData {
  DataOptions options;
  std::optional<TargetKind> targets;  // by the recipe's task
};

// Of a recipe, or of a data set named.
WantedData wanted_data(const CommandLine& line, const std::string& name) {
  WantedData wanted;
  wanted.options.name = name;
  const bool is_file = name.ends_with(".yaml") || name.ends_with(".yml");
  if (is_file && load_document(recipe_file(name), line.overrides()).find("data") != nullptr) {
    const Recipe recipe = load_recipe(name, line.overrides());
    wanted = {recipe.data, wanted_targets(recipe)};
  } else if (!line.overrides().empty()) {
    line.misused("--set goes with a recipe");
  }
  if (line.has("dir")) wanted.options.dir = line.text("dir");
  return wanted;
}

}  // namespace

DatasetDescriptor descriptor_of(const DataOptions& options, const Environment& environment) {
  return find_descriptor(options, environment.dataset_folders, environment.registries.formats);
}

int data_command(int argc, char** argv) {
  CommandLine line("data", "Lists, verifies, describes, fetches and packs data sets.",
                   "list | verify NAME | info NAME | fetch NAME | pack NAME", kDataExamples);
  line.add_positional();
  line.add_option("dir", "FOLDER", "the folder of the files, in place of the data set's own");
  line.add_option("to", "FILE", "pack: the file to write; without it, one that later runs find");
  line.add_set();
  if (!line.parse(argc, argv)) return 0;

  const Environment environment = shipped_environment(alone(), load_watch(line.console()));
  const auto words = line.positional();
  if (words.size() == 1 && words[0] == "list") return list(line, environment);
  if (words.size() != 2)
    line.misused("expected list, or verify, info, fetch or pack with a NAME or a recipe");
  const auto [options, targets] = wanted_data(line, words[1]);
  if (words[0] == "verify") return verify(line, options, environment);
  if (words[0] == "info") return info(line, options, environment, targets);
  if (words[0] == "fetch") return data_fetch(line, options, environment);
  if (words[0] == "pack") return data_pack(line, options, environment, targets);
  line.misused("unknown '" + words[0] + "'");
}

}  // namespace onecycle
