#include "core/text/csv_text.h"

#include "core/text/number.h"

namespace onecycle {

namespace {

bool reads_as_formula(std::string_view text) {
  const std::size_t first = text.find_first_not_of('\'');
  return first != std::string_view::npos &&
         std::string_view("=+-@\t\r").find(text[first]) != std::string_view::npos;
}

std::string in_quotes(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + "\"";
}

}  // namespace

std::string csv_cell(std::string_view text) {
  std::string cell(text);
  if (reads_as_formula(text) && !parse_number(cell)) cell.insert(cell.begin(), '\'');
  return cell.find_first_of(",\"\n\r") == std::string::npos ? cell : in_quotes(cell);
}

std::string csv_cell(const std::optional<double>& number) {
  return number ? number_text(*number) : "";
}

std::string csv_cell_text(std::string_view cell) {
  if (cell.starts_with('\'') && reads_as_formula(cell)) cell.remove_prefix(1);
  return std::string(cell);
}

}  // namespace onecycle
