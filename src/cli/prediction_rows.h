#pragma once

#include "onecycle/predictor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

struct PredictionRow {
  std::string file;
  std::vector<RankedClass> classes;  // the most probable first, at least one
};

enum class RowFormat { table, csv, json };

// Predictions on stdout, failures on stderr, each as they come.
class PredictionRows {
 public:
  PredictionRows(RowFormat row_format, std::int64_t top);  // `top`: classes of a row, at most

  void write(const std::vector<PredictionRow>& rows);
  void fail(const std::string& file, const std::string& why);
  void finish(std::int64_t found, std::int64_t failed);

 private:
  void begin();

  RowFormat format_;
  std::int64_t top_;
  bool begun_ = false;
};

}  // namespace onecycle
