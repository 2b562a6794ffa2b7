#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace onecycle {

// A CSV file with a header: every row has a cell for each column.
class CsvTable {
 public:
  // RFC 4180: quotes, separators and line ends within quotes; lines end in LF, CRLF or CR; a byte
  // order mark, blank lines, and spaces around what is not quoted count for nothing; but of one
  // column a blank line after the header is an empty cell. Plain or gzip. Throws DataError, with
  // the line, for ragged rows, stray quotes, text that is not UTF-8, names that are empty or
  // double, more than kMostColumns, files without a row, and those that exceed memory.
  CsvTable(const std::string& path, char separator);

  static constexpr std::size_t kMostColumns = 65536;

  const std::string& path() const { return path_; }
  const std::vector<std::string>& names() const { return names_; }
  std::int64_t rows() const { return static_cast<std::int64_t>(lines_.size()); }
  std::string_view cell(std::int64_t row, std::size_t column) const;

  // Throws DataError where there is none of that name, with those that are near or there.
  std::size_t column(const std::string& name) const;
  // "t.csv, line 3, column 'price'"; the line where the row begins, from 1.
  std::string place(std::int64_t row, std::size_t column) const;

 private:
  friend class CsvParse;

  std::string path_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::size_t> places_;  // of the names
  std::int64_t header_line_ = 1;
  std::vector<std::int64_t> lines_;  // of each row
  std::string text_;                 // of all cells, row by row
  std::vector<std::uint64_t> ends_;  // of each cell in the text
};

// What keeps a text from being a CsvTable's separator; nullptr where nothing does.
const char* why_no_separator(const std::string& separator);

}  // namespace onecycle
