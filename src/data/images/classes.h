#pragma once

#include "onecycle/data.h"

namespace onecycle {

// `data.classes`: what becomes of the labels of a data set with the classes `known`. By old label,
// the new one, or -1 where the class is left out. Throws FieldError for a name that is not known
// or comes twice.
std::vector<std::int64_t> chosen_labels(const std::vector<std::string>& chosen,
                                        const std::vector<std::string>& known);

// The samples whose labels become at least 0, in their order, with the new labels.
ImageSet relabelled(const ImageSet& set, const std::vector<std::int64_t>& labels);

}  // namespace onecycle
