#include "onecycle/fetch.h"

#include "cli/command.h"
#include "cli/console.h"
#include "cli/fetch_files.h"
#include "cli/shipped.h"
#include "core/text/json.h"
#include "core/text/print.h"
#include "core/text/printable.h"

#include <filesystem>

namespace onecycle {

namespace {

constexpr const char* kWeightsExamples = R"(  onecycle weights list
  onecycle weights fetch resnet18-imagenet
)";

int list_weights(const CommandLine& line, const Environment& environment) {
  for (const std::string& name : list_descriptors(environment.weights_folders)) {
    const auto descriptor = find_weights_descriptor(name, environment.weights_folders);
    if (line.json())
      print_json(Json{{"event", "weights"}, {"name", name}, {"title", descriptor.title}});
    else
      print("{:<20}{}\n", visible(name), visible(descriptor.title));
  }
  return 0;
}

// A file that is there is held against its checksum.
int fetch_weights(const CommandLine& line, const std::string& name,
                  const Environment& environment) {
  const auto descriptor = find_weights_descriptor(name, environment.weights_folders);
  const auto place = weights_place(descriptor);
  const std::string folder = line.has("dir") ? line.text("dir")
                             : place         ? std::filesystem::path(*place).parent_path().string()
                                             : fetch_folder(descriptor.name, descriptor.folders);
  return fetch_files(line, {descriptor.download}, folder, [] { return true; });
}

}  // namespace

int weights_command(int argc, char** argv) {
  CommandLine line("weights", "Lists and fetches weights that others have published.",
                   "list | fetch NAME", kWeightsExamples);
  line.add_positional();
  line.add_option("dir", "FOLDER", "fetch: where the file goes, in place of the usual folder");
  if (!line.parse(argc, argv)) return 0;
  const Environment environment = shipped_environment();
  const auto words = line.positional();
  if (words.size() == 1 && words[0] == "list") return list_weights(line, environment);
  if (words.size() == 2 && words[0] == "fetch") return fetch_weights(line, words[1], environment);
  line.misused("expected list, or fetch with a NAME");
}

}  // namespace onecycle
