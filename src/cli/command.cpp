#include "cli/command.h"

// A repeated option's values are taken whole: recipe values hold commas.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include "onecycle/error.h"
#include "onecycle/registry.h"

#include "core/process/this_process.h"
#include "core/text/format.h"
#include "core/text/number.h"
#include "core/text/print.h"
#include "core/text/shell_word.h"

#include <algorithm>
#include <cxxopts.hpp>

namespace onecycle {

using Texts = std::vector<std::string>;

namespace {

constexpr const char* kPositional = "arguments";

}  // namespace

struct CommandLine::Parser {
  Parser(const std::string& program, const std::string& summary) : options(program, summary) {}

  cxxopts::Options options;
  cxxopts::ParseResult values;
};

CommandLine::CommandLine(const std::string& name, const std::string& summary,
                         const std::string& usage, const std::string& examples)
    : name_(name),
      usage_(usage),
      examples_(examples),
      parser_(std::make_unique<Parser>(program_name() + " " + name, summary)) {
  parser_->options.custom_help(usage).positional_help("").set_width(100);
  add_flag("json", "one JSON object a line on stdout, everything else on stderr");
  add_flag("q,quiet", "say nothing but results, warnings and errors");
  add_flag("v,verbose", "say more; show where an internal error came from");
  add_flag("h,help", "show this");
}

CommandLine::~CommandLine() = default;

void CommandLine::add_flag(const std::string& name, const std::string& meaning) {
  options_.push_back(name.substr(name.find(',') + 1));
  parser_->options.add_options()(name, meaning);
}

void CommandLine::add_option(const std::string& name, const std::string& placeholder,
                             const std::string& meaning) {
  options_.push_back(name);
  parser_->options.add_options()(name, meaning, cxxopts::value<std::string>(), placeholder);
}

void CommandLine::add_option_or(const std::string& name, const std::string& placeholder,
                                const std::string& implied, const std::string& meaning) {
  options_.push_back(name);
  parser_->options.add_options()(
      name, meaning, cxxopts::value<std::string>()->implicit_value(implied), placeholder);
}

void CommandLine::add_set() {
  options_.push_back("set");
  parser_->options.add_options()("set",
                                 "override a recipe key: --set schedule.lr_max=0.5 (repeatable)",
                                 cxxopts::value<Texts>(), "KEY=VALUE");
}

void CommandLine::add_positional() {
  parser_->options.add_options("positional")(kPositional, "", cxxopts::value<Texts>());
  parser_->options.parse_positional({kPositional});
}

bool CommandLine::parse(int argc, char** argv) {
  command_ = "onecycle " + name_;
  for (int i = 1; i < argc; ++i) command_ += " " + shell_word(argv[i]);
  try {
    parser_->values = parser_->options.parse(argc, argv);
  } catch (const cxxopts::exceptions::no_such_option& error) {
    misused(error.what() + near_option(argc, argv));
  } catch (const cxxopts::exceptions::exception& error) {
    misused(error.what());
  }
  if (has("help")) {
    print("{}\nExamples:\n{}", parser_->options.help({""}), with_program_name(examples_));
    return false;
  }
  const auto& unmatched = parser_->values.unmatched();
  if (!unmatched.empty()) misused("unexpected '" + unmatched.front() + "'");
  return true;
}

std::string CommandLine::near_option(int argc, char** argv) const {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t dashes = argument.starts_with("--") ? 2 : 1;
    if (!argument.starts_with('-') || argument.size() < dashes + 2) continue;
    const std::string name = argument.substr(dashes, argument.find('=') - dashes);
    const bool is_known = std::find(options_.begin(), options_.end(), name) != options_.end();
    if (is_known && dashes == 2) continue;
    const std::string nearest = nearest_name(name, options_);
    return nearest.empty() ? "" : format("; did you mean --{}?", nearest);
  }
  return "";
}

void CommandLine::misused(const std::string& why) const {
  throw UsageError(format("onecycle {}: {}; usage: {} {} {} (more with --help)", name_, why,
                          program_name(), name_, usage_));
}

bool CommandLine::has(const std::string& name) const { return parser_->values.count(name) > 0; }

std::string CommandLine::text(const std::string& name, const std::string& fallback) const {
  return has(name) ? parser_->values[name].as<std::string>() : fallback;
}

std::optional<double> CommandLine::positive(const std::string& name) const {
  if (!has(name)) return std::nullopt;
  const auto value = parse_number(text(name));
  if (!value || *value <= 0) misused("--" + name + ": expected a number above 0");
  return value;
}

Texts CommandLine::positional() const {
  return has(kPositional) ? parser_->values[kPositional].as<Texts>() : Texts{};
}

std::string CommandLine::single(const std::string& what) const {
  const auto given = positional();
  if (given.empty()) misused(what + " is missing");
  if (given.size() > 1) misused("one " + what + " at a time, got " + std::to_string(given.size()));
  return given.front();
}

Texts CommandLine::overrides() const {
  return has("set") ? parser_->values["set"].as<Texts>() : Texts{};
}

Console CommandLine::console() const {
  Verbosity verbosity = Verbosity::normal;
  if (has("verbose")) verbosity = Verbosity::verbose;
  if (has("quiet")) verbosity = Verbosity::quiet;
  if (follows_) verbosity = Verbosity::silent;
  return {verbosity, json()};
}

}  // namespace onecycle
