#pragma once

#include "onecycle/build.h"

#include "cli/console.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// A command of the program: `onecycle NAME ...`.
int train_command(int argc, char** argv);
int tune_command(int argc, char** argv);
int range_test_command(int argc, char** argv);
int fit_batch_command(int argc, char** argv);
int search_command(int argc, char** argv);
int eval_command(int argc, char** argv);
int export_command(int argc, char** argv);
int import_command(int argc, char** argv);
int predict_command(int argc, char** argv);
int report_command(int argc, char** argv);
int schedule_command(int argc, char** argv);
int check_command(int argc, char** argv);
int data_command(int argc, char** argv);
int info_command(int argc, char** argv);
int schema_command(int argc, char** argv);
int weights_command(int argc, char** argv);

// The command line of one command: its own options beside those that every command has
// (-h, -q, -v, --json), positional arguments, and --help with examples.
class CommandLine {
 public:
  // `usage` follows the command's name: "RECIPE [--set key=value]...". `examples`: whole lines.
  CommandLine(const std::string& name, const std::string& summary, const std::string& usage,
              const std::string& examples);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  void add_flag(const std::string& name, const std::string& meaning);
  // An option with a value; `placeholder` stands for it in --help.
  void add_option(const std::string& name, const std::string& placeholder,
                  const std::string& meaning);
  // An option whose value, given as --NAME=VALUE, may be left out: then it is `implied`.
  void add_option_or(const std::string& name, const std::string& placeholder,
                     const std::string& implied, const std::string& meaning);
  // --set key=value, several times.
  void add_set();
  // Positional arguments are taken.
  void add_positional();

  // Returns false where --help was asked for, and shown. Throws UsageError.
  bool parse(int argc, char** argv);

  bool has(const std::string& name) const;
  // The option's value, or `fallback`.
  std::string text(const std::string& name, const std::string& fallback = "") const;
  // The option's value as a number above 0; nothing where it is not there. Throws UsageError.
  std::optional<double> positive(const std::string& name) const;
  std::vector<std::string> positional() const;
  // The only positional argument. Throws UsageError, naming `what` it should be.
  std::string single(const std::string& what) const;
  std::vector<std::string> overrides() const;
  // What was typed, for a shell: "onecycle train r.yaml --set seed=2".
  const std::string& command() const { return command_; }
  bool json() const { return !follows_ && has("json"); }
  Console console() const;
  // On a rank beside the first: it says nothing from here on.
  void follow() { follows_ = true; }
  [[noreturn]] void misused(const std::string& why) const;

 private:
  struct Parser;

  // "; did you mean --set?", or "", of the first option that there is not.
  std::string near_option(int argc, char** argv) const;

  bool follows_ = false;
  std::string name_;
  std::string command_;
  std::string usage_;
  std::string examples_;
  std::vector<std::string> options_;  // their names after --
  std::unique_ptr<Parser> parser_;
};

// The built-in parts, with the shipped descriptors of data sets (and those of ONECYCLE_DATASETS
// first) and of weights.
Environment shipped_environment(std::shared_ptr<Group> group = alone(), LoadWatch loading = {});

// The recipe at `path`, of built-in parts, under the overrides.
Recipe load_recipe(const std::string& path, const std::vector<std::string>& overrides);

// "60,000"
std::string grouped(std::int64_t number);

}  // namespace onecycle
