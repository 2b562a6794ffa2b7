#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace torch::nn {
class Module;
}

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
  std::optional<std::string> name = {};  // in place of file: a file in weights/, or a path to one
};

// What became of a file's tensors.
struct WeightsReport {
  std::string file;
  std::string kind;                 // "torch archive", and where in it the tensors stood
  bool is_checkpoint = false;       // of a run
  std::size_t loaded = 0;           // tensors of the model
  std::vector<std::string> left;    // those that the file had nothing for, with the reason
  std::vector<std::string> unused;  // of the file

  // "FILE (torch archive): 97 tensors loaded; as initialised: linear.weight (...)"
  std::string text() const;
};

// Loads parameters and buffers of any module by their names ("0.weight") from the file at `path`,
// into the tensors that it has, whatever their device and type; of a checkpoint, those averaged
// over the run where it has them. `options.file` is not looked at. Throws CheckpointError, which
// names the tensors that do not fit by name or shape, or hold numbers that are not finite; the
// module is then as it was.
WeightsReport load_weights(torch::nn::Module& module, const std::string& path,
                           const WeightsOptions& options = {});

// Writes them, in the order of PyTorch's state_dict, as torch.save does where `path` ends in .pth
// or .pt, as safetensors where it ends so. Throws Error for another name and where the file cannot
// be written, CheckpointError for a type of number that files do not hold.
void save_weights(const torch::nn::Module& module, const std::string& path);

}  // namespace onecycle
