#pragma once

#include "onecycle/predictor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// What a network tells of a picture or a table's row.
struct PredictionRow {
  std::string file;
  std::optional<std::int64_t> row;   // of a table, from 1, in place of a file
  std::vector<RankedClass> classes;  // the most probable first; none where numbers are told
  std::vector<double> numbers;       // one a name of the head
};

enum class RowFormat { table, csv, json };

// What rows have in common.
struct RowHead {
  std::string subject = "file";    // or row
  std::int64_t top = 1;            // classes of a row, at most
  std::string numbers;             // what numbers are, "values"; empty: classes are ranked
  std::vector<std::string> names;  // of the numbers
};

// Those of a predictor.
RowHead head_of(const Predictor& predictor, const std::string& subject, std::int64_t top);
// What sample `index` of the predictions is, without file and row.
PredictionRow row_of(const Predictor& predictor, const Predictions& predictions, std::int64_t index,
                     std::int64_t top);

// Predictions on stdout, failures on stderr, each as they come.
class PredictionRows {
 public:
  PredictionRows(RowFormat row_format, RowHead head);

  void write(const std::vector<PredictionRow>& rows);
  void fail(const std::string& file, const std::string& why);
  void finish(std::int64_t found, std::int64_t failed);

 private:
  void begin();

  RowFormat format_;
  RowHead head_;
  bool begun_ = false;
};

}  // namespace onecycle
