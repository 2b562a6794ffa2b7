#pragma once

#include "onecycle/data.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Rows of tables as samples.
namespace onecycle {

// How categories become numbers.
enum class CategoryEncoding {
  automatic,  // one_hot up to 10 categories, else embedding
  one_hot,    // a number each, 1 or 0
  embedding   // the number of the category, for an embedding of the network
};

// What stands for a missing number.
enum class FillRule {
  error,  // nothing
  mean,   // of the training part
  median  // of the training part
};

// CSV files with a header, a sample a row, as the struct that recipes' `data.format: {name: table}`
// fills.
struct Table {
  // Files of the splits, .csv or .csv.gz.
  std::string train;
  std::optional<std::string> test = {};
  // Columns: one of classes, or any number of values or of labels (0 or 1).
  std::vector<std::string> target = {};
  std::vector<std::string> inputs = {};      // columns; empty: all others
  std::vector<std::string> categories = {};  // columns whose numbers are names of categories
  CategoryEncoding encode = CategoryEncoding::automatic;
  // Cells that say that there is no value.
  std::vector<std::string> missing = {"", "NA", "NaN", "nan", "null", "?"};
  FillRule fill = FillRule::error;
  std::optional<double> clip = {};  // of standardised numbers, in deviations from the mean
  std::string separator = ",";
};

// The files' samples, split, standardised and encoded as a recipe's are (docs/data.md, "Tables").
// `validation`: samples held out of the training split; unset: a tenth, at most 5000. Throws
// DataError, with line and column, for what is no such table, FieldError for options that cannot
// be.
DataSet load_table(const Table& table, TargetKind targets,
                   std::optional<std::int64_t> validation = {});

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
  // Standardised numbers further from 0 count as this far: what is far outside of what was trained
  // on says no more.
  std::optional<double> clip = {};

  // The numbers of a sample that are no categories: they come first.
  std::int64_t features() const;
  // Of each embedded column, which come last: its categories and one for what is not among them.
  std::vector<std::int64_t> categories() const;
};

// The rows of a CSV file with at least the columns of the encoding, in any order: [N, features +
// embedded columns], float32. Throws DataError, with line and column, for what cannot be a row.
at::Tensor read_rows(const std::string& file, const TableEncoding& encoding);

}  // namespace onecycle
