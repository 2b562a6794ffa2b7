#include "report/run_csv.h"

#include "onecycle/error.h"
#include "onecycle/report.h"

#include "core/files/input_file.h"
#include "core/text/csv_text.h"
#include "core/text/format.h"
#include "core/text/number.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace onecycle {

namespace {

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text) {}

  RunCsv table() {
    RunCsv table;
    std::vector<std::string> row;
    while (at_ < text_.size()) {
      if (!take_row(row)) {
        table.cut_short = true;
      } else if (table.names.empty()) {
        table.names = row;
      } else if (row.size() == table.names.size()) {
        table.rows.push_back(row);
      } else {
        table.cut_short = true;
      }
    }
    return table;
  }

 private:
  // False where the text ends before the row does.
  bool take_row(std::vector<std::string>& row) {
    row.clear();
    std::string cell;
    for (bool quoted = false; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        const bool doubled = quoted && at_ + 1 < text_.size() && text_[at_ + 1] == '"';
        if (doubled) cell += text_[++at_];
        if (!doubled) quoted = !quoted;
      } else if (quoted || (c != ',' && c != '\n')) {
        if (quoted || c != '\r') cell += c;
      } else {
        row.push_back(csv_cell_text(cell));
        cell.clear();
        if (c == '\n') return ++at_, true;
      }
    }
    return false;
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

}  // namespace

bool RunCsv::has(const std::string& name) const {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> RunCsv::texts(const std::string& name) const {
  std::vector<std::string> cells(rows.size());
  const auto column =
      static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  for (std::size_t row = 0; row < rows.size(); ++row)
    if (column < names.size()) cells[row] = rows[row][column];
  return cells;
}

std::vector<double> RunCsv::numbers(const std::string& name) const {
  std::vector<double> values;
  for (const std::string& cell : texts(name))
    values.push_back(parse_number(cell).value_or(PlotAxis::kOpen));
  return values;
}

std::size_t best_row(const std::vector<double>& values, bool larger_is_better) {
  std::size_t best = values.size();
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (!std::isfinite(values[row])) continue;
    if (best == values.size() ||
        (larger_is_better ? values[row] > values[best] : values[row] < values[best]))
      best = row;
  }
  return best;
}

std::size_t last_row(const std::vector<double>& values) {
  std::size_t row = values.size();
  while (row > 0 && !std::isfinite(values[row - 1])) --row;
  return row > 0 ? row - 1 : values.size();
}

RunCsv parse_csv(const std::string& text) { return Parser(text).table(); }

RunCsv read_csv(const std::string& path) {
  if (!std::filesystem::exists(path)) return {};
  return parse_csv(read_text_file(path));
}

std::string read_text_file(const std::string& path) {
  constexpr std::uint64_t kLargest = std::uint64_t{1} << 28;
  const std::vector<std::uint8_t> bytes = read_regular_file(path, kLargest);
  return {bytes.begin(), bytes.end()};
}

}  // namespace onecycle
