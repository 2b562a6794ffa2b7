#pragma once

#include "onecycle/weights.h"

#include "formats/weights_file.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// A tensor that a model wants.
struct WantedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  bool floating = true;
};

// Of the names that a checkpoint of onecycle gives averages over the run.
inline constexpr const char* kAveragePrefix = "average.";

// The weights of a model in a file: of a checkpoint of onecycle, which holds more, those of the
// model (averaged over the run where it has them and `averaged` asks for them), without the prefix.
// Sets `own` for such a file.
std::vector<StoredTensor> model_part(const WeightsContent& content, bool averaged, bool& own);

// The names after the rules and without prefixes that all of them share and the model does not
// have: module. (DataParallel), _orig_mod. (torch.compile), model. (Lightning). Throws
// CheckpointError where two names become one.
void rename(std::vector<StoredTensor>& tensors, const std::vector<RenameRule>& rules,
            const std::vector<WantedTensor>& wanted);

struct Mismatch {
  std::string name;
  std::string note;  // shapes, or the nearest name, as a message has it; may be empty
};

struct Matching {
  struct Pair {
    std::size_t stored;  // index
    std::size_t wanted;
  };
  std::vector<Pair> pairs;
  std::vector<Mismatch> missing;      // of the model
  std::vector<Mismatch> unexpected;   // of the file
  std::vector<Mismatch> other_shape;  // or another kind of numbers

  bool complete() const { return missing.empty() && unexpected.empty() && other_shape.empty(); }
  // "; not in the file: ...; not in the model: ...; other shapes: ...", a few names of each.
  std::string text() const;
};

// By name. Counters of batch norms that a file lacks, as those before PyTorch 0.4.1 do, are not
// missing: nothing is computed from them.
Matching match(const std::vector<StoredTensor>& stored, const std::vector<WantedTensor>& wanted);

// The first few names with their notes, and how many more there are.
std::string listed(const std::vector<Mismatch>& mismatches);

}  // namespace onecycle
