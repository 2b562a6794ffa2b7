#pragma once

#include "data/tables/table_targets.h"

#include <cstddef>
#include <string>

// Labels that one cell of a row names, like "cat dog": apart by `separator`; spaces around them,
// and none between two separators, count for nothing. An empty cell has no label.
namespace onecycle {

// The labels in a column of the training table, in the order that found_targets gives classes.
// Throws DataError for a column without labels, and for more than kMostLabels.
TableTargets found_labels(const CsvTable& table, std::size_t column, const std::string& separator);

inline constexpr std::size_t kMostLabels = 10000;

// [N, labels], uint8, 1 where a row has the label. Throws DataError, with the line, for a label
// that is none of those found.
at::Tensor labels_in(const CsvTable& table, std::size_t column, const std::string& separator,
                     const TableTargets& found);

}  // namespace onecycle
