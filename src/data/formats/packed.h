#pragma once

#include "onecycle/datasets.h"

#include <memory>
#include <optional>
#include <string>

namespace onecycle {

// The name of the packed file that belongs to a data set, in any of its folders.
std::string packed_name(const DatasetDescriptor& descriptor);

// What a packed file must name as its source to stand for it: the format, its options and the state
// of its files.
std::string source_of(const Choice& choice, const DatasetFormat& made, const DataFiles& files);

// The packed file that belongs to the data set, where there is one and its source is unchanged; a
// warning where it is another. `format`, `made`: the form of the data set that would be read.
std::unique_ptr<DatasetFormat> packed_form(const DatasetDescriptor& descriptor,
                                           const Choice& choice, const DatasetFormat& made,
                                           const DataFiles& files);

}  // namespace onecycle
