#pragma once

#include "onecycle/datasets.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace onecycle {

// The files of a descriptor: in `data.dir` where it is given, else in the descriptor's folders.
DataFiles data_files(const DataOptions& options, const DatasetDescriptor& descriptor);

// A form of a data set, as its descriptor has it and made.
struct DataForm {
  Choice format;
  std::unique_ptr<DatasetFormat> made;
};

// The first form of the data set whose files are there; its first one where none is.
DataForm find_form(const DatasetDescriptor& descriptor, const DataFiles& files,
                   const FormatRegistry& formats);

}  // namespace onecycle
