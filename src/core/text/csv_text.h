#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace onecycle {

// Text as a cell of a CSV file: in quotes where RFC 4180 asks for them, and with an apostrophe in
// front where a spreadsheet would take it for a formula: where `=`, `+`, `-`, `@`, a tab or a
// carriage return begins it, after apostrophes or none. Numbers stay as they are.
std::string csv_cell(std::string_view text);

// A number as it is read back, or nothing.
std::string csv_cell(const std::optional<double>& number);

// The text that csv_cell wrote, from a cell without its quotes.
std::string csv_cell_text(std::string_view cell);

}  // namespace onecycle
