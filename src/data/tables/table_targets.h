#pragma once

#include "onecycle/data.h"

#include "data/tables/csv_reader.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace onecycle {

// What samples of a table are to be told, as ImageSet::labels has it, but values as they stand.
struct TableTargets {
  TargetKind kind = TargetKind::classes;
  std::vector<std::string> names;  // of the classes, values or labels
};

// What the columns `target` of the training table hold: the `wanted`, else classes where one column
// holds text, and values. Classes are in the order of ordered_names. Throws DataError, with line
// and column.
TableTargets found_targets(const CsvTable& table, const std::vector<std::string>& target,
                           std::optional<TargetKind> wanted,
                           const std::vector<std::string>& missing);

// The targets of all rows. Throws DataError, with line and column, for a cell that is none.
at::Tensor targets_in(const CsvTable& table, const std::vector<std::string>& target,
                      const TableTargets& found, const std::vector<std::string>& missing);

// Throws DataError: the cell names a class or label, `what`, that the training table has not.
[[noreturn]] void refuse_unknown(const CsvTable& table, std::int64_t row, std::size_t column,
                                 const char* what, std::string_view name);

// The names as classes have them: in the order of their bytes, of their values where all are
// numbers.
std::vector<std::string> ordered_names(const std::set<std::string_view>& names);

}  // namespace onecycle
