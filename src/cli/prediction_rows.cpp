#include "cli/prediction_rows.h"

#include "cli/console.h"
#include "core/text/csv_text.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/number.h"
#include "core/text/print.h"
#include "core/text/printable.h"

#include <algorithm>
#include <unistd.h>

namespace onecycle {

namespace {

constexpr std::size_t kWidestName = 48;  // characters of a file's name in the table

std::string one_line(const std::string& text) {
  std::string line = visible(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return line;
}

// Characters of UTF-8 text.
std::size_t length_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// Its end, where that tells more than its beginning.
std::string shown_name(const std::string& given) {
  std::string name = one_line(given);
  if (length_of(name) <= kWidestName) return name;
  std::size_t from = name.size();
  for (std::size_t kept = 0; kept + 1 < kWidestName;) {
    --from;
    if ((static_cast<unsigned char>(name[from]) & 0xC0) != 0x80) ++kept;
  }
  return "…" + name.substr(from);
}

// A terminal gets names as they can be shown, a file or a pipe as they are.
void print_row(const std::string& row) {
  static const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  print("{}\n", is_terminal ? visible(row) : row);
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, length_of(text)), ' ');
}

Json json_of(const PredictionRow& row) {
  Json top = Json::array();
  for (const RankedClass& one : row.classes)
    top.push_back({{"class", one.name}, {"probability", one.probability}});
  return {{"event", "predicted"},
          {"file", row.file},
          {"class", row.classes.front().name},
          {"probability", row.classes.front().probability},
          {"top", std::move(top)}};
}

void print_table(const std::vector<PredictionRow>& rows) {
  std::size_t width = 0;
  std::size_t class_width = 0;
  for (const PredictionRow& row : rows) {
    width = std::max(width, length_of(shown_name(row.file)));
    class_width = std::max(class_width, length_of(one_line(row.classes.front().name)));
  }
  for (const PredictionRow& row : rows) {
    std::string text = format("{}  {} {:>7.2f} %", padded(shown_name(row.file), width),
                              padded(one_line(row.classes.front().name), class_width),
                              100 * row.classes[0].probability);
    for (std::size_t i = 1; i < row.classes.size(); ++i)
      text += format("{}{} {:.2f}", i == 1 ? "   " : ", ", one_line(row.classes[i].name),
                     100 * row.classes[i].probability);
    print("{}\n", text);
  }
}

}  // namespace

PredictionRows::PredictionRows(RowFormat row_format, std::int64_t top)
    : format_(row_format), top_(top) {}

void PredictionRows::begin() {
  if (begun_) return;
  begun_ = true;
  if (format_ != RowFormat::csv) return;
  std::string head = "file,class,probability";
  for (std::int64_t i = 2; i <= top_; ++i) head += format(",class{0},probability{0}", i);
  print_row(head);
}

void PredictionRows::write(const std::vector<PredictionRow>& rows) {
  begin();
  if (format_ == RowFormat::table) print_table(rows);
  for (const PredictionRow& row : rows) {
    if (format_ == RowFormat::json) print_json(json_of(row));
    if (format_ != RowFormat::csv) continue;
    std::string text = csv_cell(row.file);
    for (const RankedClass& one : row.classes)
      text += format(",{},{:.6g}", csv_cell(one.name), one.probability);
    const auto given = static_cast<std::int64_t>(row.classes.size());
    for (std::int64_t i = given; i < top_; ++i) text += ",,";
    print_row(text);
  }
  std::fflush(stdout);
}

void PredictionRows::fail(const std::string& file, const std::string& why) {
  std::fflush(stdout);
  print(stderr, "onecycle: predict: {}\n", visible(why));
  if (format_ == RowFormat::json)
    print_json({{"event", "unreadable"}, {"file", file}, {"reason", why}});
}

void PredictionRows::finish(std::int64_t found, std::int64_t failed) {
  begin();
  if (format_ == RowFormat::json)
    print_json({{"event", "finished"}, {"predicted", found - failed}, {"unreadable", failed}});
  if (failed > 0 && found > 1)
    print(stderr, "onecycle: predict: {} of {} pictures could not be read\n", failed, found);
}

}  // namespace onecycle
