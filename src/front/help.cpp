#include "front/help.h"

#include <string_view>

namespace onecycle {

namespace {

std::string help_text() {
  constexpr std::size_t kWidth = 12;
  std::string text =
      "onecycle trains neural networks by Leslie Smith's disciplined approach.\n\n"
      "Usage: onecycle COMMAND [OPTION]...\n\nCommands:\n";
  for (const CommandSummary& command : kCommandSummaries) {
    std::string name = command.name;
    name.resize(kWidth, ' ');
    text += "  " + name + command.does + "\n";
  }
  return text + R"(
Examples:
  onecycle train recipes/quickstart.yaml
  onecycle train recipes/quickstart.yaml --set schedule.lr_max=0.2 --set train.duration=10ep
  onecycle check recipes/*.yaml
`onecycle COMMAND --help` shows a command's options and examples.
)";
}

}  // namespace

std::string answer_without_command(const char* first) {
  const std::string_view word = first == nullptr ? "--help" : first;
  if (word == "--help" || word == "-h" || word == "help") return help_text();
  if (word == "--version") return std::string("onecycle ") + ONECYCLE_VERSION + "\n";
  return "";
}

}  // namespace onecycle
