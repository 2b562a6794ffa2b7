#include "formats/torch/torch_advice.h"

#include "core/text/format.h"
#include "formats/torch/torch_names.h"
#include "formats/torch/torch_tensors.h"

#include <array>

namespace onecycle {

using Kind = PickleNode::Kind;

namespace {

// What runs a command by itself: nobody is told to let it.
bool runs_commands(std::string_view global) {
  constexpr std::array kRunning = {
      "os.",          "posix.",  "nt.",        "sys.", "runpy.",  "subprocess.", "builtins.",
      "__builtin__.", "socket.", "importlib.", "pty.", "shutil.", "commands."};
  for (const std::string_view module : kRunning)
    if (global.starts_with(module)) return true;
  return false;
}

// Where the weights are in what `root` is for Python; "" where that cannot be told.
std::string place_of_weights(const PickleNode& root) {
  if (root.is(Kind::object)) return ".state_dict()";
  if (!root.is(Kind::dict)) return "";
  if (holds_tensors(root, root.items.size())) return "";
  for (const char* usual : kUsualMembers) {
    const PickleNode* value = root.find(usual);
    if (value == nullptr || value->is(Kind::none)) continue;
    const std::string member = format("[{}]", python_text(usual));
    if (value->is(Kind::dict)) return member;
    if (value->is(Kind::object)) return member + ".state_dict()";
  }
  return "";
}

// The values of a pickle whatever it names: nothing of it is run here either. Each place where a
// global is named holds a copy of its name.
std::string place_in(std::string_view bytes, const PickleGlobalError& first) {
  constexpr int kMostStrangers = 64;
  constexpr std::size_t kLongestName = 200;
  auto globals = torch_globals();
  std::string stranger = first.global();
  for (int i = 0; i < kMostStrangers; ++i) {
    if (stranger.size() > kLongestName || runs_commands(stranger)) return "";
    globals.insert(stranger);
    try {
      return place_of_weights(Pickle(bytes, globals).root());
    } catch (const PickleGlobalError& next) {
      stranger = next.global();
    } catch (const PickleError&) {
      return "";
    }
  }
  return "";
}

}  // namespace

std::string python_text(std::string_view text) {
  std::string result = "'";
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (code < ' ' || code == 0x7f) {
      result += format("\\x{:02x}", code);
      continue;
    }
    if (letter == '\'' || letter == '\\') result += '\\';
    result += letter;
  }
  return result + "'";
}

std::string saved_in_python(const std::string& expression) {
  return format("in Python: import torch; torch.save({}, 'weights.pth')", expression);
}

Pickle torch_pickle(std::string_view bytes, const std::string& name) {
  try {
    return Pickle(bytes, torch_globals());
  } catch (const PickleGlobalError& error) {
    if (runs_commands(error.global())) throw;
    const std::string place = place_in(bytes, error);
    const std::string line =
        place.empty() ? "save the model's state_dict() alone"
                      : "if you trust it, save its weights alone, " +
                            saved_in_python(format("torch.load({}, weights_only=False){}",
                                                   python_text(name), place));
    throw PickleError(format("{}; {}", error.what(), line));
  }
}

}  // namespace onecycle
