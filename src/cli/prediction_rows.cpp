#include "cli/prediction_rows.h"

#include "cli/console.h"
#include "core/text/csv_text.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/number.h"
#include "core/text/print.h"
#include "core/text/printable.h"
#include "observe/line.h"

#include <algorithm>
#include <unistd.h>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr std::size_t kWidestName = 48;  // characters of a file's name in the table

std::string one_line(const std::string& text) {
  std::string line = visible(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return line;
}

std::size_t length_of(const std::string& text) {
  return static_cast<std::size_t>(characters(text));
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

Json json_of(const PredictionRow& row, const RowHead& head) {
  Json json = {{"event", "predicted"}};
  json[head.subject] = row.row ? Json(*row.row) : Json(row.file);
  if (!head.numbers.empty()) {
    Json numbers = Json::object();
    for (std::size_t i = 0; i < row.numbers.size(); ++i) numbers[head.names.at(i)] = row.numbers[i];
    json[head.numbers] = std::move(numbers);
    return json;
  }
  Json top = Json::array();
  for (const RankedClass& one : row.classes)
    top.push_back({{"class", one.name}, {"probability", one.probability}});
  json["class"] = row.classes.front().name;
  json["probability"] = row.classes.front().probability;
  json["top"] = std::move(top);
  return json;
}

std::string csv_of(const PredictionRow& row, const RowHead& head) {
  std::string text = row.row ? std::to_string(*row.row) : csv_cell(row.file);
  for (const double number : row.numbers) text += format(",{:.10g}", number);
  if (!head.numbers.empty()) return text;
  for (const RankedClass& one : row.classes)
    text += format(",{},{:.6g}", csv_cell(one.name), one.probability);
  const auto given = static_cast<std::int64_t>(row.classes.size());
  for (std::int64_t i = given; i < head.top; ++i) text += ",,";
  return text;
}

std::string csv_head(const RowHead& head) {
  std::string text = head.subject;
  for (const std::string& name : head.names) text += "," + csv_cell(name);
  if (!head.numbers.empty()) return text;
  text += ",class,probability";
  for (std::int64_t i = 2; i <= head.top; ++i) text += format(",class{0},probability{0}", i);
  return text;
}

// Of pictures.
void print_numbers(const std::vector<PredictionRow>& rows, const RowHead& head) {
  for (const PredictionRow& row : rows) {
    std::string text = shown_name(row.file);
    for (std::size_t i = 0; i < row.numbers.size(); ++i)
      text +=
          format("{}{} {:.5g}", i == 0 ? "  " : ", ", one_line(head.names.at(i)), row.numbers[i]);
    print("{}\n", text);
  }
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

RowHead head_of(const Predictor& predictor, const std::string& subject, std::int64_t top) {
  const NetworkTask& task = predictor.task();
  switch (predictor.tells()) {
    case TargetKind::values:
      return {subject, 1, "values", task.targets.names};
    case TargetKind::labels:
      return {subject, 1, "probabilities", task.classes};
    case TargetKind::classes:
      break;
  }
  return {subject, std::min(top, task.told()), "", {}};
}

PredictionRow row_of(const Predictor& predictor, const Predictions& predictions, std::int64_t index,
                     std::int64_t top) {
  if (predictor.tells() == TargetKind::classes)
    return {"", {}, predictor.top(predictions.probabilities[index], top), {}};
  const at::Tensor& told =
      predictions.values.defined() ? predictions.values : predictions.probabilities;
  const at::Tensor row = told[index].to(at::kDouble).contiguous();
  const auto* numbers = row.const_data_ptr<double>();
  return {"", {}, {}, {numbers, numbers + row.numel()}};
}

PredictionRows::PredictionRows(RowFormat row_format, RowHead head)
    : format_(row_format), head_(std::move(head)) {}

void PredictionRows::begin() {
  if (begun_) return;
  begun_ = true;
  if (format_ == RowFormat::csv) print_row(csv_head(head_));
}

void PredictionRows::write(const std::vector<PredictionRow>& rows) {
  begin();
  if (format_ == RowFormat::table) {
    if (head_.numbers.empty())
      print_table(rows);
    else
      print_numbers(rows, head_);
  }
  for (const PredictionRow& row : rows) {
    if (format_ == RowFormat::json) print_json(json_of(row, head_));
    if (format_ == RowFormat::csv) print_row(csv_of(row, head_));
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
