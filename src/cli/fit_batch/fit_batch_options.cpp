#include "cli/fit_batch/fit_batch_task.h"
#include "core/text/format.h"
#include "core/text/number.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <string_view>

namespace onecycle {

namespace {

constexpr double kMost = 0x1p50;

// "2GiB", "1.5GB", "800M" (of 1024), "4096".
std::optional<std::int64_t> parse_bytes(std::string_view text) {
  constexpr std::string_view kPrefixes = "KMGT";
  const std::size_t end = std::min(text.find_first_not_of("0123456789.eE+-"), text.size());
  const auto number = parse_number(text.substr(0, end));
  if (!number || *number <= 0) return std::nullopt;
  std::string unit(text.substr(end));
  double factor = 1;
  if (!unit.empty() && unit != "B") {
    const std::size_t prefix =
        kPrefixes.find(static_cast<char>(std::toupper(static_cast<unsigned char>(unit[0]))));
    if (prefix == std::string_view::npos) return std::nullopt;
    unit.erase(0, 1);
    if (unit != "" && unit != "iB" && unit != "B") return std::nullopt;
    factor = std::pow(unit == "B" ? 1000.0 : 1024.0, static_cast<double>(prefix + 1));
  }
  const double bytes = *number * factor;
  if (bytes < 1 || bytes > kMost) return std::nullopt;
  return static_cast<std::int64_t>(bytes);
}

double number_of(const CommandLine& line, const char* name, double fallback) {
  if (!line.has(name)) return fallback;
  const auto number = parse_number(line.text(name));
  if (!number) line.misused(format("--{}: expected a number, got {}", name, line.text(name)));
  return *number;
}

std::int64_t batch_of(const CommandLine& line, const char* name, const std::string& text) {
  const auto batch = parse_integer(text);
  if (!batch || *batch < 1)
    line.misused(format("--{}: expected batch sizes of at least 1, got {}", name, text));
  return *batch;
}

LrRule rule_of(const CommandLine& line) {
  const std::string text = line.text("lr-rule", "none");
  if (text == "none") return LrRule::none;
  if (text == "linear") return LrRule::linear;
  if (text == "sqrt") return LrRule::sqrt;
  line.misused("--lr-rule: expected linear, sqrt or none, got " + text);
}

std::vector<std::int64_t> compared(const CommandLine& line) {
  std::vector<std::int64_t> sizes;
  if (!line.has("compare")) return sizes;
  std::istringstream list(line.text("compare"));
  for (std::string size; std::getline(list, size, ',');) {
    const std::int64_t batch = batch_of(line, "compare", size);
    if (std::find(sizes.begin(), sizes.end(), batch) != sizes.end())
      line.misused(format("--compare: {} is given twice", batch));
    sizes.push_back(batch);
  }
  if (sizes.size() < 2) line.misused("--compare: expected two sizes or more, as in 128,256,512");
  for (const char* other : {"max", "write"})
    if (line.has(other)) line.misused(format("--{} does not go with --compare", other));
  return sizes;
}

void check_writable_place(const CommandLine& line, const std::string& file) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(file).parent_path();
  if (file.empty() || fs::is_directory(file) || (!folder.empty() && !fs::is_directory(folder)))
    line.misused(format("--write: '{}' is not a file in an existing folder", file));
}

}  // namespace

FitBatchOptions fit_batch_options(const CommandLine& line) {
  FitBatchOptions options;
  if (line.has("memory")) {
    options.memory = parse_bytes(line.text("memory"));
    if (!options.memory)
      line.misused("--memory: expected a size such as 2GiB or 800MiB, got " + line.text("memory"));
  }
  options.margin = number_of(line, "margin", options.margin);
  if (options.margin < 0 || options.margin > 0.9)
    line.misused("--margin: expected a share of the memory of 0 to 0.9, got " +
                 line.text("margin"));
  options.probe_seconds = number_of(line, "probe-seconds", options.probe_seconds);
  if (options.probe_seconds <= 0 || options.probe_seconds > 1e6)
    line.misused("--probe-seconds: expected a time above 0, got " + line.text("probe-seconds"));
  if (line.has("max")) options.most = batch_of(line, "max", line.text("max"));
  options.rule = rule_of(line);
  options.compare = compared(line);
  options.write = line.text("write");
  if (line.has("write")) check_writable_place(line, options.write);
  return options;
}

}  // namespace onecycle
