#pragma once

#include "onecycle/datasets.h"
#include "onecycle/options.h"

#include <optional>
#include <string>
#include <vector>

// What recipes and the files in datasets/ say of data, and those in weights/ of weights.
namespace onecycle {

// `formats`, `augmentations`: what data.format and data.augment may name.
OptionTable<DataOptions> data_options(const Variants& formats, const Variants& augmentations);

// What a file in datasets/ may say. `formats`: what its `format` may name.
OptionTable<DatasetDescriptor> descriptor_options(const Variants& formats);

// Names of the descriptors in `folders`, sorted, each once.
std::vector<std::string> list_descriptors(const std::vector<std::string>& folders);

// The descriptor that the options ask for: of `format`, or the file `name` in the first of
// `folders` that has it. Throws FieldError where there is none, RecipeError for one that is wrong.
DatasetDescriptor find_descriptor(const DataOptions& options,
                                  const std::vector<std::string>& folders,
                                  const FormatRegistry& formats = builtin_formats());

// ---- weights/<name>.yaml -----------------------------------------------------------------------

// Weights that somebody published.
struct WeightsDescriptor {
  std::string name;
  std::string title;                 // one line: what they are, and whose
  std::vector<std::string> folders;  // searched in this order; `~` and ${NAME} are expanded
  std::vector<double> mean;          // as in DataSet, of the data that they were trained on; empty:
  std::vector<double> std;           // not known
  Download download;
};

// What a file in weights/ may say.
OptionTable<WeightsDescriptor> weights_descriptor_options();

// The descriptor `name` in the first of `folders` that has it, or at the path that `name` is.
// Throws FieldError where there is none, RecipeError for one that is wrong.
WeightsDescriptor find_weights_descriptor(const std::string& name,
                                          const std::vector<std::string>& folders);

// Its file, in the first of its folders that has it; nothing where none has. Reads no file.
std::optional<std::string> weights_place(const WeightsDescriptor& descriptor);

}  // namespace onecycle
