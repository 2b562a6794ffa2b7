#pragma once

#include "onecycle/datasets.h"
#include "onecycle/options.h"

#include <string>
#include <vector>

// What recipes and the files in datasets/ say of data.
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

}  // namespace onecycle
