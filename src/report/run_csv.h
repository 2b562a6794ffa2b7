#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace onecycle {

// A CSV file that the program itself wrote, and may be writing still: one line of names, one line a
// row; quotes as in RFC 4180, and text as core/text/csv_text.h writes it. Users' files, of which
// anything can be wrong, are data/tables/csv_reader.h's, by libcsv; a report needs neither libcsv
// nor the module of data, but keeps what was written before a run was cut short.
struct RunCsv {
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> rows;
  bool cut_short = false;  // its last line had no end or not every field: left out

  bool has(const std::string& name) const;
  // A cell a row, "" where there is no such column.
  std::vector<std::string> texts(const std::string& name) const;
  // The same as numbers; not a number for cells that are none, which empty ones are.
  std::vector<double> numbers(const std::string& name) const;
};

// The row of the best value, or of the last that is a number; their count where none is.
std::size_t best_row(const std::vector<double>& values, bool larger_is_better);
std::size_t last_row(const std::vector<double>& values);

RunCsv parse_csv(const std::string& text);
// An empty table where there is no such file. Throws Error where it cannot be read.
RunCsv read_csv(const std::string& path);

// The whole file, 256 MiB at most. Throws Error.
std::string read_text_file(const std::string& path);

}  // namespace onecycle
