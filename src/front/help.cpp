#include "front/help.h"

#include "core/process/this_process.h"

#include <algorithm>
#include <string_view>

namespace onecycle {

namespace {

std::string help_text() {
  std::size_t width = 0;
  for (const CommandSummary& command : kCommandSummaries)
    width = std::max(width, std::string_view(command.name).size() + 2);
  std::string text =
      "onecycle trains neural networks by Leslie Smith's disciplined approach.\n\n"
      "Usage: onecycle COMMAND [OPTION]...\n\nCommands:\n";
  for (const CommandSummary& command : kCommandSummaries) {
    std::string name = command.name;
    name.resize(width, ' ');
    text += "  " + name + command.does + "\n";
  }
  text += R"(
Examples:
  onecycle train recipes/quickstart.yaml
  onecycle train recipes/quickstart.yaml --set schedule.lr_max=0.2 --set train.duration=10ep
  onecycle check recipes/*.yaml
)";
  return with_program_name(text) + "`" + program_name() +
         " COMMAND --help` shows a command's options and examples.\n";
}

}  // namespace

std::string answer_without_command(const char* first) {
  const std::string_view word = first == nullptr ? "--help" : first;
  if (word == "--help" || word == "-h" || word == "help") return help_text();
  if (word == "--version") return std::string("onecycle ") + ONECYCLE_VERSION + "\n";
  return "";
}

}  // namespace onecycle
