#include "onecycle/pack.h"

#include "cli/commands/data_commands.h"
#include "cli/console.h"
#include "core/text/format.h"
#include "core/text/json.h"

#include <chrono>

namespace onecycle {

int data_pack(const CommandLine& line, const DataOptions& options, const Environment& environment,
              std::optional<TargetKind> targets) {
  const auto begin = std::chrono::steady_clock::now();
  const DatasetDescriptor descriptor = descriptor_of(options, environment);
  const std::string path = line.has("to") ? line.text("to") : packed_path(options, descriptor);
  const PackSummary summary = pack_data(options, descriptor, path, environment.registries.formats,
                                        environment.loading, targets);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (line.json())
    print_json(Json{{"event", "packed"},
                    {"path", summary.path},
                    {"train", summary.train},
                    {"test", summary.test},
                    {"bytes", summary.bytes},
                    {"seconds", seconds}});
  line.console().say(format("{}: {} training and {} test samples, {:.1f} MB, in {:.1f} s",
                            summary.path, grouped(summary.train), grouped(summary.test),
                            static_cast<double>(summary.bytes) / 1e6, seconds));
  return 0;
}

}  // namespace onecycle
