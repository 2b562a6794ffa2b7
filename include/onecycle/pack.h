#pragma once

#include "onecycle/datasets.h"

#include <cstdint>
#include <optional>
#include <string>

namespace onecycle {

// What was packed.
struct PackSummary {
  std::string path;
  std::int64_t train = 0;  // samples
  std::int64_t test = 0;   // samples
  std::int64_t bytes = 0;  // of their inputs
};

// Reads the data set, whole, and writes it to `path` as one safetensors file: `train.images`,
// `train.labels` and the same of `test`, with the classes, or the names of values or labels, and
// the state of the source in its metadata. Later runs map it: format `packed`, or by itself where
// it has the name packed_path gives it and the source is still the same. Images that exceed memory
// go through a file beside it. `targets`: as load_data has it. Throws DataError.
PackSummary pack_data(const DataOptions& options, const DatasetDescriptor& descriptor,
                      const std::string& path, const FormatRegistry& formats = builtin_formats(),
                      const LoadWatch& watch = {}, std::optional<TargetKind> targets = {});

// NAME.packed in the first folder of the data set that is there. Throws DataError for none.
std::string packed_path(const DataOptions& options, const DatasetDescriptor& descriptor);

}  // namespace onecycle
