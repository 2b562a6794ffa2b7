#pragma once

#include <stdexcept>
#include <string>

namespace onecycle {

// What ends a command. The message is one line for the user: what, where and what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  // The process exit code: 1 failed, 2 bad usage or recipe.
  virtual int exit_code() const noexcept { return 1; }
};

class UsageError : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return 2; }
};

class RecipeError : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return 2; }
};

class DataError : public Error {
 public:
  using Error::Error;
};

class CheckpointError : public Error {
 public:
  using Error::Error;
};

// Another rank of a run cannot be reached, or said why it gave up.
class DistError : public Error {
 public:
  using Error::Error;
};

}  // namespace onecycle
