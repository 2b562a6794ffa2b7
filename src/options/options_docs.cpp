#include "onecycle/options.h"

#include "core/text/format.h"

#include <cctype>

namespace onecycle {

namespace {

std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\\|");
  return text;
}

// A meaning as a sentence of its own.
std::string sentence(std::string text) {
  if (text.empty()) return text;
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text.back() == '.' ? text : text + ".";
}

void write_table(const OptionGroup& group, const std::string& path, std::string& out);

void write_row(const OptionDescription& option, const std::string& path, std::string& out) {
  std::string type = option.type;
  if (const std::string range = option.range.text(); !range.empty()) type += ", " + range;
  if (!option.unit.empty()) type += " (" + option.unit + ")";
  const std::string fallback = option.required ? "*required*" : "`" + option.default_text + "`";
  out += format("| `{}` | {} | {} | {} |\n", detail::join_path(path, option.name), cell(type),
                cell(fallback), cell(option.meaning));
}

void write_nested(const OptionDescription& option, const std::string& path, std::string& out) {
  const std::string inner = detail::join_path(path, option.name);
  if (option.section) {
    out += format("\n## `{}`\n\n{}\n", inner, sentence(option.section->meaning));
    write_table(*option.section, inner, out);
  }
  if (option.item) {
    out += format("\n## `{}[]`\n\n{}\n", inner, sentence(option.item->meaning));
    write_table(*option.item, inner + "[]", out);
  }
  if (option.variants.empty()) return;
  out += format("\n## `{}`\n\n{}\n", inner, sentence(option.meaning));
  for (const Variant& variant : option.variants) {
    if (option.several) {
      const std::string part = detail::join_path(inner, variant.name);
      out += format("\n### `{}`\n\n{}\n", part, sentence(variant.meaning));
      write_table(*variant.options, part, out);
      continue;
    }
    out +=
        format("\n### `{}: {{name: {}}}`\n\n{}\n", inner, variant.name, sentence(variant.meaning));
    write_table(*variant.options, inner, out);
  }
}

void write_table(const OptionGroup& group, const std::string& path, std::string& out) {
  const auto plain = [](const OptionDescription& option) {
    return !option.section && option.variants.empty();
  };
  bool headed = false;
  for (const auto& option : group.options) {
    if (!plain(option)) continue;
    if (!headed) out += "\n| key | type | default | meaning |\n|---|---|---|---|\n";
    headed = true;
    write_row(option, path, out);
  }
  if (group.options.empty()) out += "\nNo options.\n";
  for (const auto& option : group.options) write_nested(option, path, out);
}

}  // namespace

std::string markdown_of(const OptionGroup& group) {
  std::string out = format("# {}\n\n{}\n", group.name, sentence(group.meaning));
  write_table(group, "", out);
  return out;
}

}  // namespace onecycle
