#include "onecycle/error.h"
#include "onecycle/fetch.h"

#include "cli/commands/data_commands.h"
#include "cli/console.h"
#include "cli/fetch_files.h"
#include "core/text/format.h"
#include "core/text/json.h"

namespace onecycle {

int data_fetch(const CommandLine& line, const DataOptions& options,
               const Environment& environment) {
  const DatasetDescriptor descriptor = descriptor_of(options, environment);
  if (const auto place = data_place(options, descriptor, environment.registries.formats)) {
    if (line.json())
      print_json(Json{{"event", "there"}, {"name", descriptor.name}, {"place", *place}});
    line.console().say(format("{}: every file is here: {}", descriptor.name, *place));
    return 0;
  }
  if (descriptor.downloads.empty())
    throw DataError(format("{}: no download address is known; {}", descriptor.name,
                           descriptor.get.empty() ? "ask its author" : descriptor.get));
  DataOptions there = options;
  there.dir = options.dir ? *options.dir : fetch_folder(descriptor.name, descriptor.folders);
  // Until the data set is whole: what follows are other forms of it.
  return fetch_files(line, descriptor.downloads, *there.dir, [&] {
    return data_place(there, descriptor, environment.registries.formats).has_value();
  });
}

}  // namespace onecycle
