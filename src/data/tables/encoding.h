#pragma once

#include "onecycle/table.h"

#include "data/tables/csv_reader.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace onecycle {

// Of CategoryEncoding::automatic.
inline constexpr std::size_t kMostOneHot = 10;

inline constexpr std::size_t kMostCategories = 100'000;
inline constexpr std::size_t kMostCategoryBytes = 10'000'000;

// What a table's rows are made samples by, before anything is measured.
struct TableRules {
  std::vector<std::string> categories;  // columns that are categories though they hold numbers
  CategoryEncoding encode = CategoryEncoding::automatic;
  std::vector<std::string> missing;
  FillRule fill = FillRule::error;
};

// The columns as the training table has them, measured by nothing: numbers, or categories (one_hot)
// with all that the table has. A column is categories where most of its cells are no numbers.
// Throws DataError for a column without any value, and for one of more than kMostCategories or of
// more than kMostCategoryBytes in their names: every file of the network has them.
TableEncoding found_columns(const CsvTable& table, const std::vector<std::string>& inputs,
                            const TableRules& rules);

// [N, columns], float64: numbers, and places in the categories of their column; NaN where there is
// no value, or a category that is not among them. Throws DataError, with line and column, for a
// cell that is no number in a column of them.
at::Tensor raw_rows(const CsvTable& table, const TableEncoding& encoding);

// Measures what found_columns left open on the training part, whose images, as those of the other
// parts, are raw_rows. Fills come first, means and standard deviations (population's, 1 where a
// column is constant) of the filled column. Throws DataError, with `file` and the column.
TableEncoding measured(DataSet& data, TableEncoding found, const TableRules& rules,
                       const std::string& file);

// Where a number of a column is, for messages.
using NumberPlace = std::function<std::string(const std::string& column, double number)>;

// That of the first row of the table with that number; "" where there is none.
std::string place_of(const CsvTable& table, const std::string& column, double number);

// raw_rows as samples, [N, features + embedded columns], float32. Throws DataError, with its place,
// for a number that is not finite when standardised.
at::Tensor encoded(const at::Tensor& raw, const TableEncoding& encoding, const NumberPlace& place);

}  // namespace onecycle
