#pragma once

#include "core/text/json.h"

#include <cstdio>
#include <string>

namespace onecycle {

enum class Verbosity { silent, quiet, normal, verbose };

// What commands say to a person: results and progress on stdout, or on stderr where stdout carries
// JSON; warnings and errors always on stderr. What could steer the terminal is spelled out.
class Console {
 public:
  Console(Verbosity verbosity, bool json) : verbosity_(verbosity), out_(json ? stderr : stdout) {}

  void say(const std::string& line) const;  // not with -q
  // What the command was asked for: also with -q, unless stdout carries it as JSON.
  void tell_result(const std::string& line) const;
  void warn(const std::string& line) const;  // not on ranks beside the first
  bool verbose() const { return verbosity_ == Verbosity::verbose; }
  bool quiet() const { return verbosity_ <= Verbosity::quiet; }
  bool silent() const { return verbosity_ == Verbosity::silent; }
  std::FILE* out() const { return out_; }
  bool terminal() const;  // `out` is one, and TERM is not dumb

 private:
  Verbosity verbosity_;
  std::FILE* out_;
};

// One value a line on stdout, at once.
void print_json(const Json& json);

enum class Output {
  written,
  unread,  // whoever read it has gone, as `head` does
  lost,
};

// What became of everything that was printed on stdout, once the rest of it is on its way.
Output finish_output();

}  // namespace onecycle
