#pragma once

#include "onecycle/datasets.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// The files of a descriptor: in `data.dir` where it is given, else in the descriptor's folders.
DataFiles data_files(const DataOptions& options, const DatasetDescriptor& descriptor);

// DataFiles::find_folder; without a folder of that name, the first (byte by byte) whose name
// differs in the case of ASCII letters alone.
std::optional<std::string> find_folder_in_any_case(const DataFiles& files, const std::string& name);

// Whether both are there and one file, by whatever names.
bool is_same_file(const std::string& one, const std::string& other);

// Throws DataError where the test split's file is the training split's.
void require_other_file(const std::string& train, const std::string& test);

// A form of a data set, as its descriptor has it and made.
struct DataForm {
  Choice format;
  std::unique_ptr<DatasetFormat> made;
};

// The first form of the data set whose files are there; its first one where none is.
DataForm find_form(const DatasetDescriptor& descriptor, const DataFiles& files,
                   const FormatRegistry& formats);

}  // namespace onecycle
