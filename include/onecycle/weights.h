#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Weights from a file, whatever wrote it: a checkpoint of onecycle, safetensors, torch.save.
namespace onecycle {

// How much of a file has to fit.
enum class WeightsMatch {
  strict,   // names and shapes are the model's, all of them
  partial,  // what fits is taken; the rest of the model stays as it is
};

// What a tensor's name in the file becomes. `from`: the start of a name; with a `^` first, a
// regular expression (ECMAScript), whose groups `to` may name as $1.
struct RenameRule {
  std::string from;
  std::string to;
};

// The recipe's `weights` section.
struct WeightsOptions {
  std::optional<std::string> file;  // `~` and ${NAME} stand for what they do in data.dir
  WeightsMatch match = WeightsMatch::strict;
  std::vector<RenameRule> rename;
};

// What became of a file's tensors.
struct WeightsReport {
  std::string file;
  std::string kind;                 // "torch archive", and where in it the tensors stood
  std::size_t loaded = 0;           // tensors of the model
  std::vector<std::string> left;    // those that the file had nothing for, with the reason
  std::vector<std::string> unused;  // of the file

  // "FILE (torch archive): 97 tensors loaded; as initialised: linear.weight (...)"
  std::string text() const;
};

}  // namespace onecycle
