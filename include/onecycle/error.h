#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace onecycle {

// What ends a command. The message is one line for the user: what, where and what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  // The process exit code: 1 failed, 2 bad usage or recipe.
  virtual int exit_code() const noexcept { return 1; }
};

// A command that cannot be: an argument is missing, unknown or contradicts another.
class UsageError : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return 2; }
};

// A setting that cannot be: `field` says which, by the kind of part that has it and its option's
// name ("schedule.lr_max", "train.freeze[1].to"). What reads recipes adds file and line.
class FieldError : public Error {
 public:
  // `field`: the part and its option; `why`: what is wrong with it, half a sentence.
  FieldError(std::string field, std::string why)
      : Error(field + ": " + why), field_(std::move(field)), why_(std::move(why)) {}
  int exit_code() const noexcept override { return 2; }
  const std::string& field() const noexcept { return field_; }  // which option
  const std::string& why() const noexcept { return why_; }      // without the field

 private:
  std::string field_;
  std::string why_;
};

// A recipe that is wrong: what, with file, line and column.
class RecipeError : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return 2; }
};

// Samples that are missing, damaged or do not fit.
class DataError : public Error {
 public:
  using Error::Error;
};

// A checkpoint, or a file of weights, that is missing, damaged or another network's.
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
