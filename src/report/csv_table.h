#pragma once

#include <string>
#include <vector>

namespace onecycle {

// A CSV file of the program's own: one line of names, one line a row; quotes as in RFC 4180, and
// text as core/text/csv_text.h writes it.
struct CsvTable {
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> rows;
  bool cut_short = false;  // its last line had no end or not every field: left out

  bool has(const std::string& name) const;
  // A cell a row, "" where there is no such column.
  std::vector<std::string> texts(const std::string& name) const;
  // The same as numbers; not a number for cells that are none, which empty ones are.
  std::vector<double> numbers(const std::string& name) const;
};

CsvTable parse_csv(const std::string& text);
// An empty table where there is no such file. Throws Error where it cannot be read.
CsvTable read_csv(const std::string& path);

// The whole file, 256 MiB at most. Throws Error.
std::string read_text_file(const std::string& path);

}  // namespace onecycle
