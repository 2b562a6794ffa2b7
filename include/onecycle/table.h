#pragma once

#include "onecycle/data.h"

#include <cstdint>
#include <string>
#include <vector>

// Rows of tables as samples.
namespace onecycle {

// How a column of a table becomes numbers.
struct TableColumn {
  // What it becomes.
  enum class Kind {
    number,    // standardised: (value - mean) / std
    one_hot,   // a 1 among as many numbers as there are categories
    embedding  // the number of its category, for an embedding of the network
  };

  std::string name;
  Kind kind = Kind::number;
  double mean = 0;  // of the training part
  double std = 1;
  double fill = 0;  // stands for a missing number
  // The categories, those of the training part in the order of their bytes. For embeddings 0 is
  // what is not among them, and the first of them is 1.
  std::vector<std::string> categories;
  std::vector<std::string> missing;  // cells that say that there is no value
};

// How the rows of a table became samples: what prediction needs to do the same.
struct TableEncoding {
  std::vector<TableColumn> columns;  // the inputs, in the order of the training table
  std::string separator = ",";

  // The numbers of a sample that are no categories: they come first.
  std::int64_t features() const;
  // Of each embedded column, which come last: its categories and one for what is not among them.
  std::vector<std::int64_t> categories() const;
};

// The rows of a CSV file with at least the columns of the encoding, in any order: [N, features +
// embedded columns], float32. Throws DataError, with line and column, for what cannot be a row.
at::Tensor read_rows(const std::string& file, const TableEncoding& encoding);

}  // namespace onecycle
